/** Headers, negotiation, versions (GFD.185 §3.6, GFD.223 §5). */

import { statements } from './statement.js';

export const PROTOCOL = statements(
  'Headers, negotiation, versions',
  `
C-180 both MUST: Every response (also errors) has a Server header containing OCCI/1.1 or OCCI/1.2 as implemented (GFD.185 §3.6.5; GFD.223 §5.3)
C-181 both MUST: A User-Agent with a higher OCCI version than supported gets 501 (GFD.185 §3.6.5; GFD.223 §5.3)
C-182 both MUST: A User-Agent without OCCI token is served (GFD.185 §3.6.5)
C-183 1.1 MUST: No Accept header, or */*, gives text/plain (GFD.185 §3.6.6)
C-184 both MUST: Accept text/plain, text/occi and text/uri-list are supported (GFD.185 §3.6.6; GFD.229 §3)
C-185 1.2 MUST: Accept application/occi+json is supported (GFD.223, GFD.226 introduction table)
C-186 1.2 MUST: Accept text/occi+plain is supported as text/plain (GFD.229 §6)
C-187 both MUST: The response Content-Type is that of the rendering used (GFD.185 §3.6.6; GFD.223 §5.2)
C-188 both MUST: Accept types that cannot be served give 406 (GFD.185 §3.6.6; GFD.223 §5.4)
C-189 both MUST: Accept text/uri-list on an entity gives 400 (GFD.185 §3.6.6; GFD.229 §8)
C-190 both MUST: Accept text/uri-list on the query interface gives 400 (GFD.185 §3.6.6; GFD.229 §8)
C-191 both MUST: A request body is parsed according to its Content-Type; a body that does not fit gives 400 (GFD.185 §3.6.6)
C-192 both MUST: Request and response types are independent (POST text/occi, Accept text/plain) (GFD.185 §3.6.6)
C-193 1.2 SHOULD: Responses list supported media types in an Accept header (GFD.223 §5.2)
C-194 both MUST: Unsupported verbs give 405 (GFD.185 §3.6.8; GFD.223 §5.4)
C-195 both SHOULD: TLS is supported (GFD.185 §5; GFD.223 §12)
C-196 both SHOULD: HTTP Basic (default) or Digest authentication is available; missing credentials give 401 on every URL incl. /-/ (GFD.185 §5; GFD.223 §12)
C-197 both MUST: Authorization decisions use the authenticated identity (user A cannot read or change user B's entities unless allowed) (GFD.223 §12)
C-198 1.1 MAY: 202 + Location leads to a task resource that ends in 301 + Location (GFD.185 §3.6.3)
C-199 1.1 MUST: An unimplemented optional feature answers 501 (GFD.185 §3.6.8)
C-200 both MAY: ETag and caching headers are consistent if present (GFD.185 §3.6.2)
`,
);
