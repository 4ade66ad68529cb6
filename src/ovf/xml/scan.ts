/**
 * A first look at the bytes of an XML document (XML 1.0 §2), before any parser builds a tree of it: finds a document
 * type declaration and counts elements, attributes and depth, so that a hostile document is refused at the cost of one
 * pass over its bytes. It does not judge well-formedness; that is the parser's work.
 */

/** How much one document may hold. */
export interface XmlLimits {
  /** Bytes of the whole document. */
  readonly bytes: number;
  /** Elements nested in one another. */
  readonly depth: number;
  /** Elements, comments and processing instructions of the whole document. */
  readonly elements: number;
  /** Attributes of the whole document, namespace declarations included. */
  readonly attributes: number;
  readonly attributesPerElement: number;
  /** Child elements of one element. */
  readonly children: number;
}

export interface ScanFinding {
  readonly kind: 'doctype' | Exclude<keyof XmlLimits, 'bytes'>;
  /** Offset of the byte at which it was noticed. */
  readonly offset: number;
}

const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const BANG = 0x21;
const QUESTION = 0x3f;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

/**
 * The first reason to refuse the document, if there is one. `utf8` is the document in UTF-8 (the marks that matter are
 * ASCII); time is linear in its length. `tags` gets the offset of every start tag, in document order.
 */
export function scanXml(utf8: Buffer, limits: XmlLimits, tags: number[] = []): ScanFinding | undefined {
  // Children so far of each open element, the document itself being the first.
  const children = new Int32Array(limits.depth + 1);
  let depth = 0;
  let elements = 0;
  let attributes = 0;
  let at = utf8.indexOf(LT);
  while (at !== -1) {
    const next = utf8[at + 1];
    if (next === BANG || next === QUESTION) {
      if (isDoctype(utf8, at)) return { kind: 'doctype', offset: at };
      if (++elements > limits.elements) return { kind: 'elements', offset: at };
      at = after(utf8, at);
    } else if (next === SLASH) {
      depth = Math.max(0, depth - 1);
      at += 2;
    } else {
      tags.push(at);
      const tag = startTag(utf8, at);
      attributes += tag.attributes;
      elements++;
      children[depth] = (children[depth] ?? 0) + 1;
      if ((children[depth] ?? 0) > limits.children) return { kind: 'children', offset: at };
      if (depth === limits.depth) return { kind: 'depth', offset: at };
      if (!tag.empty) children[++depth] = 0;
      if (elements > limits.elements) return { kind: 'elements', offset: at };
      if (tag.attributes > limits.attributesPerElement) return { kind: 'attributesPerElement', offset: at };
      if (attributes > limits.attributes) return { kind: 'attributes', offset: at };
      at = tag.end;
    }
    at = utf8.indexOf(LT, at);
  }
  return undefined;
}

const DOCTYPE = Buffer.from('<!DOCTYPE');
const CDATA = Buffer.from('<![CDATA[');
const DASH = 0x2d;

function isDoctype(utf8: Buffer, at: number): boolean {
  return utf8[at + 2] === DOCTYPE[2] && startsWith(utf8, at, DOCTYPE);
}

/** Where a comment, CDATA section, processing instruction or other declaration ends. */
function after(utf8: Buffer, at: number): number {
  if (utf8[at + 1] === QUESTION) return behind(utf8, '?>', at + 2);
  if (utf8[at + 2] === DASH && utf8[at + 3] === DASH) return behind(utf8, '-->', at + 4);
  return startsWith(utf8, at, CDATA) ? behind(utf8, ']]>', at + CDATA.length) : behind(utf8, '>', at + 2);
}

function behind(utf8: Buffer, close: string, from: number): number {
  const end = utf8.indexOf(close, from);
  return end === -1 ? utf8.length : end + close.length;
}

function startsWith(utf8: Buffer, at: number, mark: Buffer): boolean {
  return utf8.length >= at + mark.length && utf8.compare(mark, 0, mark.length, at, at + mark.length) === 0;
}

/** Reads a start tag: its attributes (equals signs outside quotes), whether it is empty, and where it ends. */
function startTag(utf8: Buffer, at: number): { attributes: number; empty: boolean; end: number } {
  let attributes = 0;
  for (let i = at + 1; i < utf8.length; i++) {
    const byte = utf8[i];
    if (byte === GT) return { attributes, empty: utf8[i - 1] === SLASH, end: i + 1 };
    if (byte === LT) return { attributes, empty: false, end: i };
    if (byte === EQUALS) attributes++;
    else if (byte === QUOTE || byte === APOSTROPHE) {
      i = utf8.indexOf(byte, i + 1);
      if (i === -1) break;
    }
  }
  return { attributes, empty: false, end: utf8.length };
}
