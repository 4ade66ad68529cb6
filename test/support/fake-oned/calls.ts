/** What each call of oned does in its world, and what it refuses, in the words that were recorded. */

import { addressOf } from '../../../src/iaas/ranges.js';
import {
  datastoresXml,
  groupInfoXml,
  groupXml,
  hostXml,
  imageXml,
  ipText,
  macText,
  monitoringXml,
  networkXml,
  ruleXml,
  userXml,
  vmGroupXml,
  vmShortXml,
  vmXml,
} from './bodies.js';
import { stateName, type Lives } from './lives.js';
import { securityGroupCalls } from './security-groups.js';
import { Template, type Vector } from './template.js';
import { Refused, type Argument } from './wire.js';
import { IMAGE_DATASTORE, type Image, type Machine, type Network, type Thing, type User, type World } from './world.js';

/** Failures that a test has ordered for the next call of a kind. */
export interface Orders {
  take(what: 'fail-allocate' | 'fail-deploy' | 'ignore-action'): boolean;
}

export type Handler = (user: User, parameters: readonly Argument[]) => string | number;

const FREE_MB = 500_000;
const LIVE = new Set(['RUNNING', 'POWEROFF']);
const RESTRICTED = ['MAC', 'VLAN_ID', 'BRIDGE'];

export function handlersOf(
  world: World,
  lives: Lives,
  orders: Orders,
  version: string,
  imageMs: number,
): Readonly<Record<string, Handler>> {
  const text = (value: Argument | undefined): string => String(value ?? '');
  const number = (value: Argument | undefined): number => Number(value ?? -1);

  const find = <T>(of: Map<number, T>, id: number, what: string): T => {
    const found = of.get(id);
    if (found === undefined) throw new Refused(1024, `Error getting ${what} [${id}].`, id);
    return found;
  };
  const vmOf = (user: User, id: number): Machine => {
    const vm = find(world.machines, id, 'virtual machine');
    world.mustManage(user, vm, 'VM');
    if (vm.locked && user.id !== 0)
      throw new Refused(512, `User [${user.id}] : Not authorized to perform MANAGE VM [${id}].`);
    return vm;
  };
  const imageOf = (user: User, id: number): Image => {
    const image = find(world.images, id, 'image');
    world.mustManage(user, image, 'IMAGE');
    return image;
  };
  const netOf = (user: User, id: number): Network => {
    const net = find(world.networks, id, 'virtual network');
    world.mustManage(user, net, 'NET');
    return net;
  };
  const pool = (name: string, bodies: readonly string[]): string => `<${name}>${bodies.join('')}</${name}>`;
  const newest = <T extends { readonly id: number }>(of: Map<number, T>): T[] =>
    [...of.values()].sort((one, other) => other.id - one.id);

  const mustBeNew = (
    of: Map<number, Thing>,
    user: User,
    name: string,
    what: string,
    code: number,
    prefix = '',
  ): void => {
    const taken = [...of.values()].find(
      (thing) => thing.name === name && thing.uid === user.id && !('state' in thing && thing.state === 6),
    );
    if (taken) throw new Refused(code, `${prefix}NAME is already taken by ${what} ${taken.id}.`);
  };

  /** What a group may have of `DATASTORE` or `VM` is checked with what is asked for more. */
  const checkGroup = (user: User, vector: string, more: Readonly<Record<string, number>>): void => {
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
  };

  const checkQuota = (user: User, vms: number, cpu: number, memory: number): void => {
    checkGroup(user, 'VM', { VMS: vms, CPU: cpu, MEMORY: memory });
    if (world.isAdmin(user) || user.cpuQuota === undefined) return;
    const used = [...world.machines.values()]
      .filter((vm) => vm.uid === user.id && vm.state !== 6)
      .reduce((sum, vm) => sum + Number(vm.template.get('CPU') ?? 0), 0);
    if (used + cpu > user.cpuQuota)
      throw new Refused(
        512,
        `User [${user.id}] : user [${user.id}] limit of ${user.cpuQuota} reached for CPU quota in VM.`,
      );
  };

  const checkRestricted = (user: User, template: Template): void => {
    if (world.isAdmin(user)) return;
    const bad = template.vectors('NIC').flatMap((nic) => RESTRICTED.filter((name) => nic.has(name)))[0];
    if (bad !== undefined)
      throw new Refused(512, `User [${user.id}] : VM Template includes a restricted attribute ${bad}.`);
  };

  /** Puts a disk of an image in: its data are the image's, with what was asked on top. */
  const diskOf = (
    vm: Machine | undefined,
    user: User,
    asked: Vector,
    number_: number,
    absent: (words: string) => Refused,
  ): Vector => {
    const id = Number(asked.get('IMAGE_ID'));
    const image = world.images.get(id);
    if (!image) throw absent(`Image with ID: ${id} does not exist`);
    if (!world.mayUseImage(user, image))
      throw new Refused(512, `User [${user.id}] : Not authorized to perform USE IMAGE [${id}].`);
    if (image.persistent && world.usesOf(image) > 0) throw new Refused(2048, `Image with ID: ${id} is in use`);
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
      }),
      ...asked,
    ]);
  };

  const nicOf = (user: User, vm: number, asked: Vector, number_: number): Vector => {
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
  };

  const nextNumber = (vm: Machine, vector: string, key: string): number =>
    Math.max(-1, ...vm.template.vectors(vector).map((each) => Number(each.get(key)))) + 1;

  const KNOWN = new Set(['CPU', 'VCPU', 'MEMORY', 'OS', 'GRAPHICS', 'CONTEXT', 'DISK', 'NIC', 'VMGROUP', 'FEATURES']);

  const allocateVm: Handler = (user, [templateText, hold]) => {
    const given = Template.parse(text(templateText));
    world.mayCreate(user, 'VM');
    checkRestricted(user, given);
    if (!/^\d+$/.test(given.get('MEMORY') ?? ''))
      throw new Refused(8192, 'MEMORY attribute must be a positive integer value.');
    if (!(Number(given.get('CPU')) > 0))
      throw new Refused(8192, 'CPU attribute must be a positive float or integer value.');
    checkQuota(user, 1, Number(given.get('CPU')), Number(given.get('MEMORY')));
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
      locked: false,
      turn: 0,
    };
    const disks = given
      .vectors('DISK')
      .map((disk, index) =>
        diskOf(undefined, user, disk, index, (words) => new Refused(8192, `DISK ${index}: ${words}`)),
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
    for (const [index, nic] of given.vectors('NIC').entries()) template.add('NIC', nicOf(user, vm.id, nic, index));
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

  const mustPlug = (vm: Machine, words: (state: string) => string): void => {
    if (!LIVE.has(stateName(vm))) throw new Refused(2048, words(stateName(vm)));
  };

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

  const makeImage = (user: User, name: string, more: Partial<Image>, template: Template): number => {
    mustBeNew(world.images, user, name, 'IMAGE', 16384, 'Error allocating a new image. ');
    checkGroup(user, `DATASTORE/${IMAGE_DATASTORE}`, { IMAGES: 1, SIZE: more.sizeMb ?? 1024 });
    const image: Image = {
      ...world.thing(world.images, user, name, template),
      state: 4,
      type: 0,
      persistent: false,
      sizeMb: 1024,
      path: '',
      format: 'dummy_format',
      registered: world.now,
      ...more,
    };
    world.images.set(image.id, image);
    const arrive = (): void => {
      if (world.copying) lives.after(imageMs, arrive);
      else if (image.state === 4) image.state = 1;
    };
    lives.after(imageMs, arrive);
    return image.id;
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
    'one.system.version': () => version,
    'one.user.info': (user, [id]) => userXml(world, number(id) === -1 ? user : find(world.users, number(id), 'user')),
    'one.userpool.info': (user) => {
      world.mustAdmin(user, 'MANAGE USER');
      return pool(
        'USER_POOL',
        newest(world.users).map((each) => userXml(world, each)),
      );
    },
    'one.user.allocate': (user, [name, password, driver, groups]) => {
      world.mustAdmin(user, 'CREATE USER');
      return world.addUser(text(name), text(driver) || 'core', text(password), (groups as readonly number[]) ?? []);
    },
    'one.user.update': (user, [id, template]) => {
      world.mustAdmin(user, 'MANAGE USER');
      find(world.users, number(id), 'user').template.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.grouppool.info': () =>
      pool(
        'GROUP_POOL',
        newest(world.groups).map((group) => groupXml(world, group)),
      ),
    'one.group.allocate': (user, [name]) => {
      world.mustAdmin(user, 'CREATE GROUP');
      return world.addGroup(text(name));
    },
    'one.acl.addrule': (user, [who, what, rights]) => {
      world.mustAdmin(user, 'MANAGE ACL');
      const [by, resource] = [BigInt(text(who)), BigInt(text(what))];
      if ((resource & 0xf00000000n) === 0n || resource >> 36n === 0n) {
        throw new Refused(
          8192,
          'Rule @100 /?? USE #0 is malformed: [resource] is missing one of the INDIVIDUAL, GROUP, CLUSTER or ALL bits; [resource] type is missing',
        );
      }
      if (world.old && (resource & 0x100000000000000n) !== 0n)
        throw new Refused(8192, 'Rule is malformed: [resource] type is missing');
      const same = [...world.rules.values()].find(
        (rule) => rule.user === by && rule.resource === resource && rule.rights === Number(text(rights)),
      );
      if (same) throw new Refused(8192, `Rule already exists`);
      const id = world.nextId(world.rules);
      world.rules.set(id, { id, user: by, resource, rights: Number(text(rights)) });
      return id;
    },
    'one.acl.delrule': (user, [id]) => {
      world.mustAdmin(user, 'MANAGE ACL');
      if (!world.rules.delete(number(id))) throw new Refused(8192, 'ACL rule does not exist');
      return number(id);
    },
    'one.acl.info': () => pool('ACL_POOL', [...world.rules.values()].map(ruleXml)),
    'one.hostpool.info': () =>
      pool(
        'HOST_POOL',
        newest(world.hosts).map((host) => hostXml(world, host)),
      ),
    'one.clusterpool.info': () =>
      '<CLUSTER_POOL><CLUSTER><ID>100</ID><NAME>vep-cluster</NAME><HOSTS></HOSTS><DATASTORES></DATASTORES><VNETS></VNETS><TEMPLATE></TEMPLATE></CLUSTER></CLUSTER_POOL>',
    'one.datastorepool.info': () => datastoresXml(FREE_MB),

    'one.image.info': (_user, [id]) => imageXml(world, find(world.images, number(id), 'image')),
    'one.imagepool.info': () =>
      pool(
        'IMAGE_POOL',
        newest(world.images).map((image) => imageXml(world, image)),
      ),
    'one.vdcpool.info': () =>
      pool(
        'VDC_POOL',
        [...world.vdcs].map(
          ([id, { name, groups, hosts }]) =>
            `<VDC><ID>${id}</ID><NAME>${name}</NAME><GROUPS>${[...groups].map((group) => `<ID>${group}</ID>`).join('')}</GROUPS>` +
            `<CLUSTERS></CLUSTERS><HOSTS>${[...hosts].map((host) => `<HOST><ZONE_ID>0</ZONE_ID><HOST_ID>${host}</HOST_ID></HOST>`).join('')}</HOSTS>` +
            '<DATASTORES></DATASTORES><VNETS></VNETS><TEMPLATE></TEMPLATE></VDC>',
        ),
      ),
    'one.group.info': (_user, [id]) => groupInfoXml(world, find(world.groups, number(id), 'group')),
    'one.group.quota': (user, [id, template]) => {
      world.mustAdmin(user, 'ADMIN GROUP');
      const { quotas } = find(world.groups, number(id), 'group');
      const given = Template.parse(text(template));
      for (const vector of ['VM', 'DATASTORE'])
        for (const each of given.vectors(vector))
          for (const [name, value] of each)
            if (name !== 'ID') {
              const key = [vector, each.get('ID'), name].filter(Boolean).join('/');
              // What is as it is for everybody is dropped.
              if (Number(value) === -1) quotas.delete(key);
              else quotas.set(key, Number(value));
            }
      return number(id);
    },
    'one.vdc.allocate': (user, [template]) => {
      world.mustAdmin(user, 'CREATE VDC');
      const name = Template.parse(text(template)).get('NAME') ?? '';
      const taken = [...world.vdcs].find(([, vdc]) => vdc.name === name);
      if (taken) throw new Refused(8192, `NAME is already taken by VDC ${taken[0]}.`);
      const id = world.nextId(world.vdcs, 101);
      world.vdcs.set(id, { name, groups: new Set(), hosts: new Set() });
      return id;
    },
    'one.vdc.delete': (user, [id]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(id), 'VDC');
      world.vdcs.delete(number(id));
      return number(id);
    },
    'one.vdc.addhost': (user, [vdc, , host]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.hosts, number(host), 'host');
      find(world.vdcs, number(vdc), 'VDC').hosts.add(number(host));
      return number(vdc);
    },
    'one.vdc.delhost': (user, [vdc, , host]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(vdc), 'VDC').hosts.delete(number(host));
      return number(vdc);
    },
    'one.vdc.addgroup': (user, [vdc, group]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(vdc), 'VDC').groups.add(number(group));
      return number(vdc);
    },
    'one.vdc.delgroup': (user, [vdc, group]) => {
      world.mustAdmin(user, 'ADMIN VDC');
      find(world.vdcs, number(vdc), 'VDC').groups.delete(number(group));
      return number(vdc);
    },
    'one.image.allocate': (user, [templateText, datastore]) => {
      const template = Template.parse(text(templateText));
      world.mayCreate(user, 'IMAGE');
      if (number(datastore) !== IMAGE_DATASTORE)
        throw new Refused(
          16384,
          'Error allocating a new image. New images can only be allocated in a files or image datastore.',
        );
      const name = template.get('NAME') ?? '';
      template.remove('NAME');
      const datablock = template.get('TYPE') === 'DATABLOCK';
      const size = Number(template.get('SIZE') ?? (template.get('PATH') === undefined ? Number.NaN : 1024));
      if (Number.isNaN(size))
        throw new Refused(8192, 'Cannot parse image SIZE: Wrong number or missing SIZE attribute.');
      if (size > FREE_MB) throw new Refused(2048, 'Not enough space in datastore');
      const persistent = template.get('PERSISTENT') === 'YES';
      const path = template.get('PATH') ?? '';
      return makeImage(
        user,
        name,
        { type: datablock ? 2 : 0, persistent, sizeMb: size, path, format: template.get('FORMAT') ?? 'raw' },
        template,
      );
    },
    'one.image.clone': (user, [id, name]) => {
      const source = find(world.images, number(id), 'image');
      if (!world.mayUseImage(user, source))
        throw new Refused(512, `User [${user.id}] : Not authorized to perform USE IMAGE [${source.id}].`);
      world.mayCreate(user, 'IMAGE');
      const { type, sizeMb, path, format } = source;
      const made = makeImage(
        user,
        text(name),
        { type, sizeMb, path, format },
        source.template.only((each) => !each.startsWith('VEP_')),
      );
      if (source.persistent && source.state === 1) {
        source.state = 6;
        lives.after(imageMs, () => {
          if (source.state === 6) source.state = 1;
        });
      }
      return made;
    },
    'one.image.persistent': (user, [id, on]) => {
      imageOf(user, number(id)).persistent = on === true;
      return number(id);
    },
    'one.image.enable': (user, [id, on]) => {
      imageOf(user, number(id)).state = on === true ? 1 : 3;
      return number(id);
    },
    'one.image.update': (user, [id, template]) => {
      imageOf(user, number(id)).template.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.image.delete': (user, [id]) => {
      const image = imageOf(user, number(id));
      const uses = world.usesOf(image);
      if (uses > 0) throw new Refused(2048, `Cannot delete image. There are ${uses} VMs using it.`);
      image.state = 7;
      image.name = '';
      lives.after(imageMs, () => world.images.delete(image.id));
      return image.id;
    },

    'one.vnpool.info': () =>
      pool(
        'VNET_POOL',
        newest(world.networks).map((net) => networkXml(world, net, false)),
      ),
    'one.vn.info': (_user, [id]) => networkXml(world, find(world.networks, number(id), 'virtual network'), true),
    'one.vn.reserve': (user, [id, templateText]) => {
      const template = Template.parse(text(templateText));
      const parent = find(world.networks, number(id), 'virtual network');
      if (parent.parent !== undefined) throw new Refused(2048, 'Cannot reserve addresses from a reserved VNET');
      const size = Number(template.get('SIZE'));
      if (!(size > 0)) throw new Refused(2048, 'Reservation SIZE must be a greater than 0');
      const name = template.get('NAME');
      if (name === undefined) throw new Refused(2048, 'NAME for reservation has to be set');
      if (template.get('IP') !== undefined && template.get('AR_ID') === undefined)
        throw new Refused(2048, 'AR_ID must be specified for IP/MAC based reservations');
      mustBeNew(world.networks, user, name, 'NET', 8192);
      const range = parent.ranges.find(
        (each) => template.get('AR_ID') === undefined || each.id === Number(template.get('AR_ID')),
      );
      const used = new Set(parent.leases.map((lease) => lease.ip));
      const free = (first: number): boolean =>
        first >= (range?.first ?? Infinity) &&
        first + size <= (range?.first ?? 0) + (range?.size ?? 0) &&
        Array.from({ length: size }, (_, index) => first + index).every((ip) => !used.has(ip));
      const wanted = template.get('IP');
      const first = wanted === undefined ? range?.first : addressOf(wanted);
      if (!range || first === undefined || !free(first))
        throw new Refused(2048, 'Not enough free addresses in an address range');
      const net: Network = {
        ...world.thing(
          world.networks,
          user,
          name,
          parent.template.only(() => true),
        ),
        state: 1,
        parent: parent.id,
        ranges: [{ id: 0, first, size, parentRange: range.id }],
        leases: [],
      };
      world.networks.set(net.id, net);
      for (let ip = first; ip < first + size; ip++) parent.leases.push({ ip, by: { net: net.id } });
      return net.id;
    },
    'one.vn.update': (user, [id, template]) => {
      netOf(user, number(id)).template.merge(Template.parse(text(template)));
      return number(id);
    },
    'one.vn.hold': (user, [id, template]) => {
      const net = netOf(user, number(id));
      const ip = addressOf(Template.parse(text(template)).vectors('LEASES')[0]?.get('IP') ?? '') ?? -1;
      if (net.leases.some((lease) => lease.ip === ip)) throw new Refused(2048, 'Lease is already in use');
      net.leases.push({ ip, by: 'held' });
      return net.id;
    },
    'one.vn.release': (user, [id, template]) => {
      const net = netOf(user, number(id));
      const ip = addressOf(Template.parse(text(template)).vectors('LEASES')[0]?.get('IP') ?? '');
      net.leases = net.leases.filter((lease) => lease.ip !== ip || lease.by !== 'held');
      return net.id;
    },
    'one.vn.delete': (user, [id]) => {
      const net = netOf(user, number(id));
      if (net.leases.length > 0)
        throw new Refused(2048, 'Cannot delete virtual network. Can not remove a virtual network with leases in use');
      world.networks.delete(net.id);
      const parent = net.parent === undefined ? undefined : world.networks.get(net.parent);
      if (parent)
        parent.leases = parent.leases.filter(({ by }) => by === 'held' || !('net' in by) || by.net !== net.id);
      return net.id;
    },

    ...securityGroupCalls(world, lives),

    'one.vmgrouppool.info': () =>
      pool(
        'VM_GROUP_POOL',
        newest(world.vmGroups).map((group) => vmGroupXml(world, group)),
      ),
    'one.vmgroup.allocate': (user, [templateText]) => {
      const template = Template.parse(text(templateText));
      world.mayCreate(user, 'VMGROUP');
      const roles = template.vectors('ROLE');
      for (const policy of ['AFFINED', 'ANTI_AFFINED']) {
        const named = template.get(policy) ?? '';
        const members = named.split(',').filter(Boolean);
        if (members.some((name) => !roles.some((role) => role.get('NAME') === name)))
          throw new Refused(8192, `Some roles used in ${policy} attribute (${named}) are not defined`);
      }
      const name = template.get('NAME') ?? '';
      mustBeNew(world.vmGroups, user, name, 'VMGROUP', 8192);
      const thing = world.thing(
        world.vmGroups,
        user,
        name,
        template.only((each) => !['NAME', 'ROLE'].includes(each)),
      );
      world.vmGroups.set(thing.id, { ...thing, roles });
      return thing.id;
    },
    'one.vmgroup.chmod': (user, [id, ...bits]) => {
      const group = find(world.vmGroups, number(id), 'VM group');
      world.mustManage(user, group, 'VMGROUP');
      if (bits[6] === 1) group.mode = { other: true };
      return group.id;
    },
    'one.vmgroup.delete': (user, [id]) => {
      world.mustManage(user, find(world.vmGroups, number(id), 'VM group'), 'VMGROUP');
      world.vmGroups.delete(number(id));
      return number(id);
    },

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
      const host = find(world.hosts, number(hostId), 'host');
      const { cpu } = world.usageOf(host);
      if (enforce === true && cpu + Number(vm.template.get('CPU')) * 100 > host.cores * 100)
        throw new Refused(
          2048,
          `Cannot dispatch VM. Not enough capacity. Not enough CPU: ${vm.template.get('CPU')}/${(host.cores * 100 - cpu) / 100}`,
        );
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
      checkQuota(user, 0, more('CPU'), more('MEMORY'));
      if (!['HOLD', 'PENDING', 'POWEROFF', 'UNDEPLOYED'].includes(stateName(vm)))
        throw new Refused(2048, `Resize is not available for state ${stateName(vm)}`);
      vm.template.merge(template);
      return vm.id;
    },
    'one.vm.attachnic': (user, [id, templateText]) => {
      const vm = vmOf(user, number(id));
      const template = Template.parse(text(templateText));
      checkRestricted(user, template);
      mustPlug(vm, (state) => `Could not add a new NIC to VM ${vm.id}, wrong state ${state}.`);
      const nic = nicOf(
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
      const disk = diskOf(vm, user, asked, nextNumber(vm, 'DISK', 'DISK_ID'), (words) => new Refused(2048, words));
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
    'one.vm.disksaveas': (user, [id, diskId, name]) => {
      const vm = vmOf(user, number(id));
      if (!['RUNNING', 'POWEROFF', 'SUSPENDED', 'UNDEPLOYED', 'STOPPED'].includes(stateName(vm)))
        throw new Refused(2048, `Could not save disk of VM ${vm.id}, wrong state ${stateName(vm)}.`);
      const disk = vm.template.vectors('DISK').find((each) => each.get('DISK_ID') === String(number(diskId)));
      const made = makeImage(user, text(name), { sizeMb: Number(disk?.get('SIZE') ?? 1024) }, new Template());
      if (vm.state === 3)
        lives.go(vm, [
          [3, 26],
          [3, 3],
        ]);
      return made;
    },
  };
}
