/**
 * Text in header fields: Node hands header values over, and takes them, as latin-1 strings of their bytes; OCCI clients
 * write UTF-8 (`spec/occi.md` §6.4). A value that is no UTF-8 was meant as latin-1.
 */

// eslint-disable-next-line no-control-regex -- the range of ASCII
const ASCII = /^[\u0000-\u007f]*$/;
// eslint-disable-next-line no-control-regex -- the range of latin-1
const LATIN_1 = /^[\u0000-\u00ff]*$/;

/** A header value as Node gives it → the text that the client wrote. */
export function fromHeader(value: string): string {
  if (ASCII.test(value) || !LATIN_1.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** Text → a header value for Node's `setHeader`; it arrives intact only if the answer's body is a Buffer. */
export function toHeader(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
