/**
 * What a property's value may be: `ovf:type` and `ovf:qualifiers` of DSP0243 §9.5 (the CIM types and the
 * MOF qualifiers MinLen, MaxLen, ValueMap), in all the spellings real descriptors use, VMware's own types
 * and qualifiers among them.
 */

import ipaddr from 'ipaddr.js';

import { remembered } from '../../base/remembered.js';

export type PropertyType =
  | 'uint8'
  | 'sint8'
  | 'uint16'
  | 'sint16'
  | 'uint32'
  | 'sint32'
  | 'uint64'
  | 'sint64'
  | 'real32'
  | 'real64'
  | 'boolean'
  | 'string';

/** Type and qualifiers as one value, ready for JSON; integers are decimal text, since uint64 exceeds a JSON number. */
export interface PropertyLimits {
  readonly type: PropertyType;
  /** Characters (Unicode code points). */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minValue?: string;
  readonly maxValue?: string;
  /** ValueMap: the only legal values. */
  readonly values?: readonly string[];
  /** `address`: one IPv4 or IPv6 address, or nothing. */
  readonly format?: 'address';
}

export interface ReadLimits {
  readonly limits: PropertyLimits;
  /** True for VMware's type `password`. */
  readonly password: boolean;
  /** True when the type is not one of DSP0243 but has a known meaning. */
  readonly nonStandard: boolean;
  /** The type as written when it is unknown; it is then read as a string. */
  readonly unknownType?: string;
  /** Parts of the qualifiers that have no known meaning. */
  readonly unknownQualifiers: readonly string[];
}

/** Reads `ovf:type` and `ovf:qualifiers` together: VMware puts limits into the type (`string(1..20)`, `int(0..9)`). */
export function readLimits(type: string, qualifiers = ''): ReadLimits {
  return LIMITS(type)(qualifiers);
}

/** Type and qualifiers as DSP0243 has them; what VMware writes into the type is said by qualifiers. */
export function standardNotation(type: string, qualifiers?: string): { type: PropertyType; qualifiers?: string } {
  const { limits } = readLimits(type);
  const written = [...qualifiersOf(limits), ...(qualifiers === undefined ? [] : [qualifiers])];
  return { type: limits.type, ...(written.length > 0 && { qualifiers: written.join(' ') }) };
}

function qualifiersOf({ minLength, maxLength, minValue, maxValue, values, format }: PropertyLimits): readonly string[] {
  const quoted = values?.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`);
  return [
    ...(minLength === undefined ? [] : [`MinLen(${minLength})`]),
    ...(maxLength === undefined ? [] : [`MaxLen(${maxLength})`]),
    ...(minValue === undefined ? [] : [`MinValue(${minValue})`]),
    ...(maxValue === undefined ? [] : [`MaxValue(${maxValue})`]),
    ...(quoted === undefined ? [] : [`ValueMap{${quoted.join(', ')}}`]),
    ...(format === undefined ? [] : ['Ip']),
  ];
}

/** Most properties are strings without qualifiers. */
const LIMITS = remembered(64, (type) => remembered(64, (qualifiers) => limitsOf(type, qualifiers)));

function limitsOf(type: string, qualifiers: string): ReadLimits {
  const base = readType(type.trim());
  const read = readQualifiers(qualifiers);
  return { ...base, ...read, limits: { ...base.limits, ...read.limits } };
}

/**
 * Why `value` is not legal, or `undefined` when it is. The reason never repeats the value, which may be a secret.
 */
export function illegalReason(value: string, limits: PropertyLimits): string | undefined {
  return (
    illegalCharacters(value) ??
    illegalType(value, limits) ??
    illegalLength(value, limits) ??
    illegalChoice(value, limits)
  );
}

/** A value has to fit into the OVF environment, an XML 1.0 document (§2.2 Char). */
function illegalCharacters(value: string): string | undefined {
  const legal = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u.test(value);
  return legal ? undefined : 'it has characters that XML does not allow';
}

/* --- types ----------------------------------------------------------------------------------------------------- */

const INTEGER_RANGES: Readonly<Partial<Record<PropertyType, readonly [bigint, bigint]>>> = Object.fromEntries(
  [8n, 16n, 32n, 64n].flatMap((bits) => [
    [`uint${bits}`, [0n, 2n ** bits - 1n]],
    [`sint${bits}`, [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]],
  ]),
);

const STANDARD_TYPES: ReadonlySet<string> = new Set([
  ...Object.keys(INTEGER_RANGES),
  'real32',
  'real64',
  'boolean',
  'string',
]);

/** Lower-case names that are not DSP0243's but seen in descriptors. */
const OTHER_TYPES: ReadonlyMap<string, PropertyType> = new Map([
  ['int', 'sint64'],
  ['integer', 'sint64'],
  ['real', 'real64'],
  ['bool', 'boolean'],
  ['password', 'string'],
  ['expression', 'string'],
  ['ip', 'string'],
]);

type ReadType = Pick<ReadLimits, 'limits' | 'password' | 'nonStandard' | 'unknownType'>;

function readType(text: string): ReadType {
  if (STANDARD_TYPES.has(text)) return { limits: { type: text as PropertyType }, password: false, nonStandard: false };
  const [, name = '', rest = ''] = /^([A-Za-z0-9]+)(.*)$/s.exec(text) ?? [];
  const lower = name.toLowerCase();
  const type = STANDARD_TYPES.has(lower) ? (lower as PropertyType) : OTHER_TYPES.get(lower);
  const limits = type && readTypeSuffix(lower, type, rest);
  if (!limits) return { limits: { type: 'string' }, password: false, nonStandard: false, unknownType: text };
  return { limits, password: lower === 'password', nonStandard: true };
}

/** VMware's `(min..max)`, `["a","b"]` and `ip:Network` after the type's name. */
function readTypeSuffix(name: string, type: PropertyType, suffix: string): PropertyLimits | undefined {
  if (name === 'ip') return suffix === '' || suffix.startsWith(':') ? { type, format: 'address' } : undefined;
  if (suffix === '') return { type };
  const [, min, max] = /^\(([+-]?\d{0,20})\.\.([+-]?\d{0,20})\)$/.exec(suffix) ?? [];
  if (min !== undefined && max !== undefined) {
    const [low, high] = type === 'string' ? (['minLength', 'maxLength'] as const) : (['minValue', 'maxValue'] as const);
    const number = (text: string): number | string => (type === 'string' ? Number(text) : text);
    return { type, ...(min && { [low]: number(min) }), ...(max && { [high]: number(max) }) };
  }
  if (!suffix.startsWith('[') || !suffix.endsWith(']')) return undefined;
  const values = readList(suffix.slice(1, -1));
  return values && { type, values };
}

function illegalType(value: string, limits: PropertyLimits): string | undefined {
  const { type } = limits;
  const range = INTEGER_RANGES[type];
  if (range) {
    if (!/^[+-]?\d{1,20}$/.test(value) || !isWithin(BigInt(value.replace('+', '')), range)) {
      return `it must be a whole number from ${range[0]} to ${range[1]}`;
    }
    return illegalRange(BigInt(value.replace('+', '')), limits);
  }
  if (type === 'real32' || type === 'real64') {
    const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : NaN;
    const fits = Number.isFinite(type === 'real32' ? Math.fround(number) : number);
    return fits ? illegalRange(number, limits) : `it must be a number (${type})`;
  }
  if (type === 'boolean') return /^(true|false)$/i.test(value) ? undefined : 'it must be "true" or "false"';
  if (limits.format === 'address' && value !== '' && !ipaddr.isValid(value)) return 'it must be an IP address';
  return undefined;
}

function isWithin(value: bigint, [min, max]: readonly [bigint, bigint]): boolean {
  return min <= value && value <= max;
}

function illegalRange(value: number | bigint, { minValue, maxValue }: PropertyLimits): string | undefined {
  if (minValue !== undefined && value < readBound(minValue)) return `it must be at least ${minValue}`;
  if (maxValue !== undefined && value > readBound(maxValue)) return `it must be at most ${maxValue}`;
  return undefined;
}

/** Exact for whole numbers; JavaScript compares the two kinds without rounding. */
function readBound(text: string): number | bigint {
  return text.includes('.') ? Number(text) : BigInt(text.replace('+', ''));
}

function illegalLength(value: string, { minLength, maxLength }: PropertyLimits): string | undefined {
  if (minLength === undefined && maxLength === undefined) return undefined;
  const length = [...value].length;
  if (minLength !== undefined && length < minLength) return `it must have at least ${minLength} characters`;
  if (maxLength !== undefined && length > maxLength) return `it must have at most ${maxLength} characters`;
  return undefined;
}

function illegalChoice(value: string, { values }: PropertyLimits): string | undefined {
  if (!values || values.includes(value)) return undefined;
  const shown = values.slice(0, 10).map((choice) => `"${choice.slice(0, 40)}"`);
  return `it must be one of ${shown.join(', ')}${values.length > 10 ? ', …' : ''}`;
}

/* --- qualifiers ------------------------------------------------------------------------------------------------ */

type ReadQualifiers = Pick<ReadLimits, 'unknownQualifiers'> & {
  readonly limits: Partial<PropertyLimits>;
};

/** VMware's qualifiers that ask the platform for a value of the network: known, and no limit on what a user gives. */
const NETWORK_QUALIFIERS: ReadonlySet<string> = new Set(['dns', 'hostprefix', 'domainname', 'searchpath', 'netmask']);
const ADDRESS_QUALIFIERS: ReadonlySet<string> = new Set(['ip', 'gateway']);

function readQualifiers(text: string): ReadQualifiers {
  let limits: Partial<PropertyLimits> = {};
  const unknownQualifiers: string[] = [];
  for (const { name, list, whole } of splitQualifiers(text)) {
    const limit = STANDARD_QUALIFIERS.get(name)?.(list) ?? otherQualifier(name, list);
    if (limit) limits = { ...limits, ...limit };
    else unknownQualifiers.push(whole);
  }
  return { limits, unknownQualifiers };
}

type QualifierReader = (list: readonly string[]) => Partial<PropertyLimits> | undefined;

const STANDARD_QUALIFIERS = new Map<string, QualifierReader>([
  ['minlen', ([text]) => (isLength(text) ? { minLength: Number(text) } : undefined)],
  ['maxlen', ([text]) => (isLength(text) ? { maxLength: Number(text) } : undefined)],
  ['valuemap', (list) => (list.length > 0 ? { values: list } : undefined)],
]);

function otherQualifier(name: string, list: readonly string[]): Partial<PropertyLimits> | undefined {
  const [first = ''] = list;
  const number = /^[+-]?\d{1,20}(\.\d{1,20})?$/.test(first);
  if (name === 'minvalue' && number) return { minValue: first };
  if (name === 'maxvalue' && number) return { maxValue: first };
  if (ADDRESS_QUALIFIERS.has(name)) return { format: 'address' };
  return NETWORK_QUALIFIERS.has(name) ? {} : undefined;
}

function isLength(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,9}$/.test(text);
}

interface Qualifier {
  readonly name: string;
  readonly list: readonly string[];
  readonly whole: string;
}

/**
 * `Name(a)`, `Name{a, b}` or `Name`, separated by commas or white space; brackets inside quotes do not count, nor does a double
 * quote behind a backslash (MOF, DSP0004).
 */
function splitQualifiers(text: string): readonly Qualifier[] {
  const found: Qualifier[] = [];
  const pattern =
    /[\s,]*(?:([A-Za-z][A-Za-z0-9]*)\s*(?:([({])((?:"(?:[^"\\]|\\[^])*"|'[^']*'|[^"'(){}])*)[)}])?|(\S[^\s,]*))/y;
  for (let match = pattern.exec(text); match && match[0].trim() !== ''; match = pattern.exec(text)) {
    const [whole, name = '', , body] = match;
    const list = body === undefined ? [] : readList(body);
    found.push({ name: list ? name.toLowerCase() : '', list: list ?? [], whole: whole.replace(/^[\s,]+/, '') });
  }
  return found;
}

/** A comma-separated list of quoted texts or bare words; `undefined` when it is neither. */
function readList(text: string): readonly string[] | undefined {
  const list: string[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\[^])*)"|'([^']*)'|([^"',]*?))\s*(,|$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) return undefined;
    list.push(match[1]?.replace(/\\(["\\])/g, '$1') ?? match[2] ?? match[3] ?? '');
    if (match[4] === '') break;
  }
  return list;
}
