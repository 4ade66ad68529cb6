/** Collections of kinds and mixins, unbound paths (GFD.185 §3.4.2–3.4.3, GFD.223 §4, §11). */

import { statements } from './statement.js';

export const COLLECTIONS = statements(
  'Collections of kinds and mixins, unbound paths',
  `
C-104 both MUST: GET on a kind location answers 200 (1.1: or 204 if empty) with all entities of that kind (GFD.185 §3.4.3; GFD.223 §11.1)
C-105 both MUST: In text/plain and text/occi the list consists of X-OCCI-Location fields (GFD.185 §3.5.5; GFD.229 §5.3)
C-106 both MUST: text/uri-list and text/plain list the same URLs (GFD.185 §3.6.6)
C-107 both MUST: Each listed URL can be retrieved with GET 200 (GFD.185 §3.4.4)
C-108 1.1 MUST: GET with a Category filter returns only members having that kind or mixin (GFD.185 §3.4.3)
C-109 1.1 MUST: GET with an X-OCCI-Attribute filter returns only members with that value (GFD.185 §3.4.3)
C-110 1.2 SHOULD: GET with an entity rendering in the headers filters by attribute values (GFD.223 §7.2)
C-111 both MUST: A filter that matches nothing gives an empty list, not an error (GFD.185 §3.4)
C-112 both MUST: POST of a kind rendering to that kind's location creates an entity (201 or 200) (GFD.185 §3.4.4; GFD.223 §11.3.1)
C-113 both MUST: 201 carries a Location header with the entity's URL (GFD.185 §3.6.8; GFD.223 §11.3.1)
C-114 both MUST: 200 on creation carries the full representation (GFD.185 §3.4.4; GFD.223 §11.3.1)
C-115 1.1 MUST: POST of kind A to the location of kind B is refused (GFD.185 §3.4.4)
C-116 1.2 MUST: POST with several full entity renderings creates all of them and returns their locations (GFD.223 §11.3.1)
C-117 both MUST: If one entity of a bulk request is invalid none is created (GFD.185 §3.6.4)
C-118 both MUST: POST ?action=term with the action rendering acts on every member and answers 200 (GFD.185 §3.4.3; GFD.223 §11.3.3)
C-119 both MUST: A collection action not defined by the location's kind/mixin is refused (GFD.185 §3.4.3)
C-120 both MUST: PUT on a kind location is not defined (405) (GFD.185 §3.2; GFD.223 §8)
C-121 both MUST: DELETE on a kind location deletes all its members and answers 200 (1.2: or 204) (GFD.185 §3.2; GFD.223 §11.4.1)
C-122 1.2 SHOULD: GET with page and number returns that page only (GFD.223 §6)
C-123 1.2 MUST: A page beyond the end gives 200 and an empty collection (GFD.223 §6)
C-124 1.2 MUST: number above the provider's limit gives 413 (GFD.223 §6)
C-125 1.2 SHOULD: The pages joined give the unpaged collection without repeats (GFD.223 §6)
C-126 both MUST: GET on a mixin location lists exactly the entities having that mixin (GFD.185 §3.4.3; GFD.223 §11.1)
C-127 both MUST: POST of entity URLs to a mixin location associates them (200) and the mixin appears in each entity (GFD.185 §3.4.3; GFD.223 §11.3.2)
C-128 1.2 MUST: The response to an association contains an entity collection rendering (GFD.223 §11.3.2)
C-129 both MUST: POST naming an unknown entity is an error and associates nothing (GFD.185 §3.6.4, §3.6.8)
C-130 both MUST: PUT on a mixin location makes the member set exactly the given one (adds and removes) (GFD.185 §3.4.3; GFD.223 §11.2)
C-131 both MUST: PUT with an empty list leaves the collection empty and deletes no entity (GFD.185 §3.4.3)
C-132 both MUST: DELETE with entity URLs dissociates exactly those; the entities survive (GFD.185 §3.4.3; GFD.223 §11.4.2)
C-133 1.2 MUST: Association and dissociation by URL list are refused on kind locations (GFD.223 §11.3.2, §11.4.2)
C-134 both MUST: POST ?action= on a mixin location acts on all members (GFD.185 §3.4.3)
C-135 1.1 MUST: GET on an unbound path ending in "/" lists all entities below it (GFD.185 §3.4.2)
C-136 1.1 MUST: GET on an unbound path with Accept text/uri-list shows the state of the hierarchy at that level (GFD.185 §3.4.2)
C-137 1.1 MUST: Category and attribute filters work on unbound paths (GFD.185 §3.4.2)
C-138 1.1 MUST: DELETE on an unbound path deletes all entities below it and only those (GFD.185 §3.4.2)
C-139 1.2 MAY: GET on an unbound path gives the union of the collections below it (GFD.223 §4.1)
C-140 both MUST: GET on an unknown path answers 404 (GFD.185 §3.6.8)
`,
);
