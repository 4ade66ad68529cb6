/**
 * How much a value holds, about as many characters as its JSON: what is repeated for every instance is bounded by this, or a
 * small descriptor could ask for a plan that no memory holds (O-078).
 */

/** Characters that all copies of a plan may come to; a thousand rich machines stay far below. */
export const MOST_COPIED = 64 * 1024 * 1024;

/** What a number, a key or a bracket counts. */
const EACH = 8;

export function bulkOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return EACH;
  let bulk = EACH;
  if (value instanceof Map) for (const each of value.values()) bulk += bulkOf(each);
  else for (const each of Object.values(value)) if (each !== undefined) bulk += EACH + bulkOf(each);
  return bulk;
}
