/** Entities and links (GFD.185 §3.4.4–3.4.5, GFD.223 §10). */

import { statements } from './statement.js';

export const ENTITIES = statements(
  'Entities and links',
  `
C-141 both MUST: Entity URLs do not end in "/" (GFD.185 §3.4.4)
C-142 both MUST: GET entity answers 200 with kind, mixins and attributes (GFD.185 §3.4.4; GFD.223 §10.1)
C-143 both MUST: GET of an unknown entity answers 404 (1.1: or 410 after deletion) (GFD.185 §3.6.8)
C-144 both MUST: PUT to a new URL creates the entity there (201/200) or refuses with 400 (GFD.185 §3.4.4; GFD.223 §10.2.1)
C-145 both MUST: After PUT creation GET on that URL answers 200 with the given attributes (GFD.185 §3.4.4)
C-146 1.2 MUST: PUT answering 201 includes a Location (GFD.223 §10.2)
C-147 1.2 MUST: PUT answering 200 includes the entity rendering (GFD.223 §10.2)
C-148 both MUST: PUT on an existing entity replaces its mutable attributes; ones left out are removed or reset (GFD.185 §3.4.4)
C-149 both MUST: PUT keeps all links of a resource (GFD.185 §3.4.4; GFD.223 §10.2.2)
C-150 1.1 MUST: PUT containing a Link answers 400 (GFD.185 §3.4.4)
C-151 both MUST: The same PUT twice gives the same result (idempotent) (GFD.185 §3.4.4)
C-152 both MUST: POST with one attribute changes only that attribute (GFD.185 §3.4.4; GFD.223 §10.3.1)
C-153 both MUST: POST answering 200 includes the full representation (GFD.185 §3.4.4; GFD.223 §10.3.1)
C-154 both MUST: POST with a mixin Category associates that mixin (GFD.185 §3.4.4)
C-155 1.1 MUST: POST with a Link on a resource adds the link (GFD.185 §3.4.4)
C-156 1.1 MUST: POST with a Link on a link entity is refused (GFD.185 §3.4.4)
C-157 both MUST: POST with an attribute unknown to kind and mixins is refused (404 or 400) (GFD.185 §3.6.8)
C-158 both MUST: POST with a malformed body answers 400 and changes nothing (GFD.185 §3.6.8)
C-159 both MUST: POST ?action=term with the matching action rendering answers 200 (or 202 in 1.1) and the state changes (GFD.185 §3.4.4; GFD.223 §10.3.2)
C-160 both MUST: POST ?action=term without the action rendering is refused (GFD.185 §3.4.4)
C-161 both MUST: POST ?action= with a term other than the body's action is refused (400) (GFD.223 §10.3.2)
C-162 1.1 SHOULD: An action that is not available answers 400 (GFD.185 §3.4.4)
C-163 both MUST: Action parameters outside their enumeration are refused (400) (GFD.184, GFD.224 §3.1)
C-164 both MUST: DELETE answers 200 (1.2: or 204) and a following GET answers 404 (1.1: or 410) (GFD.185 §3.4.4; GFD.223 §10.4)
C-165 both MUST: DELETE removes the entity from all collections (GFD.221 §5.3.8)
C-166 both MUST: DELETE of a resource deletes the links it owns (GFD.221 §5.4.2)
C-167 1.1 MUST: On 500 nothing of the request remains (roll-back) (GFD.185 §3.6.8)
C-168 both MUST: Links given at creation of a resource are created with it (GFD.185 §3.4.5)
C-169 1.1 MUST: Only the resource's URL is returned for a creation with inline links (GFD.185 §3.4.5)
C-170 both MUST: Attributes in the inline Link rendering become attributes of the link (GFD.185 §3.4.5)
C-171 both MUST: A link can be created directly with kind, occi.core.source and occi.core.target (GFD.185 §3.4.5)
C-172 both MUST: A link creation lacking source or target is refused (400) (GFD.185 §3.4.5)
C-173 both MUST: A link creation with a non-existing source is refused (GFD.221 §5.4.3)
C-174 both MUST: GET of a resource shows all links it owns (GFD.185 §3.4.5)
C-175 both SHOULD: GET of a resource shows only outgoing links (GFD.185 §3.4.5)
C-176 both MUST: A Link rendering carries target URI, rel = target's type, self = link URL, category = link kind (+ mixins), link attributes (GFD.185 §3.5.2)
C-177 both MUST: GET of a link entity shows occi.core.source and occi.core.target (GFD.185 §3.4.5; GFD.229 §5.5.1)
C-178 both MUST: Link entities support GET, PUT, POST, DELETE like resources (GFD.185 §3.4.4)
C-179 both MUST: Deleting a link updates its source's rendering (GFD.185 §3.4.4)
`,
);
