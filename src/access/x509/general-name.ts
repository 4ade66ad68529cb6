/** General names (RFC 5280 §4.2.1.6): subject alternative names, name constraints, distribution points and targets. */

import type { Der } from './der.js';
import { context } from './der.js';
import { Name } from './name.js';

export type GeneralName =
  | { readonly kind: 'email' | 'dns' | 'uri'; readonly text: string }
  | { readonly kind: 'address'; readonly bytes: Uint8Array }
  | { readonly kind: 'directory'; readonly name: Name }
  /** Of a form that nothing here is about. */
  | { readonly kind: 'other'; readonly tag: number };

export function generalName(element: Der): GeneralName {
  const text = (): string => Buffer.from(element.content).toString('latin1');
  switch (element.tag) {
    case context(1, false):
      return { kind: 'email', text: text() };
    case context(2, false):
      return { kind: 'dns', text: text() };
    case context(6, false):
      return { kind: 'uri', text: text() };
    case context(7, false):
      return { kind: 'address', bytes: element.content };
    case context(4): {
      const fields = element.fields(context(4));
      const name = new Name(fields.take());
      fields.end();
      return { kind: 'directory', name };
    }
    default:
      return { kind: 'other', tag: element.tag };
  }
}

export function generalNames(sequence: Der, tag?: number): GeneralName[] {
  return [...sequence.elements(tag)].map(generalName);
}

/** The one directory name of a GeneralNames that has nothing else. */
export function onlyDirectoryName(sequence: Der, tag?: number): Name | undefined {
  const [first, ...more] = generalNames(sequence, tag);
  return first?.kind === 'directory' && more.length === 0 ? first.name : undefined;
}
