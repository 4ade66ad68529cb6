/**
 * Resources and links in JSON as clients send them (GFD.226 §3.1.1, §3.1.2, and the drafts before it). The members
 * `id`, `title`, `summary`, `source` and `target` become the `occi.core.*` attributes that they are in text, so that
 * nothing behind the parsers knows which rendering came in (C-237).
 */

import { jsonEqual, isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import type { AttributeInput, CategoryRef, EntityInput, LinkInput } from '../request.js';
import type { JsonNotes } from './notes.js';
import { pointer } from './read.js';

const ENTITY_MEMBERS: ReadonlySet<string> = new Set([
  'kind',
  'id',
  'mixins',
  'attributes',
  'actions',
  'links',
  'title',
  'summary',
  'source',
  'target',
  // Of the drafts: type of a link's target, and URLs that the server knows better.
  'rel',
  'self',
  'location',
]);
const END_MEMBERS: ReadonlySet<string> = new Set(['location', 'kind']);
const CORE_MEMBERS = ['id', 'title', 'summary'] as const;

export class EntityReader {
  readonly #notes: JsonNotes;

  constructor(notes: JsonNotes) {
    this.#notes = notes;
  }

  entity(json: JsonObject, path: string): EntityInput {
    this.#notes.onlyMembers(json, ENTITY_MEMBERS, path);
    return {
      categories: this.#categories(json, path),
      attributes: this.attributes(json, path),
      links: this.#notes
        .array(json['links'], `${path}/links`)
        .map((item, index) => this.#link(item, pointer(`${path}/links`, index))),
      actionLinks: this.#actionLinks(json, path),
    };
  }

  /** Flat attributes of an entity or action, with the core attributes that stand as members beside them. */
  attributes(json: JsonObject, path: string): ReadonlyMap<string, AttributeInput> {
    const attributes = new Map<string, AttributeInput>();
    const place = `${path}/attributes`;
    for (const [name, value] of Object.entries(this.#notes.object(json['attributes'] ?? {}, place))) {
      this.#flatten(attributes, name, value, pointer(place, name));
    }
    for (const member of CORE_MEMBERS) {
      if (json[member] !== undefined) this.#put(attributes, `occi.core.${member}`, json[member], `${path}/${member}`);
    }
    this.#end(attributes, json, 'source', path);
    this.#end(attributes, json, 'target', path);
    const rel = this.#notes.text(json, 'rel', path);
    if (rel !== undefined && !attributes.has('occi.core.target.kind')) {
      this.#put(attributes, 'occi.core.target.kind', rel, `${path}/rel`);
    }
    return attributes;
  }

  #categories(json: JsonObject, path: string): readonly CategoryRef[] {
    const kind = json['kind'] === undefined ? undefined : this.#notes.category(json['kind'], 'kind', `${path}/kind`);
    const mixins = this.#notes
      .array(json['mixins'], `${path}/mixins`)
      .flatMap((item, index) => this.#notes.category(item, 'mixin', pointer(`${path}/mixins`, index)) ?? []);
    return kind === undefined ? mixins : [kind, ...mixins];
  }

  /** A link object, or the URL of a link entity as the drafts list them. */
  #link(item: JsonValue, path: string): LinkInput {
    if (typeof item === 'string') return { target: '', rel: [], self: item, categories: [], attributes: new Map() };
    const json = this.#notes.object(item, path);
    const link = this.entity(json, path);
    const text = (name: string): string | undefined => {
      const value = link.attributes.get(name)?.value;
      return typeof value === 'string' ? value : undefined;
    };
    const rel = text('occi.core.target.kind');
    const self = this.#notes.text(json, 'self', path) ?? this.#notes.text(json, 'location', path);
    const id = text('occi.core.id');
    return {
      target: text('occi.core.target') ?? '',
      rel: rel === undefined ? [] : [rel],
      ...(self === undefined ? {} : { self }),
      ...(id === undefined ? {} : { id }),
      categories: link.categories.map(({ scheme, term }) => scheme + term),
      attributes: link.attributes,
    };
  }

  /** Identifiers in 1.2; objects with a URI and a type in the drafts. */
  #actionLinks(json: JsonObject, path: string): readonly string[] {
    return this.#notes.array(json['actions'], `${path}/actions`).flatMap((item, index) => {
      const named = isJsonObject(item) ? (item['uri'] ?? item['type'] ?? item['rel']) : item;
      if (typeof named === 'string') return [named];
      this.#notes.add('json.action', 'an action is named by its type identifier', pointer(`${path}/actions`, index));
      return [];
    });
  }

  /** An end of a link: `{location, kind}`, or in the drafts the location alone. */
  #end(attributes: Map<string, AttributeInput>, json: JsonObject, member: 'source' | 'target', path: string): void {
    const value = json[member];
    if (value === undefined) return;
    const place = `${path}/${member}`;
    if (typeof value === 'string') {
      this.#put(attributes, `occi.core.${member}`, value, place);
      return;
    }
    const end = this.#notes.object(value, place);
    // What stands in for no object lacks nothing more.
    if (end !== value) return;
    this.#notes.onlyMembers(end, END_MEMBERS, place);
    if (end['location'] !== undefined)
      this.#put(attributes, `occi.core.${member}`, end['location'], `${place}/location`);
    else this.#notes.missing('location', place);
    if (end['kind'] !== undefined) this.#put(attributes, `occi.core.${member}.kind`, end['kind'], `${place}/kind`);
  }

  /** Names are flat (GFD.226 §3.5), but the drafts nest at each dot: an object under a name without a dot is such a level. */
  #flatten(attributes: Map<string, AttributeInput>, name: string, value: JsonValue, path: string): void {
    if (isJsonObject(value) && !name.includes('.')) this.#flattenLevel(attributes, name, value, path);
    else this.#put(attributes, name, value, path);
  }

  #flattenLevel(attributes: Map<string, AttributeInput>, prefix: string, level: JsonObject, path: string): void {
    for (const [name, value] of Object.entries(level)) {
      const place = pointer(path, name);
      if (isJsonObject(value)) this.#flattenLevel(attributes, `${prefix}.${name}`, value, place);
      else this.#put(attributes, `${prefix}.${name}`, value, place);
    }
  }

  #put(attributes: Map<string, AttributeInput>, name: string, value: JsonValue, path: string): void {
    if (value === null) {
      this.#notes.add('json.null', `${name} is null`, path, 'leave out what has no value');
      return;
    }
    const earlier = attributes.get(name);
    if (earlier !== undefined && !jsonEqual(earlier.value, value)) {
      this.#notes.add('json.attribute-twice', `${name} is given twice with different values`, path, 'give it once');
      return;
    }
    attributes.set(name, { value, typed: true });
  }
}
