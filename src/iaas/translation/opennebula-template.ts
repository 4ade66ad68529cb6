/**
 * OpenNebula's template language: `NAME = "value"` and `NAME = [ A = "v", B = "v" ]`, with one escape, `\"`. A value that
 * ends in a backslash cannot be written in it, and `]]>` in none of the server's forms (`spec` of `one.template.allocate`).
 */

import { excerpt, problem } from '../../base/errors.js';

export type TemplateVector = readonly (readonly [name: string, value: string])[];
/** Attributes in order; a name may repeat. */
export type Template = readonly (readonly [name: string, value: string | TemplateVector])[];

/** @throws Problem `invalid` for a value that the language cannot hold */
export function templateText(template: Template): string {
  return template
    .map(([name, value]) => {
      if (typeof value === 'string') return `${name} = ${quoted(name, value)}\n`;
      const members = value.map(([member, text]) => `  ${member} = ${quoted(`${name}/${member}`, text)}`);
      return `${name} = [\n${members.join(',\n')} ]\n`;
    })
    .join('');
}

function quoted(name: string, value: string): string {
  if (!value.endsWith('\\') && !value.includes(']]>')) return `"${value.replaceAll('"', '\\"')}"`;
  throw problem('invalid', 'opennebula.template-value', `the value of ${name} cannot be written in a template`, {
    remedy: 'take the backslash at its end, or the characters ]]>, out of the descriptor',
    value: excerpt(value),
  });
}
