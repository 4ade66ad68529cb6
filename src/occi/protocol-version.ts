/**
 * Which OCCI a client speaks (GFD.185 §3.6.5, GFD.223 §5.3): the `OCCI/X.Y` token of its User-Agent decides, else what it sends
 * and accepts, because JSON and `text/occi+plain` came with 1.2 (`spec/occi.md` §1.2).
 */

import {
  OCCI_JSON,
  JSON_ALIAS,
  TEXT_OCCI,
  TEXT_OCCI_PLAIN,
  TEXT_PLAIN,
  TEXT_URI_LIST,
  OCCI_JSON_1_1,
  jsonVersion,
  negotiate,
  parseContentType,
} from './media-type.js';
import type { OcciVersion } from './model.js';

export interface RequestedVersion {
  readonly version: OcciVersion;
  /** The client said so in its User-Agent. */
  readonly explicit: boolean;
}

/**
 * The version in which a request is answered. Of several tokens the highest counts, compared by number; 1.0 and older get 1.1.
 * @returns `'too-high'` when the client asks for more than OCCI 1.2 (501, A43).
 */
export function requestedVersion(
  userAgent: string | undefined,
  accept: string | undefined,
  contentType: string | undefined,
): RequestedVersion | 'too-high' {
  const token = highestToken(userAgent ?? '');
  if (token === undefined) return { version: versionOfTypes(accept, contentType), explicit: false };
  if (isAbove(token, HIGHEST)) return 'too-high';
  return { version: isAbove(HIGHEST, token) ? '1.1' : '1.2', explicit: true };
}

/** Whether products (`User-Agent`, `Server`) name OCCI 1.2 or higher among what they speak. */
export function speaksOcci12(products: string): boolean {
  const token = highestToken(products);
  return token !== undefined && !isAbove(HIGHEST, token);
}

type Token = readonly [major: number, minor: number];

const HIGHEST: Token = [1, 2];
/** A product of that very name, not `rOCCI/…` or `OCCI-CRTP/…`; what is no version is no token. */
const TOKEN = /(?<![\w!#$%&'*+.^`|~-])OCCI\/(\d+)\.(\d+)(?![\w!#$%&'*+.^`|~-])/g;

function highestToken(userAgent: string): Token | undefined {
  let highest: Token | undefined;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(userAgent); found !== null; found = TOKEN.exec(userAgent)) {
    const token: Token = [Number(found[1]), Number(found[2])];
    if (highest === undefined || isAbove(token, highest)) highest = token;
  }
  return highest;
}

function isAbove(a: Token, b: Token): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
}

/** What a client can mean that names no version: 1.2 if it sends, or would be given, a rendering that only 1.2 has. */
function versionOfTypes(accept: string | undefined, contentType: string | undefined): OcciVersion {
  const preferred = negotiate(accept, [
    TEXT_PLAIN,
    TEXT_OCCI,
    TEXT_URI_LIST,
    TEXT_OCCI_PLAIN,
    OCCI_JSON,
    JSON_ALIAS,
    OCCI_JSON_1_1,
  ]);
  return isOfVersion12(preferred) || isOfVersion12(contentType) ? '1.2' : '1.1';
}

function isOfVersion12(header: string | undefined): boolean {
  const type = parseContentType(header);
  if (type === undefined) return false;
  if (type.type === TEXT_OCCI_PLAIN) return true;
  return (type.type === OCCI_JSON || type.type === JSON_ALIAS) && jsonVersion(type) !== '1.1';
}
