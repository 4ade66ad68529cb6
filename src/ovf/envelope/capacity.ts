/** The capacity of a disk (DSP0243 §9.1): a number, or the property that has it. */

import type { Disk } from './model.js';

/** The key of the property, as a machine that uses the disk sees it; undefined where the capacity is no reference. */
export function capacityReference({ capacity }: Pick<Disk, 'capacity'>): string | undefined {
  return /^\$\{([^{}]+)\}$/.exec(capacity)?.[1];
}
