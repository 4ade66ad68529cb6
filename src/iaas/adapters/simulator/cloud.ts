/**
 * The state of a simulated site: what it has, and what is on its way to another state. Nothing here acts by itself. A
 * change that was accepted carries the time at which it is through; {@link settle} says what a thing is at a given
 * time, {@link advance} moves the whole site to a time. Both depend on their arguments alone.
 */

import type { ResourceClass, SiteRef } from '../../adapter.js';
import type { NormalRule } from '../../security-groups.js';
import type { HostConfig, SimulatorConfig } from './config.js';
import { DueQueue } from './due-queue.js';
import type { ArmedFault } from './faults.js';
import type { LoadRule } from './load.js';

/** What every thing of the site has. Things are immutable: a change puts another in their place. */
export interface Thing {
  readonly ref: SiteRef;
  /** Unique within the site and rising in order of creation. */
  readonly number: number;
  /** Absent for what VEP did not make. */
  readonly id?: string;
  readonly token?: string;
  readonly state: string;
  readonly message?: string;
  readonly change?: Change;
}

/** A change that was accepted and is not through yet. */
export interface Change {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** The state it leads to; {@link GONE} for a deletion. */
  readonly to: string;
  /** State shown meanwhile, where the thing has a word for it (storage: `backup`, `snapshot`, `resize`). */
  readonly shown?: string;
  readonly message?: string;
  /** What else is different afterwards. */
  readonly set?: Readonly<Record<string, number>>;
}

export const GONE = 'gone';

export interface Machine extends Thing {
  readonly state: 'active' | 'inactive' | 'suspended' | 'error';
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** What it takes of its host: its size, or the larger of both sizes while it is being resized. */
  readonly claim: Claim;
  readonly host: string;
  /** Size of its boot disk; 0 without one. */
  readonly diskBytes: number;
  readonly apartFrom: readonly string[];
  readonly togetherWith: readonly string[];
  readonly application?: string;
  /** Set while its host is down. */
  readonly stranded?: true;
  readonly guest: GuestDocuments;
}

export interface Claim {
  readonly cores: number;
  readonly memoryBytes: number;
}

/** A file beside the OVF environment. */
export interface GuestFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What the site hands to the guest. */
export interface GuestDocuments {
  readonly hostname?: string;
  readonly userData?: string;
  readonly sshKeys?: readonly string[];
  readonly ovfEnvironment?: string;
  readonly environmentFiles?: readonly GuestFile[];
}

export interface Network extends Thing {
  readonly state: 'active' | 'inactive' | 'error';
  readonly name: string;
  readonly cidr: string;
  readonly gateway?: string;
  readonly vlan?: number;
  /** Where the search for a free address goes on, as text of a big integer. */
  readonly cursor: string;
  /** Which subnet of the pool it took; absent when it came with a range of its own. */
  readonly subnet?: number;
}

export interface Volume extends Thing {
  readonly state: 'online' | 'offline' | 'error';
  readonly name: string;
  readonly sizeBytes: number;
  /** What it takes of the storage pool. */
  readonly claimBytes: number;
  /** Several machines may have it at a time. */
  readonly shared?: true;
}

/** State `active` means plugged; whether traffic flows depends on the machine and the network too. */
export interface Nic extends Thing {
  readonly state: 'active' | 'error';
  readonly compute: SiteRef;
  readonly network: SiteRef;
  readonly interface: string;
  readonly mac: string;
  readonly address?: string;
  /** What guards it; absent on one from before there were groups. */
  readonly securityGroups?: readonly SiteRef[];
}

export interface Attachment extends Thing {
  readonly state: 'active' | 'error';
  readonly compute: SiteRef;
  readonly storage: SiteRef;
  readonly device: string;
  readonly readOnly: boolean;
}

export interface Image extends Thing {
  readonly state: 'active' | 'inactive' | 'error';
  readonly name: string;
  readonly format: string;
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
}

export interface SecurityGroup extends Thing {
  readonly state: 'active' | 'inactive' | 'error';
  readonly name: string;
  readonly rules: readonly NormalRule[];
}

export interface Host {
  readonly config: HostConfig;
  readonly up: boolean;
  readonly claimed: Claim;
  readonly machines: number;
}

export interface Things {
  readonly compute: Machine;
  readonly network: Network;
  readonly storage: Volume;
  readonly nic: Nic;
  readonly attachment: Attachment;
  readonly image: Image;
  readonly securitygroup: SecurityGroup;
}

export const CLASSES: readonly ResourceClass[] = [
  'compute',
  'network',
  'storage',
  'nic',
  'attachment',
  'image',
  'securitygroup',
];

/** The whole site. Owned and changed by the fold alone. */
export interface Cloud {
  /** Number of the last command folded in. */
  applied: number;
  /** Time of the last command: changes due by then are through. */
  time: number;
  serial: number;
  config: SimulatorConfig | undefined;
  readonly hosts: Map<string, Host>;
  readonly things: { readonly [C in ResourceClass]: Map<SiteRef, Things[C]> };
  /** `<class> <token>` to what carries it. */
  readonly tokens: Map<string, SiteRef>;
  /** `<network ref> <address or MAC>` to the NIC that has it. */
  readonly leases: Map<string, SiteRef>;
  readonly subnets: Set<number>;
  faults: readonly ArmedFault[];
  load: { readonly since: number; readonly rules: readonly LoadRule[] };
  storageClaimedBytes: number;
  readonly due: DueQueue;
}

/** Something changed: what events are made of. */
export interface Touch {
  readonly class: ResourceClass;
  readonly ref: SiteRef;
  readonly at: number;
}

export function newCloud(): Cloud {
  return {
    applied: 0,
    time: 0,
    serial: 0,
    config: undefined,
    hosts: new Map(),
    things: {
      compute: new Map(),
      network: new Map(),
      storage: new Map(),
      nic: new Map(),
      attachment: new Map(),
      image: new Map(),
      securitygroup: new Map(),
    },
    tokens: new Map(),
    leases: new Map(),
    subnets: new Set(),
    faults: [],
    load: { since: 0, rules: [] },
    storageClaimedBytes: 0,
    due: new DueQueue(),
  };
}

/** What a thing is at `now`: the same while its change is under way, else what the change led to; nothing when gone. */
export function settle<T extends Thing>(thing: T, now: number): T | undefined {
  const change = thing.change;
  if (!change || change.until > now) return thing;
  if (change.to === GONE) return undefined;
  const { change: _through, message: _earlier, ...rest } = thing;
  const settled = {
    ...rest,
    ...change.set,
    state: change.to,
    ...(change.message === undefined ? {} : { message: change.message }),
  };
  // A machine or volume that has settled takes what its size is, whichever way the change went.
  if ('claim' in settled)
    Object.assign(settled, { claim: { cores: read(settled, 'cores'), memoryBytes: read(settled, 'memoryBytes') } });
  if ('claimBytes' in settled) Object.assign(settled, { claimBytes: read(settled, 'sizeBytes') });
  return settled as unknown as T;
}

/** Puts a thing, new or changed, in its place. */
export function put<C extends ResourceClass>(
  cloud: Cloud,
  what: C,
  thing: Things[C],
  touched: Touch[],
  at: number,
): void {
  const map = cloud.things[what] as Map<SiteRef, Things[C]>;
  account(cloud, what, map.get(thing.ref), thing);
  map.set(thing.ref, thing);
  if (thing.token !== undefined) cloud.tokens.set(tokenKey(what, thing.token), thing.ref);
  if (thing.change) cloud.due.push({ until: thing.change.until, number: thing.number, class: what, ref: thing.ref });
  touched.push({ class: what, ref: thing.ref, at });
}

/** Moves the site to `now`: changes that are due by then come through, in the order in which they are due. */
export function advance(cloud: Cloud, now: number, touched: Touch[]): void {
  for (let next = cloud.due.peek(); next && next.until <= now; next = cloud.due.peek()) {
    cloud.due.pop();
    const thing = cloud.things[next.class].get(next.ref);
    if (thing?.change?.until !== next.until) continue;
    const settled = settle<Thing>(thing, next.until);
    if (settled) put(cloud, next.class, settled as Things[ResourceClass], touched, next.until);
    else bury(cloud, next.class, thing, touched, next.until);
  }
  cloud.time = Math.max(cloud.time, now);
}

export const tokenKey = (what: ResourceClass, token: string): string => `${what} ${token}`;
export const leaseKey = (network: SiteRef, addressOrMac: string): string => `${network} ${addressOrMac}`;

function bury(cloud: Cloud, what: ResourceClass, thing: Thing, touched: Touch[], at: number): void {
  account(cloud, what, thing, undefined);
  cloud.things[what].delete(thing.ref);
  if (thing.token !== undefined) cloud.tokens.delete(tokenKey(what, thing.token));
  touched.push({ class: what, ref: thing.ref, at });
}

/** Keeps what is taken of hosts, pools and address ranges in step with the things that take it. */
function account(cloud: Cloud, what: ResourceClass, before: Thing | undefined, after: Thing | undefined): void {
  switch (what) {
    case 'compute':
      accountMachine(cloud, before as Machine | undefined, -1);
      accountMachine(cloud, after as Machine | undefined, 1);
      break;
    case 'storage':
      cloud.storageClaimedBytes +=
        ((after as Volume | undefined)?.claimBytes ?? 0) - ((before as Volume | undefined)?.claimBytes ?? 0);
      break;
    case 'image':
      cloud.storageClaimedBytes +=
        ((after as Image | undefined)?.sizeBytes ?? 0) - ((before as Image | undefined)?.sizeBytes ?? 0);
      break;
    case 'network': {
      const subnet = ((after ?? before) as Network).subnet;
      if (subnet !== undefined) cloud.subnets[after ? 'add' : 'delete'](subnet);
      break;
    }
    case 'nic': {
      const nic = (after ?? before) as Nic;
      for (const lease of [nic.mac, nic.address]) {
        if (lease === undefined) continue;
        if (after) cloud.leases.set(leaseKey(nic.network, lease), nic.ref);
        else cloud.leases.delete(leaseKey(nic.network, lease));
      }
      break;
    }
    case 'attachment':
    case 'securitygroup':
      break;
  }
}

function accountMachine(cloud: Cloud, machine: Machine | undefined, sign: 1 | -1): void {
  const host = machine && cloud.hosts.get(machine.host);
  if (!host) return;
  cloud.storageClaimedBytes += sign * machine.diskBytes;
  cloud.hosts.set(host.config.name, {
    ...host,
    claimed: {
      cores: host.claimed.cores + sign * machine.claim.cores,
      memoryBytes: host.claimed.memoryBytes + sign * machine.claim.memoryBytes,
    },
    machines: host.machines + sign,
  });
}

const read = (thing: object, member: string): unknown => (thing as Record<string, unknown>)[member];
