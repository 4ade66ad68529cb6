/**
 * Bounds: what a value must satisfy (`spec/sla.md` §3, comparison operators). A bound says what must hold; a breach is a
 * value for which it does not. Values are in the base unit of their metric.
 */

export const OPERATORS = ['LT', 'LE', 'EQ', 'GE', 'GT', 'NE', 'BETWEEN', 'IN'] as const;
export type Operator = (typeof OPERATORS)[number];
export type Scalar = number | string | boolean;

export type Bound =
  | { readonly op: 'LT' | 'LE' | 'GE' | 'GT'; readonly value: number }
  | { readonly op: 'EQ' | 'NE'; readonly value: Scalar }
  /** Both ends included. */
  | { readonly op: 'BETWEEN'; readonly low: number; readonly high: number }
  | { readonly op: 'IN'; readonly values: readonly Scalar[] };

/** Whether the value keeps the bound. Ordered comparison has no tolerance; equality of fractions has 1e-9 (§4). */
export function holds(bound: Bound, value: Scalar): boolean {
  switch (bound.op) {
    case 'IN':
      return bound.values.some((candidate) => same(candidate, value));
    case 'EQ':
      return same(bound.value, value);
    case 'NE':
      return !same(bound.value, value);
    case 'BETWEEN':
      return typeof value === 'number' && bound.low <= value && value <= bound.high;
    default:
      return typeof value === 'number' && ordered(bound.op, value, bound.value);
  }
}

function ordered(op: 'LT' | 'LE' | 'GE' | 'GT', value: number, limit: number): boolean {
  if (op === 'LT') return value < limit;
  if (op === 'LE') return value <= limit;
  return op === 'GE' ? value >= limit : value > limit;
}

function same(one: Scalar, other: Scalar): boolean {
  if (typeof one !== 'number' || typeof other !== 'number') return one === other;
  if (Number.isInteger(one) && Number.isInteger(other)) return one === other;
  return Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one), Math.abs(other));
}

/**
 * The least whole number from `from` upwards that keeps all bounds, or undefined if there is none: bounds that cannot
 * be met together, or not by that much.
 */
export function leastInteger(bounds: readonly Bound[], from: number): number | undefined {
  const lowest = Math.max(from, ...bounds.map(lowerEnd));
  // Beyond the lower ends only NE can stand in the way, each of at most one number.
  for (let value = Math.ceil(lowest), tries = 0; tries <= bounds.length; value += 1, tries += 1) {
    if (bounds.every((bound) => holds(bound, value))) return value;
  }
  const listed = bounds.flatMap((bound) => (bound.op === 'IN' ? bound.values : []));
  return listed
    .filter((value): value is number => Number.isInteger(value) && (value as number) >= lowest)
    .sort((one, other) => one - other)
    .find((value) => bounds.every((bound) => holds(bound, value)));
}

/** No whole number below this keeps the bound. */
function lowerEnd(bound: Bound): number {
  switch (bound.op) {
    case 'GE':
      return bound.value;
    case 'GT':
      return Math.floor(bound.value) + 1;
    case 'BETWEEN':
      return bound.low;
    case 'EQ':
      return typeof bound.value === 'number' ? bound.value : 0;
    case 'IN':
      return Math.min(...bound.values.map((value) => (typeof value === 'number' ? value : 0)));
    default:
      return 0;
  }
}
