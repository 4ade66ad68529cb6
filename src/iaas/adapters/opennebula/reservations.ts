/**
 * Networks as reservations: a slice of the addresses of a network that the administrator names, as a virtual network of
 * its own that belongs to the user. It shares the wire of its parent, and its mask and gateway as long as nothing else is asked.
 */

import { IaasError, type CallOptions } from '../../adapter.js';
import { addressOf, blockOf, contains, textOf, usable, type Range } from '../../ranges.js';
import { addressRangesOf, type NetworkPool } from './network-pool.js';
import { givenOut, type NetworkSource, type Wish } from './network-source.js';
import type { Oned } from './oned.js';
import { onlyOne } from './only-one.js';
import { templateXml } from './template.js';
import type { Owner } from './tenants.js';

interface AddressRange {
  readonly parent: number;
  readonly number: number;
  readonly range: Range;
  /** Addresses that are leased or reserved. */
  readonly used: ReadonlySet<number>;
}

interface Cut extends Range {
  readonly parent: number;
  readonly addressRange: number;
}

/** Blocks that are tried when somebody else takes one after the other. */
const TRIES = 8;

export class Reservations implements NetworkSource {
  readonly prefix: number;
  readonly #oned: Oned;
  readonly #pool: NetworkPool;
  readonly #parents: readonly string[];

  /** @param parents names or ids of the networks that are cut from */
  constructor(oned: Oned, pool: NetworkPool, parents: readonly string[], prefix: number) {
    this.#oned = oned;
    this.#pool = pool;
    this.#parents = parents;
    this.prefix = prefix;
  }

  async make(name: string, wish: Wish, owner: Owner, options: CallOptions): Promise<number> {
    const ranges = await this.#addressRanges(options);
    const slices = wish.range ? [sliceAsked(wish.range, wish, ranges)] : slicesFree(this.prefix, ranges);
    let last: unknown;
    for (const slice of slices) {
      const template = templateXml({
        NAME: name,
        SIZE: slice.last - slice.first + 1,
        AR_ID: slice.addressRange,
        IP: textOf(slice.first),
      });
      try {
        return await onlyOne(
          () => this.#oned.id('one.vn.reserve', [slice.parent, template], { ...options, as: owner.as }),
          () => this.#pool.named(name, options),
        );
      } catch (error) {
        if (!(error instanceof IaasError) || error.class !== 'capacity') throw error;
        last = error;
      }
    }
    if (wish.range)
      throw new IaasError('conflict', 'addresses of this range are in use by another network', saidBy(last));
    throw new IaasError(
      'capacity',
      `no network that VEP may reserve from has a free block of /${this.prefix}`,
      saidBy(last),
    );
  }

  /** It is the user's from the beginning, who has made it. */
  handOver(id: number): Promise<number> {
    return Promise.resolve(id);
  }

  async #addressRanges(options: CallOptions): Promise<readonly AddressRange[]> {
    const parents = (await this.#pool.all(options)).filter((each) =>
      this.#parents.some((name) => name === each.value('NAME') || name === each.value('ID')),
    );
    if (parents.length < this.#parents.length || parents.length === 0)
      throw new IaasError(
        'fatal',
        `OpenNebula lacks a network that VEP shall reserve from: ${this.#parents.join(', ')}`,
      );
    const found: AddressRange[] = [];
    for (const parent of parents) {
      const body = (await this.#pool.look(parent.value('ID') ?? '', options)) ?? parent;
      for (const { ar, range } of addressRangesOf(body)) {
        const leases = ar.child('LEASES')?.all('LEASE') ?? [];
        const used = new Set(leases.flatMap((lease) => addressOf(lease.value('IP') ?? '') ?? []));
        found.push({ parent: body.number(-1, 'ID'), number: ar.number(-1, 'AR_ID'), range, used });
      }
    }
    return found;
  }
}

/** The addresses to reserve for a range. */
function sliceAsked(range: Range, { gateway }: Wish, ranges: readonly AddressRange[]): Cut {
  const slice = givenOut(range, gateway);
  const from = ranges.find((each) => contains(each.range, slice));
  if (from) return { ...slice, parent: from.parent, addressRange: from.number };
  const offered = ranges.map((each) => `${textOf(each.range.first)} to ${textOf(each.range.last)}`).join(', ');
  throw new IaasError('invalid', `OpenNebula has no network with these addresses to reserve from; it has ${offered}`);
}

/** Free blocks, from the first on. */
function slicesFree(prefix: number, ranges: readonly AddressRange[]): Cut[] {
  const size = 2 ** (32 - prefix);
  const found: Cut[] = [];
  for (const { parent, number, range, used } of ranges) {
    let block = blockOf(range.first, prefix);
    for (
      ;
      block.first <= range.last && found.length < TRIES;
      block = { first: block.first + size, last: block.last + size }
    ) {
      const inner = usable(block);
      if (!contains(range, inner)) continue;
      if (![...used].some((address) => contains(inner, { first: address, last: address })))
        found.push({ ...inner, parent, addressRange: number });
    }
  }
  return found;
}

function saidBy(error: unknown): string | undefined {
  return error instanceof IaasError ? error.said : undefined;
}
