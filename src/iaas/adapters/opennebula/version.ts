/** Which oned it is. It is asked whenever somebody looks at the site as a whole, as it may have been upgraded. */

import type { CallOptions } from '../../adapter.js';
import type { Oned } from './oned.js';

/** Major and minor number. */
export type Release = readonly [major: number, minor: number];

export class Version {
  readonly #oned: Oned;
  #known: string | undefined;

  constructor(oned: Oned) {
    this.#oned = oned;
  }

  async ask(options: CallOptions): Promise<string> {
    this.#known = await this.#oned.text('one.system.version', [], options);
    return this.#known;
  }

  /** Whether oned is of a release or a later one, by what it said last; as long as it was not asked, it is. */
  isSince(release: Release): boolean {
    return this.#known === undefined || isSince(this.#known, release);
  }
}

export function isSince(version: string, [major, minor]: Release): boolean {
  const [ofMajor = 0, ofMinor = 0] = version.split('.').map(Number);
  return ofMajor > major || (ofMajor === major && ofMinor >= minor);
}
