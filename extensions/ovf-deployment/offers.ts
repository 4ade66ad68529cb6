/** What sites offer, as the scheduler wants it: the last known inventory of each (K06: nobody is asked inside a request). */

import type { Inventory } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { SiteOffer } from '../../src/scheduling/offer.js';

/** An inventory older than this says too little to refuse anybody by. */
const MAX_AGE_MS = 60_000;

/** The offers of the named sites; a site of which nothing is known is left out. */
export async function offersOf(sites: Sites, names: readonly string[]): Promise<SiteOffer[]> {
  const offers = await Promise.all(
    names.map(async (name) => {
      const known = await sites.inventoryOf(name, MAX_AGE_MS).catch(() => undefined);
      return known ? [offerOf(name, known.inventory)] : [];
    }),
  );
  return offers.flat();
}

function offerOf(name: string, inventory: Inventory): SiteOffer {
  return {
    name,
    freeStorageBytes: inventory.storageFreeBytes,
    hosts: inventory.hosts.map((host) => ({
      name: host.name,
      rack: host.rack,
      zone: host.zone,
      country: host.country,
      up: host.up,
      traits: host.traits,
      freeCores: host.freeCores,
      freeMemoryBytes: host.freeMemoryBytes,
      occupied: host.freeCores < host.cores || host.freeMemoryBytes < host.memoryBytes,
    })),
  };
}
