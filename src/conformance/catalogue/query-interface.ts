/** The query interface (GFD.185 §3.4.1, GFD.223 §9). */

import { statements } from './statement.js';

export const QUERY_INTERFACE = statements(
  'The query interface',
  `
C-084 both MUST: GET /-/ answers 200 (GFD.185 §3.4.1; GFD.223 §9.1)
C-085 both MUST: GET /-/ lists all kinds, mixins and actions with attributes and actions (GFD.185 §3.4.1)
C-086 both MUST: If /.well-known/org/ogf/occi/-/ is offered it mirrors /-/ exactly (GET, POST, DELETE) (GFD.185 §3.6.7; GFD.223 §9)
C-087 both MUST: Every instantiable kind has a location ending in "/" (GFD.185 §3.3.1)
C-088 both MUST: Every mixin has a location ending in "/", unique in the namespace (GFD.185 §3.3.1; GFD.223 §4)
C-089 1.2 MUST: Kinds that cannot be instantiated (entity) have no location (GFD.223 §4)
C-090 1.1 MUST: GET /-/ with Category filter(s) returns only the complete rendering of those categories (GFD.185 §3.4.1)
C-091 1.2 SHOULD: GET /-/ with a Category in the headers returns only related categories (GFD.223 §7.1)
C-092 both MUST: The filter given in text/occi headers works for every Accept type (GFD.185 §3.4.1)
C-093 1.1 MUST: A malformed filter gives 400 (GFD.185 §3.6.8)
C-094 both MUST: POST /-/ with a mixin (term, scheme, location) answers 200 and the mixin becomes discoverable (GFD.185 §3.4.1; GFD.223 §9.3)
C-095 both MUST: POST /-/ without location is refused (400) (GFD.185 §3.4.1)
C-096 both MAY: POST /-/ colliding in scheme+term or location with an existing category is refused (GFD.185 §3.4.1)
C-097 1.2 MUST: POST /-/ with several mixins adds all (GFD.223 §9.3)
C-098 both MUST: DELETE /-/ of a user mixin answers 200 and it is no longer discoverable (GFD.185 §3.4.1; GFD.223 §9.4)
C-099 both MUST: DELETE /-/ of a user mixin removes it from all entities, which survive (GFD.185 §3.4.1)
C-100 1.1 MUST: DELETE /-/ of a provider-defined mixin answers 403 (GFD.185 §3.4.1)
C-101 both MUST: DELETE /-/ of an unknown mixin is an error (404 or 400) (GFD.185 §3.6.8)
C-102 both MUST: PUT /-/ is not supported (405) (GFD.185 §3.2; GFD.223 §9.2)
C-103 both MUST: A server that does not allow user mixins answers with an error (403, 405 or 501), not 200 (GFD.185 §3.4.1)
`,
);
