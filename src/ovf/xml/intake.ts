/**
 * The intake of XML from outside: bytes in, a libxml2 document out, or a {@link Problem} that says why not. The
 * encoding is UTF-8 (with or without byte order mark) or UTF-16 by its byte order mark; a document type declaration is
 * refused before parsing, so that there are no entities to expand and nothing to fetch; size, depth and the number of
 * elements and attributes are bounded (O-075 to O-078, O-082; S-098).
 */

import { isUtf8 } from 'node:buffer';
import { ParseOption, XmlDocument, XmlParseError } from 'libxml2-wasm';

import { Problem, excerpt, problem, type Fault } from '../../base/errors.js';
import { Positions } from './position.js';
import { scanXml, type ScanFinding, type XmlLimits } from './scan.js';

export type { XmlLimits } from './scan.js';

/** Limits of an OVF descriptor; a thousand machines of fifty items and properties fit in. */
export const DESCRIPTOR_LIMITS: XmlLimits = {
  bytes: 12 * 1024 * 1024,
  depth: 256,
  elements: 100_000,
  attributes: 200_000,
  attributesPerElement: 1_000,
  children: 5_000,
};

/** Nothing is fetched, and short texts lie in their nodes: nobody writes into a document that has been read. */
const PARSING = ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NO_XXE | ParseOption.XML_PARSE_COMPACT;

/** A parsed document with where its elements stand in the text. */
export interface SourceXml {
  /** The caller owns it and must dispose it. */
  readonly document: XmlDocument;
  readonly utf8: Buffer;
  /** Offset in `utf8` of the start tag of every element, in document order. */
  readonly tags: readonly number[];
}

/**
 * Parses one document. The caller owns the result and must dispose it (`using document = readXml(…)`).
 * @throws Problem as {@link readSourceXml} does
 */
export function readXml(bytes: Uint8Array, limits: XmlLimits = DESCRIPTOR_LIMITS): XmlDocument {
  return readSourceXml(bytes, limits).document;
}

/**
 * Parses one document and keeps its text.
 * @throws Problem `too-large` (`xml.bytes`, `xml.elements`, …) or `malformed` (`xml.encoding`, `xml.doctype`,
 *   `xml.depth`, `xml.not-well-formed`, the latter with every error the parser found)
 */
export function readSourceXml(bytes: Uint8Array, limits: XmlLimits = DESCRIPTOR_LIMITS): SourceXml {
  const utf8 = toUtf8(bytes, limits);
  const tags: number[] = [];
  const finding = scanXml(utf8, limits, tags);
  if (finding !== undefined) throw refusal(finding, utf8, limits);
  try {
    return { document: XmlDocument.fromBuffer(utf8, { encoding: 'utf-8', option: PARSING }), utf8, tags };
  } catch (error) {
    if (error instanceof XmlParseError) throw new Problem('malformed', parseFaults(error), { cause: error });
    throw error;
  }
}

/**
 * The document in UTF-8 without byte order mark.
 * @throws Problem `too-large` over the byte limit, `malformed` when the bytes are no text in an accepted encoding
 */
export function toUtf8(bytes: Uint8Array, limits: XmlLimits = DESCRIPTOR_LIMITS): Buffer {
  if (bytes.byteLength > limits.bytes) {
    throw problem(
      'too-large',
      'xml.bytes',
      `the document has ${bytes.byteLength} bytes, more than the ${limits.bytes} allowed`,
      {
        rule: 'O-078',
        remedy: 'send a smaller document; large payloads belong into referenced files',
      },
    );
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const actual = encodingOf(buffer);
  const text = actual === 'utf-8' ? withoutMark(buffer) : Buffer.from(decode(buffer.subarray(2), actual), 'utf8');
  if (actual === 'utf-8' && !isUtf8(text)) throw notIn(actual);
  const declared = declaredEncoding(text);
  const wanted = actual === 'utf-8' ? /^(utf-?8|us-ascii|ascii)$/i : /^utf-?16(le|be)?$/i;
  if (declared !== undefined && !wanted.test(declared)) {
    throw encodingProblem(
      `the document declares encoding ${excerpt(declared)} but is not in it or it is not supported`,
      declared,
    );
  }
  return text;
}

/**
 * A document as text that can be kept and read again: whatever it was written in, it no longer says so.
 * @throws Problem as {@link toUtf8} does
 */
export function utf8Text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (encodingOf(buffer) === 'utf-8') return buffer.toString('utf8');
  return toUtf8(bytes)
    .toString('utf8')
    .replace(/^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')/, '$1');
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

function encodingOf(buffer: Buffer): Encoding {
  if (buffer[0] === 0xff && buffer[1] === 0xfe) return 'utf-16le';
  if (buffer[0] === 0xfe && buffer[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

function withoutMark(buffer: Buffer): Buffer {
  return buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? buffer.subarray(3) : buffer;
}

/** Big-endian text is swapped first, because not every build of Node decodes it. */
function decode(buffer: Buffer, encoding: Encoding): string {
  if (encoding === 'utf-16be') {
    if (buffer.length % 2 === 1) throw encodingProblem('the document ends in the middle of a UTF-16 character');
    return decode(Buffer.from(buffer).swap16(), 'utf-16le');
  }
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(buffer);
  } catch {
    throw notIn(encoding);
  }
}

function notIn(encoding: Encoding): Problem {
  return encodingProblem(`the bytes of the document are not ${encoding.toUpperCase()}`);
}

function declaredEncoding(utf8: Buffer): string | undefined {
  const head = utf8.toString('latin1', 0, 256);
  return /^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"'<>]*)["']/.exec(head)?.[1];
}

function encodingProblem(message: string, value?: string): Problem {
  return problem('malformed', 'xml.encoding', message, {
    place: { line: 1, column: 1 },
    rule: 'O-082',
    remedy: 'save the document as UTF-8, or as UTF-16 with a byte order mark, and declare what it is',
    ...(value === undefined ? {} : { value: excerpt(value) }),
  });
}

function refusal(finding: ScanFinding, utf8: Buffer, limits: XmlLimits): Problem {
  const place = new Positions(utf8).at(finding.offset);
  if (finding.kind === 'doctype') {
    return problem('malformed', 'xml.doctype', 'the document has a document type declaration', {
      place,
      rule: 'O-075',
      remedy: 'remove the <!DOCTYPE …> declaration and write out any entities it defines',
    });
  }
  const words = {
    depth: `elements are nested deeper than ${limits.depth}`,
    elements: `the document has more than ${limits.elements} elements`,
    attributes: `the document has more than ${limits.attributes} attributes`,
    children: `an element has more than ${limits.children} child elements`,
    attributesPerElement: `an element has more than ${limits.attributesPerElement} attributes`,
  };
  return problem('too-large', `xml.${finding.kind}`, words[finding.kind], {
    place,
    rule: 'O-078',
    remedy: 'split the document or remove what is not needed',
  });
}

/** At most 20 errors: the parser repeats itself once it has lost its way. */
function parseFaults(error: XmlParseError): Fault[] {
  const faults = error.details.slice(0, 20).map((detail): Fault => ({
    code: 'xml.not-well-formed',
    message: excerpt(detail.message.trim()),
    place: { line: detail.line, ...(detail.col > 0 ? { column: detail.col } : {}) },
    rule: 'XML 1.0 §2.1',
    remedy: 'make the document well-formed at this place',
  }));
  return faults.length > 0
    ? faults
    : [{ code: 'xml.not-well-formed', message: 'the document is not XML', rule: 'XML 1.0 §2.1' }];
}
