/**
 * What the text renderings ask of URIs and type identifiers (RFC 3986, GFD.229 §4.1): enough to be sure that one can be written
 * back without breaking out of its quotes or brackets. Whether it names anything is for others to find out.
 */

import type { TypeId } from '../model.js';

/* eslint-disable no-control-regex -- these are what a URI must not hold */
const URI_REFERENCE = /^[^\u0000-\u0020"<>\\\u007f]+$/;
const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\u0000-\u0020"<>\\\u007f]*$/;
/* eslint-enable no-control-regex */

/** Absolute or relative, not empty. */
export function isUriReference(text: string): boolean {
  return URI_REFERENCE.test(text);
}

export function isAbsoluteUri(text: string): boolean {
  return ABSOLUTE_URI.test(text);
}

/** The identifiers of a blank-separated list (`resource-type`, `link-type`). */
export function typeIds(list: string): TypeId[] {
  if (list !== '' && !list.includes(' ')) return [list];
  const ids: TypeId[] = [];
  for (let from = 0; from < list.length;) {
    const blank = list.indexOf(' ', from);
    const to = blank < 0 ? list.length : blank;
    if (to > from) ids.push(list.slice(from, to));
    from = to + 1;
  }
  return ids;
}
