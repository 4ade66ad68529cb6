/**
 * What a server says about itself in its query interface (GFD.221 §5.3): the ground on which checks stand, in place of any
 * knowledge about the server. Read from text/plain, which every server speaks, and completed from JSON where there is some.
 */

import type { JsonObject } from '../base/json.js';
import type { Exchange } from './exchange.js';
import { CORE } from './names.js';
import { Violation } from './outcome.js';
import { readMessage, type CategoryField } from './read/fields.js';
import { jsonObject, objectIn, objectsIn, stringsIn, textIn } from './read/json.js';

export interface AttributeDescription {
  readonly name: string;
  readonly mutable: boolean;
  readonly required: boolean;
  /** Known from JSON only. */
  readonly type: string | undefined;
  readonly pattern: JsonObject | undefined;
  readonly default: unknown;
}

export interface Category {
  readonly id: string;
  readonly class: string;
  readonly term: string;
  readonly scheme: string;
  /** Parent of a kind, dependencies of a mixin. */
  readonly related: readonly string[];
  readonly applies: readonly string[];
  readonly location: string | undefined;
  readonly attributes: readonly AttributeDescription[];
  readonly actions: readonly string[];
}

export class Model {
  readonly categories: readonly Category[];
  /** As the text rendering shows them. */
  readonly fields: readonly CategoryField[];
  /** The JSON document, where the server has one. */
  readonly json: JsonObject | undefined;
  readonly #byId: ReadonlyMap<string, Category>;

  constructor(text: Exchange, json: Exchange | undefined) {
    this.fields = readMessage(text).categories;
    this.json = json && readDocument(json);
    const described = new Map(
      ['kinds', 'mixins', 'actions'].flatMap((member) =>
        objectsIn(this.json?.[member]).map((each) => [textIn(each['scheme']) + textIn(each['term']), each] as const),
      ),
    );
    this.categories = this.fields.map((field) => categoryOf(field, described.get(field.id)));
    this.#byId = new Map(this.categories.map((each) => [each.id, each]));
  }

  get(id: string): Category | undefined {
    return this.#byId.get(id);
  }

  /** Kinds whose entities can be made: they have a location and are not abstract. */
  get kinds(): Category[] {
    return this.categories.filter(
      (each) => each.class === 'kind' && each.location !== undefined && each.id !== `${CORE}entity`,
    );
  }

  get mixins(): Category[] {
    return this.categories.filter((each) => each.class === 'mixin');
  }

  /** Mixins that name another one as what they depend on. */
  dependingOn(id: string): Category[] {
    return this.mixins.filter((each) => each.related.includes(id));
  }

  /** True where `id` is the kind itself or one of its ancestors. */
  isA(kind: string, id: string): boolean {
    const seen = new Set<string>();
    for (let at: string | undefined = kind; at !== undefined && !seen.has(at); at = this.get(at)?.related[0]) {
      if (at === id) return true;
      seen.add(at);
    }
    return false;
  }
}

/** What is no JSON after all is for the statements about JSON to find: an empty document here. */
function readDocument(exchange: Exchange): JsonObject {
  try {
    return jsonObject(exchange);
  } catch (error) {
    if (error instanceof Violation) return {};
    throw error;
  }
}

function categoryOf(field: CategoryField, json: JsonObject | undefined): Category {
  const described = objectIn(json?.['attributes']);
  const parent = textIn(json?.['parent']);
  const depends = [...(parent === '' ? [] : [parent]), ...stringsIn(json?.['depends'])];
  return {
    id: field.id,
    class: field.class,
    term: field.term,
    scheme: field.scheme,
    related: depends.length > 0 ? depends : field.rel,
    applies: stringsIn(json?.['applies']),
    location: field.location ?? (textIn(json?.['location']) || undefined),
    attributes: attributesOf(field, described),
    actions: field.actions,
  };
}

function attributesOf(field: CategoryField, described: JsonObject): AttributeDescription[] {
  const names = new Set([...field.attributes.map(({ name }) => name), ...Object.keys(described)]);
  return [...names].map((name) => {
    const shown = field.attributes.find((each) => each.name === name);
    const json = objectIn(described[name]);
    return {
      name,
      mutable: shown ? !shown.immutable : json['mutable'] === true,
      required: shown?.required ?? json['required'] === true,
      type: textIn(json['type']) || undefined,
      pattern: json['pattern'] === undefined ? undefined : objectIn(json['pattern']),
      default: json['default'],
    };
  });
}
