/**
 * What the text renderings ask of URIs and identifiers (RFC 3986, GFD.229 §4.1): enough to be sure that one can be written
 * back without breaking out of its quotes or brackets. Whether it names anything is for others to find out.
 */

import type { TypeId } from '../model.js';

/** `( ALPHA | DIGIT ) *( ALPHA | DIGIT | "-" | "_" | "." )`: terms and attribute names in OCCI 1.2, of which 1.1's are a part. */
const TERM = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
// eslint-disable-next-line no-control-regex -- these are what a URI must not hold
const NOT_IN_URI = /[\u0000-\u0020"<>\\\u007f]/;

export function isTerm(text: string): boolean {
  return TERM.test(text);
}

/** Absolute or relative, not empty. */
export function isUriReference(text: string): boolean {
  return text !== '' && !NOT_IN_URI.test(text);
}

export function isAbsoluteUri(text: string): boolean {
  return SCHEME.test(text) && !NOT_IN_URI.test(text);
}

/** The identifiers of a blank-separated list (`resource-type`, `link-type`). */
export function typeIds(list: string): readonly TypeId[] {
  const ids: TypeId[] = [];
  for (let from = 0; from < list.length;) {
    const blank = list.indexOf(' ', from);
    const to = blank < 0 ? list.length : blank;
    if (to > from) ids.push(list.slice(from, to));
    from = to + 1;
  }
  return ids;
}
