/**
 * The availability zones that a site spans: those that its administrator names, or all of the region, asked for once. One that has
 * had no room for a type of instance is tried last for a while.
 */

import type { Clock } from '../../../base/clock.js';
import { FoundOnce } from '../../../base/found-once.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { isCode } from './ec2-error.js';

export interface ZoneServices {
  readonly api: Ec2Api;
  readonly clock: Clock;
  /** Empty: those of the region. */
  readonly names: readonly string[];
}

/** How long a refusal of a zone is remembered. Milliseconds. */
const FULL_MS = 300_000;

export class Zones {
  readonly #services: ZoneServices;
  /** Since when a zone has no room, by zone and type. */
  readonly #full = new Map<string, number>();
  readonly #ofRegion: FoundOnce<readonly string[]>;

  constructor(services: ZoneServices) {
    this.#services = services;
    this.#ofRegion = new FoundOnce((call) => zonesOfRegion(services.api, call));
  }

  /** All of them, in the order in which they are preferred. */
  all(call: CallOptions): Promise<readonly string[]> {
    const { names } = this.#services;
    return names.length > 0 ? Promise.resolve(names) : this.#ofRegion.get(call);
  }

  /** @throws IaasError `not-found` for a host that VEP's placement has chosen and that is none of them */
  async mustHave(host: string, call: CallOptions): Promise<void> {
    const all = await this.all(call);
    if (!all.includes(host))
      throw new IaasError('not-found', `this site has the availability zones ${all.join(', ')} and no other host`);
  }

  /** A launch has been refused: for now there are better ones for this type. */
  refused(zone: string, type: string): void {
    this.#full.set(`${zone} ${type}`, this.#services.clock.now());
  }

  /** Those that have room, as far as is known, before the others. */
  inTurn(zones: readonly string[], type: string): readonly string[] {
    const now = this.#services.clock.now();
    const isFull = (zone: string): boolean => now - (this.#full.get(`${zone} ${type}`) ?? -Infinity) < FULL_MS;
    return [...zones.filter((zone) => !isFull(zone)), ...zones.filter(isFull)];
  }
}

/** Local zones and those of carriers are further away than a region's own, and are only used where they are named. */
async function zonesOfRegion(api: Ec2Api, call: CallOptions): Promise<readonly string[]> {
  const { AvailabilityZones: found = [] } = await api.ask('DescribeAvailabilityZones', {}, call);
  const names = found.flatMap(({ ZoneName, State, ZoneType = 'availability-zone' }) =>
    ZoneName !== undefined && State === 'available' && ZoneType === 'availability-zone' ? [ZoneName] : [],
  );
  if (names.length > 0) return names.sort();
  throw new IaasError('transient', 'EC2 has no zone in this region that is available', 'no zone');
}

/** Whether a refusal is about the zone alone: there is no room, or EC2 does not have that type there. */
export const hasNoRoom = (error: unknown): error is IaasError =>
  error instanceof IaasError && (error.class === 'capacity' || isCode(error, /^Unsupported$/));
