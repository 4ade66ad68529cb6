/**
 * OpenNebula's template language for people: `NAME = "value"` and `NAME = [ A = "v", B = "v" ]`, with one escape, `\"`. A value
 * that ends in a backslash cannot be written in it; such a template is written in the XML that the adapter sends, which
 * `onetemplate create` takes as well.
 */

import { templateXml, type Template, type Vector } from '../adapters/opennebula/template.js';

/** @throws IaasError `invalid` for a value that no template can hold */
export function templateText(template: Template): string {
  const exact = templateXml(template);
  const lines = Object.entries(template).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value !== 'object') return [`${name} = ${quoted(value)}\n`];
    const vectors: readonly Vector[] = Array.isArray(value) ? value : [value];
    return vectors.map((vector) => `${name} = [\n${membersOf(vector).join(',\n')} ]\n`);
  });
  const text = lines.join('');
  return UNSAYABLE.test(text) ? `${exact}\n` : text;
}

/** A backslash before the quote that should end a value. */
const UNSAYABLE = /\\"(?=(?:,| \])?\n)/;

function membersOf(vector: Vector): readonly string[] {
  return Object.entries(vector).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name} = ${quoted(value)}`],
  );
}

function quoted(value: string | number | boolean): string {
  const text = typeof value === 'boolean' ? (value ? 'YES' : 'NO') : String(value);
  return `"${text.replaceAll('"', '\\"')}"`;
}
