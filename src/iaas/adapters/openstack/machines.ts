/**
 * Machines as servers of Nova. A server boots as soon as it is made, with everything it is plugged into; it is found again
 * by the tag of its token, which is set with it. What Nova was told and has not shown yet is kept in {@link Orders}.
 */

import type { JsonObject } from '../../../base/json.js';
import {
  IaasError,
  type CallOptions,
  type ComputeSize,
  type ComputeSpec,
  type LifecycleAction,
} from '../../adapter.js';
import type { Attachments } from './attachments.js';
import type { Cloud } from './cloud.js';
import { checkSize, type Flavor, type Flavors } from './flavors.js';
import { userDataOf } from './guest.js';
import type { Images } from './images.js';
import type { Answer } from './line.js';
import { digestOf, elder, kept, readRef, realmTag, shownName, tokenTag, writeRef } from './marks.js';
import type { Addresses } from './addresses.js';
import type { Nics } from './nics.js';
import type { Orders, Outcome } from './orders.js';
import type { Placement } from './placement.js';
import { leadsTo, NOT_RESIZING, writeSize, type Server, type Size } from './server.js';
import { ServerDisks } from './server-disks.js';
import { missing } from './service.js';
import type { Servers } from './servers.js';
import { StackError } from './stack-error.js';
import type { MachineState } from './states.js';
import type { Tenants } from './tenants.js';
import { TurnsByKey } from './turns-by-key.js';
import type { Volumes } from './volumes.js';

/** Action of Nova by OCCI's method; the first is the usual one. */
const METHODS: Readonly<Record<Exclude<LifecycleAction, 'start'>, Readonly<Record<string, JsonObject>>>> = {
  stop: {
    graceful: { 'os-stop': null },
    acpioff: { 'os-stop': null },
    // Nova knows no other way: what does not stop by itself it switches off after a while.
    poweroff: { 'os-stop': null },
    shelve: { shelve: null },
  },
  restart: {
    graceful: { reboot: { type: 'SOFT' } },
    warm: { reboot: { type: 'SOFT' } },
    cold: { reboot: { type: 'HARD' } },
  },
  suspend: { hibernate: { suspend: null }, suspend: { pause: null } },
};

/** How a server is started from where it is. */
const START: Readonly<Record<string, JsonObject>> = {
  SHUTOFF: { 'os-start': null },
  SUSPENDED: { resume: null },
  PAUSED: { unpause: null },
  SHELVED: { unshelve: null },
  SHELVED_OFFLOADED: { unshelve: null },
  RESCUE: { unrescue: null },
};

const TARGET: Readonly<Record<LifecycleAction, MachineState>> = {
  start: 'active',
  stop: 'inactive',
  restart: 'active',
  suspend: 'suspended',
};

const MIB = 2 ** 20;
/** `hostname` of a server of its own, where the cloud knows it. */
const HOSTNAME_VERSION = '2.90';
/** Nova takes no host name of one character. */
const SHORTEST_HOSTNAME = 2;

export interface MachineServices {
  readonly tenants: Tenants;
  readonly servers: Servers;
  readonly flavors: Flavors;
  readonly placement: Placement;
  readonly images: Images;
  readonly nics: Nics;
  readonly addresses: Addresses;
  readonly volumes: Volumes;
  readonly attachments: Attachments;
  readonly orders: Orders;
  readonly realm: string;
  readonly configDrive: boolean;
  /** Whether Nova knows a microversion. */
  readonly knows: (version: string, options: CallOptions) => Promise<boolean>;
}

export class Machines {
  readonly #services: MachineServices;
  readonly #disks: ServerDisks;
  readonly #turns = new TurnsByKey();

  constructor(services: MachineServices) {
    this.#services = services;
    this.#disks = new ServerDisks(services.volumes, services.attachments);
  }

  async create(spec: ComputeSpec, token: string, options: CallOptions): Promise<string> {
    checkSpec(spec);
    const { tenants, servers, realm } = this.#services;
    const key = digestOf(realm, token);
    const marks = { vep_realm: realm, vep_id: kept(spec.id), vep_token: key };
    const cloud = await tenants.of(spec.owner, options);
    return this.#turns.run(key, async () => {
      const known = await servers.ofKey(cloud, key, options);
      if (known.length === 0)
        await this.#make(cloud, spec, key, marks, options).catch((error: unknown) =>
          this.#afterFailure(error, cloud, spec, key, options),
        );
      // Somebody else may have been at it with the same token at the same time.
      const [, surplus] = elder(known.length > 0 ? known : await servers.ofKey(cloud, key, options));
      for (const other of surplus) await this.#delete(cloud, other, options);
      return writeRef(await cloud.project(options), key);
    });
  }

  async #make(
    cloud: Cloud,
    spec: ComputeSpec,
    key: string,
    marks: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<void> {
    const { flavors, images, placement, nics, addresses, realm, configDrive, knows } = this.#services;
    const userData = userDataOf(spec);
    const image = spec.image === undefined ? undefined : await images.usable(spec.image, cloud, options);
    const disks = await this.#disks.prepare(cloud, key, spec.volumes ?? [], image?.id, options);
    const least = Math.max(image?.minMemoryMib ?? 0, disks.boot?.minMemoryMib ?? 0) * MIB;
    const memoryBytes = Math.max(spec.memoryBytes, least);
    const diskGib = image?.snapshots.length === 0 ? image.minDiskGib : 0;
    const flavor = await flavors.choose(cloud, { cores: spec.cores, memoryBytes, diskGib }, options);
    const place = await placement.of(cloud, spec, options);
    const hostname = spec.hostname?.split('.')[0] ?? '';
    const named = hostname.length >= SHORTEST_HOSTNAME && (await knows(HOSTNAME_VERSION, options));
    const ports: string[] = [];
    for (const nic of spec.nics ?? []) {
      // An address is lent to a machine that is there.
      if (await addresses.look(nic.network, options)) continue;
      ports.push((await nics.make(cloud, key, nic, nic.id, options)).id);
    }
    const server = {
      name: shownName(spec.name),
      flavorRef: flavor.id,
      ...(image === undefined ? {} : { imageRef: image.id }),
      networks: ports.length > 0 ? ports.map((port) => ({ port })) : 'none',
      ...(disks.mapping.length > 0 ? { block_device_mapping_v2: disks.mapping } : {}),
      metadata: {
        ...marks,
        ...place.metadata,
        vep_size: writeSize({ cores: spec.cores, memoryBytes: spec.memoryBytes, flavor: flavor.name }),
        ...(spec.application === undefined ? {} : { vep_app: kept(spec.application) }),
        ...(spec.owner === undefined ? {} : { vep_principal: keptShort(spec.owner.user) }),
        ...(disks.boot === undefined ? {} : { vep_boot: disks.boot.id }),
      },
      tags: [realmTag(realm), tokenTag(key)],
      ...(userData === undefined ? {} : { user_data: userData }),
      ...(configDrive ? { config_drive: true } : {}),
      ...(named ? { hostname } : {}),
      ...place.server,
    };
    const ask = {
      ...options,
      body: { server, ...(Object.keys(place.hints).length > 0 ? { 'os:scheduler_hints': place.hints } : {}) },
      expect: [202],
      ...(named ? { version: HOSTNAME_VERSION } : {}),
    };
    await this.#disks.inTurn(disks, options, () => cloud.compute.one('POST', '/servers', 'server', ask));
  }

  /**
   * Nova may still be at work on an earlier try whose answer was lost, and shows its server late: then the ports and volumes
   * are that server's, and neither a reason to give up nor left over.
   */
  async #afterFailure(
    error: unknown,
    cloud: Cloud,
    spec: ComputeSpec,
    key: string,
    options: CallOptions,
  ): Promise<void> {
    if (!(error instanceof IaasError) || error.class === 'transient') throw error;
    const { servers, nics } = this.#services;
    if (await this.#disks.areOnTheirWay(cloud, spec.volumes ?? [], error, options))
      throw new IaasError('transient', 'a volume is on its way into this machine, or another one', error.said, error);
    if ((await servers.ofKey(cloud, key, options)).length > 0) return;
    await nics.forsake(cloud, key, options);
    throw error;
  }

  async act(ref: string, verb: LifecycleAction, method: string | undefined, options: CallOptions): Promise<void> {
    const known = verb === 'start' ? undefined : methodOf(verb, method);
    const { cloud, server } = await this.#services.servers.own(ref, options);
    const target = TARGET[verb];
    if (server.locked) throw new IaasError('conflict', 'the machine is locked by somebody in OpenStack');
    if (this.#later(server, verb)) throw onItsWay(server);
    if (verb !== 'restart' && leadsTo(server, target)) return this.#services.orders.forgive(server);
    const action = known ?? this.#startOf(server);
    if (verb !== 'start' && server.state !== 'active')
      throw new IaasError('conflict', `a machine that is ${server.status} cannot ${verb}: start it first`);
    try {
      await this.#order(cloud, server, verb, action, options);
    } catch (error) {
      if (!(error instanceof StackError) || !error.isWrongState) throw error;
      // It was seen before an earlier wish showed: perhaps it is on its way there, perhaps elsewhere.
      const now = (await this.#services.servers.own(ref, options)).server;
      if (verb !== 'restart' && leadsTo(now, target)) return;
      if (now.busy) throw onItsWay(now);
      throw error;
    }
  }

  /** Somebody still works on it, and it leads elsewhere. */
  #later(server: Server, verb: LifecycleAction): boolean {
    const heading = server.busy ? server.heading : this.#services.orders.target(server);
    if (server.status === 'VERIFY_RESIZE') return true;
    if (server.busy) return verb === 'restart' || heading !== TARGET[verb];
    return heading !== undefined && heading !== TARGET[verb] && heading !== server.state;
  }

  #startOf(server: Server): JsonObject {
    const action = START[server.status];
    if (action) return action;
    // One that has run can be brought back; one that never had a host cannot.
    if (server.state === 'error' && server.hostId !== '') return { reboot: { type: 'HARD' } };
    throw new IaasError(
      'conflict',
      `the machine has failed (${server.fault?.message ?? server.status}): delete it, or recover it in OpenStack`,
    );
  }

  async #order(
    cloud: Cloud,
    server: Server,
    verb: LifecycleAction,
    action: JsonObject,
    options: CallOptions,
  ): Promise<void> {
    const path = `/servers/${server.id}/action`;
    const answer = await cloud.compute.call('POST', path, { ...options, body: action, expect: [202] });
    this.#services.orders.give(server, { action: verb, target: TARGET[verb], requestId: requestOf(answer) });
  }

  /** Gives a server another flavor; Nova waits for a confirmation when it has done so, see {@link goOn}. */
  async resize(ref: string, size: ComputeSize, options: CallOptions): Promise<void> {
    checkSize(size);
    const { servers, flavors } = this.#services;
    const { cloud, server } = await servers.own(ref, options);
    if (isOwnResize(server)) return;
    if (!server.busy && server.cores === size.cores && server.memoryBytes === size.memoryBytes) return;
    if (server.busy) throw onItsWay(server);
    if (server.status !== 'SHUTOFF')
      throw new IaasError(
        'conflict',
        `OpenStack resizes no machine that is ${server.status} without stopping it first`,
      );
    const flavor = await flavors.choose(cloud, { ...size, diskGib: server.diskGib }, options);
    const wanted = writeSize({ ...size, flavor: flavor.name });
    if (flavor.name === server.flavor)
      return this.#note(cloud, server, { vep_size: wanted, vep_resizing: NOT_RESIZING }, options);
    const { cores, memoryBytes } = server;
    const before = { cores, memoryBytes, flavor: server.flavor };
    await this.#note(cloud, server, { vep_size: wanted, vep_resizing: writeSize(before) }, options);
    await this.#change(cloud, server, flavor, options).catch(async (error: unknown) => {
      if (error instanceof IaasError && error.class !== 'transient')
        await this.#takeBack(cloud, server, before, options);
      throw error;
    });
  }

  async #change(cloud: Cloud, server: Server, flavor: Flavor, options: CallOptions): Promise<void> {
    const ask = { ...options, body: { resize: { flavorRef: flavor.id } }, expect: [202] };
    const answer = await cloud.compute.call('POST', `/servers/${server.id}/action`, ask);
    this.#services.orders.give(server, { action: 'resize', target: 'inactive', requestId: requestOf(answer) });
  }

  /**
   * Goes on with what VEP ordered: confirms a change of size when Nova has made it, as both sizes are taken until then, and
   * forgets of it when it is over, whichever way. Answers what became of the last order.
   */
  async goOn(cloud: Cloud, server: Server, options: CallOptions): Promise<Outcome> {
    const order = await this.#services.orders.outcome(cloud, server, options);
    if (!server.resizing) return order;
    if (isOwnResize(server)) {
      const ask = { ...options, body: { confirmResize: null }, expect: [202, 204] };
      await cloud.compute.call('POST', `/servers/${server.id}/action`, ask).catch((error: unknown) => {
        // Confirmed already, and not shown yet.
        if (!(error instanceof StackError) || (error.status !== 409 && error.status !== 400)) throw error;
      });
      return { waiting: true };
    }
    if (!server.busy && server.asked) await this.#note(cloud, server, { vep_resizing: NOT_RESIZING }, options);
    else if (order.failed === 'resize') await this.#takeBack(cloud, server, server.before, options);
    return order;
  }

  /** Nothing has come of a change of size: what was asked for before is what it has. */
  #takeBack(cloud: Cloud, server: Server, before: Size | undefined, options: CallOptions): Promise<void> {
    const size = before === undefined ? {} : { vep_size: writeSize(before) };
    return this.#note(cloud, server, { ...size, vep_resizing: NOT_RESIZING }, options);
  }

  /** Removes a server, with the ports that were made for it. */
  async remove(ref: string, options: CallOptions): Promise<void> {
    const { servers, nics } = this.#services;
    const read = readRef(ref);
    const found = await servers.look(ref, options);
    if (found && !found.server.marks)
      throw new IaasError('denied', 'this server was not made by VEP, which leaves it alone');
    const cloud = found?.cloud ?? (read && (await this.#services.tenants.cloud(read.project, options)));
    if (!read || !cloud) return;
    for (const server of found ? await servers.ofKey(cloud, read.key, options) : [])
      await this.#delete(cloud, server, options);
    // Also after an earlier try that removed the server and came no further.
    await nics.forsake(cloud, read.key, options);
  }

  async #delete(cloud: Cloud, server: Server, options: CallOptions): Promise<void> {
    const { nics, placement, orders } = this.#services;
    if (server.heading !== 'gone')
      await cloud.compute.call('DELETE', `/servers/${server.id}`, { ...options, expect: [204] }).catch(missing);
    orders.forget(server);
    await nics.leave(cloud, server, options);
    await placement.leave(cloud, server, options);
  }

  async #note(
    cloud: Cloud,
    server: Server,
    metadata: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<void> {
    await cloud.compute.call('POST', `/servers/${server.id}/metadata`, { ...options, body: { metadata } });
  }
}

/** Whether Nova waits for VEP to confirm a size: one that somebody else chose is theirs to confirm. */
function isOwnResize({ status, resizing, asked }: Server): boolean {
  return status === 'VERIFY_RESIZE' && resizing && asked;
}

const requestOf = ({ headers }: Answer): string | undefined => headers['x-openstack-request-id'];

function onItsWay({ task, status }: Server): IaasError {
  return new IaasError('transient', `the machine is on its way (${task ?? status})`, task ?? status);
}

function methodOf(verb: Exclude<LifecycleAction, 'start'>, method: string | undefined): JsonObject {
  const methods = METHODS[verb];
  const [usual] = Object.values(methods);
  const action = method === undefined ? usual : methods[method];
  if (action) return action;
  throw new IaasError(
    'invalid',
    `OpenStack knows no ${verb} by this method; it knows: ${Object.keys(methods).join(', ')}`,
  );
}

/** @throws IaasError `invalid` */
function checkSpec(spec: ComputeSpec): void {
  checkSize(spec);
  if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
  if (spec.image === undefined && (spec.volumes ?? []).length === 0)
    throw new IaasError('invalid', 'OpenStack boots machines from an image or a volume, and none is named');
  if (
    spec.hostname !== undefined &&
    !/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9.-]{1,190})?$/.test(spec.hostname)
  )
    throw new IaasError('invalid', 'the host name is none: letters, digits, dots and hyphens make one');
}

/** Of what is kept for people to read: too long is no reason to refuse. */
function keptShort(text: string): string {
  return shownName(text).slice(0, 200);
}
