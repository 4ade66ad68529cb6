/**
 * Programmatic units: the text of `rasd:AllocationUnits` and `ovf:capacityAllocationUnits`, after the grammar of
 * DSP0004 annex C, with the legacy names that real descriptors use. A unit is kept exactly, as a rational factor times
 * powers of base units; conversion is BigInt arithmetic, so no quantity is ever rounded. What cannot be read is a fault,
 * never silently bytes.
 */

import { excerpt, type Fault } from '../base/errors.js';
import { remembered } from '../base/remembered.js';

/** `numerator/denominator × Π base^exponent`; the denominator is positive, the fraction is in lowest terms. */
export interface Unit {
  readonly text: string;
  readonly numerator: bigint;
  readonly denominator: bigint;
  /** Base unit to exponent, without zeros: `byte` → 1. */
  readonly dimensions: ReadonlyMap<string, number>;
}

export interface ParsedUnit {
  /** Absent when the text is no unit. */
  readonly unit?: Unit;
  readonly faults: readonly Fault[];
}

/** A quantity in base units, or why there is none. */
export type Conversion = { readonly value: bigint } | { readonly fault: Fault };

/**
 * Reads a unit. Strict: DSP0004 only. Lenient: also the legacy names (`MegaBytes`, `GB`, `MHz`), whose byte multiples
 * are binary by custom, with a warning. A decimal byte multiple (`kilobyte`, 10^3) is taken as written, with a warning.
 */
export function parseUnit(text: string, mode: 'strict' | 'lenient'): ParsedUnit {
  return UNITS[mode](text);
}

/** A descriptor has few units, and each of them at every disk or memory item. */
const UNITS = {
  strict: remembered(256, (text) => readUnit(text, 'strict')),
  lenient: remembered(256, (text) => readUnit(text, 'lenient')),
};

function readUnit(text: string, mode: 'strict' | 'lenient'): ParsedUnit {
  const trimmed = text.trim();
  const legacy = LEGACY_NAMES.get(trimmed.toLowerCase());
  if (legacy && !isDsp0004Word(trimmed)) {
    if (mode === 'strict') {
      return {
        faults: [unitFault(`"${excerpt(text)}" is a legacy name, not a DSP0004 unit`, text, `write "${legacy}"`)],
      };
    }
    return { unit: { ...readExact(legacy), text }, faults: [legacyName(text, legacy)] };
  }
  try {
    const unit = { ...readExact(trimmed), text };
    return { unit, faults: DECIMAL_BYTES.test(trimmed) ? [ambiguousMultiple(text)] : [] };
  } catch (error) {
    if (!(error instanceof UnitSyntaxError)) throw error;
    const message = `"${excerpt(text)}" is not a unit: ${error.message}`;
    return { faults: [unitFault(message, text, 'write for example "byte * 2^20"')] };
  }
}

/** `quantity` of `unit` in bytes: an integer from 1 to 2^63-1. */
export function toBytes(quantity: bigint | string, unit: Unit): Conversion {
  return convert(quantity, unit, 'byte');
}

/** `quantity` of `unit` in hertz: an integer from 1 to 2^63-1. */
export function toHertz(quantity: bigint | string, unit: Unit): Conversion {
  return convert(quantity, unit, 'hertz');
}

export const BYTE: Unit = { text: 'byte', numerator: 1n, denominator: 1n, dimensions: new Map([['byte', 1]]) };

function convert(quantity: bigint | string, unit: Unit, base: 'byte' | 'hertz'): Conversion {
  const count = typeof quantity === 'bigint' ? quantity : readInteger(quantity);
  if (count === undefined) {
    const remedy = 'render the template before sending it, and give a whole number';
    return { fault: unitFault(`"${excerpt(quantity)}" is not a whole number`, String(quantity), remedy) };
  }
  const bits = base === 'byte' && isOnly(unit, 'bit');
  if (!bits && !isOnly(unit, base)) {
    return {
      fault: unitFault(`"${excerpt(unit.text)}" does not measure ${base}s`, unit.text, `use a multiple of ${base}`),
    };
  }
  const scaled = count * unit.numerator;
  const divisor = unit.denominator * (bits ? 8n : 1n);
  const shown = `${count} × ${unit.text}`;
  if (scaled <= 0n)
    return { fault: unitFault(`${excerpt(shown)} is not above zero`, shown, 'give an amount above zero') };
  if (scaled % divisor !== 0n) {
    return { fault: unitFault(`${excerpt(shown)} is not a whole number of ${base}s`, shown, 'choose a smaller unit') };
  }
  const value = scaled / divisor;
  if (value > MAX_QUANTITY) {
    return { fault: unitFault(`${excerpt(shown)} is over 2^63-1 ${base}s`, shown, 'check quantity and unit') };
  }
  return { value };
}

const MAX_QUANTITY = 2n ** 63n - 1n;

function isOnly(unit: Unit, base: string): boolean {
  return unit.dimensions.size === 1 && unit.dimensions.get(base) === 1;
}

/** An optionally signed decimal integer of at most 40 digits (more could not fit any result). */
function readInteger(text: string): bigint | undefined {
  const digits = text.trim();
  return /^[+-]?\d{1,40}$/.test(digits) ? BigInt(digits.replace(/^\+/, '')) : undefined;
}

function unitFault(message: string, value: string, remedy: string): Fault {
  return { code: 'ovf.O-035', message, rule: 'O-035', remedy, value: excerpt(value) };
}

function legacyName(text: string, meaning: string): Fault {
  const message = `"${excerpt(text)}" is no unit of DSP0004; read as "${meaning}"`;
  return { ...unitFault(message, text, `write "${meaning}"`), severity: 'warning' };
}

function ambiguousMultiple(text: string): Fault {
  return {
    ...unitFault(
      `"${excerpt(text)}" is a decimal multiple: a kilobyte has 1000 bytes`,
      text,
      'write "byte * 2^20" or "mebibyte" if 1024s are meant',
    ),
    severity: 'warning',
  };
}

/* --- the names ------------------------------------------------------------------------------------------------- */

/** DSP0004 table C-1. */
const BASE_UNITS: readonly string[] = [
  ...[
    'percent',
    'permille',
    'decibel',
    'count',
    'revolution',
    'degree',
    'radian',
    'steradian',
    'bit',
    'byte',
    'dataword',
  ],
  ...['MSU', 'meter', 'inch', 'rack unit', 'foot', 'yard', 'mile', 'liter', 'fluid ounce', 'liquid gallon', 'mole'],
  ...['gram', 'ounce', 'pound', 'second', 'minute', 'hour', 'day', 'week', 'hertz', 'gravity', 'degree celsius'],
  ...['degree fahrenheit', 'kelvin', 'candela', 'lumen', 'nit', 'lux', 'newton', 'pascal', 'bar', 'decibel(A)', 'psi'],
  ...['atmosphere', 'joule', 'watt', 'british thermal unit', 'ampere', 'coulomb', 'volt', 'farad', 'ohm', 'siemens'],
  ...['weber', 'tesla', 'henry', 'becquerel', 'roentgen', 'gray', 'sievert', 'decibel(m)', 'dot', 'pixel', 'error'],
].sort((a, b) => b.length - a.length);

/** DSP0004 tables C-2 and C-3: base and exponent of each prefix. */
const PREFIXES: readonly (readonly [name: string, base: bigint, exponent: number])[] = [
  ...(['kibi', 'mebi', 'gibi', 'tebi', 'pebi', 'exbi', 'zebi', 'yobi'] as const).map(
    (name, i) => [name, 2n, 10 * (i + 1)] as const,
  ),
  ...(['kilo', 'mega', 'giga', 'tera', 'peta', 'exa', 'zetta', 'yotta'] as const).map(
    (name, i) => [name, 10n, 3 * (i + 1)] as const,
  ),
  ...(['milli', 'micro', 'nano', 'pico', 'femto', 'atto', 'zepto', 'yocto'] as const).map(
    (name, i) => [name, 10n, -3 * (i + 1)] as const,
  ),
  ['deca', 10n, 1],
  ['hecto', 10n, 2],
  ['deci', 10n, -1],
  ['centi', 10n, -2],
];

/** A byte with a decimal prefix: DSP0004 says 10^3, many writers mean 2^10. */
const DECIMAL_BYTES = /\b(kilo|mega|giga|tera|peta|exa|zetta|yotta)byte\b/;

/** Lower-case legacy name to what custom takes it for (COT, VirtualBox): byte multiples binary, hertz multiples decimal. */
const LEGACY_NAMES: ReadonlyMap<string, string> = new Map([
  ['b', 'byte'],
  ['byte', 'byte'],
  ['bytes', 'byte'],
  ...(['kilo', 'mega', 'giga', 'tera'] as const).flatMap((prefix, i) => {
    const unit = `byte * 2^${10 * (i + 1)}`;
    const letter = prefix[0] as string;
    const binary = `${prefix.slice(0, 2)}bi`;
    return [`${prefix}byte`, `${prefix}bytes`, `${letter}b`, `${letter}ib`, `${binary}bytes`].map(
      (name) => [name, unit] as const,
    );
  }),
  ['hz', 'hertz'],
  ['khz', 'hertz * 10^3'],
  ['mhz', 'hertz * 10^6'],
  ['ghz', 'hertz * 10^9'],
  ['kilohertz', 'hertz * 10^3'],
  ['megahertz', 'hertz * 10^6'],
  ['gigahertz', 'hertz * 10^9'],
]);

/** True for a word that DSP0004 itself defines in exactly this spelling (`byte`, `kilobyte`), which then wins. */
function isDsp0004Word(text: string): boolean {
  return /^(kilo|mega|giga|tera)?(byte|hertz)$/.test(text);
}

/* --- the grammar ----------------------------------------------------------------------------------------------- */

class UnitSyntaxError extends Error {}

/** Limits that no real unit comes near; they bound the size of the numbers. */
const MAX_LENGTH = 200;
const MAX_EXPONENT = 300;

/** `["-"] *S unit-element *( *S ("*" / "/") *S unit-element )` */
function readExact(text: string): Unit {
  if (text.length > MAX_LENGTH) throw new UnitSyntaxError(`longer than ${MAX_LENGTH} characters`);
  const reader = new UnitReader(text);
  const negative = reader.take('-');
  let factor: Rational = negative ? [-1n, 1n] : [1n, 1n];
  const dimensions = new Map<string, number>();
  let sign: 1 | -1 = 1;
  for (;;) {
    reader.skipSpace();
    const element = reader.element();
    factor = times(factor, sign === 1 ? element.factor : invert(element.factor));
    if (element.base) dimensions.set(element.base, (dimensions.get(element.base) ?? 0) + sign * element.exponent);
    reader.skipSpace();
    if (reader.atEnd()) break;
    if (reader.take('*')) sign = 1;
    else if (reader.take('/')) sign = -1;
    else throw new UnitSyntaxError(`"*" or "/" expected at column ${reader.column()}`);
  }
  for (const [base, exponent] of dimensions) if (exponent === 0) dimensions.delete(base);
  const [numerator, denominator] = lowest(factor);
  return { text, numerator, denominator, dimensions };
}

interface UnitElement {
  readonly factor: Rational;
  readonly base?: string;
  readonly exponent: number;
}

class UnitReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  column(): number {
    return this.#at + 1;
  }

  skipSpace(): void {
    this.#match(/[ \t\r\n\u00a0]*/y);
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  /** `unit-element = number / [prefix] base-unit ["^" exponent]` */
  element(): UnitElement {
    const number = this.#match(/\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?/y);
    if (number !== undefined) return { factor: this.#number(number), exponent: 0 };
    const prefixed = this.#prefixedBase();
    if (!prefixed) throw new UnitSyntaxError(`number or unit name expected at column ${this.column()}`);
    const [prefix, base] = prefixed;
    const exponent = this.#exponent() ?? 1;
    return { factor: prefix ? power([prefix[1], 1n], prefix[2] * exponent) : [1n, 1n], base, exponent };
  }

  /** `number = floatingpoint / base "^" ["-"] integer` */
  #number(text: string): Rational {
    const exponent = this.#exponent();
    if (exponent === undefined) return readDecimal(text);
    if (!/^\d+$/.test(text)) throw new UnitSyntaxError(`only a whole number can be raised, not ${text}`);
    return power([BigInt(text), 1n], exponent);
  }

  /** DSP0004 2.x allows white space on both sides of the caret. */
  #exponent(): number | undefined {
    const text = this.#match(/\s*\^\s*[+-]?\d+/y);
    if (text === undefined) return undefined;
    return bounded(Number(text.replace(/[\s^]/g, '')));
  }

  #prefixedBase(): readonly [(typeof PREFIXES)[number] | undefined, string] | undefined {
    const bare = this.#baseUnit();
    if (bare) return [undefined, bare];
    const start = this.#at;
    for (const prefix of PREFIXES) {
      if (this.take(prefix[0])) {
        const base = this.#baseUnit();
        if (base) return [prefix, base];
        this.#at = start;
      }
    }
    return undefined;
  }

  #baseUnit(): string | undefined {
    const name = BASE_UNITS.find(
      (unit) => this.#text.startsWith(unit, this.#at) && !/^[A-Za-z0-9]/.test(this.#text.slice(this.#at + unit.length)),
    );
    if (name) this.#at += name.length;
    return name;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.#at += found[0].length;
    return found[0];
  }
}

/* --- exact numbers --------------------------------------------------------------------------------------------- */

type Rational = readonly [numerator: bigint, denominator: bigint];

function readDecimal(text: string): Rational {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const scale = bounded(Number(exponent)) - fraction.length;
  return times([BigInt(`${whole}${fraction}` || '0'), 1n], power([10n, 1n], scale));
}

function power(base: Rational, exponent: number): Rational {
  const raised: Rational = [base[0] ** BigInt(Math.abs(exponent)), base[1] ** BigInt(Math.abs(exponent))];
  return exponent < 0 ? invert(raised) : raised;
}

function times(a: Rational, b: Rational): Rational {
  return [a[0] * b[0], a[1] * b[1]];
}

function invert([numerator, denominator]: Rational): Rational {
  if (numerator === 0n) throw new UnitSyntaxError('division by zero');
  return numerator < 0n ? [-denominator, -numerator] : [denominator, numerator];
}

function lowest([numerator, denominator]: Rational): Rational {
  const divisor = gcd(numerator < 0n ? -numerator : numerator, denominator);
  return [numerator / divisor, denominator / divisor];
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

function bounded(exponent: number): number {
  if (Math.abs(exponent) > MAX_EXPONENT) throw new UnitSyntaxError(`exponent over ${MAX_EXPONENT}`);
  return exponent;
}
