/**
 * What the fake EC2 has. Changes take their time: a thing is on a timeline of states, new things do not show for a
 * while, and what shows is a little old (`lagMs`), as with the real one, which is consistent only in the end.
 */

import { createHash } from 'node:crypto';
import { Refusal, type Parameters } from './query.js';

export interface Timed {
  /** States with the time at which they begin, oldest first. */
  readonly line: { readonly at: number; readonly state: string }[];
  /** When it shows. */
  readonly shownFrom: number;
}

export interface Tagged {
  readonly id: string;
  readonly tags: Map<string, string>;
}

export interface Interface extends Tagged, Timed {
  readonly subnet: Subnet;
  readonly address: string;
  readonly mac: string;
  groups: readonly string[];
  attachment?: { readonly id: string; readonly instance: string; readonly index: number; goesWith: boolean };
}

export interface Instance extends Tagged, Timed {
  type: string;
  readonly image: string;
  readonly key: string | undefined;
  readonly userData: string | undefined;
  readonly clientToken: string | undefined;
  /** What it was asked for with, as far as a second request with the token has to be the same. */
  readonly asked: string;
  readonly rootDevice: string;
  readonly zone: string;
  /** Name of its placement group; empty: none. */
  readonly group: string;
  readonly hibernates: boolean;
  readonly tokens: string;
  reason: { readonly code: string; readonly message: string } | undefined;
}

export interface Volume extends Tagged, Timed {
  size: number;
  readonly type: string;
  readonly zone: string;
  readonly snapshot: string | undefined;
  readonly clientToken: string | undefined;
  readonly iops: number | undefined;
  /** Several instances may have it at a time (Multi-Attach). */
  readonly multiAttach: boolean;
  attachments: readonly Attachment[];
}

export interface Attachment extends Timed {
  readonly instance: string;
  readonly device: string;
  readonly goesWith: boolean;
}

export interface Subnet extends Tagged, Timed {
  readonly vpc: string;
  readonly cidr: string;
  readonly zone: string;
  readonly isDefault: boolean;
}

export interface ElasticIp extends Tagged {
  readonly address: string;
  association?: { readonly id: string; readonly nic: string };
}

export interface SecurityGroup extends Tagged {
  readonly vpc: string;
  readonly name: string;
  readonly rules: SecurityRule[];
}

export interface SecurityRule {
  readonly id: string;
  readonly egress: boolean;
  readonly protocol: string;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** One of these: a range of either version, or a group. */
  readonly cidr?: string;
  readonly cidr6?: string;
  readonly group?: string;
}

export interface PlacementGroup extends Tagged {
  readonly name: string;
  readonly strategy: string;
}

export interface Snapshot extends Tagged {
  readonly size: number;
  readonly volume: string | undefined;
}

export interface Image extends Tagged, Timed {
  readonly name: string;
  readonly owner: string;
  readonly snapshot: string;
  readonly size: number;
  readonly rootDevice: string;
}

/** Reads its object when its time is over, as late as EC2 may. */
export interface ImportTask extends Tagged, Timed {
  readonly clientToken: string;
  readonly format: string;
  /** `bucket/key`. */
  readonly object: string;
  readonly snapshot: string;
  size: number;
  /** Why it failed. */
  message: string;
}

export interface TypeInfo {
  readonly cores: number;
  readonly memoryMib: number;
  readonly interfaces: number;
  readonly hibernates?: boolean;
  /** Of the Nitro system where nothing is said. */
  readonly hypervisor?: 'nitro' | 'xen';
}

/** Sizes of AWS, and some as a private EC2 has them, whose operator sets their sizes. */
export const TYPES: Readonly<Record<string, TypeInfo>> = {
  't2.micro': { cores: 1, memoryMib: 1024, interfaces: 2, hypervisor: 'xen' },
  't3.nano': { cores: 2, memoryMib: 512, interfaces: 2 },
  't3.micro': { cores: 2, memoryMib: 1024, interfaces: 2 },
  't3.small': { cores: 2, memoryMib: 2048, interfaces: 3 },
  't3.medium': { cores: 2, memoryMib: 4096, interfaces: 3 },
  't3.xlarge': { cores: 4, memoryMib: 16_384, interfaces: 4 },
  'm5.large': { cores: 2, memoryMib: 8192, interfaces: 3, hibernates: true },
  'm5.xlarge': { cores: 4, memoryMib: 16_384, interfaces: 4, hibernates: true },
  'm5.4xlarge': { cores: 16, memoryMib: 65_536, interfaces: 8, hibernates: true },
  'own.small': { cores: 1, memoryMib: 512, interfaces: 15, hibernates: true },
  'own.medium': { cores: 2, memoryMib: 2048, interfaces: 15, hibernates: true },
  'own.large': { cores: 4, memoryMib: 8192, interfaces: 15, hibernates: true },
};

export const ACCOUNT = '123456789012';
export const VPC = 'vpc-0a1b2c3d4e5f60718';
export const VPC_CIDR = '192.168.0.0/16';
export const ZONE = 'eu-central-1a';
/** All of the region; an account has them where a test says so. */
export const ZONES = [ZONE, 'eu-central-1b', 'eu-central-1c'];
/** Of the zone with that index. */
export const defaultSubnet = (index: number): string => `subnet-0d0d0d0d0d0d0d0d${index}`;
export const DEFAULT_GROUP = 'sg-0defa0170defa0170';

export interface Pace {
  /** How long each change takes. */
  readonly stepMs: number;
  /** How old what shows is. */
  readonly lagMs: number;
}

export class World {
  readonly instances = new Map<string, Instance>();
  /** Instances that were rebooted, each time that they were: their states do not tell. */
  readonly reboots: string[] = [];
  readonly interfaces = new Map<string, Interface>();
  readonly volumes = new Map<string, Volume>();
  readonly subnets = new Map<string, Subnet>();
  readonly groups = new Map<string, SecurityGroup>();
  readonly addresses = new Map<string, ElasticIp>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly images = new Map<string, Image>();
  readonly tasks = new Map<string, ImportTask>();
  /** By name. */
  readonly placementGroups = new Map<string, PlacementGroup>();
  readonly keyPairs = new Map<string, Map<string, string>>();
  /** Objects of buckets, by `bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  /** When they were put there, if that was not now. */
  readonly putAt = new Map<string, number>();
  /** Imports that are under way go on being so. */
  importing = false;
  readonly pace: Pace;
  readonly now: () => number;
  readonly account: string;
  readonly zones: readonly string[];
  /** Zones and placement groups (by name) that have no room for further instances. */
  readonly full = new Set<string>();
  /** How many instances a zone has room for, where that is not endless. */
  readonly room = new Map<string, number>();
  /** Instances that ended so long ago that nothing shows them. */
  readonly past = new Set<Timed>();
  /** Types that a zone does not have, `eu-central-1b own.small`. */
  readonly unsupported = new Set<string>();
  vcpuLimit = 256;
  volumeLimitGib = 1_000_000;
  #count = 0;

  constructor(pace: Pace, now: () => number, zones: readonly string[] = [ZONE], account = ACCOUNT) {
    this.pace = pace;
    this.now = now;
    this.account = account;
    this.zones = zones;
    const shown = { shownFrom: 0, line: [{ at: 0, state: 'available' }] };
    for (const [index, zone] of zones.entries()) {
      const id = defaultSubnet(index);
      const cidr = `192.168.${255 - index}.0/24`;
      this.subnets.set(id, { id, tags: new Map(), vpc: VPC, cidr, zone, isDefault: true, ...shown });
    }
    this.groups.set(DEFAULT_GROUP, { id: DEFAULT_GROUP, tags: new Map(), vpc: VPC, name: 'default', rules: [] });
    this.addImage('ami-0c0ffee0c0ffee0c0', 'amazon/getting-started', 'amazon');
  }

  addImage(id: string, name: string, owner = ACCOUNT, tags = new Map<string, string>()): void {
    const snapshot = this.id('snap');
    this.snapshots.set(snapshot, { id: snapshot, tags: new Map(), size: 1, volume: undefined });
    const line = [{ at: 0, state: 'available' }];
    this.images.set(id, { id, tags, name, owner, snapshot, size: 1, rootDevice: '/dev/sda1', shownFrom: 0, line });
  }

  id(prefix: string): string {
    this.#count += 1;
    return `${prefix}-0${createHash('sha256').update(`${prefix} ${this.#count}`).digest('hex').slice(0, 16)}`;
  }

  mac(): string {
    this.#count += 1;
    return `0a:${(this.#count + 2 ** 36)
      .toString(16)
      .slice(-8)
      .padStart(8, '0')
      .replaceAll(/(..)(?!$)/g, '$1:')}:01`;
  }

  /** A new thing's place in time. */
  born(...states: readonly string[]): Timed {
    const now = this.now();
    return {
      line: states.map((state, step) => ({ at: now + step * this.pace.stepMs, state })),
      shownFrom: now + this.pace.lagMs,
    };
  }

  /** From now on these states, each after a step. What was to come no longer comes. */
  moves(thing: Timed, ...states: readonly string[]): void {
    const now = this.now();
    while ((thing.line.at(-1)?.at ?? 0) > now) thing.line.pop();
    for (const [step, state] of states.entries()) thing.line.push({ at: now + step * this.pace.stepMs, state });
  }

  state({ line }: Timed): string {
    return this.#at(line, this.now());
  }

  shownState({ line }: Timed): string {
    return this.#at(line, this.now() - this.pace.lagMs);
  }

  shows(thing: Timed): boolean {
    return this.now() >= thing.shownFrom && !this.past.has(thing);
  }

  #at(line: Timed['line'], time: number): string {
    return line.findLast(({ at }) => at <= time)?.state ?? line[0]?.state ?? 'none';
  }

  /** @throws Refusal for a zone that is none */
  zoneIn(name: string | undefined): string {
    const zone = name ?? this.zones[0] ?? ZONE;
    if (!this.zones.includes(zone)) throw new Refusal('InvalidParameterValue', `Invalid availability zone: [${zone}]`);
    return zone;
  }

  get live(): Instance[] {
    return [...this.instances.values()].filter((each) => !['terminated', 'shutting-down'].includes(this.state(each)));
  }

  /** What ends with an instance: its root volume, its interfaces; what was attached is free again. */
  settle(): void {
    for (const instance of this.instances.values()) {
      if (this.state(instance) !== 'terminated') continue;
      for (const nic of this.interfaces.values())
        if (nic.attachment?.instance === instance.id) {
          if (nic.attachment.goesWith) this.interfaces.delete(nic.id);
          else delete nic.attachment;
        }
      for (const volume of this.volumes.values()) {
        const own = volume.attachments.find((each) => each.instance === instance.id);
        if (own?.goesWith) this.volumes.delete(volume.id);
        volume.attachments = volume.attachments.filter((each) => each !== own);
      }
    }
    for (const volume of this.volumes.values()) {
      volume.attachments = volume.attachments.filter((each) => this.state(each) !== 'detached');
      if (this.state(volume) === 'deleted') this.volumes.delete(volume.id);
    }
  }

  tagged(id: string): Tagged | undefined {
    for (const things of [
      this.instances,
      this.interfaces,
      this.volumes,
      this.subnets,
      this.groups,
      this.addresses,
      this.snapshots,
      this.images,
      this.tasks,
    ]) {
      const found = things.get(id);
      if (found) return found;
    }
    return undefined;
  }
}

/** Tags that a creation brings with it for things of one type. */
export function tagsFor(parameters: Parameters, type: string): Map<string, string> {
  return new Map(
    parameters
      .list('TagSpecification')
      .filter((each) => each.text('ResourceType') === type)
      .flatMap((each) => each.list('Tag'))
      .map((tag) => [tag.text('Key') ?? '', tag.text('Value') ?? '']),
  );
}

export function checkTags(tags: ReadonlyMap<string, string>): void {
  for (const [key, value] of tags) {
    if (key.length > 127 || key === '') throw new Refusal('InvalidParameterValue', 'Tag key is not valid');
    if (value.length > 256)
      throw new Refusal('InvalidParameterValue', "Tag value exceeds the maximum length of '256' characters");
  }
}

export const tagSet = (tags: ReadonlyMap<string, string>): { key: string; value: string }[] =>
  [...tags].map(([key, value]) => ({ key, value }));

/** Whether a thing passes the filters of a request; `known` names what can be filtered by beside tags. */
export function passes(
  parameters: Parameters,
  tags: ReadonlyMap<string, string>,
  known: Readonly<Record<string, string | undefined>>,
): boolean {
  return parameters.list('Filter').every((filter) => {
    const name = filter.text('Name') ?? '';
    const values = filter.texts('Value');
    if (!name.startsWith('tag:') && !(name in known))
      throw new Refusal('InvalidParameterValue', `The filter '${name}' is invalid`);
    const value = name.startsWith('tag:') ? tags.get(name.slice(4)) : known[name];
    return value !== undefined && values.some((each) => like(each).test(value));
  });
}

/** `*` and `?` stand for anything in filters. */
function like(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}
