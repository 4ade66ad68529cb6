/**
 * Templates in the XML form that oned takes everywhere: unlike its text form it can say a value that ends in a backslash.
 * What neither form can say (`]]>`, control characters, half a character) is refused before it is sent.
 */

import { IaasError } from '../../adapter.js';
import { isWhole } from '../../kept-text.js';

export type Value = string | number | boolean;
/** A vector attribute: names and values in one level. */
export type Vector = Readonly<Record<string, Value | undefined>>;
/** Attributes by name; a list stands for as many attributes of that name. What is undefined is left out. */
export type Template = Readonly<Record<string, Value | Vector | readonly Vector[] | undefined>>;

/** @throws IaasError `invalid` for a value that no template can hold */
export function templateXml(template: Template): string {
  const attributes = Object.entries(template).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (isScalar(value)) return [element(name, value)];
    const vectors = Array.isArray(value) ? (value as readonly Vector[]) : [value as Vector];
    return vectors.map((vector) => {
      const members = Object.entries(vector).flatMap(([key, each]) => (each === undefined ? [] : [element(key, each)]));
      return `<${name}>${members.join('')}</${name}>`;
    });
  });
  return `<TEMPLATE>${attributes.join('')}</TEMPLATE>`;
}

const isScalar = (value: unknown): value is Value => typeof value !== 'object';

function element(name: string, value: Value): string {
  const text = typeof value === 'boolean' ? (value ? 'YES' : 'NO') : String(value);
  if (!isSayable(text)) {
    throw new IaasError('invalid', `OpenNebula cannot hold this value of ${name}: it has "]]>" or control characters`);
  }
  return `<${name}>${escaped(text)}</${name}>`;
}

/** Whether a text can stand in a template of oned as it is. */
export function isSayable(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- these are the characters that XML 1.0 does not have
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\]\]>/.test(text) && isWhole(text);
}

export function escaped(text: string): string {
  return text.replace(/[<>&\r]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '\r': '&#13;' };
