/** From operator, value and unit as a document writes them to a bound in base units (`spec/sla.md` §3, §4). */

import { excerpt } from '../base/errors.js';
import type { JsonValue } from '../base/json.js';
import type { Bound, Operator, Scalar } from './bound.js';
import { toBase } from './units.js';
import type { Metric } from './vocabulary.js';

export type ReadBound = { readonly bound: Bound } | Complaint;

export interface Complaint {
  readonly complaint: string;
  readonly remedy: string;
}

const MOST_VALUES = 250;

/** The bound, or what is wrong with it. Without a unit, the value is in the metric's own. */
export function readBound(metric: Metric, op: Operator, value: JsonValue, unit: string | undefined): ReadBound {
  if (op === 'IN' || op === 'BETWEEN') {
    if (!Array.isArray(value) || value.length === 0 || value.length > MOST_VALUES) {
      return { complaint: `${op} takes a list of values`, remedy: 'write [ …, … ]' };
    }
    const values: Scalar[] = [];
    for (const each of value as readonly JsonValue[]) {
      const read = readScalar(metric, each, unit);
      if ('complaint' in read) return read;
      values.push(read.value);
    }
    return op === 'IN' ? { bound: { op, values } } : between(metric, values);
  }
  const read = readScalar(metric, value, unit);
  if ('complaint' in read) return read;
  if (op === 'EQ' || op === 'NE') return { bound: { op, value: read.value } };
  if (typeof read.value !== 'number') return noOrder(metric, op);
  return { bound: { op, value: read.value } };
}

/** A single value of a metric in its base unit. */
export function readScalar(
  metric: Metric,
  value: JsonValue,
  unit: string | undefined,
): { readonly value: Scalar } | Complaint {
  if (metric.type === 'country') {
    if (typeof value === 'string' && /^[A-Z]{2}$/.test(value)) return { value };
    return { complaint: `"${excerpt(value)}" is no country code`, remedy: 'write ISO 3166-1 alpha-2 codes, e.g. DE' };
  }
  if (metric.type === 'boolean') {
    if (typeof value === 'boolean') return { value };
    return { complaint: `${metric.name} is true or false`, remedy: 'write true or false' };
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    return { complaint: `${metric.name} is a number from 0 upwards`, remedy: 'write a number' };
  }
  const converted = toBase(value, unit ?? metric.unit, metric.quantity);
  if ('complaint' in converted) return converted;
  if (metric.type === 'integer' && !Number.isSafeInteger(converted.value)) {
    return { complaint: `${metric.name} is a whole number`, remedy: 'write a whole number' };
  }
  if (metric.type === 'ratio' && converted.value > 1) {
    return { complaint: `${metric.name} is a ratio from 0 to 1`, remedy: 'write 0.999 or, with unit %, 99.9' };
  }
  return converted;
}

function between(metric: Metric, values: readonly Scalar[]): ReadBound {
  const [low, high] = values;
  if (typeof low !== 'number' || typeof high !== 'number') return noOrder(metric, 'BETWEEN');
  if (values.length !== 2 || low > high) {
    return { complaint: 'BETWEEN takes two values, the lower first', remedy: 'write [low, high]' };
  }
  return { bound: { op: 'BETWEEN', low, high } };
}

function noOrder(metric: Metric, op: Operator): Complaint {
  return { complaint: `${metric.name} has no order that ${op} could ask for`, remedy: 'use EQ, NE or IN' };
}
