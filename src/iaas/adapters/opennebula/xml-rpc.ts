/**
 * XML-RPC as oned speaks it: integers as `<i4>`, an answer that is one array, three items for a success and five for a
 * failure. They are read by position, as oned's own documentation and its wire differ on their number.
 */

import type { Branch } from '../../document.js';
import { DocumentError, readDocument } from '../../document.js';
import { escaped } from './template.js';

export type Parameter = string | number | boolean | readonly number[];

/** What oned answered: its value, or its refusal. A fault is what its XML-RPC library said before oned saw the call. */
export type Answer =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'refusal'; readonly code: number; readonly said: string }
  | { readonly kind: 'fault'; readonly code: number; readonly said: string };

export function methodCall(method: string, parameters: readonly Parameter[]): string {
  const params = parameters.map((each) => `<param>${valueOf(each)}</param>`).join('');
  return `<?xml version="1.0"?>\n<methodCall><methodName>${method}</methodName><params>${params}</params></methodCall>\n`;
}

function valueOf(parameter: Parameter): string {
  switch (typeof parameter) {
    case 'string':
      return `<value><string>${escaped(parameter)}</string></value>`;
    case 'number':
      return `<value><i4>${parameter}</i4></value>`;
    case 'boolean':
      return `<value><boolean>${parameter ? 1 : 0}</boolean></value>`;
    default:
      return `<value><array><data>${parameter.map(valueOf).join('')}</data></array></value>`;
  }
}

/** @throws DocumentError for anything that is not an answer of oned */
export function readAnswer(text: string): Answer {
  const root = readDocument(text);
  if (root.name !== 'methodResponse') throw new DocumentError(`<${root.name.slice(0, 40)}> is no answer of oned`);
  const fault = root.at('fault', 'value', 'struct');
  if (fault) return { kind: 'fault', code: Number(member(fault, 'faultCode')), said: member(fault, 'faultString') };
  const value = root.at('params', 'param', 'value');
  const items = value?.at('array', 'data')?.all('value').map(scalar);
  // The system.* methods answer something else than oned's array; nobody here needs more than that they answer.
  if (!items) {
    if (!value) throw new DocumentError('the answer holds no value');
    return { kind: 'value', value: scalar(value) };
  }
  const [success, body, code] = items;
  if (success === undefined || body === undefined || code === undefined)
    throw new DocumentError('the answer has fewer than three items');
  if (success === '1') return { kind: 'value', value: body };
  return { kind: 'refusal', code: Number(code), said: body };
}

function scalar(value: Branch): string {
  return value.children[0]?.text ?? value.text;
}

function member(struct: Branch, name: string): string {
  const found = struct
    .all('member')
    .find((each) => each.value('name') === name)
    ?.child('value');
  return found ? scalar(found) : '';
}
