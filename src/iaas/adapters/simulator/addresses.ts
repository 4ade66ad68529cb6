/**
 * Address ranges of simulated networks (RFC 4632, RFC 4291): what a range holds, which address is free next, and how
 * networks without a range get a subnet of their own. Addresses are big integers inside and text outside; IPv4 and
 * IPv6 go the same way.
 */

import ipaddr from 'ipaddr.js';

/** A parsed range: its first address, prefix length and the bits of its family (32 or 128). */
export interface AddressRange {
  readonly base: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

/** The range of a CIDR; host bits are cut off, as `192.168.0.1/24` in GFD.224 §3.2 means its network. */
export function parseRange(cidr: string): AddressRange | undefined {
  if (cidr.length > 64 || !/^[0-9a-fA-F:.]+\/\d{1,3}$/.test(cidr) || !ipaddr.isValidCIDR(cidr)) return undefined;
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  if (bits === 32 && !/^\d+\.\d+\.\d+\.\d+\//.test(cidr)) return undefined;
  const shift = BigInt(bits - prefix);
  return { base: (toNumber(address.toByteArray()) >> shift) << shift, prefix, bits };
}

export function isCidr(text: string): boolean {
  return parseRange(text) !== undefined;
}

/** How many addresses a subnet of `prefix` within `cidr` has. */
export function addressCount(cidr: string, prefix: number): bigint {
  const range = parseRange(cidr);
  return range && prefix <= range.bits ? 1n << BigInt(range.bits - prefix) : 0n;
}

export function formatRange(range: AddressRange): string {
  return `${formatAddress(range.base, range.bits)}/${range.prefix}`;
}

/** The address as a number, or nothing when it is no address of the range's family or not inside it. */
export function addressWithin(range: AddressRange, text: string): bigint | undefined {
  if (text.length > 45 || !ipaddr.isValid(text)) return undefined;
  const address = ipaddr.parse(text);
  if ((address.kind() === 'ipv4' ? 32 : 128) !== range.bits) return undefined;
  if (range.bits === 32 && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  const value = toNumber(address.toByteArray());
  return value >= range.base && value < range.base + size(range) ? value : undefined;
}

/** First and last address a guest can have: network and broadcast addresses are kept out where the range has them. */
export function guestAddresses(range: AddressRange): { readonly first: bigint; readonly last: bigint } {
  const end = range.base + size(range) - 1n;
  if (size(range) < 4n) return { first: range.base, last: end };
  return { first: range.base + 1n, last: range.bits === 32 ? end - 1n : end };
}

/**
 * The next address from `cursor` on that is not taken, going round once. A freed address is thus given out again as
 * late as possible, which keeps stale neighbours' caches harmless.
 */
export function nextFree(range: AddressRange, cursor: bigint, taken: (address: string) => boolean): bigint | undefined {
  const { first, last } = guestAddresses(range);
  const start = cursor < first || cursor > last ? first : cursor;
  for (let at = start; at <= last; at++) if (!taken(formatAddress(at, range.bits))) return at;
  for (let at = first; at < start; at++) if (!taken(formatAddress(at, range.bits))) return at;
  return undefined;
}

/** The `index`th subnet of `prefix` in a pool, or nothing when the pool has no more. */
export function subnet(pool: AddressRange, prefix: number, index: number): AddressRange | undefined {
  const base = pool.base + (BigInt(index) << BigInt(pool.bits - prefix));
  return base < pool.base + size(pool) ? { base, prefix, bits: pool.bits } : undefined;
}

export function formatAddress(value: bigint, bits: 32 | 128): string {
  const bytes = Array.from({ length: bits / 8 }, (_, index) =>
    Number((value >> BigInt(bits - 8 * (index + 1))) & 0xffn),
  );
  return bits === 32 ? bytes.join('.') : ipaddr.fromByteArray(bytes).toString();
}

/** A locally administered unicast MAC address (IEEE 802) that is this number's own. */
export function macOf(number: number): string {
  const hex = number.toString(16).padStart(8, '0').slice(-8);
  return `02:56:${hex.match(/../g)?.join(':') ?? ''}`;
}

const size = (range: AddressRange): bigint => 1n << BigInt(range.bits - range.prefix);

function toNumber(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
