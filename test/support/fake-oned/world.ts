/** What a fake oned has: users and their rights, hosts, datastores, images, networks and machines, by their ids. */

import { createDecipheriv, createHash } from 'node:crypto';
import { Template, type Vector } from './template.js';
import { Refused } from './wire.js';

export interface User {
  readonly id: number;
  readonly name: string;
  driver: string;
  password: string;
  groups: number[];
  enabled: boolean;
  template: Template;
  /** Most CPU its machines may have together. */
  cpuQuota?: number;
}

export interface Group {
  readonly id: number;
  readonly name: string;
  /** Limits by vector and attribute, `VM/CPU` or `DATASTORE/101/SIZE`. */
  readonly quotas: Map<string, number>;
}

export interface Vdc {
  readonly name: string;
  readonly groups: Set<number>;
  readonly hosts: Set<number>;
}

export interface Datastore {
  readonly name: string;
  /** 0 for images, 1 for what runs. */
  readonly type: number;
  /** 1 where it is disabled. */
  state: number;
  freeMb: number;
  template: Template;
}

/** An object with an owner. */
export interface Thing {
  readonly id: number;
  uid: number;
  gid: number;
  name: string;
  template: Template;
  mode: { other: boolean; group?: boolean };
}

export interface Host {
  readonly id: number;
  readonly name: string;
  readonly cores: number;
  readonly memoryKib: number;
  cluster: number;
  state: number;
  template: Template;
}

/** Its numbers of machines: which have yet to be told of its rules, and which could not be. */
export interface SecurityGroup extends Thing {
  readonly outdated: Set<number>;
  readonly updating: Set<number>;
  readonly failed: Set<number>;
}

export interface Image extends Thing {
  state: number;
  type: number;
  persistent: boolean;
  sizeMb: number;
  path: string;
  format: string;
  readonly registered: number;
}

export interface Lease {
  readonly ip: number;
  readonly by: { readonly vm: number } | { readonly net: number } | 'held';
}

export interface Range {
  readonly id: number;
  readonly first: number;
  readonly size: number;
  readonly parentRange?: number;
}

export interface Network extends Thing {
  state: number;
  parent: number | undefined;
  /** Chosen by oned for a network with a wire of its own. */
  readonly vlan?: number;
  readonly clusters: Set<number>;
  ranges: Range[];
  leases: Lease[];
}

export interface Machine extends Thing {
  state: number;
  lcm: number;
  previous: readonly [number, number];
  user: Template;
  readonly started: number;
  ended: number;
  host: Host | undefined;
  history: Vector[];
  /** Level of a lock: 1 keeps from using, managing and administrating it, 2 from the last two, 3 from the last; 0 is none. */
  lock: number;
  /** Counts its changes: a change that was planned before another one happened does not happen. */
  turn: number;
}

export interface Rule {
  readonly id: number;
  readonly user: bigint;
  readonly resource: bigint;
  readonly rights: number;
}

export const ONEADMIN = 0;
/** The datastore of images that everything is in. */
export const IMAGE_DATASTORE = 101;
/** The cluster that the hosts are in. */
export const HOST_CLUSTER = 100;

export class World {
  readonly users = new Map<number, User>();
  readonly groups = new Map<number, Group>();
  /** That of the hosts, and one without hosts. */
  readonly clusters = new Map<number, { readonly name: string; readonly template: Template }>([
    [HOST_CLUSTER, { name: 'vep-cluster', template: new Template() }],
    [101, { name: 'empty', template: new Template() }],
  ]);
  readonly hosts = new Map<number, Host>();
  readonly images = new Map<number, Image>();
  readonly networks = new Map<number, Network>();
  readonly machines = new Map<number, Machine>();
  /** Machines that were rebooted, each time that they were: their states do not tell. */
  readonly reboots: number[] = [];
  readonly securityGroups = new Map<number, SecurityGroup>();
  readonly vmGroups = new Map<number, Thing & { roles: Vector[] }>();
  readonly rules = new Map<number, Rule>();
  readonly datastores: Map<number, Datastore>;
  /** Groups of each virtual data centre; the first has everything, and every new group. */
  readonly vdcs = new Map<number, Vdc>([
    [0, { name: 'default', groups: new Set<number>(), hosts: new Set<number>() }],
    [100, { name: 'vdc100', groups: new Set<number>(), hosts: new Set<number>() }],
  ]);
  /** Images that are being copied, or removed, go on being so. */
  copying = false;
  /** Networks that are being made go on being made. */
  wiring = false;
  /** The hypervisor lets machines share disks (`SUPPORT_SHAREABLE` in oned.conf). */
  sharesDisks = true;
  /** Disks lie on the hosts, and the size to which one has grown is the image's when it comes back. */
  disksOnHosts = false;
  /** Before 6.8: there are no backup jobs. */
  old = false;
  /** Sessions that are taken no longer. */
  readonly revoked = new Set<string>();
  /** Users, by name, whose sessions are all refused. */
  readonly refused = new Set<string>();
  /** Users that there were: what is theirs keeps their names. */
  readonly names = new Map<number, string>();
  readonly #last = new Map<object, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.datastores = new Map([
      [IMAGE_DATASTORE, datastore('vep-img', 0)],
      [100, datastore('vep-sys', 1)],
    ]);
    this.addGroup('oneadmin');
    this.addGroup('users');
    this.addUser('oneadmin', 'core', 'oneadmin-secret', [0]);
    const everything = Template.parse(
      'RULE=[PROTOCOL="ALL",RULE_TYPE="OUTBOUND"]\nRULE=[PROTOCOL="ALL",RULE_TYPE="INBOUND"]',
    );
    const common = { id: 0, uid: 0, gid: 0, name: 'default', template: everything, mode: { other: true } };
    this.securityGroups.set(0, securityGroup(common));
    this.addUser('serveradmin', 'server_cipher', 'serveradmin-secret', [0]);
  }

  /** Whole seconds since the epoch. */
  get now(): number {
    return Math.floor(this.#now() / 1000);
  }

  nextId(of: Map<number, unknown>, first = 0): number {
    const id = Math.max(first, (this.#last.get(of) ?? -1) + 1);
    this.#last.set(of, id);
    return id;
  }

  addGroup(name: string): number {
    if ([...this.groups.values()].some((group) => group.name === name))
      throw new Refused(
        8192,
        `NAME is already taken by GROUP ${[...this.groups.values()].find((group) => group.name === name)?.id}.`,
      );
    const id = this.nextId(this.groups, this.groups.size < 2 ? 0 : 100);
    this.groups.set(id, { id, name, quotas: new Map() });
    this.vdcs.get(0)?.groups.add(id);
    return id;
  }

  addUser(name: string, driver: string, password: string, groups: readonly number[]): number {
    if (name === '') throw new Refused(8192, 'Invalid NAME, it cannot be empty.');
    const bad = /[ :]/.exec(name)?.[0];
    if (bad !== undefined) throw new Refused(8192, `Invalid NAME, char '${bad}' is not allowed.`);
    const taken = [...this.users.values()].find((user) => user.name === name);
    if (taken) throw new Refused(8192, `NAME is already taken by USER ${taken.id}.`);
    const id = this.nextId(this.users);
    const list = groups.length > 0 ? [...groups] : [1];
    this.users.set(id, { id, name, driver, password, groups: list, enabled: true, template: new Template() });
    this.names.set(id, name);
    return id;
  }

  /** The user of a session, or oned's refusal. */
  userOf(session: string): User {
    const user = this.#userOf(session);
    if (user && !this.refused.has(user.name)) return user;
    throw new Refused(256, "User couldn't be authenticated, aborting call.");
  }

  #userOf(session: string): User | undefined {
    if (this.revoked.has(session)) return undefined;
    const [name = '', ...rest] = session.split(':');
    const user = this.named(name);
    // Of one for whom a service acts, oned does not ask whether they are enabled.
    if (!user?.enabled) return undefined;
    if (user.driver !== 'server_cipher') return user.password === rest.join(':') ? user : undefined;
    const [target = '', ...last] = rest;
    const [token = '', group] = last.reverse();
    const found = deciphered(token, user.password) === undefined ? undefined : this.#target(user, target, token);
    return found && group !== undefined ? { ...found, groups: [Number(group)] } : found;
  }

  #target(service: User, target: string, token: string): User | undefined {
    const [name, whom, expiry] = (deciphered(token, service.password) ?? '').split(':');
    const good = name === service.name && whom === target && Number(expiry) > this.now;
    return good ? this.named(target) : undefined;
  }

  named(name: string): User | undefined {
    return [...this.users.values()].find((user) => user.name === name);
  }

  isAdmin(user: User): boolean {
    return user.groups.includes(ONEADMIN);
  }

  /** Object bits of include/AuthRequest.h. */
  mayCreate(user: User, what: 'VM' | 'IMAGE' | 'VMGROUP' | 'SECGROUP'): void {
    const bit = { VM: 0x1000000000n, IMAGE: 0x8000000000n, VMGROUP: 0x20000000000000n, SECGROUP: 0x1000000000000n }[
      what
    ];
    if (this.isAdmin(user) || this.#ruled(user, bit | 0x400000000n, 8)) return;
    throw new Refused(512, `User [${user.id}] : Not authorized to perform CREATE ${what}.`);
  }

  #ruled(user: User, resource: bigint, right: number): boolean {
    return [...this.rules.values()].some(
      (rule) =>
        user.groups.some((group) => rule.user === 0x200000000n + BigInt(group)) &&
        (rule.resource & resource) === resource &&
        (rule.rights & right) === right,
    );
  }

  mayUseImage(user: User, image: Image): boolean {
    return (
      this.isAdmin(user) || image.uid === user.id || image.mode.other || this.#opened(user, 0x8100000000n, image.id)
    );
  }

  /** A network of another group is used by a rule alone; what belongs to no VO is everybody's, by the default data centre. */
  mayUseNetwork(user: User, { id, uid, gid }: Network): boolean {
    const free = gid === ONEADMIN || user.groups.includes(gid);
    return this.isAdmin(user) || uid === user.id || free || this.#opened(user, 0x4100000000n, id);
  }

  #opened(user: User, one: bigint, id: number): boolean {
    return [...this.rules.values()].some(
      (rule) =>
        rule.resource === one + BigInt(id) && user.groups.some((group) => rule.user === 0x200000000n + BigInt(group)),
    );
  }

  /** @throws Refused for a VM group of somebody else that is not everybody's to use */
  mustUseVmGroup(user: User, id: number): void {
    const group = this.vmGroups.get(id);
    if (!group || this.isAdmin(user) || group.uid === user.id || group.mode.other) return;
    throw new Refused(512, `User [${user.id}] : Not authorized to perform USE VMGROUP [${id}].`);
  }

  mustManage(user: User, thing: Thing, what: string): void {
    if (this.isAdmin(user) || thing.uid === user.id) return;
    throw new Refused(512, `User [${user.id}] : Not authorized to perform MANAGE ${what} [${thing.id}].`);
  }

  mustAdmin(user: User, what: string): void {
    if (!this.isAdmin(user)) throw new Refused(512, `User [${user.id}] : Not authorized to perform ${what}.`);
  }

  /** A thing that `user` makes. */
  thing(of: Map<number, unknown>, user: User, name: string, template: Template, first = 0): Thing {
    const [gid = 0] = user.groups;
    return { id: this.nextId(of, first), uid: user.id, gid, name, template, mode: { other: false } };
  }

  /** What a host has given to machines: hundredths of a core, and KiB. */
  usageOf(host: Host): { readonly cpu: number; readonly memory: number; readonly machines: number } {
    const mine = [...this.machines.values()].filter((vm) => vm.host === host && [3, 5, 8].includes(vm.state));
    const sum = (name: string): number => mine.reduce((total, vm) => total + Number(vm.template.get(name) ?? 0), 0);
    return { cpu: sum('CPU') * 100, memory: sum('MEMORY') * 1024, machines: mine.length };
  }

  /** What the quotas of a group count. */
  machinesOf(group: number): Readonly<Record<'VMS' | 'CPU' | 'MEMORY', number>> {
    const mine = [...this.machines.values()].filter((vm) => vm.gid === group && vm.state !== 6);
    const sum = (name: string): number => mine.reduce((total, vm) => total + Number(vm.template.get(name) ?? 0), 0);
    return { VMS: mine.length, CPU: sum('CPU'), MEMORY: sum('MEMORY') };
  }

  volumesOf(group: number, datastore: number): { readonly images: number; readonly sizeMb: number } {
    const mine = [...this.images.values()].filter((image) => image.gid === group && datastore === IMAGE_DATASTORE);
    return { images: mine.length, sizeMb: mine.reduce((total, image) => total + image.sizeMb, 0) };
  }

  usesOf(image: Image): number {
    return [...this.machines.values()].filter(
      (vm) => vm.state !== 6 && vm.template.vectors('DISK').some((disk) => disk.get('IMAGE_ID') === String(image.id)),
    ).length;
  }
}

export function securityGroup(thing: Thing): SecurityGroup {
  return { ...thing, outdated: new Set(), updating: new Set(), failed: new Set() };
}

/** As the two were recorded, whose driver copies nothing. */
export function datastore(name: string, type: number): Datastore {
  const template = Template.parse('DS_MAD="dummy"\nRESTRICTED_DIRS="/"\nSAFE_DIRS="/var/tmp"\nSHARED="YES"');
  return { name, type, state: 0, freeMb: 500_000, template };
}

function deciphered(token: string, password: string): string | undefined {
  const digest = createHash('sha256').update(password).digest('hex');
  try {
    const decipher = createDecipheriv('aes-256-cbc', digest.slice(0, 32), digest.slice(0, 16));
    return Buffer.concat([decipher.update(Buffer.from(token, 'base64')), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
