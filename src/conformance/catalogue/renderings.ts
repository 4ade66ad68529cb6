/** Text and JSON renderings (GFD.185 §3.5, GFD.229, GFD.226). */

import { statements } from './statement.js';

export const RENDERINGS = statements(
  'Text and JSON renderings',
  `
C-201 both MUST: Category lines obey the ABNF with term, scheme, class and quoted parameters in order (GFD.185 §3.5.1; GFD.229 §4.1)
C-202 1.1 MUST: Terms and attribute names start with a lower-case letter and use [a-z0-9_-] (components separated by dots) (GFD.185 §3.5.1)
C-203 1.2 MUST: Terms match [A-Za-z0-9][A-Za-z0-9._-]* (GFD.229 §4.1)
C-204 both MUST: class is kind, mixin or action (GFD.185 §3.5.1)
C-205 both MUST: Immutable attributes carry {immutable}, required ones {required} in attributes (GFD.185 §3.5.1)
C-206 both MUST: Actions in a Category are full type identifiers separated by spaces (GFD.185 §3.5.1)
C-207 1.2 MUST: A mixin's rel shows only the first depends value (GFD.229 §5.5.2)
C-208 both MUST: Strings and enumerations are quoted, numbers and booleans are not (GFD.185 §3.5.4; GFD.229 §4.3)
C-209 both MUST: A double quote or backslash inside a string is escaped and round-trips (RFC 2616 quoted-string)
C-210 both MUST: Commas, semicolons and equal signs inside quoted strings do not split values (GFD.185 §3.5)
C-211 both MUST: Comma-separated and repeated fields are accepted alike, in headers and in text/plain bodies (GFD.185 §3.5; GFD.229 §7)
C-212 both MUST: Applicable actions appear as Link with <…?action=term> and rel = action identifier (GFD.185 §3.5.3; GFD.229 §5.1.1)
C-213 both MUST: text/plain puts everything in the body, one "Name: value" per line (GFD.185 §3.6.6; GFD.229 §6)
C-214 both MUST: text/occi puts everything in headers and the body is "OK" on success (GFD.185 §3.6.6; GFD.229 §7)
C-215 both MUST: text/occi requests are read from headers, whatever the body (GFD.185 §3.6.6)
C-216 both MUST: text/uri-list is one URI per line per RFC 2483 (GFD.229 §8)
C-217 both MUST: Collections in text/occi use X-OCCI-Location headers (GFD.185 §3.5.5; GFD.229 §7)
C-218 both MUST: Header data is never truncated (GFD.185 §3.6.6; GFD.229 §7)
C-219 1.2 MUST: Entity model attributes appear as occi.core.id, .title, .summary, .source, .target(.kind), .source.kind (GFD.229 §5.5.1)
C-220 both MUST: An action request in text is one action Category plus attributes (GFD.185 §3.4.4; GFD.229 §5.1.1)
C-221 1.2 MUST: Media type is application/occi+json (GFD.226 §3)
C-222 1.2 MUST: A resource is an object with kind and id; other members as listed in §7 (GFD.226 §3.1.1)
C-223 1.2 MUST: A link is an object with kind, id, source.location, target.location (GFD.226 §3.1.2)
C-224 1.2 MUST: source/target.kind is given when the location is an OCCI resource (GFD.226 §3.1.2)
C-225 1.2 MUST: resource.links contains fully rendered link objects (GFD.226 §3.1.1)
C-226 1.2 MUST: Attribute keys are flat dotted names (GFD.226 §3.5)
C-227 1.2 MUST: Numbers and booleans are JSON numbers and booleans (GFD.226 §3.5)
C-228 1.2 MUST: Entity collections are arrays under resources and/or links (GFD.226 §3.3)
C-229 1.2 MUST: The query interface is an object with kinds, mixins, actions arrays (GFD.226 §3.4)
C-230 1.2 MUST: Kind objects have term, scheme; location for all but core#entity; parent as one string (GFD.226 §3.2.1)
C-231 1.2 MUST: Mixin objects have term, scheme, location; depends and applies are arrays of identifiers (GFD.226 §3.2.2)
C-232 1.2 MUST: Attribute descriptions use mutable, required, type, pattern, default, description with the given defaults (GFD.226 §3.5.1)
C-233 1.2 MUST: pattern is a JSON Schema object; type one of string, number, boolean, array, object (GFD.226 §3.5.1)
C-234 1.2 MUST: default has the declared type and is applied when the attribute is absent (GFD.226 §3.5.1)
C-235 1.2 MUST: Action invocation is an object with action and optional attributes (GFD.226 §3.1.1)
C-236 1.2 MUST: No members outside the schema are emitted (GFD.226 app. B)
C-237 1.2 SHOULD: An entity created in JSON reads identically through text/plain and vice versa (one model, several renderings) (GFD.221 §5)
C-238 1.2 MUST: Malformed JSON gives 400 (GFD.223 §5.4)
C-239 1.2 SHOULD: A string where the attribute type is number is refused (400) (GFD.226 §3.5.1)
`,
);
