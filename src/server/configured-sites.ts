/** The types of sites there are, and what the configuration says of each site: how to open it, and what may go there. */

import { checkTemplateImages } from '../../extensions/infrastructure/template-images.js';
import type { SitePolicy } from '../../extensions/ovf-deployment/layout.js';
import { systemClock, type Clock } from '../base/clock.js';
import type { Config } from '../base/config.js';
import type { Log } from '../base/log.js';
import type { AccountPolicy } from '../iaas/accounts.js';
import { ec2, nimbus } from '../iaas/adapters/ec2/site-type.js';
import { libvirt } from '../iaas/adapters/libvirt/site-type.js';
import { occi } from '../iaas/adapters/occi/site-type.js';
import { openNebula } from '../iaas/adapters/opennebula/site-type.js';
import { openStack } from '../iaas/adapters/openstack/site-type.js';
import { simulator } from '../iaas/adapters/simulator/site-type.js';
import { poolClashes, type PoolClash } from '../iaas/network-pools.js';
import { SiteTypes } from '../iaas/site-type.js';
import { Sites } from '../iaas/sites.js';

/** Every type of site that a configuration can name. */
const siteTypes = new SiteTypes([simulator, openNebula, openStack, ec2, nimbus, occi, libvirt]);

/** Their names, as `sites[].type` has them. */
export const siteTypeNames = siteTypes.names;

/** Checks the options of all sites of a configuration, and what names one. @throws Problem with every fault of them */
export function checkSites(config: Pick<Config, 'sites' | 'templates'>): void {
  siteTypes.read(config.sites);
  checkTemplateImages(config);
}

/** Sites that reach each other and cut networks from ranges that overlap. */
export function clashesOf(sites: Config['sites']): readonly PoolClash[] {
  return poolClashes(sites, siteTypes.networkPools(sites));
}

/** The sites that the configuration names, opened: for the server, and for `vep sites check` without one. */
export async function openSites(
  config: Pick<Config, 'sites' | 'data'>,
  log: Log,
  clock: Clock = systemClock,
): Promise<Sites> {
  const sites = new Sites({ clock });
  try {
    for (const { name, open } of siteTypes.read(config.sites))
      sites.add(await open({ site: name, clock, log, data: config.data }));
    return sites;
  } catch (error) {
    await sites.close();
    throw error;
  }
}

/** What of the configuration says where appliances go. */
export function sitePolicy({ placement, sites }: Config): SitePolicy {
  const names = new Set(sites.flatMap(({ connects = [] }) => connects));
  const reaching = [...names].map((network) => {
    const reached = sites.filter(({ connects = [] }) => connects.includes(network)).map(({ name }) => name);
    return [network, new Set(reached)] as const;
  });
  return {
    split: placement.split,
    automatic: siteTypes.automatic(sites),
    required: new Set(sites.filter(({ userCredentials }) => userCredentials === 'required').map(({ name }) => name)),
    reaching: new Map(reaching),
    clashes: clashesOf(sites),
  };
}

/** What sites say of credentials that users bring for them, by name; those alone that can take some. */
export function accountPolicies(sites: Config['sites']): ReadonlyMap<string, AccountPolicy> {
  const modes = new Map(sites.map(({ name, userCredentials }) => [name, userCredentials]));
  return new Map(
    siteTypes
      .read(sites)
      .flatMap(({ name, account }) => (account ? [[name, { mode: modes.get(name), read: account }] as const] : [])),
  );
}

/** Where guests of a site reach this VEP, by the site's name (K34). */
export function guestUrls(sites: Config['sites']): ReadonlyMap<string, string> {
  return new Map(sites.flatMap(({ name, guestUrl }) => (guestUrl ? [[name, guestUrl] as const] : [])));
}
