/**
 * The tree of a parsed document as plain values: element and attribute names with their namespaces, text, place and
 * path. It is read off libxml2's own writing of its tree (K36), in one go, since every value that is asked of libxml2
 * singly costs more than the whole: what libxml2 writes is regular (one space before each attribute, no entities but
 * the five of XML and numbers, no document type), so that this reader may be simple.
 */

import { isAscii } from 'node:buffer';
import type { XmlDocument } from 'libxml2-wasm';

import type { SourceXml } from './intake.js';
import { Positions } from './position.js';

export interface Attribute {
  /** `''` when the attribute has no prefix. */
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
}

export interface Element {
  /** `''` when it is in no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** As written, prefix and all. */
  readonly qualifiedName: string;
  readonly attributes: readonly Attribute[];
  readonly children: readonly Element[];
  /** Text of an element without child elements, else `''`. */
  readonly text: string;
  /** Where its start tag begins, counted in characters from 1. */
  readonly line: number;
  readonly column: number;
  /** XPath-like path of local names; the n-th sibling of one name, from the second on, has `[n]`. */
  readonly path: string;
}

/** The tree below the root. Comments and processing instructions are left out (O-080). */
export function elementTree({ document, utf8, tags }: SourceXml): Element {
  return new TreeReader(writingOf(document), new Positions(utf8), tags).read();
}

/**
 * The element that a node path of libxml2 names (`/*\/*[2]/rasd:Caption`: the name as written, `*` where a default
 * namespace gives its namespace, the n-th of those that match). `counts` says whether an element is still in libxml2's
 * tree.
 */
export function elementAt(root: Element, nodePath: string, counts: (element: Element) => boolean): Element | undefined {
  const [, ...steps] = nodePath.split('/').slice(1);
  let found: Element | undefined = root;
  for (const step of steps) {
    const [, name, index = '1'] = /^([^[@]+)(?:\[(\d+)\])?$/.exec(step) ?? [];
    if (name === undefined) break;
    const matching: readonly Element[] = found.children.filter(
      (child) => counts(child) && (name === '*' || child.qualifiedName === name),
    );
    found = matching[Number(index) - 1];
    if (found === undefined) return undefined;
  }
  return found;
}

function writingOf(document: XmlDocument): Buffer {
  const parts: Buffer[] = [];
  document.save(
    {
      write: (bytes) => parts.push(Buffer.from(bytes)) && bytes.byteLength,
      close: () => true,
    },
    { encoding: 'utf-8', format: false, noDeclaration: true },
  );
  return Buffer.concat(parts);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/** Namespaces by prefix, those of an element before those round it. */
interface Scope {
  readonly prefixes: Map<string, string>;
  readonly outer: Scope | undefined;
  /** Qualified element names as they are understood here. */
  readonly names: Map<string, Pick<Element, 'namespace' | 'name'>>;
}

interface Open {
  readonly element: Writable;
  readonly scope: Scope;
}

/** Where a name has come up. */
interface Name {
  readonly from: number;
  readonly end: number;
  readonly text: string;
}

/** How many children of one name an element has so far. */
interface Siblings {
  parent: Writable;
  count: number;
}

type Writable = { -readonly [K in keyof Element]: Element[K] };

/** Most elements have no attributes, or no children: none of these has a list of its own. */
const NO_ATTRIBUTES: readonly Attribute[] = [];
const NO_CHILDREN: readonly Element[] = [];

/** A power of two, several times the names that a descriptor has. */
const NAME_SLOTS = 512;

/** A path is for people: longer names are cut in it. */
const LONGEST_STEP = 80;
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

const SPACE = 0x20;
const BANG = 0x21;
const QUOTE = 0x22;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const GT = 0x3e;
const QUESTION = 0x3f;

class TreeReader {
  readonly #bytes: Buffer;
  /** The same, a character for each byte, so that what is searched for here is found there. */
  readonly #text: string;
  readonly #ascii: boolean;
  readonly #positions: Positions;
  readonly #tags: readonly number[];
  readonly #open: Open[] = [];
  /** By depth and name, for the element that is open at that depth: one map for each element would cost more than the element. */
  readonly #siblings: Map<string, Siblings>[] = [];
  /** Names that have come up, by a hash of their bytes: most are cut out of the text, and hashed for maps, once. */
  readonly #names = new Array<Name | undefined>(NAME_SLOTS);
  #at = 0;
  #seen = 0;
  #root: Element | undefined;

  constructor(bytes: Buffer, positions: Positions, tags: readonly number[]) {
    this.#bytes = bytes;
    this.#text = bytes.toString('latin1');
    this.#ascii = isAscii(bytes);
    this.#positions = positions;
    this.#tags = tags;
  }

  read(): Element {
    const text = this.#text;
    for (let tag = text.indexOf('<'); tag !== -1; tag = text.indexOf('<', this.#at)) {
      const next = this.#bytes[tag + 1];
      if (next === SLASH) this.#close(tag);
      else if (next === BANG) this.#skipDeclared(tag);
      else if (next === QUESTION) this.#skipInstruction(tag);
      else this.#start(tag);
    }
    return this.#root as Element;
  }

  /** Text from here to `end` counts only while no child element comes: a tree with both is read as its elements. */
  #addText(end: number): void {
    const element = this.#open.at(-1)?.element;
    if (element?.children === NO_CHILDREN && end > this.#at) element.text += decoded(this.#slice(this.#at, end));
  }

  #slice(from: number, end: number): string {
    return this.#ascii ? this.#text.slice(from, end) : this.#bytes.toString('utf8', from, end);
  }

  #skipInstruction(tag: number): void {
    this.#addText(tag);
    this.#at = this.#text.indexOf('?>', tag) + 2;
  }

  #skipDeclared(tag: number): void {
    const text = this.#text;
    this.#addText(tag);
    if (text.startsWith('<!--', tag)) {
      this.#at = text.indexOf('-->', tag) + 3;
      return;
    }
    const end = text.indexOf(']]>', tag);
    const element = this.#open.at(-1)?.element;
    if (element?.children === NO_CHILDREN) element.text += this.#slice(tag + '<![CDATA['.length, end);
    this.#at = end + 3;
  }

  #close(tag: number): void {
    this.#addText(tag);
    this.#open.pop();
    this.#at = this.#text.indexOf('>', tag) + 1;
  }

  #start(tag: number): void {
    const bytes = this.#bytes;
    const parent = this.#open.at(-1);
    const qualifiedName = this.#name(tag + 1);
    let at = this.#at;
    let attributes: Attribute[] | undefined;
    let scope = parent?.scope ?? declare(undefined, undefined, 'xml', XML_NAMESPACE);
    while (bytes[at] === SPACE) {
      const name = this.#name(at + 1);
      const value = this.#at + '="'.length;
      const end = this.#text.indexOf(bytes[value - 1] === QUOTE ? '"' : "'", value);
      at = end + 1;
      const text = decoded(this.#slice(value, end));
      // libxml2 writes the declarations of an element before its attributes.
      if (name === 'xmlns' || name.startsWith('xmlns:')) scope = declare(scope, parent?.scope, name.slice(6), text);
      else (attributes ??= []).push(attributeOf(scope, name, text));
    }
    const element = this.#element(qualifiedName, attributes ?? NO_ATTRIBUTES, scope, parent?.element);
    const empty = bytes[at] === SLASH;
    if (!empty) this.#open.push({ element, scope });
    this.#at = at + (empty ? 2 : 1);
  }

  /** The name that begins at `from`; `#at` is behind it then. */
  #name(from: number): string {
    const bytes = this.#bytes;
    let end = from;
    let hash = 0;
    for (let byte = bytes[end] ?? GT; !isDelimiter(byte); byte = bytes[++end] ?? GT) hash = (hash * 31 + byte) | 0;
    this.#at = end;
    const slot = hash & (NAME_SLOTS - 1);
    const known = this.#names[slot];
    if (known !== undefined && this.#stands(known, from, end)) return known.text;
    const text = this.#slice(from, end);
    this.#names[slot] = { from, end, text };
    return text;
  }

  #stands({ from, end }: Name, at: number, atEnd: number): boolean {
    if (end - from !== atEnd - at) return false;
    for (let known = from, byte = at; known < end; known++, byte++)
      if (this.#bytes[known] !== this.#bytes[byte]) return false;
    return true;
  }

  #element(
    qualifiedName: string,
    attributes: readonly Attribute[],
    scope: Scope,
    parent: Writable | undefined,
  ): Writable {
    const { namespace, name } = nameIn(scope, qualifiedName);
    const { line, column } = this.#positions.at(this.#tags[this.#seen++] ?? 0);
    const place = parent === undefined ? 1 : this.#placeAmong(parent, name);
    const step = name.length > LONGEST_STEP ? `${name.slice(0, LONGEST_STEP)}…` : name;
    const path = `${parent?.path ?? ''}/${step}${place > 1 ? `[${place}]` : ''}`;
    const children = NO_CHILDREN;
    const element = { namespace, name, qualifiedName, attributes, children, text: '', line, column, path };
    if (parent === undefined) this.#root = element;
    else if (parent.children === NO_CHILDREN) parent.children = [element];
    else (parent.children as Element[]).push(element);
    return element;
  }

  /** Which child of that name the next one is, counted from 1. */
  #placeAmong(parent: Writable, name: string): number {
    parent.text = '';
    const depth = this.#open.length;
    const names = (this.#siblings[depth] ??= new Map());
    let siblings = names.get(name);
    if (siblings === undefined) names.set(name, (siblings = { parent, count: 0 }));
    if (siblings.parent !== parent) {
      siblings.parent = parent;
      siblings.count = 0;
    }
    return ++siblings.count;
  }
}

function isDelimiter(byte: number): boolean {
  return byte <= GT && (byte === EQUALS || byte === GT || byte === SLASH || byte === SPACE);
}

function attributeOf(scope: Scope, qualifiedName: string, value: string): Attribute {
  // The default namespace is none of an attribute's.
  if (!qualifiedName.includes(':')) return { namespace: '', name: qualifiedName, value };
  const { namespace, name } = nameIn(scope, qualifiedName);
  return { namespace, name, value };
}

/** The scope of an element with one declaration more: its own scope once it has one. */
function declare(scope: Scope | undefined, outer: Scope | undefined, prefix: string, namespace: string): Scope {
  const own =
    scope === undefined || scope === outer
      ? { prefixes: new Map(outer === undefined ? [['xml', XML_NAMESPACE]] : []), outer, names: new Map() }
      : scope;
  own.prefixes.set(prefix, namespace);
  return own;
}

function nameIn(scope: Scope, qualifiedName: string): Pick<Element, 'namespace' | 'name'> {
  const known = scope.names.get(qualifiedName);
  if (known !== undefined) return known;
  const colon = qualifiedName.indexOf(':');
  const prefix = colon === -1 ? '' : qualifiedName.slice(0, colon);
  let at: Scope | undefined = scope;
  while (at !== undefined && !at.prefixes.has(prefix)) at = at.outer;
  const understood = { namespace: at?.prefixes.get(prefix) ?? '', name: qualifiedName.slice(colon + 1) };
  scope.names.set(qualifiedName, understood);
  return understood;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/g, (_, hex?: string, decimal?: string, name?: string) =>
    name === undefined
      ? String.fromCodePoint(parseInt(hex ?? decimal ?? '', hex === undefined ? 10 : 16))
      : (ENTITIES[name] ?? ''),
  );
}
