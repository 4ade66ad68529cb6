/**
 * Requests as the suite writes them, by the grammar of GFD.185 §3.5 / GFD.229 §4 and in the JSON of GFD.226: what a careful
 * client would send. Checks that want a careless one give fields or bodies as they are.
 */

import type { JsonObject, JsonValue } from '../base/json.js';
import type { Value } from './read/fields.js';

export const PLAIN = 'text/plain';
export const OCCI = 'text/occi';
export const OCCI_PLAIN = 'text/occi+plain';
export const URIS = 'text/uri-list';
export const JSON_TYPE = 'application/occi+json';

export type Attributes = Readonly<Record<string, Value>>;

export interface InlineLink {
  readonly target: string;
  /** Kind of the target. */
  readonly rel: string;
  /** Kind of the link, then its mixins. */
  readonly kind: string;
  readonly mixins?: readonly string[];
  readonly attributes?: Attributes;
}

export interface MixinDefinition {
  readonly id: string;
  readonly location?: string;
  readonly rel?: string;
}

/** What a request says, whatever the rendering. */
export interface Message {
  readonly kind?: string;
  readonly mixins?: readonly string[];
  readonly action?: string;
  readonly attributes?: Attributes;
  readonly links?: readonly InlineLink[];
  readonly locations?: readonly string[];
  readonly define?: readonly MixinDefinition[];
  /** Further fields as they are: `['X-OCCI-Attribute', 'occi.compute.cores=']`. */
  readonly fields?: readonly (readonly [string, string])[];
}

export interface Rendered {
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** Cuts a type identifier into scheme and term. */
export function cut(id: string): { readonly scheme: string; readonly term: string } {
  const at = id.indexOf('#') + 1;
  return { scheme: id.slice(0, at), term: id.slice(at) };
}

/** `compute; scheme="…"; class="kind"` */
export function categoryField(id: string, className: 'kind' | 'mixin' | 'action'): string {
  const { scheme, term } = cut(id);
  return `${term}; scheme="${scheme}"; class="${className}"`;
}

/** `occi.core.title="web"` */
export function attributeField(name: string, value: Value): string {
  return `${name}=${valueText(value)}`;
}

/** Fields in the order of GFD.229 §5.1: categories, links, attributes; locations by themselves. */
export function fieldsOf(message: Message): (readonly [string, string])[] {
  const { kind, mixins = [], action, attributes = {}, links = [], locations = [], define = [], fields = [] } = message;
  return [
    ...(kind === undefined ? [] : [['Category', categoryField(kind, 'kind')] as const]),
    ...mixins.map((id) => ['Category', categoryField(id, 'mixin')] as const),
    ...(action === undefined ? [] : [['Category', categoryField(action, 'action')] as const]),
    ...define.map((mixin) => ['Category', definitionField(mixin)] as const),
    ...links.map((link) => ['Link', linkField(link)] as const),
    ...Object.entries(attributes).map(([name, value]) => ['X-OCCI-Attribute', attributeField(name, value)] as const),
    ...locations.map((location) => ['X-OCCI-Location', location] as const),
    ...fields,
  ];
}

/** The message in one of the renderings. Nothing to say: no body and no Content-Type. */
export function render(message: Message, type: string): Rendered {
  if (type === JSON_TYPE) {
    return { headers: [['Content-Type', JSON_TYPE]], body: JSON.stringify(jsonMessage(message)) };
  }
  const fields = fieldsOf(message);
  if (fields.length === 0) return { headers: [] };
  if (type === OCCI) return { headers: [['Content-Type', OCCI], ...joined(fields)] };
  if (type === URIS) return { headers: [['Content-Type', URIS]], body: (message.locations ?? []).join('\r\n') };
  const body = fields.map(([name, value]) => `${name}: ${value}`).join('\r\n');
  return { headers: [['Content-Type', type]], body };
}

/** GFD.229 §7: in headers the comma-separated form is recommended. */
function joined(fields: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const names = [...new Set(fields.map(([name]) => name))];
  return names.map((name) => [name, fields.flatMap(([each, value]) => (each === name ? [value] : [])).join(', ')]);
}

function definitionField({ id, location, rel }: MixinDefinition): string {
  const relation = rel === undefined ? '' : `; rel="${rel}"`;
  return `${categoryField(id, 'mixin')}${relation}${location === undefined ? '' : `; location="${location}"`}`;
}

function linkField({ target, rel, kind, mixins = [], attributes = {} }: InlineLink): string {
  const more = Object.entries(attributes).map(([name, value]) => `; ${attributeField(name, value)}`);
  return `<${target}>; rel="${rel}"; category="${[kind, ...mixins].join(' ')}"${more.join('')}`;
}

function valueText(value: Value): string {
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value);
}

/** Attributes that are members of their own in JSON (GFD.226 §3.1). */
const MEMBERS = new Map([
  ['occi.core.id', 'id'],
  ['occi.core.title', 'title'],
  ['occi.core.summary', 'summary'],
]);
const ENDS = new Map([
  ['occi.core.source', 'source'],
  ['occi.core.target', 'target'],
]);

/** A kind, an action invocation or a set of mixins as GFD.226 has it. */
export function jsonMessage(message: Message): JsonObject {
  const { kind, mixins = [], action, attributes = {}, links = [], define = [] } = message;
  if (define.length > 0) {
    const mixin = ({ id, location, rel }: MixinDefinition): JsonObject => ({
      ...cut(id),
      ...(location === undefined ? {} : { location }),
      ...(rel === undefined ? {} : { depends: [rel] }),
    });
    return { mixins: define.map(mixin) };
  }
  if (action !== undefined) return { action, attributes };
  const members: Record<string, JsonValue> = {};
  const own: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(attributes)) {
    const member = MEMBERS.get(name);
    const end = ENDS.get(name);
    if (member !== undefined) members[member] = value;
    else if (end !== undefined) members[end] = { location: value };
    else own[name] = value;
  }
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(mixins.length === 0 ? {} : { mixins }),
    ...members,
    ...(Object.keys(own).length === 0 ? {} : { attributes: own }),
    ...(links.length === 0 ? {} : { links: links.map(jsonLink) }),
  };
}

function jsonLink({ target, rel, kind, mixins = [], attributes = {} }: InlineLink): JsonObject {
  return {
    kind,
    ...(mixins.length === 0 ? {} : { mixins }),
    attributes,
    target: { location: target, kind: rel },
  };
}
