/**
 * Requests in `application/occi+json`: OCCI 1.2 (GFD.226 §3) and, as leniently as its meaning stays clear, the drafts of
 * the 1.1 era that clients still send: `resources` round a single entity, nested attributes, ends of links as strings,
 * lists of URLs, `related` for `depends` (I-030…I-032). What a body is shows in its members; only
 * `{"links": […]}` can be read in two ways, and there the URL decides.
 */

import type { JsonObject, JsonValue } from '../../base/json.js';
import { throwIfFaulty } from '../../base/errors.js';
import type { ActionInput, CategoryRef, EntityInput, OcciRequest } from '../request.js';
import type { CategoryClass } from '../model.js';
import { EntityReader } from './entity.js';
import { JsonNotes } from './notes.js';
import { pointer, readJson } from './read.js';

/**
 * Parses a body. `hint` says that the URL names one entity, so that a bare `links` array holds that entity's links.
 * @throws Problem `malformed` with every fault, each with a JSON pointer; syntax faults with line and column.
 */
export function parseJson(text: string, hint?: 'entity'): OcciRequest {
  if (text.trim() === '') return NOTHING;
  const document = readJson(text);
  throwIfFaulty('malformed', document.faults);
  const notes = new JsonNotes();
  const request = new RequestReader(notes).request(document.value, hint);
  throwIfFaulty('malformed', notes.faults);
  return request;
}

const NOTHING: OcciRequest = { entities: [], categories: [], locations: [], empty: true };
const CATEGORY_COLLECTIONS: readonly (readonly [string, CategoryClass])[] = [
  ['kinds', 'kind'],
  ['mixins', 'mixin'],
  ['actions', 'action'],
];
const ENTITY_COLLECTIONS = ['resources', 'links'] as const;
const COLLECTIONS: ReadonlySet<string> = new Set([
  ...ENTITY_COLLECTIONS,
  ...CATEGORY_COLLECTIONS.map(([member]) => member),
]);
const CATEGORY_MEMBERS: ReadonlySet<string> = new Set([
  'term',
  'scheme',
  'class',
  'title',
  'attributes',
  'actions',
  'location',
  'parent',
  'depends',
  'applies',
  'related',
  'rel',
]);
const ACTION_MEMBERS: ReadonlySet<string> = new Set(['action', 'attributes']);

class RequestReader {
  readonly #notes: JsonNotes;
  readonly #entities: EntityReader;

  constructor(notes: JsonNotes) {
    this.#notes = notes;
    this.#entities = new EntityReader(notes);
  }

  request(value: JsonValue, hint: 'entity' | undefined): OcciRequest {
    if (Array.isArray(value))
      return { ...NOTHING, locations: this.#notes.strings(value, ''), empty: value.length === 0 };
    const json = this.#notes.object(value, '');
    const members = Object.keys(json);
    if (members.length === 0) return NOTHING;
    if ('action' in json) return { ...NOTHING, action: this.#action(json), empty: false };
    if ('term' in json || 'scheme' in json)
      return { ...NOTHING, categories: this.#categories([json], undefined, ''), empty: false };
    const wrapped = 'resources' in json || 'kinds' in json;
    if (members.every((member) => COLLECTIONS.has(member)) && (wrapped || hint !== 'entity'))
      return this.#collections(json);
    return { ...NOTHING, entities: [this.#entities.entity(json, '')], empty: false };
  }

  /** `{"action": "<type id>", "attributes": {…}}` (GFD.226 §3.1.3). */
  #action(json: JsonObject): ActionInput {
    this.#notes.onlyMembers(json, ACTION_MEMBERS, '');
    const named = this.#notes.category(json['action'], 'action', '/action');
    return {
      action: named ?? { scheme: '', term: '', class: 'action' },
      attributes: this.#entities.attributes(json, ''),
    };
  }

  /** Entities under `resources` and `links`, categories under `kinds`, `mixins` and `actions`; strings refer to either. */
  #collections(json: JsonObject): OcciRequest {
    const entities: EntityInput[] = [];
    const locations: string[] = [];
    for (const member of ENTITY_COLLECTIONS) {
      this.#notes.array(json[member], `/${member}`).forEach((item, index) => {
        const path = pointer(`/${member}`, index);
        if (typeof item === 'string') locations.push(item);
        else entities.push(this.#entities.entity(this.#notes.object(item, path), path));
      });
    }
    const categories = CATEGORY_COLLECTIONS.flatMap(([member, categoryClass]) =>
      this.#categories(this.#notes.array(json[member], `/${member}`), categoryClass, `/${member}`),
    );
    // Mixins by name alone are also an entity to be given them: rOCCI 5 updates so.
    const named = categories.length > 0 && categories.every((category) => category.location === undefined);
    if (
      named &&
      entities.length === 0 &&
      locations.length === 0 &&
      categories.every(({ class: of }) => of === 'mixin')
    ) {
      entities.push({ categories, attributes: new Map(), links: [], actionLinks: [] });
    }
    return { entities, categories, locations, empty: entities.length + categories.length + locations.length === 0 };
  }

  #categories(
    items: readonly JsonValue[],
    categoryClass: CategoryClass | undefined,
    path: string,
  ): readonly CategoryRef[] {
    return items.flatMap((item, index) => {
      const place = categoryClass === undefined ? path : pointer(path, index);
      if (typeof item === 'string') return this.#notes.category(item, categoryClass, place) ?? [];
      return this.#category(this.#notes.object(item, place), categoryClass, place);
    });
  }

  /** A category definition. On its own it does not say its class, but only a kind has a parent and an action no location. */
  #category(json: JsonObject, categoryClass: CategoryClass | undefined, path: string): CategoryRef {
    const notes = this.#notes;
    notes.onlyMembers(json, CATEGORY_MEMBERS, path);
    const scheme = notes.text(json, 'scheme', path) ?? notes.missing('scheme', path);
    const term = notes.text(json, 'term', path) ?? notes.missing('term', path);
    const title = notes.text(json, 'title', path);
    const location = notes.text(json, 'location', path);
    const parent = notes.text(json, 'parent', path);
    const related = ['depends', 'related', 'rel'].flatMap((member) => notes.oneOrMore(json, member, path));
    const known = categoryClass ?? (parent !== undefined ? 'kind' : location !== undefined ? 'mixin' : undefined);
    return {
      scheme: withHash(scheme),
      term,
      ...(known === undefined ? {} : { class: known }),
      ...(title === undefined ? {} : { title }),
      rel: parent === undefined ? related : [parent, ...related],
      ...(location === undefined ? {} : { location }),
      applies: notes.oneOrMore(json, 'applies', path),
      hasAttributes: Object.keys(notes.object(json['attributes'] ?? {}, `${path}/attributes`)).length > 0,
      hasActions: notes.array(json['actions'], `${path}/actions`).length > 0,
    };
  }
}

function withHash(scheme: string): string {
  return scheme.includes('#') ? scheme : `${scheme}#`;
}
