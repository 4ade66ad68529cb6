/**
 * S/MIME messages with a detached signature (RFC 8551 §3.5.3, RFC 1847 §2.1): the bytes that were signed, and the signature.
 * Nothing else of MIME is read.
 */

import { problem, type Problem } from '../../base/errors.js';

export interface SignedMessage {
  /** The first part with its header, lines ended by CR LF, as it was signed. */
  readonly signed: Buffer;
  /** The first part's body. */
  readonly content: string;
  /** DER of the CMS structure. */
  readonly signature: Buffer;
}

/** @throws Problem `invalid` (`image-list.unsigned`) */
export function readSignedMessage(message: Uint8Array): SignedMessage {
  const text = Buffer.from(message)
    .toString('latin1')
    .replace(/\r\n|\r|\n/g, '\r\n');
  const header = headerOf(text);
  const type = field(header.fields, 'content-type');
  const boundary = /;\s*boundary=(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))/i.exec(type);
  if (!/^multipart\/signed\s*;/i.test(type) || !boundary) throw unsigned('it is no multipart/signed message');
  const line = `\r\n--${boundary[1] ?? boundary[2]}`;
  const [, signed, second, rest] = `\r\n${header.body}`.split(line);
  if (signed === undefined || second === undefined || rest?.startsWith('--') !== true)
    throw unsigned('it has not two parts');
  const signature = headerOf(second.slice(2));
  if (!/^application\/(x-)?pkcs7-signature\b/i.test(field(signature.fields, 'content-type')))
    throw unsigned('its second part is no signature');
  if (!/^base64$/i.test(field(signature.fields, 'content-transfer-encoding')))
    throw unsigned('its signature is not in base64');
  const bytes = Buffer.from(signed.slice(2), 'latin1');
  return {
    signed: bytes,
    content: Buffer.from(partBody(signed.slice(2)), 'latin1').toString('utf8'),
    signature: Buffer.from(signature.body, 'base64'),
  };
}

/** Header fields to the first empty line; a part may have none, and begins with that line then. */
function headerOf(text: string): { readonly fields: string; readonly body: string } {
  if (text.startsWith('\r\n')) return { fields: '', body: text.slice(2) };
  const end = text.indexOf('\r\n\r\n');
  if (end < 0 || end > 16_384) throw unsigned('it has no header');
  return { fields: text.slice(0, end).replace(/\r\n[ \t]+/g, ' '), body: text.slice(end + 4) };
}

/** Lists come without part headers, although MIME wants at least their empty line. */
function partBody(part: string): string {
  return /^[A-Za-z-]+:/.test(part) ? headerOf(part).body : part;
}

function field(fields: string, name: string): string {
  const line = fields.split('\r\n').find((each) => each.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}

function unsigned(why: string): Problem {
  return problem('invalid', 'image-list.unsigned', `this is no signed image list: ${why}`, {
    rule: 'RFC 8551 §3.5.3',
    remedy: 'have the endorser sign the list, for instance with openssl smime -sign',
  });
}
