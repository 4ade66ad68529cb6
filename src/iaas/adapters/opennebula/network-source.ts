/** Where networks come from: what is asked of one, and what makes it. */

import { IaasError, type CallOptions, type NetworkSpec } from '../../adapter.js';
import { addressOf, contains, parseCidr, usable, type Range } from '../../ranges.js';
import type { Owner } from './tenants.js';

/** Range and gateway that were asked for. */
export interface Wish {
  readonly range: (Range & { readonly prefix: number }) | undefined;
  readonly gateway: number | undefined;
}

export interface NetworkSource {
  /** Length of the prefix of a network for which no range is asked. */
  readonly prefix: number;
  /** Makes a network of that name, which nobody has yet; answers its id. Another process may be faster: then the id of its. */
  make(name: string, wish: Wish, owner: Owner, options: CallOptions): Promise<number>;
  /** Gives one that is made to whom it is for, as often as it is asked; answers the id of the one that counts, where two were made. */
  handOver(id: number, name: string, owner: Owner, options: CallOptions): Promise<number>;
}

/** @throws IaasError `invalid` where range and gateway are none, or do not go together */
export function readWish({ cidr, gateway, vlan, name }: NetworkSpec): Wish {
  if (name === '') throw new IaasError('invalid', 'a network needs a name');
  if (vlan !== undefined)
    throw new IaasError(
      'invalid',
      'OpenNebula gives a network its VLAN: that of the one it is cut from, or a free one',
    );
  const parsed = cidr === undefined ? undefined : parseCidr(cidr);
  const address = gateway === undefined ? undefined : addressOf(gateway);
  if (gateway === undefined) return { range: parsed && { ...parsed.range, prefix: parsed.prefix }, gateway: undefined };
  if (!parsed || address === undefined || !contains(usable(parsed.range), { first: address, last: address }))
    throw new IaasError('invalid', 'the gateway is no address of the range of its network');
  return { range: { ...parsed.range, prefix: parsed.prefix }, gateway: address };
}

/** The addresses of a range that machines may get: a gateway at either end stays outside. */
export function givenOut(range: Range, gateway: number | undefined): Range {
  const inner = usable(range);
  if (inner.last <= inner.first) return inner;
  return {
    first: inner.first === gateway ? inner.first + 1 : inner.first,
    last: inner.last === gateway ? inner.last - 1 : inner.last,
  };
}
