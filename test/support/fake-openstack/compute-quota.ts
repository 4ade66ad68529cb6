/** Nova's part of a project's quota: what is used of it, what it refuses, and how `GET /limits` shows both. */

import { fault, type Answer } from './answers.js';
import { isOver, type Flavor, type Project, type World } from './world.js';

export interface ComputeUse {
  readonly instances: number;
  readonly cores: number;
  readonly ram: number;
}

/** What a project uses. */
export function usedBy(world: World, project: string): ComputeUse {
  const mine = [...world.servers.values()].filter((server) => server.project === project);
  return {
    instances: mine.length,
    cores: mine.reduce((sum, server) => sum + server.flavor.vcpus, 0),
    ram: mine.reduce((sum, server) => sum + server.flavor.ram, 0),
  };
}

/** Refuses one more server where it would be over the quota. */
export function refuseOverQuota(world: World, { id, quota }: Project, flavor: Flavor): void {
  const used = usedBy(world, id);
  const wanted: ComputeUse = { instances: 1, cores: flavor.vcpus, ram: flavor.ram };
  const over = (['cores', 'instances', 'ram'] as const).filter((name) =>
    isOver(used[name] + wanted[name], quota[name]),
  );
  if (over.length === 0) return;
  const numbers = (of: ComputeUse): string => over.map((name) => of[name]).join(', ');
  throw fault(
    403,
    `Quota exceeded for ${over.join(', ')}: Requested ${numbers(wanted)}, but already used ${numbers(used)} of ${numbers(quota)} ${over.join(', ')}`,
  );
}

export function showLimits(world: World, { id, quota }: Project): Answer {
  const used = usedBy(world, id);
  const absolute = {
    maxTotalInstances: quota.instances,
    maxTotalCores: quota.cores,
    maxTotalRAMSize: quota.ram,
    maxServerMeta: 128,
    totalInstancesUsed: used.instances,
    totalCoresUsed: used.cores,
    totalRAMUsed: used.ram,
  };
  return { status: 200, body: { limits: { rate: [], absolute } } };
}
