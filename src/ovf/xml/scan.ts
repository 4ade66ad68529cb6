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
  const tag: StartTag = { attributes: 0, empty: false, end: 0 };
  let at = nextTag(utf8, 0);
  while (at < utf8.length) {
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
      readStartTag(utf8, at, tag);
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
    at = nextTag(utf8, at);
  }
  return undefined;
}

/** Byte by byte: to call `indexOf` costs more than to walk over what usually stands between two tags. */
function nextTag(utf8: Buffer, from: number): number {
  let at = from;
  while (at < utf8.length && utf8[at] !== LT) at++;
  return at;
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

interface StartTag {
  /** Equals signs outside quotes. */
  attributes: number;
  empty: boolean;
  end: number;
}

/** Reads the start tag at `at` into `tag`: one for the whole document, since every element would leave its own behind. */
function readStartTag(utf8: Buffer, at: number, tag: StartTag): void {
  tag.attributes = 0;
  tag.empty = false;
  tag.end = utf8.length;
  let quote = 0;
  for (let i = at + 1; i < utf8.length; i++) {
    const byte = utf8[i] ?? 0;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === GT || byte === LT) {
      tag.empty = byte === GT && utf8[i - 1] === SLASH;
      tag.end = byte === GT ? i + 1 : i;
      return;
    } else if (byte === EQUALS) tag.attributes++;
    else if (byte === QUOTE || byte === APOSTROPHE) quote = byte;
  }
}
