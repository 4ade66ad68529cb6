/** Ranges of addresses as texts, and those of IPv4 as numbers: what networks of a site are cut from. */

import ipaddr from 'ipaddr.js';
import { IaasError } from './adapter.js';

/** First and last address, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The range, in CIDR notation, that holds one address of either version. */
export function rangeOfAddress(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}

export function addressOf(text: string): number | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  return ipaddr.IPv4.parse(text)
    .toByteArray()
    .reduce((value, byte) => value * 256 + byte, 0);
}

export function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function blockOf(first: number, prefix: number): Range {
  const size = 2 ** (32 - prefix);
  const start = Math.floor(first / size) * size;
  return { first: start, last: start + size - 1 };
}

/** @throws IaasError `invalid` for what is no range of IPv4 addresses */
export function parseCidr(cidr: string): { readonly range: Range; readonly prefix: number } {
  const [address = '', length = ''] = cidr.split('/');
  const first = addressOf(address);
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN;
  if (first === undefined || !(prefix >= 8 && prefix <= 32))
    throw new IaasError(
      'invalid',
      `${cidr.slice(0, 60)} is no range of IPv4 addresses that a network could be cut from`,
    );
  return { range: blockOf(first, prefix), prefix };
}

/** Without the addresses of the network itself and of everybody in it, where there are such. */
export function usable({ first, last }: Range): Range {
  return last - first >= 3 ? { first: first + 1, last: last - 1 } : { first, last };
}

export function contains(outer: Range, inner: Range): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

export function maskOf(prefix: number): string {
  return textOf(2 ** 32 - 2 ** (32 - prefix));
}
