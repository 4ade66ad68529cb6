/** A count of everything that VEP has on a simulated site, to be compared with what it should have there. */

import type { ResourceClass, SiteAdapter } from '../../src/iaas/adapter.js';

export const CLASSES: readonly ResourceClass[] = [
  'compute',
  'network',
  'storage',
  'nic',
  'attachment',
  'image',
  'securitygroup',
];

export const NOTHING: Readonly<Record<ResourceClass, number>> = {
  compute: 0,
  network: 0,
  storage: 0,
  nic: 0,
  attachment: 0,
  image: 0,
  securitygroup: 0,
};

export interface Census {
  readonly counts: Readonly<Record<ResourceClass, number>>;
  /** Ids that VEP gave, by class, sorted; one that is there twice stands twice. */
  readonly ids: Readonly<Record<ResourceClass, readonly string[]>>;
  readonly states: Readonly<Record<ResourceClass, readonly string[]>>;
  readonly freeCores: number;
  readonly freeMemoryBytes: number;
  readonly freeStorageBytes: number;
}

const NO_NAMES: Readonly<Record<ResourceClass, readonly string[]>> = {
  compute: [],
  network: [],
  storage: [],
  nic: [],
  attachment: [],
  image: [],
  securitygroup: [],
};

export async function takeCensus(site: SiteAdapter): Promise<Census> {
  const counts = { ...NOTHING };
  const ids = { ...NO_NAMES };
  const states = { ...NO_NAMES };
  for (const what of CLASSES) {
    const things = [];
    for await (const thing of site.list(what)) things.push(thing);
    counts[what] = things.length;
    ids[what] = things.map((thing) => thing.id ?? '').sort();
    states[what] = [...new Set(things.map((thing) => thing.state))].sort();
  }
  const { hosts, storageFreeBytes } = await site.inventory();
  return {
    counts,
    ids,
    states,
    freeCores: hosts.reduce((sum, host) => sum + host.freeCores, 0),
    freeMemoryBytes: hosts.reduce((sum, host) => sum + host.freeMemoryBytes, 0),
    freeStorageBytes: storageFreeBytes,
  };
}

/** What several sites have. */
export function together(all: readonly Census[]): Census {
  const sum = (of: (each: Census) => number): number => all.reduce((total, each) => total + of(each), 0);
  const every = <T>(of: (what: ResourceClass) => T): Readonly<Record<ResourceClass, T>> =>
    Object.fromEntries(CLASSES.map((what) => [what, of(what)])) as Record<ResourceClass, T>;
  return {
    counts: every((what) => sum(({ counts }) => counts[what])),
    ids: every((what) => all.flatMap(({ ids }) => ids[what]).sort()),
    states: every((what) => [...new Set(all.flatMap(({ states }) => states[what]))].sort()),
    freeCores: sum((each) => each.freeCores),
    freeMemoryBytes: sum((each) => each.freeMemoryBytes),
    freeStorageBytes: sum((each) => each.freeStorageBytes),
  };
}
