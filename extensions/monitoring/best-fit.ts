/**
 * What a sensor or collector asks of the clock, fitted to what can be done (monitoring draft §3.1, §3.2; C-256): a wish
 * that cannot be met becomes the nearest that can, one that was not uttered the worst that has to be reckoned with.
 */

import type { Attributes, AttributeValue } from '../../src/occi/model.js';

/** Seconds. */
interface Ability {
  /** The best that can be done: smaller wishes become this. */
  readonly best: number;
  /** What a client who says nothing has to reckon with. */
  readonly unsaid: number;
  /** The largest value with a meaning: larger wishes become this. */
  readonly most: number;
}

const YEAR = 366 * 86_400;

/**
 * Sites are polled, a poll every ten seconds at most. Times are kept in milliseconds, but some sites report whole seconds.
 * A sample is stamped when the site has answered, which may take it thirty seconds (`src/iaas/guarded-site.ts`).
 */
const ABILITIES: Readonly<Record<string, Ability>> = {
  period: { best: 10, unsaid: 60, most: YEAR },
  granularity: { best: 0.001, unsaid: 1, most: YEAR },
  accuracy: { best: 1, unsaid: 30, most: YEAR },
};

/** The attributes with period, granularity and accuracy below `prefix` (`occi.sensor` or `occi.collector`) settled. */
export function bestFit(prefix: string, wanted: Attributes): Record<string, AttributeValue> {
  const fitted: Record<string, AttributeValue> = { ...wanted };
  for (const [name, { best, unsaid, most }] of Object.entries(ABILITIES)) {
    const wish = wanted[`${prefix}.${name}`];
    fitted[`${prefix}.${name}`] = typeof wish === 'number' ? Math.min(Math.max(wish, best), most) : unsaid;
  }
  return fitted;
}
