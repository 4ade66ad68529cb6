/**
 * What the site has. OCCI shows nobody the machines behind it: the site counts as one host that holds what the options say
 * the account may have, less what it has.
 */

import type { CallOptions, Inventory, Observed } from '../../adapter.js';
import type { Offer } from './capabilities.js';
import { IPRESERVATION } from './kinds.js';
import type { OcciOptions } from './options.js';
import type { Things } from './things.js';

const GIB = 2 ** 30;

export async function takeInventory(
  things: Things,
  offer: Offer,
  { capacity }: OcciOptions,
  now: number,
  call: CallOptions,
): Promise<Inventory> {
  const [computes, networks, storages] = await Promise.all([
    things.all('compute', call),
    things.all('network', call),
    things.all('storage', call),
  ]);
  const amount = (list: readonly { observed: Observed }[], of: 'cores' | 'memoryBytes' | 'sizeBytes'): number =>
    list.reduce(
      (sum, { observed }) => sum + (of in observed ? (observed as unknown as Record<typeof of, number>)[of] : 0),
      0,
    );
  const ranges = networks.filter(({ view }) => view.kind !== IPRESERVATION);
  const memoryBytes = capacity.memoryGiB * GIB;
  return {
    takenAt: now,
    hosts: [
      {
        name: 'occi',
        rack: capacity.zone,
        zone: capacity.zone,
        country: capacity.country,
        up: true,
        traits: [],
        cores: capacity.cores,
        freeCores: Math.max(0, capacity.cores - amount(computes, 'cores')),
        memoryBytes,
        freeMemoryBytes: Math.max(0, memoryBytes - amount(computes, 'memoryBytes')),
      },
    ],
    networks: ranges.map(({ path, view, observed }) => ({
      ref: path,
      name: view.title ?? path,
      shared: observed.id === undefined,
      ...(observed.class === 'network' && observed.cidr !== undefined ? { cidr: observed.cidr } : {}),
    })),
    images: offer.templates.map(({ id, title }) => ({ ref: id, name: title, sizeBytes: 0, format: 'os_tpl' })),
    storageFreeBytes: Math.max(0, capacity.storageGiB * GIB - amount(storages, 'sizeBytes')),
  };
}
