/**
 * What is to be placed and what there is to place it on, as plain values: the planner's machines on one side, a site's
 * hosts as its inventory tells them on the other. Callers convert; nothing here knows an adapter.
 */

import { withInstances } from '../ovf/instances.js';
import type { DeploymentPlan, PlannedMachine } from '../ovf/plan.js';

/** One machine that needs a host. */
export interface MachineDemand {
  /** Unique among the machines of one call. */
  readonly id: string;
  /** The VirtualSystem it is an instance of; constraints name these. */
  readonly item: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Storage it brings along, counted against the site as a whole. */
  readonly diskBytes: number;
  /** Where it is already: it stays there, and what it takes is no longer in the free capacity. */
  readonly at?: { readonly site: string; readonly host: string };
}

export interface SiteOffer {
  readonly name: string;
  readonly hosts: readonly HostOffer[];
  /** All hosts draw on one quota, and each offers all of it. */
  readonly quotaIsShared?: true;
  readonly freeStorageBytes: number;
}

export interface HostOffer {
  readonly name: string;
  /** Racks of equal name in two zones are two racks. */
  readonly rack: string;
  readonly zone: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly up: boolean;
  readonly traits: readonly string[];
  readonly freeCores: number;
  readonly freeMemoryBytes: number;
  /** How many machines it keeps apart from each other, where it stands for many hosts, as a zone does; absent: it is one host. */
  readonly apart?: number;
  /** Something runs on it already: no machine that wants a host to itself can go there. */
  readonly occupied: boolean;
}

/** What hosts have together, of which each has an amount. */
export function together<Host>(
  hosts: readonly Host[],
  amount: (host: Host) => number,
  { quotaIsShared }: Pick<SiteOffer, 'quotaIsShared'>,
): number {
  return hosts.reduce((all, host) => (quotaIsShared ? Math.max(all, amount(host)) : all + amount(host)), 0);
}

/**
 * The machines of a plan, each as often as it is to have instances. A shared disk counts once, with the first machine that
 * has it.
 */
export function demandsOf(plan: DeploymentPlan): MachineDemand[] {
  const disks = new Map(plan.disks.map((disk) => [disk.id, disk]));
  const shared = new Set<string>();
  return withInstances(plan).machines.map((machine) => ({
    id: machine.id,
    item: machine.instanceOf ?? machine.id,
    cores: machine.cores.normal,
    memoryBytes: machine.memoryBytes.normal,
    diskBytes: diskBytes(machine, disks, shared),
  }));
}

function diskBytes(
  machine: PlannedMachine,
  disks: ReadonlyMap<string, DeploymentPlan['disks'][number]>,
  counted: Set<string>,
): number {
  let bytes = 0;
  for (const drive of machine.drives) {
    const disk = drive.disk === undefined ? undefined : disks.get(drive.disk);
    if (!disk || counted.has(disk.id)) continue;
    if (disk.shared) counted.add(disk.id);
    bytes += disk.capacityBytes;
  }
  return bytes;
}
