/** Disks and NICs: what a machine is plugged into, when it is made and later. */

import { addressOf } from '../../../src/iaas/ranges.js';
import { ipText, macText } from './bodies.js';
import { number, text, type Handlers, type Stage } from './call.js';
import { makeImage } from './images.js';
import { stateName, type At } from './lives.js';
import { checkRestricted, machineOf } from './machine-rights.js';
import { checkGroup } from './quotas.js';
import { Template, type Vector } from './template.js';
import { Refused } from './wire.js';
import { IMAGE_DATASTORE, type Machine, type User, type World } from './world.js';

const LIVE = new Set(['RUNNING', 'POWEROFF']);
/** What a machine passes through while a disk of it grows, by the states in which one may. */
const RESIZING: Readonly<Record<string, At>> = { RUNNING: [3, 62], POWEROFF: [3, 63], UNDEPLOYED: [3, 64] };

/** Puts a disk of an image in: its data are the image's, with what was asked on top. */
export function diskOf(
  world: World,
  vm: Machine | undefined,
  user: User,
  asked: Vector,
  number_: number,
  absent: (words: string) => Refused,
): Vector {
  const id = Number(asked.get('IMAGE_ID'));
  const image = world.images.get(id);
  if (!image) throw absent(`Image with ID: ${id} does not exist`);
  if (!world.mayUseImage(user, image))
    throw new Refused(512, `User [${user.id}] : Not authorized to perform USE IMAGE [${id}].`);
  const isShareable = image.persistent && image.template.get('PERSISTENT_TYPE')?.toUpperCase() === 'SHAREABLE';
  if (image.persistent && !isShareable && world.usesOf(image) > 0)
    throw new Refused(2048, `Image with ID: ${id} is in use`);
  image.state = image.state === 1 ? (image.persistent ? 8 : 2) : image.state;
  const prefix = asked.get('DEV_PREFIX') ?? 'sd';
  const taken = new Set((vm?.template.vectors('DISK') ?? []).map((disk) => disk.get('TARGET')));
  const letters = [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => prefix + letter);
  const target = asked.get('TARGET') ?? letters.find((each) => !taken.has(each)) ?? 'sda';
  return new Map([
    ...Object.entries({
      ALLOW_ORPHANS: 'NO',
      CLONE: image.persistent ? 'NO' : 'YES',
      CLUSTER_ID: '100',
      DATASTORE: 'vep-img',
      DATASTORE_ID: '101',
      DEV_PREFIX: prefix,
      DISK_ID: String(number_),
      DISK_TYPE: 'FILE',
      IMAGE: image.name,
      SIZE: String(image.sizeMb),
      TARGET: target,
      TM_MAD: 'dummy',
      TYPE: 'FILE',
      ...(isShareable && image.format === 'raw' ? { SHAREABLE: 'YES' } : {}),
    }),
    ...asked,
  ]);
}

export function nicOf(world: World, user: User, vm: number, asked: Vector, number_: number): Vector {
  const id = Number(asked.get('NETWORK_ID'));
  const net = world.networks.get(id);
  if (!net) throw new Refused(2048, `Virtual network with ID: ${id} does not exist`);
  if (!world.mayUseNetwork(user, net))
    throw new Refused(512, `User [${user.id}] : Not authorized to perform USE NET [${id}].`);
  const used = new Set(net.leases.map((lease) => lease.ip));
  const wanted = asked.get('IP') === undefined ? undefined : addressOf(asked.get('IP') ?? '');
  const offered = net.ranges.flatMap(({ id: range, first, size }) =>
    Array.from({ length: Math.min(size, 5000) }, (_, index) => ({ ip: first + index, range })),
  );
  const lease = offered.find(({ ip }) => !used.has(ip) && (wanted === undefined || ip === wanted));
  if (!lease) throw new Refused(2048, `Cannot get IP/MAC lease from virtual network ${id}.`);
  net.leases.push({ ip: lease.ip, by: { vm } });
  const own = (asked.get('SECURITY_GROUPS') ?? '').split(',').filter(Boolean);
  for (const group of own)
    if (!world.securityGroups.has(Number(group)))
      throw new Refused(2048, `Security group with ID: ${group} does not exist`);
  const groups = new Set([...own, ...(net.template.get('SECURITY_GROUPS') ?? '').split(',').filter(Boolean)]);
  const gateway = net.template.get('GATEWAY') ?? '';
  return new Map([
    ...asked,
    ...Object.entries({
      AR_ID: String(lease.range),
      BRIDGE: 'br0',
      CLUSTER_ID: '100',
      ...(gateway === '' ? {} : { GATEWAY: gateway }),
      IP: ipText(lease.ip),
      MAC: asked.get('MAC') ?? macText(lease.ip),
      NAME: `NIC${number_}`,
      NETWORK: net.name,
      NETWORK_ID: String(id),
      NIC_ID: String(number_),
      SECURITY_GROUPS: [...groups].join(','),
      TARGET: `one-${vm}-${number_}`,
      VN_MAD: 'dummy',
    }),
  ]);
}

function nextNumber(vm: Machine, vector: string, key: string): number {
  return Math.max(-1, ...vm.template.vectors(vector).map((each) => Number(each.get(key)))) + 1;
}

function mustPlug(vm: Machine, words: (state: string) => string): void {
  if (!LIVE.has(stateName(vm))) throw new Refused(2048, words(stateName(vm)));
}

export function plugCalls(stage: Stage): Handlers {
  const { world, lives, orders, imageMs } = stage;
  const vmOf = (user: User, id: number): Machine => machineOf(world, user, id);

  /** Adds or takes a vector while the machine passes through the state of hot-plugging. */
  const plug = (
    vm: Machine,
    vector: Vector,
    running: number,
    off: number | undefined,
    remove: boolean,
    name: string,
  ): void => {
    if (!remove) vm.template.add(name, vector);
    const done = (): void => {
      vector.delete('ATTACH');
      if (!remove) return;
      vm.template.drop(vector);
      if (name === 'NIC') {
        const net = world.networks.get(Number(vector.get('NETWORK_ID')));
        if (net) net.leases = net.leases.filter((lease) => ipText(lease.ip) !== vector.get('IP'));
      } else {
        const image = world.images.get(Number(vector.get('IMAGE_ID')));
        if (image && world.usesOf(image) === 0) image.state = 1;
        if (image && world.disksOnHosts) image.sizeMb = Number(vector.get('SIZE'));
      }
    };
    const isRunning = vm.state === 3;
    const through = isRunning ? running : off;
    if (through === undefined) {
      done();
      return lives.tell(vm);
    }
    vector.set('ATTACH', 'YES');
    lives.put(vm, [3, through]);
    const { turn } = vm;
    lives.after(Math.max(1, imageMs / 2), () => {
      if (vm.turn !== turn) return;
      done();
      lives.put(vm, isRunning ? [3, 3] : [8, 0]);
    });
  };

  return {
    'one.vm.attachnic': (user, [id, templateText]) => {
      const vm = vmOf(user, number(id));
      const template = Template.parse(text(templateText));
      checkRestricted(world, user, template);
      mustPlug(vm, (state) => `Could not add a new NIC to VM ${vm.id}, wrong state ${state}.`);
      const nic = nicOf(
        world,
        user,
        vm.id,
        template.vectors('NIC')[0] ?? new Map<string, string>(),
        nextNumber(vm, 'NIC', 'NIC_ID'),
      );
      plug(vm, nic, 25, undefined, false, 'NIC');
      return vm.id;
    },
    'one.vm.detachnic': (user, [id, nicId]) => {
      const vm = vmOf(user, number(id));
      mustPlug(vm, (state) => `Could not detach NIC from VM ${vm.id}, wrong state ${state}.`);
      const nic = vm.template.vectors('NIC').find((each) => each.get('NIC_ID') === String(number(nicId)));
      if (!nic) throw new Refused(2048, `Could not detach NIC with NIC_ID ${number(nicId)}, it does not exist.`);
      plug(vm, nic, 25, undefined, true, 'NIC');
      return vm.id;
    },
    'one.vm.attach': (user, [id, templateText]) => {
      const vm = vmOf(user, number(id));
      mustPlug(vm, (state) => `Could not attach a new disk to VM ${vm.id}, wrong state ${state}.`);
      const asked = Template.parse(text(templateText)).vectors('DISK')[0] ?? new Map<string, string>();
      const disk = diskOf(
        world,
        vm,
        user,
        asked,
        nextNumber(vm, 'DISK', 'DISK_ID'),
        (words) => new Refused(2048, words),
      );
      plug(vm, disk, 17, 33, false, 'DISK');
      return vm.id;
    },
    'one.vm.detach': (user, [id, diskId]) => {
      const vm = vmOf(user, number(id));
      mustPlug(vm, (state) => `Could not detach disk from VM ${vm.id}, wrong state ${state}.`);
      const disk = vm.template.vectors('DISK').find((each) => each.get('DISK_ID') === String(number(diskId)));
      if (!disk) throw new Refused(2048, `Could not detach disk with DISK_ID ${number(diskId)}, it does not exist.`);
      plug(vm, disk, 17, 34, true, 'DISK');
      return vm.id;
    },
    'one.vm.diskresize': (user, [id, diskId, size]) => {
      const vm = vmOf(user, number(id));
      const disk = vm.template.vectors('DISK').find((each) => each.get('DISK_ID') === String(number(diskId)));
      if (!disk) throw new Refused(2048, 'VM disk does not exist');
      const [before, after] = [Number(disk.get('SIZE')), Number(text(size))];
      if (after <= before) throw new Refused(2048, 'New disk size has to be greater than current one');
      checkGroup(world, user, `DATASTORE/${IMAGE_DATASTORE}`, { SIZE: after - before });
      const through = RESIZING[stateName(vm)];
      if (!through) throw new Refused(2048, `Could not resize disk for VM ${vm.id}, wrong state ${stateName(vm)}.`);
      // The driver has yet to do it: when it fails, the disk has its old size again.
      disk.set('SIZE', String(after));
      const fails = orders.take('fail-resize');
      const back: At = [vm.state, vm.lcm];
      lives.put(vm, through);
      lives.go(vm, [back], () => {
        const image = world.images.get(Number(disk.get('IMAGE_ID')));
        if (fails) disk.set('SIZE', String(before));
        else if (image?.persistent === true && !world.disksOnHosts) image.sizeMb = after;
      });
      return vm.id;
    },
    'one.vm.disksaveas': (user, [id, diskId, name]) => {
      const vm = vmOf(user, number(id));
      if (!['RUNNING', 'POWEROFF', 'SUSPENDED'].includes(stateName(vm)))
        throw new Refused(8192, 'VM has to be RUNNING, POWEROFF or SUSPENDED to save disks.');
      const disk = vm.template.vectors('DISK').find((each) => each.get('DISK_ID') === String(number(diskId)));
      const made = makeImage(stage, user, text(name), { sizeMb: Number(disk?.get('SIZE') ?? 1024) }, new Template());
      if (vm.state === 3) {
        lives.put(vm, [3, 26]);
        lives.go(vm, [[3, 3]]);
      }
      return made;
    },
  };
}
