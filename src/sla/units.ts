/**
 * Units of terms and their conversion to the base unit in which VEP keeps a quantity (`spec/sla.md` §4): UCUM words as
 * OpenTelemetry writes them, DSP0004 programmatic units as OVF writes them, and the unit URIs of SLA@SOI. What a word
 * means does not depend on the quantity; `MB` and `GB` are refused because some mean 10^6 with them and some 2^20.
 */

import { excerpt } from '../base/errors.js';
import { parseUnit } from '../ovf/units.js';

/** What is measured. Base units: one, byte, MHz, byte per second, watt, watt-hour, second. */
export type Quantity = 'number' | 'bytes' | 'frequency' | 'rate' | 'power' | 'energy' | 'time';

export type Converted = { readonly value: number } | { readonly complaint: string; readonly remedy: string };

interface KnownUnit {
  readonly quantity: Quantity;
  readonly factor: number;
}

const of = (quantity: Quantity, factors: Readonly<Record<string, number>>): [string, KnownUnit][] =>
  Object.entries(factors).map(([unit, factor]) => [unit, { quantity, factor }]);

const UNITS: ReadonlyMap<string, KnownUnit> = new Map([
  ...of('number', { '1': 1, '%': 0.01, '{cpu}': 1 }),
  ...of('bytes', { By: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }),
  ...of('frequency', { Hz: 1e-6, kHz: 1e-3, KHz: 1e-3, MHz: 1, GHz: 1e3 }),
  ...of('rate', { 'By/s': 1, 'KiB/s': 2 ** 10, 'MiB/s': 2 ** 20, 'GiB/s': 2 ** 30 }),
  ...of('power', { W: 1, kW: 1e3 }),
  ...of('energy', { Wh: 1, kWh: 1e3 }),
  ...of('time', { ms: 1e-3, s: 1, min: 60, h: 3600 }),
]);

const SLASOI_UNITS = 'http://www.slaatsoi.org/coremodel/units#';
/** The predecessor multiplies bytes by 1024 and writes MB for it; its frequencies are decimal. */
const SLASOI_WORDS: ReadonlyMap<string, string> = new Map([
  ...(['KB', 'MB', 'GB'] as const).map((word): [string, string] => [word, `${word[0]}iB`]),
  ...(['KHz', 'MHz', 'GHz', 'W', 'Wh'] as const).map((word): [string, string] => [word, word]),
  ...(['vm', 'integer'] as const).map((word): [string, string] => [word, '1']),
]);

/**
 * `value` of `unit` in the base unit of `quantity`; bytes must come out whole.
 * White space round the unit is ignored.
 */
export function toBase(value: number, unit: string, quantity: Quantity): Converted {
  const known = readUnit(unit.trim());
  if (!known) {
    return { complaint: `"${excerpt(unit)}" is not a unit that is known here`, remedy: `use ${unitsOf(quantity)}` };
  }
  if (known.quantity !== quantity) {
    return { complaint: `"${excerpt(unit)}" does not measure this`, remedy: `use ${unitsOf(quantity)}` };
  }
  const converted = value * known.factor;
  if (quantity === 'bytes' && !Number.isSafeInteger(converted)) {
    return { complaint: `${value} ${unit} is not a whole number of bytes`, remedy: 'choose a smaller unit' };
  }
  return { value: converted };
}

function unitsOf(quantity: Quantity): string {
  return [...UNITS].flatMap(([unit, known]) => (known.quantity === quantity ? [unit] : [])).join(', ');
}

function readUnit(text: string): KnownUnit | undefined {
  if (text.includes('#')) {
    // Some documents double the prefix: what follows the last # counts.
    const word = text.slice(text.lastIndexOf('#') + 1);
    return text.startsWith(SLASOI_UNITS) ? UNITS.get(SLASOI_WORDS.get(word) ?? '') : undefined;
  }
  return UNITS.get(text) ?? programmaticUnit(text);
}

/** `byte * 2^20`, `hertz * 10^6` (DSP0004). */
function programmaticUnit(text: string): KnownUnit | undefined {
  const { unit } = parseUnit(text, 'strict');
  if (unit?.dimensions.size !== 1) return undefined;
  const factor = Number(unit.numerator) / Number(unit.denominator);
  if (unit.dimensions.get('byte') === 1) return { quantity: 'bytes', factor };
  if (unit.dimensions.get('hertz') === 1) return { quantity: 'frequency', factor: factor / 1e6 };
  return undefined;
}
