/**
 * The tree of a parsed document as plain values: element and attribute names with their namespaces, text, place and
 * path. It is read off libxml2's own writing of its tree (K36), in one go, since every value that is asked of libxml2
 * singly costs more than the whole: what libxml2 writes is regular (one space before each attribute, no entities but
 * the five of XML and numbers, no document type), so that this reader may be simple.
 */

import { isAscii } from 'node:buffer';
import type { XmlDocument } from 'libxml2-wasm';

import type { SourceXml } from './intake.js';
import { ElementPlace, TagPositions } from './place.js';

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
  readonly at: ElementPlace;
}

/** The tree below the root. Comments and processing instructions are left out (O-080). */
export function elementTree({ document, utf8, tags }: SourceXml): Element {
  return new TreeReader(writingOf(document, utf8.length), new TagPositions(utf8, tags)).read();
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

/** @param length of the document as it came, about as long as its writing is */
function writingOf(document: XmlDocument, length: number): Buffer {
  let written = Buffer.allocUnsafe(length + ROOM);
  let end = 0;
  const write = (bytes: Uint8Array): number => {
    if (end + bytes.length > written.length) written = Buffer.concat([written], 2 * (end + bytes.length));
    written.set(bytes, end);
    end += bytes.length;
    return bytes.length;
  };
  document.save({ write, close: () => true }, { encoding: 'utf-8', format: false, noDeclaration: true });
  return written.subarray(0, end);
}

/** Bytes by which a writing may be longer without being moved. */
const ROOM = 1024;

/* --- reading ----------------------------------------------------------------------------------------------------- */

/** Namespaces by prefix, those of an element before those round it. */
interface Scope {
  readonly prefixes: Map<string, string>;
  readonly outer: Scope | undefined;
}

interface Open {
  readonly name: Name;
  readonly element: Writable;
  readonly scope: Scope;
}

/** A name as written, where it has come up first, and what its prefix has meant last. */
interface Name {
  readonly from: number;
  readonly end: number;
  readonly text: string;
  /** `''` when there is none. */
  readonly prefix: string;
  readonly local: string;
  scope: Scope | undefined;
  namespace: string;
}

type Writable = { -readonly [K in keyof Element]: Element[K] };

/** Most elements have no attributes, or no children: none of these has a list of its own. */
const NO_ATTRIBUTES: readonly Attribute[] = [];
const NO_CHILDREN: readonly Element[] = [];

/** A power of two, several times the names that a descriptor has. */
const NAME_SLOTS = 512;

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
  readonly #tags: TagPositions;
  readonly #open: Open[] = [];
  /** Names that have come up, by a hash of their bytes: most are cut out of the text, and hashed for maps, once. */
  readonly #names = new Array<Name | undefined>(NAME_SLOTS);
  #at = 0;
  #seen = 0;
  #root: Element | undefined;

  constructor(bytes: Buffer, tags: TagPositions) {
    this.#bytes = bytes;
    this.#text = bytes.toString('latin1');
    this.#ascii = isAscii(bytes);
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
    const { from = 0, end = 0 } = this.#open.pop()?.name ?? {};
    this.#at = tag + '</'.length + (end - from) + '>'.length;
  }

  #start(tag: number): void {
    const bytes = this.#bytes;
    const parent = this.#open.at(-1);
    const name = this.#name(tag + 1);
    let at = this.#at;
    let attributes: Attribute[] | undefined;
    let scope = parent?.scope ?? declare(undefined, undefined, 'xml', XML_NAMESPACE);
    while (bytes[at] === SPACE) {
      const attribute = this.#name(at + 1);
      const value = this.#at + '="'.length;
      const end = this.#text.indexOf(bytes[value - 1] === QUOTE ? '"' : "'", value);
      at = end + 1;
      const text = decoded(this.#slice(value, end));
      // libxml2 writes the declarations of an element before its attributes.
      if (attribute.prefix === 'xmlns') scope = declare(scope, parent?.scope, attribute.local, text);
      else if (attribute.text === 'xmlns') scope = declare(scope, parent?.scope, '', text);
      else (attributes ??= []).push(attributeOf(scope, attribute, text));
    }
    const element = this.#element(name, attributes ?? NO_ATTRIBUTES, scope, parent?.element);
    const empty = bytes[at] === SLASH;
    if (!empty) this.#open.push({ name, element, scope });
    this.#at = at + (empty ? 2 : 1);
  }

  /** The name that begins at `from`; `#at` is behind it then. */
  #name(from: number): Name {
    const bytes = this.#bytes;
    let end = from;
    let hash = 0;
    for (let byte = bytes[end] ?? GT; !isDelimiter(byte); byte = bytes[++end] ?? GT) hash = (hash * 31 + byte) | 0;
    this.#at = end;
    const slot = hash & (NAME_SLOTS - 1);
    const known = this.#names[slot];
    if (known !== undefined && this.#stands(known, from, end)) return known;
    const text = this.#slice(from, end);
    const colon = text.indexOf(':');
    const [prefix, local] = colon === -1 ? ['', text] : [text.slice(0, colon), text.slice(colon + 1)];
    return (this.#names[slot] = { from, end, text, prefix, local, scope: undefined, namespace: '' });
  }

  #stands({ from, end }: Name, at: number, atEnd: number): boolean {
    if (end - from !== atEnd - at) return false;
    for (let known = from, byte = at; known < end; known++, byte++)
      if (this.#bytes[known] !== this.#bytes[byte]) return false;
    return true;
  }

  #element(written: Name, attributes: readonly Attribute[], scope: Scope, parent: Writable | undefined): Writable {
    const { text: qualifiedName, local: name } = written;
    const namespace = namespaceOf(written, scope);
    const at = new ElementPlace(this.#tags, this.#seen++, name, parent);
    const element = { namespace, name, qualifiedName, attributes, children: NO_CHILDREN, text: '', at };
    if (parent === undefined) this.#root = element;
    else addTo(parent, element);
    return element;
  }
}

function addTo(parent: Writable, child: Element): void {
  parent.text = '';
  if (parent.children === NO_CHILDREN) parent.children = [child];
  else (parent.children as Element[]).push(child);
}

function isDelimiter(byte: number): boolean {
  return byte <= GT && (byte === EQUALS || byte === GT || byte === SLASH || byte === SPACE);
}

function attributeOf(scope: Scope, written: Name, value: string): Attribute {
  // The default namespace is none of an attribute's.
  const namespace = written.prefix === '' ? '' : namespaceOf(written, scope);
  return { namespace, name: written.local, value };
}

/** The scope of an element with one declaration more: its own scope once it has one. */
function declare(scope: Scope | undefined, outer: Scope | undefined, prefix: string, namespace: string): Scope {
  const own = scope === undefined || scope === outer ? { prefixes: new Map<string, string>(), outer } : scope;
  own.prefixes.set(prefix, namespace);
  return own;
}

/** Looked up once as long as names stand in one scope, as most do. */
function namespaceOf(name: Name, scope: Scope): string {
  if (name.scope === scope) return name.namespace;
  let at: Scope | undefined = scope;
  while (at !== undefined && !at.prefixes.has(name.prefix)) at = at.outer;
  name.scope = scope;
  return (name.namespace = at?.prefixes.get(name.prefix) ?? '');
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
