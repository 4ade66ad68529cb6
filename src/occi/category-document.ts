/**
 * A category document: kinds, mixins and actions as data, in the category collection rendering of GFD.226 §3.4 with
 * the name of the specification they come from. A few members say what that rendering cannot: `version` on a category
 * or an attribute that only one protocol version offers, `createOnly` and `lenientIn` on an attribute. Everything is checked
 * here once, by the grammar of GFD.229 §4.1; how categories hang together is for the {@link CategoryRegistry} to check.
 */

import { excerpt, throwIfFaulty, type Fault } from '../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import { patternComplaint, patternDefect, typeOf } from './attribute-value.js';
import { isAttributeName, isLocation, isScheme, isTerm, splitTypeId } from './category-grammar.js';
import { pointer } from './json/read.js';
import type {
  Action,
  AnyCategory,
  AttributeDefinition,
  AttributeType,
  AttributeValue,
  CategoryClass,
  Kind,
  Mixin,
  OcciVersion,
  TypeId,
} from './model.js';

/**
 * The categories of a document, in its order: kinds, mixins, actions. `source` names the file in the faults.
 * @throws Problem `invalid` with every fault of the document, each with a JSON pointer.
 */
export function parseCategoryDocument(json: unknown, source: string): { categories: readonly AnyCategory[] } {
  const faults: Fault[] = [];
  const categories = isJsonObject(json)
    ? new CategoryReader(source, faults).document(json)
    : refuse(faults, source, 'the document is not a JSON object');
  throwIfFaulty('invalid', faults);
  return { categories };
}

function refuse(faults: Fault[], source: string, message: string): readonly AnyCategory[] {
  faults.push({ code: 'category-document.shape', message, place: { field: source, path: '' } });
  return [];
}

const CLASSES: readonly (readonly [string, CategoryClass])[] = [
  ['kinds', 'kind'],
  ['mixins', 'mixin'],
  ['actions', 'action'],
];
const COMMON_MEMBERS = ['term', 'scheme', 'title', 'attributes', 'version'] as const;
const MEMBERS: Record<CategoryClass, ReadonlySet<string>> = {
  kind: new Set([...COMMON_MEMBERS, 'parent', 'actions', 'location', 'joins']),
  mixin: new Set([...COMMON_MEMBERS, 'depends', 'applies', 'actions', 'location']),
  action: new Set(COMMON_MEMBERS),
};
const JOINED: ReadonlySet<string> = new Set(['sources', 'targets']);
const ATTRIBUTE_MEMBERS: ReadonlySet<string> = new Set([
  'type',
  'mutable',
  'required',
  'createOnly',
  'pattern',
  'default',
  'description',
  'version',
  'lenientIn',
]);
const DOCUMENT_MEMBERS: ReadonlySet<string> = new Set(['specification', ...CLASSES.map(([member]) => member)]);
const TYPES: ReadonlySet<string> = new Set<AttributeType>(['string', 'number', 'boolean', 'array', 'object']);

/** Reads one document; every method notes what is wrong and goes on with what is left. */
class CategoryReader {
  readonly #source: string;
  readonly #faults: Fault[];

  constructor(source: string, faults: Fault[]) {
    this.#source = source;
    this.#faults = faults;
  }

  document(json: JsonObject): readonly AnyCategory[] {
    this.#onlyMembers(json, DOCUMENT_MEMBERS, '');
    this.#text(json, 'specification', '', true);
    return CLASSES.flatMap(([member, categoryClass]) => {
      const list = json[member] ?? [];
      if (!Array.isArray(list)) {
        this.#fault('shape', `${member} is not an array`, `/${member}`, list);
        return [];
      }
      return list.map((item: JsonValue, index) => this.#category(item, categoryClass, pointer(`/${member}`, index)));
    });
  }

  #category(item: JsonValue, categoryClass: CategoryClass, path: string): AnyCategory {
    const json = this.#object(item, path);
    this.#onlyMembers(json, MEMBERS[categoryClass], path);
    const term = this.#text(json, 'term', path, true) ?? '';
    const scheme = this.#text(json, 'scheme', path, true) ?? '';
    if (term !== '' && !isTerm(term)) this.#fault('term', 'term breaks the grammar', `${path}/term`, term);
    if (scheme !== '' && !isScheme(scheme)) {
      this.#fault('scheme', 'scheme is not an absolute URI that ends in "#"', `${path}/scheme`, scheme);
    }
    const title = this.#text(json, 'title', path, false);
    if (title?.includes(',') === true) {
      this.#fault('title', 'title has a comma, at which text clients would split it', `${path}/title`, title);
    }
    const common = {
      id: scheme + term,
      scheme,
      term,
      ...present('title', title),
      ...present('version', this.#version(json, path)),
      attributes: this.#attributes(json, path),
    };
    if (categoryClass === 'action') return { class: 'action', ...common } satisfies Action;
    const actions = this.#typeIds(json, 'actions', path);
    const location = this.#location(json, path, categoryClass === 'mixin');
    if (categoryClass === 'kind') {
      const parent = this.#text(json, 'parent', path, false);
      if (parent !== undefined) this.#typeId(parent, `${path}/parent`);
      const kind: Kind = {
        class: 'kind',
        ...common,
        ...present('parent', parent),
        actions,
        ...present('location', location),
        ...present('joins', this.#joins(json, path)),
      };
      return kind;
    }
    const mixin: Mixin = {
      class: 'mixin',
      ...common,
      depends: this.#typeIds(json, 'depends', path),
      applies: this.#typeIds(json, 'applies', path),
      actions,
      location: location ?? '',
    };
    return mixin;
  }

  #joins(json: JsonObject, path: string): Kind['joins'] {
    if (json['joins'] === undefined) return undefined;
    const joins = this.#object(json['joins'], `${path}/joins`);
    this.#onlyMembers(joins, JOINED, `${path}/joins`);
    return {
      sources: this.#typeIds(joins, 'sources', `${path}/joins`),
      targets: this.#typeIds(joins, 'targets', `${path}/joins`),
    };
  }

  #attributes(json: JsonObject, path: string): ReadonlyMap<string, AttributeDefinition> {
    const attributes = this.#object(json['attributes'] ?? {}, `${path}/attributes`);
    return new Map(
      Object.entries(attributes).map(([name, item]) => [
        name,
        this.#attribute(name, item, pointer(`${path}/attributes`, name)),
      ]),
    );
  }

  #attribute(name: string, item: JsonValue, path: string): AttributeDefinition {
    const json = this.#object(item, path);
    this.#onlyMembers(json, ATTRIBUTE_MEMBERS, path);
    if (!isAttributeName(name)) this.#fault('attribute-name', 'attribute name breaks the grammar', path, name);
    const type = (this.#text(json, 'type', path, false) ?? 'string') as AttributeType;
    if (!TYPES.has(type)) this.#fault('attribute-type', 'type is none of GFD.226', `${path}/type`, type);
    const pattern = this.#pattern(json, path);
    const value = json['default'] as AttributeValue | undefined;
    if (value !== undefined) this.#default(value, type, pattern, `${path}/default`);
    return {
      name,
      type,
      mutable: this.#flag(json, 'mutable', path),
      required: this.#flag(json, 'required', path),
      ...(this.#flag(json, 'createOnly', path) ? { createOnly: true } : {}),
      ...present('pattern', pattern),
      ...present('default', value),
      ...present('description', this.#text(json, 'description', path, false)),
      ...present('version', this.#version(json, path)),
      ...present('lenientIn', this.#version(json, path, 'lenientIn')),
    };
  }

  #pattern(json: JsonObject, path: string): JsonObject | undefined {
    if (json['pattern'] === undefined) return undefined;
    const pattern = this.#object(json['pattern'], `${path}/pattern`);
    const defect = patternDefect(pattern);
    if (defect === undefined) return pattern;
    this.#fault('pattern', `pattern is not a usable JSON Schema: ${defect}`, `${path}/pattern`, pattern);
    return undefined;
  }

  #default(value: JsonValue, type: AttributeType, pattern: JsonObject | undefined, path: string): void {
    if (value === null || typeOf(value) !== type) {
      this.#fault('default', `default is not of type ${type}`, path, value);
      return;
    }
    const complaint = pattern === undefined ? undefined : patternComplaint(pattern, value);
    if (complaint !== undefined) this.#fault('default', `default ${complaint}`, path, value);
  }

  #location(json: JsonObject, path: string, needed: boolean): string | undefined {
    const location = this.#text(json, 'location', path, needed);
    if (location !== undefined && !isLocation(location)) {
      this.#fault('location', 'location is not a path from the root that ends in "/"', `${path}/location`, location);
    }
    return location;
  }

  #version(json: JsonObject, path: string, member = 'version'): OcciVersion | undefined {
    const version = this.#text(json, member, path, false);
    if (version === undefined || version === '1.1' || version === '1.2') return version;
    this.#fault('version', `${member} is neither 1.1 nor 1.2`, `${path}/${member}`, version);
    return undefined;
  }

  #typeIds(json: JsonObject, member: string, path: string): readonly TypeId[] {
    const list = json[member] ?? [];
    if (!Array.isArray(list)) {
      this.#fault('shape', `${member} is not an array`, `${path}/${member}`, list);
      return [];
    }
    return list.map((item: JsonValue, index) => this.#typeId(item, pointer(`${path}/${member}`, index)));
  }

  #typeId(item: JsonValue, path: string): TypeId {
    if (typeof item === 'string' && splitTypeId(item) !== undefined) return item;
    this.#fault('type-id', 'not a type identifier, which is a scheme and a term', path, item);
    return '';
  }

  #text(json: JsonObject, member: string, path: string, needed: boolean): string | undefined {
    const value = json[member];
    if (typeof value === 'string' && value !== '') return value;
    if (value !== undefined || needed) {
      this.#fault(
        'shape',
        `${member} is ${value === undefined ? 'missing' : 'not a text'}`,
        pointer(path, member),
        value,
      );
    }
    return undefined;
  }

  #flag(json: JsonObject, member: string, path: string): boolean {
    const value = json[member] ?? false;
    if (typeof value === 'boolean') return value;
    this.#fault('shape', `${member} is neither true nor false`, pointer(path, member), value);
    return false;
  }

  #object(value: JsonValue, path: string): JsonObject {
    if (isJsonObject(value)) return value;
    this.#fault('shape', 'a JSON object is expected', path, value);
    return {};
  }

  #onlyMembers(json: JsonObject, known: ReadonlySet<string>, path: string): void {
    for (const member of Object.keys(json)) {
      if (!known.has(member)) this.#fault('member', `member ${member} is not known`, pointer(path, member), undefined);
    }
  }

  #fault(code: string, message: string, path: string, value: JsonValue | undefined): void {
    this.#faults.push({
      code: `category-document.${code}`,
      message: `${this.#source}${path}: ${message}`,
      place: { field: this.#source, path },
      rule: 'GFD.226 §3.2',
      remedy: 'write the category as docs/adding-a-kind.md shows',
      ...(value === undefined ? {} : { value: excerpt(value) }),
    });
  }
}

/** A member that is there only when it has a value. */
function present<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value };
}
