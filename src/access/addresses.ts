/** Network addresses of peers: one form for one address, and membership in configured ranges. */

import ipaddr from 'ipaddr.js';

/**
 * Canonical text of an address: IPv4-mapped IPv6 as IPv4 (S-045), zone ids cut off. What is no address (a Unix socket)
 * comes back as it is.
 */
export function normalizeAddress(text: string): string {
  const bare = text.replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : text;
}

/** The network a peer is counted under: an IPv4 address itself, the /64 of an IPv6 address, which one host can fill. */
export function networkOf(text: string): string {
  const address = normalizeAddress(text);
  if (!ipaddr.IPv6.isValid(address)) return address;
  return `${ipaddr.IPv6.parse(address)
    .parts.slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** Whether the peer is one of `ranges`, each an address or a CIDR range. */
export function isWithin(peer: string, ranges: readonly string[]): boolean {
  const address = normalizeAddress(peer);
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  return ranges.some((range) => {
    if (!range.includes('/')) return normalizeAddress(range) === address;
    if (!ipaddr.isValidCIDR(range)) return false;
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}
