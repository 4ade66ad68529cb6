/**
 * What sites offer, as the scheduler wants it: the last known inventory of each (K06: nobody is asked inside a request),
 * less the machines that have been sent to a host since it was taken. Read inside the transaction that sends machines,
 * no capacity is promised twice.
 */

import { isJsonObject, stringAt } from '../../src/base/json.js';
import { isAccount, siteBehind } from '../../src/iaas/account.js';
import type { Inventory } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { SiteOffer } from '../../src/scheduling/offer.js';
import type { SqlReader } from '../../src/store/sql.js';
import { PROVISION } from '../infrastructure/operations.js';

/** An inventory older than this says too little to refuse anybody by. */
const MAX_AGE_MS = 60_000;
const GIB = 2 ** 30;
const ENDLESS = Number.MAX_SAFE_INTEGER;

/** Hosts of a site that are set aside, and the group (Virtual Organization) that has each. */
export type SetAside = (reader: SqlReader, site: string) => Promise<ReadonlyMap<string, string>>;

/** For whom machines are to be placed: hosts that are set aside for others are not there. */
export interface Tenant {
  readonly group: string;
  readonly setAside: SetAside;
}

/** The offers of the named sites; a site of which nothing is known is left out. */
export async function offersOf(
  sites: Sites,
  reader: SqlReader,
  names: readonly string[],
  tenant: Tenant,
): Promise<SiteOffer[]> {
  const offers = await Promise.all(
    names.map(async (name) => {
      const inventory = (await sites.inventoryOf(siteBehind(name), MAX_AGE_MS).catch(() => undefined))?.inventory;
      if (!inventory) return [];
      const apart = sites.adapter(siteBehind(name)).capabilities().within?.apart;
      if (isAccount(name)) return [offerOf(name, unfilled(inventory), new Map(), apart)];
      const setAside = await tenant.setAside(reader, name);
      const hosts = inventory.hosts.filter((host) => (setAside.get(host.name) ?? tenant.group) === tenant.group);
      return [offerOf(name, { ...inventory, hosts }, await promisedSince(reader, name, inventory.takenAt), apart)];
    }),
  );
  return offers.flat();
}

/** What there is room for in an account of a user nobody has asked: each zone counts as a host that takes anything. */
function unfilled(inventory: Inventory): Inventory {
  const zones = new Map(inventory.hosts.map((host) => [host.zone, host]));
  const room = { cores: ENDLESS, freeCores: ENDLESS, memoryBytes: ENDLESS, freeMemoryBytes: ENDLESS };
  const hosts = [...zones.values()].map((host) => ({ ...host, ...room, name: host.zone, rack: host.zone, up: true }));
  return { ...inventory, hosts, storageFreeBytes: ENDLESS };
}

/** The same with the hosts alone that are set aside for the tenant; nothing where there are none. */
export async function ownOffers(offers: readonly SiteOffer[], reader: SqlReader, tenant: Tenant): Promise<SiteOffer[]> {
  const own = await Promise.all(
    offers.map(async (offer) => {
      const setAside = await tenant.setAside(reader, offer.name);
      return { ...offer, hosts: offer.hosts.filter((host) => setAside.get(host.name) === tenant.group) };
    }),
  );
  return own.filter(({ hosts }) => hosts.length > 0);
}

interface Promised {
  readonly cores: number;
  readonly memoryBytes: number;
}

/** Key of the machines whose host the site chooses itself: each may have gone to any. */
const ANYWHERE = '';

/** Per host: the machines sent there that an inventory of that time cannot show. */
async function promisedSince(reader: SqlReader, site: string, takenAt: number): Promise<Map<string, Promised>> {
  const rows = await reader.all<{ input: string; wanted: string }>(
    'SELECT o.input AS input, e.wanted AS wanted FROM operation o JOIN entity e ON e.id = o.entity ' +
      "WHERE o.type = ? AND o.site = ? AND o.direction = 'forward' AND (o.finished_at IS NULL OR o.finished_at > ?)",
    [PROVISION, site, takenAt],
  );
  const promised = new Map<string, Promised>();
  for (const row of rows) {
    const host = stringAt(members(row.input), 'host') ?? ANYWHERE;
    const wanted = members(row.wanted);
    const before = promised.get(host) ?? { cores: 0, memoryBytes: 0 };
    promised.set(host, {
      cores: before.cores + Number(wanted['occi.compute.cores'] ?? 0),
      memoryBytes: before.memoryBytes + Number(wanted['occi.compute.memory'] ?? 0) * GIB,
    });
  }
  return promised;
}

function members(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return isJsonObject(value) ? value : {};
}

function offerOf(
  name: string,
  inventory: Inventory,
  promised: ReadonlyMap<string, Promised>,
  apart: number | undefined,
): SiteOffer {
  const { quotaIsShared } = inventory;
  const sum = (host: string, quantity: keyof Promised): number => {
    const counted = quotaIsShared ? [...promised.keys()] : [host, ANYWHERE];
    return counted.reduce((all, each) => all + (promised.get(each)?.[quantity] ?? 0), 0);
  };
  return {
    name,
    ...(quotaIsShared ? { quotaIsShared } : {}),
    freeStorageBytes: inventory.storageFreeBytes,
    hosts: inventory.hosts.map((host) => ({
      name: host.name,
      rack: host.rack,
      zone: host.zone,
      country: host.country,
      up: host.up,
      traits: host.traits,
      freeCores: host.freeCores - sum(host.name, 'cores'),
      freeMemoryBytes: host.freeMemoryBytes - sum(host.name, 'memoryBytes'),
      ...(apart === undefined ? {} : { apart }),
      occupied: promised.has(host.name) || host.freeCores < host.cores || host.freeMemoryBytes < host.memoryBytes,
    })),
  };
}
