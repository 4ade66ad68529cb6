/** What a user may do with machines, and not write into their templates. */

import { find } from './call.js';
import type { Template } from './template.js';
import { Refused } from './wire.js';
import type { Machine, User, World } from './world.js';

const RESTRICTED = ['MAC', 'VLAN_ID', 'BRIDGE'];

/** Rights of oned: one is kept from by a lock of its level or a lower one. */
const MANAGE = 2;
export const ADMIN = 4;

/** A lock holds for administrators too, who alone are told of it (`AuthRequest::add_auth`). */
export function mustBeUnlocked(world: World, user: User, { id, lock }: Machine, right: number): void {
  if (lock === 0 || lock > right) return;
  const words = world.isAdmin(user) ? `VM is locked. [${id}]` : `Not authorized to perform MANAGE VM [${id}].`;
  throw new Refused(512, `User [${user.id}] : ${words}`);
}

/** A machine that the user may manage. */
export function machineOf(world: World, user: User, id: number): Machine {
  const vm = find(world.machines, id, 'virtual machine');
  world.mustManage(user, vm, 'VM');
  mustBeUnlocked(world, user, vm, MANAGE);
  return vm;
}

export function checkRestricted(world: World, user: User, template: Template): void {
  if (world.isAdmin(user)) return;
  const bad = template.vectors('NIC').flatMap((nic) => RESTRICTED.filter((name) => nic.has(name)))[0];
  if (bad !== undefined)
    throw new Refused(512, `User [${user.id}] : VM Template includes a restricted attribute ${bad}.`);
}
