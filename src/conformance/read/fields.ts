/**
 * Fields of the text renderings (GFD.185 §3.5, GFD.229 §4), read by a reader of the suite's own: a server is never judged
 * by its own parser. It is lenient, so that one fault of a rendering is reported once, by the statement about it, and not
 * by all: what cannot be read is kept as `alien`.
 */

import type { Exchange } from '../exchange.js';

export type Value = string | number | boolean;

export interface AttributeProperty {
  readonly name: string;
  readonly immutable: boolean;
  readonly required: boolean;
}

export interface CategoryField {
  /** The value as it stood in the field. */
  readonly raw: string;
  readonly id: string;
  readonly term: string;
  readonly scheme: string;
  readonly class: string;
  readonly title: string | undefined;
  /** Type identifiers: more than one is not of the grammar, but seen. */
  readonly rel: readonly string[];
  readonly location: string | undefined;
  readonly attributes: readonly AttributeProperty[];
  readonly actions: readonly string[];
}

export interface LinkField {
  readonly raw: string;
  /** What stands between `<` and `>`. */
  readonly target: string;
  readonly rel: readonly string[];
  readonly self: string | undefined;
  readonly category: readonly string[];
  readonly attributes: ReadonlyMap<string, Value>;
  /** The term, where the target says `?action=`. */
  readonly action: string | undefined;
}

export interface TextMessage {
  readonly categories: readonly CategoryField[];
  readonly attributes: ReadonlyMap<string, Value>;
  /** Values of `X-OCCI-Attribute` as they stood there. */
  readonly rawAttributes: readonly string[];
  readonly links: readonly LinkField[];
  readonly locations: readonly string[];
  /** Lines and values that are none of the rendering. */
  readonly alien: readonly string[];
}

/** What the answer says in its rendering: fields of the header for text/occi, lines of the body for the other types. */
export function readMessage(exchange: Exchange): TextMessage {
  if (exchange.type === 'text/occi') {
    return readFields(exchange.answer.headers.filter(([name]) => /^(category|link|x-occi-.*)$/i.test(name)));
  }
  if (exchange.type === 'text/uri-list') return readFields(uris(exchange.body).map((uri) => ['X-OCCI-Location', uri]));
  return readFields(linesOf(exchange.body).map(splitLine));
}

/** Lines of a text body without their ends and without blank ones. */
export function linesOf(body: string): string[] {
  return body.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
}

/** URIs of a text/uri-list (RFC 2483 §5): comments left out. */
export function uris(body: string): string[] {
  return linesOf(body).filter((line) => !line.startsWith('#'));
}

function splitLine(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? ['', line] : [line.slice(0, colon), line.slice(colon + 1).trim()];
}

function readFields(fields: readonly (readonly [string, string])[]): TextMessage {
  const categories: CategoryField[] = [];
  const attributes = new Map<string, Value>();
  const rawAttributes: string[] = [];
  const links: LinkField[] = [];
  const locations: string[] = [];
  const alien: string[] = [];
  for (const [name, joined] of fields) {
    for (const value of splitOutside(joined, ',')) {
      const field = name.toLowerCase();
      if (field === 'category' || field === 'x-occi-category') categories.push(readCategory(value));
      else if (field === 'link' || field === 'x-occi-link') links.push(readLink(value));
      else if (field === 'x-occi-location') locations.push(value);
      else if (field === 'x-occi-attribute') {
        const [key, read] = readPair(value);
        attributes.set(key, read);
        rawAttributes.push(value);
      } else alien.push(name === '' ? value : `${name}: ${value}`);
    }
  }
  return { categories, attributes, rawAttributes, links, locations, alien };
}

function readCategory(raw: string): CategoryField {
  const [term = '', ...rest] = splitOutside(raw, ';');
  const parameters = new Map(rest.map(readPair));
  const text = (name: string): string | undefined => {
    const value = parameters.get(name);
    return value === undefined ? undefined : String(value);
  };
  const scheme = text('scheme') ?? '';
  return {
    raw,
    id: scheme + term,
    term,
    scheme,
    class: text('class') ?? '',
    title: text('title'),
    rel: words(text('rel')),
    location: text('location'),
    attributes: readProperties(text('attributes') ?? ''),
    actions: words(text('actions')),
  };
}

function readProperties(list: string): AttributeProperty[] {
  return [...list.matchAll(/([^\s{]+)(?:\{([^}]*)\})?/g)].map(([, name = '', properties = '']) => ({
    name,
    immutable: words(properties).includes('immutable'),
    required: words(properties).includes('required'),
  }));
}

function readLink(raw: string): LinkField {
  const [reference = '', ...rest] = splitOutside(raw, ';');
  const target = /^<(.*)>$/s.exec(reference)?.[1] ?? reference;
  const pairs = rest.map(readPair);
  const named = (name: string): string[] => pairs.flatMap(([key, value]) => (key === name ? [String(value)] : []));
  const own = new Set(['rel', 'self', 'category']);
  return {
    raw,
    target,
    rel: named('rel').flatMap(words),
    self: named('self')[0],
    category: named('category').flatMap(words),
    attributes: new Map(pairs.filter(([key]) => !own.has(key))),
    action: /\?action=([^&;]*)/.exec(target)?.[1],
  };
}

function readPair(text: string): [string, Value] {
  const equals = text.indexOf('=');
  if (equals < 0) return [text.trim(), ''];
  return [text.slice(0, equals).trim(), readValue(text.slice(equals + 1).trim())];
}

/** Quoted: a string. Bare: what it looks like. */
function readValue(raw: string): Value {
  const quoted = /^"(.*)"$/s.exec(raw)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1');
  if (raw === 'true' || raw === 'false') return raw === 'true';
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(raw) ? Number(raw) : raw;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** Splits where the separator stands outside quotes and angle brackets; empty parts are dropped. */
export function splitOutside(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let quoted = false;
  let bracketed = false;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted && char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && char === '<') bracketed = true;
    else if (!quoted && char === '>') bracketed = false;
    else if (!quoted && !bracketed && char === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
