/** Virtual networks of oned, VEP's and others: all of them, one with its leases, and the one that has a name. */

import { IaasError, type CallOptions } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { addressOf, parseCidr, type Range } from '../../ranges.js';
import { numberOf } from './marks.js';
import type { Oned } from './oned.js';
import { NETWORK_DONE } from './states.js';

export class NetworkPool {
  readonly #oned: Oned;

  constructor(oned: Oned) {
    this.#oned = oned;
  }

  async all(options: CallOptions = {}): Promise<readonly Branch[]> {
    const pool = await this.#oned.document('one.vnpool.info', [-2, -1, -1], options);
    return pool.all('VNET').filter((each) => each.number(1, 'STATE') !== NETWORK_DONE);
  }

  /** A virtual network with its leases, which the pool does not tell. */
  async look(ref: string, options: CallOptions): Promise<Branch | undefined> {
    const id = numberOf(ref);
    if (id === undefined) return undefined;
    return this.#oned.document('one.vn.info', [id], options).catch((error: unknown) => {
      if (error instanceof IaasError && error.class === 'not-found') return undefined;
      throw error;
    });
  }

  /** The id of the one that has this name. @param but an id that does not count */
  async named(name: string, options: CallOptions, but?: number): Promise<number | undefined> {
    return (await this.all(options))
      .filter((each) => each.value('NAME') === name)
      .map((each) => each.number(-1, 'ID'))
      .find((id) => id !== but);
  }
}

/** Addresses that a network gives out, range by range, as oned numbers them. */
export function addressRangesOf(body: Branch): readonly { readonly ar: Branch; readonly range: Range }[] {
  return (body.child('AR_POOL')?.all('AR') ?? []).flatMap((ar) => {
    const first = addressOf(ar.value('IP') ?? '');
    return first === undefined ? [] : [{ ar, range: { first, last: first + ar.number(1, 'SIZE') - 1 } }];
  });
}

export function leasesOf(body: Branch): readonly Branch[] {
  return (body.child('AR_POOL')?.all('AR') ?? []).flatMap((ar) => ar.child('LEASES')?.all('LEASE') ?? []);
}

/** Whether an address is one that the network gives out. */
export function leasable(body: Branch, address: number): boolean {
  return addressRangesOf(body).some(({ range }) => address >= range.first && address <= range.last);
}

export function cidrOf(body: Branch): string | undefined {
  const own = body.value('TEMPLATE', 'VEP_CIDR');
  const [address, mask] = [body.value('TEMPLATE', 'NETWORK_ADDRESS'), body.value('TEMPLATE', 'NETWORK_MASK')];
  if (own !== undefined || address === undefined) return own;
  const bits = addressOf(mask ?? '255.255.255.0');
  return bits === undefined ? undefined : `${address}/${32 - Math.log2(2 ** 32 - bits)}`;
}

/** Every address that somebody in the network may have, given out by oned or not. */
export function reachOf(body: Branch): readonly Range[] {
  const cidr = cidrOf(body);
  const given = addressRangesOf(body).map(({ range }) => range);
  return cidr === undefined || !/^[\d.]+\/\d+$/.test(cidr) ? given : [parseCidr(cidr).range, ...given];
}
