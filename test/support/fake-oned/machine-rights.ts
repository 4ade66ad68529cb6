/** What a user may do with machines, and not write into their templates. */

import { find } from './call.js';
import type { Template } from './template.js';
import { Refused } from './wire.js';
import type { Machine, User, World } from './world.js';

const RESTRICTED = ['MAC', 'VLAN_ID', 'BRIDGE'];

/** A machine that the user may manage. */
export function machineOf(world: World, user: User, id: number): Machine {
  const vm = find(world.machines, id, 'virtual machine');
  world.mustManage(user, vm, 'VM');
  if (vm.locked && user.id !== 0)
    throw new Refused(512, `User [${user.id}] : Not authorized to perform MANAGE VM [${id}].`);
  return vm;
}

export function checkRestricted(world: World, user: User, template: Template): void {
  if (world.isAdmin(user)) return;
  const bad = template.vectors('NIC').flatMap((nic) => RESTRICTED.filter((name) => nic.has(name)))[0];
  if (bad !== undefined)
    throw new Refused(512, `User [${user.id}] : VM Template includes a restricted attribute ${bad}.`);
}
