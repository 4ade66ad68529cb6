/** The wire of oned, byte for byte: how its XML-RPC library reads a call and writes values, refusals and faults. */

import type { Branch } from '../../../src/iaas/document.js';
import { readDocument } from '../../../src/iaas/document.js';

export type Argument = string | number | boolean | readonly number[];

export interface Call {
  readonly method: string;
  readonly parameters: readonly Argument[];
}

/** What oned refuses by: its code, its words without the method, and the id it is about. */
export class Refused extends Error {
  readonly code: number;
  readonly object: number;

  constructor(code: number, message: string, object = -1) {
    super(message);
    this.code = code;
    this.object = object;
  }
}

/** What the XML-RPC library says before oned sees the call. */
export class Fault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const LINE = '\r\n';
const HEAD = `<?xml version="1.0" encoding="UTF-8"?>${LINE}<methodResponse>${LINE}`;

export function readCall(text: string): Call {
  const root = readDocument(text);
  if (root.name !== 'methodCall') throw new Fault(-503, 'Call is not valid XML.');
  const parameters = (root.child('params')?.all('param') ?? []).map((param) => argument(param.child('value')));
  return { method: root.value('methodName') ?? '', parameters };
}

function argument(value: Branch | undefined): Argument {
  const typed = value?.children[0];
  if (!typed) return value?.text ?? '';
  switch (typed.name) {
    case 'i4':
    case 'int':
      return Number(typed.text);
    case 'boolean':
      return typed.text === '1';
    case 'array':
      return (typed.child('data')?.all('value') ?? []).map((each) => Number(each.children[0]?.text));
    default:
      return typed.text;
  }
}

export function answerOf(value: string | number): string {
  return array(['<boolean>1</boolean>', written(value), '<i4>0</i4>']);
}

export function refusalOf(method: string, { code, message, object }: Refused): string {
  return array([
    '<boolean>0</boolean>',
    written(`[${method}] ${message}`),
    written(code),
    written(object),
    '<i8>-1</i8>',
  ]);
}

export function faultOf({ code, message }: Fault): string {
  const member = (name: string, value: string): string =>
    `<member><name>${name}</name>${LINE}<value>${value}</value></member>${LINE}`;
  const struct = `<struct>${LINE}${member('faultCode', written(code))}${member('faultString', written(message))}</struct>`;
  return `${HEAD}<fault>${LINE}<value>${struct}</value>${LINE}</fault>${LINE}</methodResponse>${LINE}`;
}

function array(values: readonly string[]): string {
  const items = values.map((value) => `<value>${value}</value>${LINE}`).join('');
  const params = `<params>${LINE}<param><value><array><data>${LINE}${items}</data></array></value></param>${LINE}</params>`;
  return `${HEAD}${params}${LINE}</methodResponse>${LINE}`;
}

function written(value: string | number): string {
  if (typeof value === 'number') return `<i4>${value}</i4>`;
  return `<string>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</string>`;
}

/** Calls whose declared parameters are not all needed, and from which on. */
const OPTIONAL: Readonly<Record<string, number>> = { 'one.vm.allocate': 2 };

/** Checks a call against what the server declares: types in their order, nothing missing; more is let pass. */
export function checkCall({ method, parameters }: Call, methods: Readonly<Record<string, readonly string[]>>): void {
  const declared = methods[method];
  if (!declared) throw new Fault(-506, `Method '${method}' not defined`);
  for (const [index, type] of declared.entries()) {
    const given = parameters[index];
    if (given === undefined && index >= (OPTIONAL[method] ?? declared.length)) return;
    if (given === undefined) throw new Fault(-501, 'Not enough parameters');
    const [found, called] = {
      string: ['string', 'string'],
      int: ['number', 'integer'],
      boolean: ['boolean', 'boolean'],
    }[type] ?? ['object', type];
    if (typeof given !== found) throw new Fault(-501, `Parameter that is supposed to be ${called} is not`);
  }
}
