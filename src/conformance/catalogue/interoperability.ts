/** What clients in the field send and need: in no standard, observed on the wire. */

import { statements } from './statement.js';

export const INTEROPERABILITY = statements(
  'What clients in the field send and need',
  `
I-001 both CLIENT: A body line set sent by rOCCI 4 create (Category: compute;scheme="…";class="kind", mixins, attributes incl. occi.core.id and occi.core.title, no spaces after ;) gives 201, Location and X-OCCI-Location body (rOCCI 4)
I-002 both CLIENT: GET <endpoint> (root) answers 200 or 204 with an Accept header listing the media types (rOCCI 4)
I-003 both CLIENT: List with Accept text/uri-list answers 200 or 204, one absolute URL per line, all below the endpoint (rOCCI 4)
I-004 both CLIENT: POST entity with only a resource_tpl mixin Category resizes (rOCCI 4 update)
I-005 both CLIENT: Action attributes quoted (method="graceful") and unquoted numbers are accepted (rOCCI 4)
I-006 both CLIENT: OpenStack public_key and user_data mixins are accepted as aliases of ssh_key and user_data (rOCCI-cli)
I-007 both CLIENT: Entity URLs contain /compute/, /network/, /storage/, /securitygroup/, /ipreservation/ path segments (rOCCI-cli)
I-008 both CLIENT: 401 on GET /-/ without credentials; with X.509 client certificate 200 (rOCCI-api)
I-009 both CLIENT: Category parameters always in ABNF order with "; " separators and no empty parameter (rOCCI 5, doyouspeakOCCI)
I-010 both CLIENT: No attribute value is rendered as negative or exponent number in text (rOCCI 4 and 5)
I-011 1.1 CLIENT: No category visible to OCCI/1.1 text clients has capitals or dots in term or attribute names (rOCCI 4 and 5, jOCCI)
I-012 both CLIENT: Category titles contain no comma (doyouspeakOCCI, rOCCI, jOCCI)
I-013 both CLIENT: Content-Type is present on every response incl. 201 and 204 (jOCCI)
I-014 both CLIENT: Entity rendering starts with the kind Category and contains occi.core.id (jOCCI)
I-015 both CLIENT: Digit-only string sent unquoted for a string attribute is stored as string (jOCCI)
I-016 both CLIENT: Quoted "true" for a boolean attribute is accepted (jOCCI, ooi)
I-017 both CLIENT: Field names in text/plain are case-insensitive (erocci)
I-018 both CLIENT: Blank first line, LF or CRLF, trailing semicolons are accepted in text/plain (pyssf, rOCCI)
I-019 both CLIENT: Category without class is resolved from the model (doyouspeakOCCI)
I-020 both CLIENT: POST to the root URL creates the entity of the kind in the request (doyouspeakOCCI)
I-021 both CLIENT: User mixin with an unknown rel is accepted (doyouspeakOCCI)
I-022 both CLIENT: Filter on an attribute whose value contains spaces works in a header (doyouspeakOCCI)
I-023 both CLIENT: X-OCCI-Location entries are absolute URLs with scheme and host (pOCCI)
I-024 1.2 CLIENT: PUT of a full GET representation including Links and ActionLinks succeeds for OCCI/1.2 clients (pOCCI)
I-025 both CLIENT: Client-supplied occi.core.id at creation does not cause an error (pOCCI, rOCCI, jOCCI)
I-026 both CLIENT: Inline link with target in occi.core.target and an arbitrary <…> is accepted (ooi clients)
I-027 both CLIENT: Link request parameters in any order, repeated category accepted (erocci)
I-028 1.2 CLIENT: JSON: attribute descriptions always contain type, mutable, required; pattern omitted by default (rOCCI 5)
I-029 1.2 CLIENT: JSON: empty collection does not break rOCCI 5 when {} compatibility is on (rOCCI 5)
I-030 1.2 CLIENT: JSON: arrays of URL strings are accepted for association requests (rOCCI 5, erocci)
I-031 1.2 CLIENT: JSON: nested 1.1-era attribute objects, resources wrapper for one entity, string source/target are accepted (rOCCI-server 1, erocci)
I-032 1.2 CLIENT: application/json is accepted as alias of application/occi+json (rOCCI 5, erocci)
I-033 both CLIENT: Content-Type with charset parameter is accepted (general)
I-034 1.2 CLIENT: Query string separators & and ; are accepted for page/number (GFD.223 source comment)
I-035 both CLIENT: A 100-category query interface in text/occi is delivered untruncated or refused with 406, never cut (GFD.185 §3.6.6)
I-036 both CLIENT: The complete doyouspeakOCCI and pOCCI flows pass in 1.1 mode (doyouspeakOCCI, pOCCI)
`,
);
