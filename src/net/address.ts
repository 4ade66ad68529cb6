/**
 * Which addresses the outside world may make VEP connect to: globally routed unicast ones, and nothing that is private,
 * local, special or a disguise of such (RFC 6890, RFC 4291 §2.5.5, RFC 6052). What an operator allows on top is named
 * in an {@link AllowList}.
 */

import ipaddr from 'ipaddr.js';
import { excerpt, problem } from '../base/errors.js';

/** IPv6 space that is routed globally (RFC 4291 §2.4); translated, mapped, tunnelled and local forms lie outside. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** True for an address that belongs to the public internet. Anything that is not an address is not public. */
export function isPublicAddress(text: string): boolean {
  const address = parse(text);
  if (!address) return false;
  if (address.kind() === 'ipv4') return !text.includes(':') && address.range() === 'unicast';
  return (address as ipaddr.IPv6).match(GLOBAL_UNICAST) && address.range() === 'unicast';
}

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

type Entry =
  | { readonly name: string; readonly port?: number }
  | { readonly range: [ipaddr.IPv4 | ipaddr.IPv6, number]; readonly port?: number };

/**
 * Targets that an operator permits although they are not public. An entry is a host name, an address or a CIDR range,
 * each with `:port` behind it or not (IPv6 in brackets then): `images.example.org`, `10.1.0.0/16`, `[fd00::1]:8443`.
 */
export class AllowList {
  readonly #entries: readonly Entry[];

  /** @throws Problem `invalid` for an entry that is none of the forms. */
  constructor(entries: readonly string[]) {
    this.#entries = entries.map(parseEntry);
  }

  /** Whether the host name itself is listed, so that its addresses need not be public. */
  permitsName(name: string, port: number): boolean {
    return this.#entries.some((entry) => 'name' in entry && entry.name === name && permitsPort(entry, port));
  }

  /** Whether some address may be reached at the port, whatever names have it. */
  permitsSomeAddress(port: number): boolean {
    return this.#entries.some((entry) => 'range' in entry && permitsPort(entry, port));
  }

  permitsAddress(text: string, port: number): boolean {
    const address = parse(text);
    if (!address) return false;
    return this.#entries.some(
      (entry) =>
        'range' in entry &&
        entry.range[0].kind() === address.kind() &&
        address.match(entry.range) &&
        permitsPort(entry, port),
    );
  }
}

/** An entry without a port means web servers: the two usual ports and the unprivileged ones, no system service. */
function permitsPort(entry: Entry, port: number): boolean {
  return entry.port === undefined ? port === 80 || port === 443 || port >= 1024 : entry.port === port;
}

function parseEntry(text: string): Entry {
  // Brackets or a single colon: what follows may be a port. Two colons and no brackets: a bare IPv6 address.
  const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2] ?? text;
  const port = parts?.[3] === undefined ? {} : { port: Number(parts[3]) };
  if (/\/\d+$/.test(host) && ipaddr.isValidCIDR(host)) return { range: ipaddr.parseCIDR(host), ...port };
  const address = parse(host);
  if (address) return { range: [address, address.kind() === 'ipv4' ? 32 : 128], ...port };
  if (HOST_NAME.test(host)) return { name: host.toLowerCase(), ...port };
  throw problem(
    'invalid',
    'net.allow-entry',
    `${excerpt(text)} is neither a host name nor an address nor a CIDR range`,
    {
      value: excerpt(text),
      remedy: 'write images.example.org, 10.1.0.0/16 or [fd00::1]:8443',
    },
  );
}

/** The address in its own family: an IPv4-mapped IPv6 address counts as what it stands for. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.replace(/%.*$/, '');
  return ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
}
