/**
 * The lexical grammar of categories: terms, schemes, attribute names and locations (GFD.229 §4.1 for OCCI 1.2,
 * GFD.185 §3.5.1 for 1.1). Requests are held to the wider 1.2 grammar; what is offered to 1.1 clients must also
 * satisfy the narrower one, because their parsers reject a whole model over one name.
 */

import type { OcciVersion } from './model.js';

/** Longest term, attribute name, scheme or location that is accepted, in characters. */
export const LONGEST_NAME = 255;

const TERM: Record<OcciVersion, RegExp> = {
  '1.1': /^[a-z][a-z0-9_-]*$/,
  '1.2': /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
};
const ATTRIBUTE_NAME: Record<OcciVersion, RegExp> = {
  '1.1': /^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$/,
  '1.2': /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
};
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?@!$&'()*+,;=%-]+#$/;
const LOCATION = /^\/((?!\.{1,2}\/)[A-Za-z0-9._~-]+\/)+$/;

/** Whether `text` is a term of that version's grammar. */
export function isTerm(text: string, version: OcciVersion = '1.2'): boolean {
  return text.length <= LONGEST_NAME && TERM[version].test(text);
}

/** Whether `text` is an attribute name of that version's grammar. */
export function isAttributeName(text: string, version: OcciVersion = '1.2'): boolean {
  return text.length <= LONGEST_NAME && ATTRIBUTE_NAME[version].test(text);
}

/** Whether `text` is an absolute URI ending in its only `#`. */
export function isScheme(text: string): boolean {
  return text.length <= LONGEST_NAME && SCHEME.test(text);
}

/** Whether `text` is a path from the root that ends in `/`, without empty, relative or escaped segments. */
export function isLocation(text: string): boolean {
  return text.length <= LONGEST_NAME && LOCATION.test(text);
}

/** Splits a type identifier after its `#`; undefined when it is none. */
export function splitTypeId(id: string): { scheme: string; term: string } | undefined {
  const end = id.indexOf('#') + 1;
  const scheme = id.slice(0, end);
  const term = id.slice(end);
  return isScheme(scheme) && isTerm(term) ? { scheme, term } : undefined;
}
