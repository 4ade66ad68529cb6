/**
 * The ranges that sites cut networks from when nobody asks for one. A network that reaches over several sites
 * (`sites[].connects`) is cut on each of them for itself: where their ranges overlap, machines on it may come to have the same address.
 */

import ipaddr from 'ipaddr.js';
import type { Fault } from '../base/errors.js';

export interface NetworkPool {
  /** Key below `sites[].options` that says it. */
  readonly option: string;
  readonly cidr: string;
}

/** Two sites whose ranges overlap, and the networks on which they reach each other. */
export interface PoolClash {
  readonly sites: readonly [string, string];
  readonly cidrs: readonly [string, string];
  readonly networks: readonly string[];
  /** Key of the second one's range in the configuration. */
  readonly key: string;
}

/** @param pools by name of the site; sites whose networks get their ranges elsewhere are not among them */
export function poolClashes(
  sites: readonly { readonly name: string; readonly connects?: readonly string[] }[],
  pools: ReadonlyMap<string, NetworkPool>,
): readonly PoolClash[] {
  return sites.flatMap(({ name, connects = [] }, index) =>
    sites.slice(index + 1).flatMap((other): PoolClash[] => {
      const networks = connects.filter((network) => other.connects?.includes(network) === true);
      const [one, two] = [pools.get(name), pools.get(other.name)];
      if (networks.length === 0 || !one || !two || !overlap(one.cidr, two.cidr)) return [];
      const key = `sites.${other.name}.options.${two.option}`;
      return [{ sites: [name, other.name], cidrs: [one.cidr, two.cidr], networks, key }];
    }),
  );
}

/** A warning of the configuration as a whole. */
export function clashInConfiguration(clash: PoolClash): Fault {
  return clashOf(clash, clash.networks, { path: clash.key });
}

/** A warning of an appliance, of which a network reaches over both sites. */
export function clashOfNetwork(clash: PoolClash, network: string): Fault {
  return clashOf(clash, [network], { field: network });
}

function clashOf({ sites, cidrs }: PoolClash, networks: readonly string[], place: Fault['place'] & object): Fault {
  const [one, two] = cidrs;
  return {
    code: 'site.network-pools',
    severity: 'warning',
    message: `machines on ${networks.join(', ')} may get the same addresses on ${sites.join(' and ')}: the sites cut networks from ${one === two ? one : `${one} and ${two}, which overlap`}`,
    place,
    remedy: 'the provider gives each of these sites a range of its own',
  };
}

function overlap(one: string, other: string): boolean {
  if (!ipaddr.isValidCIDR(one) || !ipaddr.isValidCIDR(other)) return false;
  const [address, prefix] = ipaddr.parseCIDR(one);
  const [second, length] = ipaddr.parseCIDR(other);
  return address.kind() === second.kind() && address.match(second, Math.min(prefix, length));
}
