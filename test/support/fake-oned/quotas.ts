/** Quotas of groups and users, checked with what is asked for more. */

import { Refused } from './wire.js';
import { IMAGE_DATASTORE, type User, type World } from './world.js';

/** What a group may have of `DATASTORE` or `VM`. */
export function checkGroup(world: World, user: User, vector: string, more: Readonly<Record<string, number>>): void {
  const [group] = user.groups;
  const quotas = world.groups.get(group ?? -1)?.quotas;
  if (world.isAdmin(user) || group === undefined || !quotas) return;
  const volumes = world.volumesOf(group, IMAGE_DATASTORE);
  const used = { ...world.machinesOf(group), IMAGES: volumes.images, SIZE: volumes.sizeMb } as Record<string, number>;
  for (const [name, amount] of Object.entries(more)) {
    const limit = quotas.get(`${vector}/${name}`) ?? -1;
    if (limit >= 0 && (used[name] ?? 0) + amount > limit)
      throw new Refused(
        512,
        `User [${user.id}] : group [${group}] limit of ${limit} reached for ${name} quota in ${vector.split('/')[0]}.`,
      );
  }
}

export function checkQuota(world: World, user: User, vms: number, cpu: number, memory: number): void {
  checkGroup(world, user, 'VM', { VMS: vms, CPU: cpu, MEMORY: memory });
  if (world.isAdmin(user) || user.cpuQuota === undefined) return;
  const used = [...world.machines.values()]
    .filter((vm) => vm.uid === user.id && vm.state !== 6)
    .reduce((sum, vm) => sum + Number(vm.template.get('CPU') ?? 0), 0);
  if (used + cpu > user.cpuQuota)
    throw new Refused(
      512,
      `User [${user.id}] : user [${user.id}] limit of ${user.cpuQuota} reached for CPU quota in VM.`,
    );
}
