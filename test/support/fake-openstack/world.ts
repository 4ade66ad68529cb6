/** What a fake OpenStack has: projects, tokens, and everything in them. */

import { randomBytes, randomUUID } from 'node:crypto';
import type { Json } from './answers.js';

export interface Quota {
  readonly instances: number;
  readonly cores: number;
  readonly ram: number;
  readonly volumes: number;
  readonly gigabytes: number;
  readonly network: number;
  readonly floatingip: number;
}

/** What projects have that nothing was said about. */
export const USUAL: Quota = {
  ...{ instances: 24, cores: 26, ram: 51_200, volumes: 60, gigabytes: 500, network: 100, floatingip: 50 },
};

export interface Project {
  readonly id: string;
  readonly name: string;
  quota: Quota;
  enabled: boolean;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  /** Role by project id. */
  readonly roles: Map<string, readonly string[]>;
}

export interface Grant {
  readonly user: User;
  readonly project: Project;
  readonly until: number;
}

/** A moment of a server's life. */
export interface Moment {
  readonly at: number;
  readonly status: string;
  readonly vm: string;
  readonly task: string | null;
  readonly power: number;
  /** What happens when it has come. */
  readonly then?: () => void;
}

export interface Server {
  readonly id: string;
  readonly project: string;
  readonly user: string;
  name: string;
  readonly created: string;
  readonly image: string | undefined;
  flavor: Flavor;
  readonly metadata: Record<string, string>;
  readonly tags: readonly string[];
  readonly group: string | undefined;
  readonly zone: string;
  host: string | null;
  readonly configDrive: boolean;
  readonly userData: string | undefined;
  readonly moments: Moment[];
  fault?: { code: number; message: string };
  locked: boolean;
  readonly volumes: string[];
  readonly actions: { id: string; action: string; error: boolean; done: boolean }[];
}

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
  readonly disk: number;
  disabled?: boolean;
}

export interface Thing {
  readonly id: string;
  readonly project: string;
  /** What is shown of it. */
  readonly body: Json;
}

/** What the hypervisors count of each server that runs. */
export interface Counted {
  readonly cpuNanoseconds: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly receivedOctets: number;
  readonly sentOctets: number;
}

export class World {
  readonly projects = new Map<string, Project>();
  readonly users = new Map<string, User>();
  readonly credentials = new Map<string, { readonly secret: string; readonly user: User; readonly project: Project }>();
  readonly grants = new Map<string, Grant>();
  readonly flavors = new Map<string, Flavor>();
  readonly servers = new Map<string, Server>();
  readonly groups = new Map<string, Thing>();
  readonly networks = new Map<string, Thing>();
  readonly subnets = new Map<string, Thing>();
  readonly ports = new Map<string, Thing>();
  readonly routers = new Map<string, Thing>();
  readonly securityGroups = new Map<string, Thing>();
  readonly floatingIps = new Map<string, Thing>();
  readonly volumes = new Map<string, Thing>();
  /** By the id of a volume that is on its way into a server: there is one at a time. */
  readonly reservations = new Map<string, { readonly id: string; readonly server: string }>();
  /** Properties of volume types by name. */
  readonly volumeTypes = new Map<string, Readonly<Record<string, string>>>([
    ['__DEFAULT__', {}],
    ['multiattach', { multiattach: '<is> True' }],
  ]);
  readonly snapshots = new Map<string, Thing>();
  readonly images = new Map<string, Thing>();
  readonly rbacPolicies = new Map<string, Thing>();
  readonly hosts = ['fake1', 'fake2'];
  /** Availability zones, and whether they can be had. */
  readonly zones = new Map([['nova', true]]);
  /** Highest minor of Nova's microversions, as of Zed. */
  novaMinor = 93;
  /** Things on a page of a list, whatever is asked for. */
  most = 1000;
  /** The scheduler lacks the filters for neighbours. */
  ignoresHints = false;
  counters: Counted = {
    ...{ cpuNanoseconds: 17_300_000_000, readBytes: 262_144, writeBytes: 5_778_432 },
    ...{ receivedOctets: 2_070_139, sentOctets: 140_208 },
  };
  readonly #steps: { readonly at: number; readonly then: () => void }[] = [];

  readonly hex = (): string => randomBytes(16).toString('hex');
  readonly uuid = (): string => randomUUID();
  /** As services write it: to the second. */
  readonly now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

  addProject(name: string): Project {
    const project = { id: this.hex(), name, quota: USUAL, enabled: true };
    this.projects.set(project.id, project);
    const id = this.uuid();
    this.securityGroups.set(id, {
      id,
      project: project.id,
      body: { id, name: 'default', project_id: project.id, security_group_rules: [] },
    });
    return project;
  }

  addUser(name: string, password: string): User {
    const user = { id: this.hex(), name, password, roles: new Map<string, readonly string[]>() };
    this.users.set(user.id, user);
    return user;
  }

  addFlavor(name: string, vcpus: number, ram: number, disk: number): Flavor {
    const flavor = { id: String(this.flavors.size + 1), name, vcpus, ram, disk };
    this.flavors.set(flavor.id, flavor);
    return flavor;
  }

  /** Lets something happen later. */
  after(ms: number, then: () => void): void {
    this.#steps.push({ at: Date.now() + ms, then });
  }

  /** Everything whose time has come happens. */
  settle(): void {
    const now = Date.now();
    const due = this.#steps.filter(({ at }) => at <= now).sort((one, other) => one.at - other.at);
    for (const step of due) this.#steps.splice(this.#steps.indexOf(step), 1);
    for (const { then } of due) then();
    for (const server of [...this.servers.values()])
      for (const moment of server.moments.filter((each) => each.at <= now)) {
        const turn = moment as { then?: () => void };
        const { then } = turn;
        delete turn.then;
        then?.();
      }
  }
}

/** Where a server is now: nowhere yet where not all has happened that comes with it. */
export function momentOf(server: Server): Moment {
  const now = Date.now();
  const come = server.moments.filter(({ at, then }) => at <= now && then === undefined);
  return come.at(-1) ?? (server.moments[0] as Moment);
}

/** A quota of -1 is none. */
export const isOver = (wanted: number, limit: number): boolean => limit >= 0 && wanted > limit;
