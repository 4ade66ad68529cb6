/**
 * What is to be placed and what there is to place it on, as plain values: the planner's machines on one side, a site's
 * hosts as its inventory tells them on the other. Callers convert; nothing here knows an adapter.
 */

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
  /** Something runs on it already: no machine that wants a host to itself can go there. */
  readonly occupied: boolean;
}

/**
 * The machines of a plan, each as often as it is to have instances: the first is called like its VirtualSystem, the
 * others `<id>-2`, `<id>-3`, … (`spec/ovf.md` §9). A shared disk counts once, with the first machine that has it.
 */
export function demandsOf(plan: DeploymentPlan): MachineDemand[] {
  const disks = new Map(plan.disks.map((disk) => [disk.id, disk]));
  const shared = new Set<string>();
  return foldReplicas(plan).machines.flatMap((machine) =>
    Array.from({ length: machine.instances.normal }, (_, index) => ({
      id: index === 0 ? machine.id : `${machine.id}-${index + 1}`,
      item: machine.id,
      cores: machine.cores.normal,
      memoryBytes: machine.memoryBytes.normal,
      diskBytes: diskBytes(machine, disks, shared),
    })),
  );
}

/** The plan with its VirtualSystems alone: replicas that stand as machines become a number of instances again. */
export function foldReplicas(plan: DeploymentPlan): DeploymentPlan {
  const byId = new Map(plan.machines.map((machine) => [machine.id, machine]));
  const present = new Map<string, number>();
  for (const machine of plan.machines) {
    const prototype = prototypeOf(machine, byId);
    present.set(prototype, (present.get(prototype) ?? 0) + 1);
  }
  const machines = plan.machines
    .filter((machine) => prototypeOf(machine, byId) === machine.id)
    .map((machine) => {
      const normal = Math.max(machine.instances.normal, present.get(machine.id) ?? 1);
      return { ...machine, instances: { ...machine.instances, normal } };
    });
  return { ...plan, machines };
}

/** Id of the VirtualSystem that a machine of a plan is a replica of, by its name and its drives; else its own. */
export function prototypeOf(machine: PlannedMachine, byId: ReadonlyMap<string, PlannedMachine>): string {
  const [, name, number] = /^(.+)-([2-9]|[1-9]\d+)$/.exec(machine.id) ?? [];
  const prototype = byId.get(name ?? '');
  const isReplica =
    prototype !== undefined &&
    machine.title === `${prototype.title} ${number ?? ''}` &&
    machine.drives.length === prototype.drives.length &&
    machine.drives.every(({ disk, image }, index) => {
      const drive = prototype.drives[index];
      return drive?.disk === disk && drive?.image === image;
    });
  return isReplica ? prototype.id : machine.id;
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
