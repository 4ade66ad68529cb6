/**
 * Repeatable chance: a number in [0, 1) that depends on the site's seed and on what is asked, and on nothing else. The
 * same log thus always folds to the same failures and the same measurements. The mixing is that of MurmurHash3's
 * finalizer over FNV-1a.
 */
export function chance(seed: number, ...what: readonly (string | number)[]): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const char of what.join('\u0000')) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) / 2 ** 32;
}
