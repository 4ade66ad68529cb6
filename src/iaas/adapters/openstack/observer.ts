/**
 * What is on the site, in OCCI's words: of some references, or of everything that VEP made. Looking at a server also sees to
 * what VEP has begun with it: an order that Nova took and has not shown, a change of size that waits to be confirmed.
 */

import type { CallOptions, IaasErrorClass, Observed, ResourceClass, SiteRef } from '../../adapter.js';
import type { Addresses } from './addresses.js';
import type { Attachments } from './attachments.js';
import type { Cloud } from './cloud.js';
import { observeImage, type Images } from './images.js';
import type { Machines } from './machines.js';
import { readRef, writeRef } from './marks.js';
import type { Networks } from './networks.js';
import type { Nics } from './nics.js';
import type { SecurityGroups } from './security-groups.js';
import type { Placement } from './placement.js';
import type { Fault, Server } from './server.js';
import type { Servers } from './servers.js';
import { meaningOf } from './stack-error.js';
import { partUnasked, type Tenants } from './tenants.js';
import { observeVolume, type Volumes } from './volumes.js';

export interface ObserverServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly machines: Machines;
  readonly networks: Networks;
  readonly nics: Nics;
  readonly addresses: Addresses;
  readonly securityGroups: SecurityGroups;
  readonly volumes: Volumes;
  readonly attachments: Attachments;
  readonly images: Images;
  readonly placement: Placement;
  /** The account knows hosts by their names. */
  readonly choose: boolean;
}

export class Observer {
  readonly #services: ObserverServices;

  constructor(services: ObserverServices) {
    this.#services = services;
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options: CallOptions,
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const found = new Map<SiteRef, Observed>();
    if (refs.length === 0) return found;
    if (what === 'compute') {
      for (const [ref, { cloud, server }] of await this.#services.servers.some(refs, options))
        found.set(ref, await this.#server(cloud, ref, server, options));
      return found;
    }
    const wanted = new Set(refs);
    await this.#services.tenants.inEach(refs, options, async (cloud) => {
      for (const observed of await this.#everything(cloud, what, options))
        if (wanted.has(observed.ref)) found.set(observed.ref, observed);
    });
    return found;
  }

  /**
   * Everything of a class that VEP made, in all projects.
   *
   * @throws PartUnasked at the end, of the projects that cannot be asked
   */
  async *list(what: ResourceClass, options: CallOptions): AsyncIterable<Observed> {
    const { tenants } = this.#services;
    const { asked, refused } = await tenants.all(options);
    const listed = new Set<string>();
    const refusals = [...refused];
    for (const [project, cloud] of asked) {
      const found = await this.#everything(cloud, what, options).catch((error: unknown) => {
        refusals.push(tenants.refusal(cloud, error));
        return undefined;
      });
      if (!found) continue;
      listed.add(project);
      for (const observed of found) if (observed.id !== undefined) yield observed;
    }
    if (refusals.length > 0) throw partUnasked(refusals, (ref) => !listed.has(readRef(ref)?.project ?? ''));
  }

  /** What a project has of a class; for networks and images also that of others. */
  async #everything(cloud: Cloud, what: ResourceClass, options: CallOptions): Promise<readonly Observed[]> {
    const { servers, networks, addresses, volumes, attachments, images } = this.#services;
    const project = await cloud.project(options);
    const once = <T extends Observed>(observed: readonly T[]): readonly T[] => [
      ...new Map([...observed].reverse().map((each) => [each.ref, each])).values(),
    ];
    switch (what) {
      case 'compute': {
        const found: Observed[] = [];
        for (const [key, server] of await servers.byKey(cloud, options))
          found.push(await this.#server(cloud, writeRef(project, key), server, options));
        return found;
      }
      case 'network':
        return [...(await networks.observe(cloud, options)), ...(await addresses.observe(cloud, options))];
      case 'securitygroup':
        return this.#services.securityGroups.observe(cloud, options);
      case 'nic':
        return this.#interfaces(cloud, options);
      case 'storage': {
        const all = await volumes.all(cloud, options);
        return once(oldestFirst(all).map((volume) => observeVolume(project, volume)));
      }
      case 'attachment': {
        const all = await volumes.all(cloud, options);
        const awaited = await attachments.awaited(cloud, oldestFirst(all), options);
        const byId = all.some(({ plugs }) => plugs.size > 0)
          ? await this.#byId(cloud, options)
          : new Map<string, Server>();
        return once(attachments.observe(project, awaited, byId));
      }
      case 'image': {
        const all = await images.all(cloud, options);
        return once(oldestFirst(all).map((image) => observeImage(project, image)));
      }
    }
  }

  /** Ports, and the addresses that are lent to them. */
  async #interfaces(cloud: Cloud, options: CallOptions): Promise<readonly Observed[]> {
    const { nics, addresses } = this.#services;
    const byId = await this.#byId(cloud, options);
    return [...(await nics.observe(cloud, byId, options)), ...(await addresses.observeLent(cloud, byId, options))];
  }

  async #byId(cloud: Cloud, options: CallOptions): Promise<ReadonlyMap<string, Server>> {
    const found = new Map<string, Server>();
    for await (const server of this.#services.servers.all(cloud, options)) found.set(server.id, server);
    return found;
  }

  async #server(cloud: Cloud, ref: SiteRef, server: Server, options: CallOptions): Promise<Observed> {
    const { marks, cores, memoryBytes, fault, status, name } = server;
    const order = await this.#services.machines.goOn(cloud, server, options);
    const broken =
      marks && server.state === 'active' ? await this.#services.placement.broken(cloud, server, options) : undefined;
    const state = broken === undefined ? server.state : 'error';
    const fallen = server.state === 'error' ? (fault?.message ?? `Nova says: ${status}`) : undefined;
    const message = broken ?? fallen ?? order.message;
    const host = this.#services.choose ? server.host : server.hostId;
    return {
      class: 'compute',
      ref,
      name,
      ...(marks === undefined ? {} : { id: marks.id }),
      state,
      busy: server.busy || order.waiting,
      cores,
      memoryBytes,
      ...(host === undefined || host === '' ? {} : { host }),
      ...(message === undefined ? {} : { message }),
      ...(order.failed === undefined ? {} : { failed: order.failed }),
      ...(fault === undefined ? {} : { cause: causeOf(fault) }),
    };
  }
}

/** Nova takes what it has no room or quota for, where others are faster, and fails later. */
function causeOf({ code, message }: Fault): IaasErrorClass {
  const cause = meaningOf(code, message);
  return cause === 'quota' || cause === 'capacity' ? cause : 'fatal';
}

/** Of several of one token the oldest counts. */
function oldestFirst<T extends { readonly id: string; readonly created: string }>(things: readonly T[]): readonly T[] {
  return [...things].sort((one, other) => one.created.localeCompare(other.created) || one.id.localeCompare(other.id));
}
