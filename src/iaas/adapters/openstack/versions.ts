/** Which microversions the services of a cloud know: asked once, at their root. */

import { stringAt } from '../../../base/json.js';
import type { CallOptions } from '../../adapter.js';
import type { Tenants } from './tenants.js';

export class Versions {
  readonly #tenants: Tenants;
  readonly #known = new Map<string, string>();

  constructor(tenants: Tenants) {
    this.#tenants = tenants;
  }

  /** The highest microversion of Nova or Cinder, as `2.93`. */
  async highest(service: 'compute' | 'volume', options: CallOptions): Promise<string> {
    const known = this.#known.get(service);
    if (known !== undefined) return known;
    const { home } = this.#tenants;
    const found = stringAt(await home[service].version(options), 'version') ?? '';
    this.#known.set(service, found);
    return found;
  }

  async knows(service: 'compute' | 'volume', version: string, options: CallOptions): Promise<boolean> {
    return isAtLeast(await this.highest(service, options), version);
  }
}

export function isAtLeast(has: string, wanted: string): boolean {
  const [major = 0, minor = 0] = has.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
