/** Machines: made, listed, moved through their states and resized. */

import { accountingXml, monitoringXml, vmShortXml, vmXml } from './bodies.js';
import { find, newest, number, pool, text, type Handler, type Handlers, type Stage } from './call.js';
import { stateName } from './lives.js';
import { ADMIN, checkRestricted, machineOf, mustBeUnlocked } from './machine-rights.js';
import { diskOf, nicOf } from './plugs.js';
import { checkQuota } from './quotas.js';
import { Template } from './template.js';
import { Refused } from './wire.js';
import type { Machine, User, World } from './world.js';

const KNOWN = new Set(['CPU', 'VCPU', 'MEMORY', 'OS', 'GRAPHICS', 'CONTEXT', 'DISK', 'NIC', 'VMGROUP', 'FEATURES']);

export function machineCalls({ world, lives, orders, imageMs }: Stage): Handlers {
  const vmOf = (user: User, id: number): Machine => machineOf(world, user, id);

  const allocateVm: Handler = (user, [templateText, hold]) => {
    const given = Template.parse(text(templateText));
    world.mayCreate(user, 'VM');
    checkRestricted(world, user, given);
    for (const group of given.vectors('VMGROUP')) world.mustUseVmGroup(user, Number(group.get('VMGROUP_ID')));
    if (!/^\d+$/.test(given.get('MEMORY') ?? ''))
      throw new Refused(8192, 'MEMORY attribute must be a positive integer value.');
    if (!(Number(given.get('CPU')) > 0))
      throw new Refused(8192, 'CPU attribute must be a positive float or integer value.');
    checkQuota(world, user, 1, Number(given.get('CPU')), Number(given.get('MEMORY')));
    const thing = world.thing(world.machines, user, given.get('NAME') ?? 'one', new Template());
    const vm: Machine = {
      ...thing,
      state: hold === true ? 2 : 1,
      lcm: 0,
      previous: [hold === true ? 2 : 1, 0],
      user: given.only((name) => !KNOWN.has(name) && name !== 'NAME'),
      started: world.now,
      ended: 0,
      host: undefined,
      history: [],
      lock: 0,
      turn: 0,
    };
    const disks = given
      .vectors('DISK')
      .map((disk, index) =>
        diskOf(world, undefined, user, disk, index, (words) => new Refused(8192, `DISK ${index}: ${words}`)),
      );
    const template = given.only((name) => KNOWN.has(name) && !['DISK', 'NIC'].includes(name));
    vm.template = template;
    for (const [index, disk] of disks.entries()) {
      const target = [...'abcdefgh']
        .map((letter) => `sd${letter}`)
        .find((each) => !template.vectors('DISK').some((other) => other.get('TARGET') === each));
      if (index > 0 && !given.vectors('DISK')[index]?.has('TARGET')) disk.set('TARGET', target ?? 'sdz');
      template.add('DISK', disk);
    }
    for (const [index, nic] of given.vectors('NIC').entries())
      template.add('NIC', nicOf(world, user, vm.id, nic, index));
    template.set('AUTOMATIC_REQUIREMENTS', '(CLUSTER_ID = 100) & !(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)');
    if (hold === true) template.set('SUBMIT_ON_HOLD', 'YES');
    template.set('VMID', String(vm.id));
    world.machines.set(vm.id, vm);
    const copying = disks.some((disk) => world.images.get(Number(disk.get('IMAGE_ID')))?.state === 4);
    if (orders.take('fail-allocate')) {
      lives.put(vm, [10, 0]);
      lives.go(vm, [[11, 0]]);
    } else if (copying) {
      lives.put(vm, [10, 0]);
      lives.after(imageMs, () => vm.state === 10 && lives.put(vm, [2, 0]));
    } else lives.tell(vm);
    return vm.id;
  };

  const infoSet = (ids: readonly number[]): string =>
    pool(
      'VM_POOL',
      ids.flatMap((id) => world.machines.get(id) ?? []).map((vm) => vmXml(world, vm)),
    );

  const vmPool =
    (body: (world: World, vm: Machine) => string): Handler =>
    (_user, [, start, end, state, filter]) => {
      if (text(filter) !== '') throw new Refused(8192, 'JSON query search is not supported by the SQL backend');
      const all = newest(world.machines).filter(
        (vm) => number(state) === -2 || (number(state) === -1 ? vm.state !== 6 : vm.state === number(state)),
      );
      const [from, to] = [number(start), number(end)];
      const page =
        to < -1
          ? all.slice(from, from - to)
          : all.filter((vm) => (from === -1 || vm.id >= from) && (to === -1 || vm.id <= to));
      return pool(
        'VM_POOL',
        page.map((vm) => body(world, vm)),
      );
    };

  return {
    'one.vm.info': (_user, [id]) => vmXml(world, find(world.machines, number(id), 'virtual machine')),
    'one.vmpool.info': vmPool(vmShortXml),
    'one.vmpool.infoextended': vmPool(vmXml),
    'one.vmpool.infoset': (_user, [ids]) => infoSet(text(ids).split(',').map(Number)),
    'one.vmpool.monitoring': () => {
      const running = [...world.machines.values()].filter((vm) => vm.state === 3 && vm.lcm === 3);
      const told = running.flatMap((vm) => [
        monitoringXml(world, vm, world.now - 30),
        monitoringXml(world, vm, world.now),
      ]);
      return pool('MONITORING_DATA', told);
    },
    'one.vmpool.accounting': (_user, [, from, until]) => accountingXml(world, number(from), number(until)),
    'one.vm.allocate': allocateVm,
    'one.vm.action': (user, [action, id]) => {
      const vm = vmOf(user, number(id));
      if (text(action).includes('resched')) world.mustAdmin(user, `ADMIN VM [${vm.id}].`.slice(0, -1));
      const quietly = /^(poweroff|terminate)/.test(text(action)) && vm.state === 3 && orders.take('ignore-action');
      lives.act(vm, text(action), quietly);
      return vm.id;
    },
    'one.vm.deploy': (user, [id, hostId, enforce]) => {
      const vm = find(world.machines, number(id), 'virtual machine');
      world.mustAdmin(user, `ADMIN VM [${vm.id}]`);
      mustBeUnlocked(world, user, vm, ADMIN);
      const host = find(world.hosts, number(hostId), 'host');
      const { cpu } = world.usageOf(host);
      if (enforce === true && cpu + Number(vm.template.get('CPU')) * 100 > host.cores * 100)
        throw new Refused(
          2048,
          `Cannot dispatch VM. Not enough capacity. Not enough CPU: ${vm.template.get('CPU')}/${(host.cores * 100 - cpu) / 100}`,
        );
      if (!world.sharesDisks && vm.template.vectors('DISK').some((disk) => disk.get('SHAREABLE') === 'YES'))
        throw new Refused(2048, "VM has shareable disk, but vmm driver: 'dummy' doesn't support shareable disks");
      lives.deploy(vm, host, orders.take('fail-deploy'));
      return vm.id;
    },
    'one.vm.update': (user, [id, template]) => {
      vmOf(user, number(id)).user.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.vm.resize': (user, [id, templateText]) => {
      const vm = vmOf(user, number(id));
      const template = Template.parse(text(templateText));
      if (Number(template.get('CPU') ?? 1) <= 0)
        throw new Refused(8192, 'CPU must be a positive float or integer value.');
      const more = (name: string): number =>
        Number(template.get(name) ?? vm.template.get(name)) - Number(vm.template.get(name));
      checkQuota(world, user, 0, more('CPU'), more('MEMORY'));
      if (!['HOLD', 'PENDING', 'POWEROFF', 'UNDEPLOYED'].includes(stateName(vm)))
        throw new Refused(2048, `Resize is not available for state ${stateName(vm)}`);
      vm.template.merge(template);
      return vm.id;
    },
  };
}
