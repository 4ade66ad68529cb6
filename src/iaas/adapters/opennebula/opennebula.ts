/**
 * OpenNebula as a site: the adapter's face, which puts machines, networks, volumes and images together. VEP is known to
 * oned by its own account and acts for the user whose things it makes (`spec` of each creation), so that they are theirs.
 */

import { piecesUnderAny } from '../../../base/signals.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GuardedDialler } from '../../../net/dialler.js';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type Capabilities,
  type ComputeSize,
  type ComputeSpec,
  type ImageSpec,
  type Inventory,
  type LifecycleAction,
  type MetricSample,
  type NetworkAction,
  type NetworkSpec,
  type NicSpec,
  type Observed,
  type ResourceClass,
  type SiteAdapter,
  type SiteEvent,
  type SiteFinding,
  type SiteRef,
  type StorageSpec,
  type VolumeAction,
} from '../../adapter.js';
import type { AccountingSite } from '../../accounting.js';
import { requireCapability } from '../../capability.js';
import type { SecurityGroupSite } from '../../security-groups.js';
import type { SiteSurroundings } from '../../site-type.js';
import type { TenantSite } from '../../tenant.js';
import { Accounting } from './accounting.js';
import { openNebulaCapabilities } from './capabilities.js';
import { check } from './check.js';
import { Datastores } from './datastores.js';
import { followEvents, type EventServices } from './events.js';
import { openHandover, type Handover } from './handover.js';
import { Hosts } from './hosts.js';
import { ImagePool } from './image-pool.js';
import { Images } from './images.js';
import { observeMachine } from './machine.js';
import { MachinePool } from './machine-pool.js';
import { Machines } from './machines.js';
import { marksIn } from './marks.js';
import { METRIC_WINDOW_S, samplesOf, tellings } from './metrics.js';
import { cidrOf } from './network-pool.js';
import { Networks } from './networks.js';
import { Oned } from './oned.js';
import type { OpenNebulaOptions } from './options.js';
import { Patience } from '../../patience.js';
import { Placement } from './placement.js';
import { observePlugs, Plugs } from './plugs.js';
import { GUARDING, SecurityGroups } from './security-groups.js';
import { openSessions } from './session.js';
import { Shares } from './shares.js';
import { Tenants } from './tenants.js';
import { Version } from './version.js';
import { Visit } from './visit.js';
import { VolumeGrowth } from './volume-growth.js';
import { Volumes } from './volumes.js';
import { subscribe } from './zmtp.js';

/** @throws Problem `invalid` for a secret, certificate or address of the options that cannot be used */
export function createOpenNebula(options: OpenNebulaOptions, surroundings: SiteSurroundings): SiteAdapter {
  return new OpenNebula(options, surroundings);
}

class OpenNebula implements SiteAdapter {
  readonly type = 'opennebula';
  readonly site: string;
  readonly #options: OpenNebulaOptions;
  readonly #surroundings: SiteSurroundings;
  readonly #configured: Capabilities;
  readonly #version: Version;
  readonly #dialler: GuardedDialler;
  readonly #oned: Oned;
  readonly #pool: MachinePool;
  readonly #hosts: Hosts;
  readonly #placement: Placement;
  readonly #machines: Machines;
  readonly #networks: Networks;
  readonly #imagePool: ImagePool;
  readonly #images: Images;
  readonly #volumes: Volumes;
  readonly #plugs: Plugs;
  readonly #growth: VolumeGrowth;
  readonly #groups: SecurityGroups;
  readonly #datastores: Datastores;
  readonly #handover: Handover;
  readonly #visit: Visit;
  readonly tenants: TenantSite;
  readonly accounting: AccountingSite;
  readonly #closed = new AbortController();

  constructor(options: OpenNebulaOptions, surroundings: SiteSurroundings) {
    const { clock, site, data } = surroundings;
    const { realm, liveResize, systemDatastore, networks, efi } = options;
    const shares = options.volumes.shared;
    this.site = site;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#dialler = diallerOf(options, surroundings);
    const sessions = openSessions(options.credentials, clock);
    const { endpoint, concurrency } = options;
    const oned = new Oned({ endpoint, concurrency, dialler: this.#dialler, sessions, clock });
    this.#oned = oned;
    this.accounting = new Accounting(oned, realm);
    const limits = options.tenants.limits && oned.delegates;
    this.#version = new Version(oned);
    this.#configured = openNebulaCapabilities({ liveResize, networks, limits, efi: efi !== undefined, shares });
    const tenants = new Tenants(oned, options.tenants);
    this.#pool = new MachinePool(oned, realm);
    this.#visit = new Visit(oned, this.#pool, clock);
    this.#hosts = new Hosts(oned, options.hosts, this.#pool);
    this.#placement = new Placement(oned, this.#hosts, this.#pool, realm);
    const patience = new Patience(clock, options.patience);
    const settings = { realm, liveResize, systemDatastore, ...(efi === undefined ? {} : { efi }) };
    this.#networks = new Networks({ oned, tenants, hosts: this.#hosts, patience, realm, options: networks });
    this.#machines = new Machines(oned, this.#pool, tenants, this.#networks, this.#placement, patience, settings);
    this.#imagePool = new ImagePool(oned, realm);
    this.#datastores = new Datastores(oned, options.images.datastore);
    const datastore = (call: CallOptions): Promise<number> => this.#datastores.id(call);
    this.tenants = new Shares({ oned, tenants, hosts: this.#hosts, datastore });
    const scratch = join(data.directory, 'handover', site);
    this.#handover = openHandover(options.images.handover, scratch, `${realm} ${endpoint}`);
    this.#images = new Images({
      oned,
      pool: this.#imagePool,
      machinePool: this.#pool,
      machines: this.#machines,
      handover: this.#handover,
      clock,
      realm,
      pollMs: options.patience.pollMs,
      datastore,
    });
    this.#volumes = new Volumes({
      ...{ oned, pool: this.#imagePool, tenants, realm, datastore, shares, now: () => clock.now() },
      ...{ machines: this.#machines, machinePool: this.#pool },
    });
    this.#groups = new SecurityGroups({
      ...{ oned, tenants, pool: this.#pool, machines: this.#machines, networks: this.#networks, realm },
      ...{ version: this.#version, patience },
    });
    this.#plugs = new Plugs({
      oned,
      pool: this.#pool,
      machines: this.#machines,
      networks: this.#networks,
      volumes: this.#volumes,
    });
    this.#growth = new VolumeGrowth({
      ...{ oned, images: this.#imagePool, pool: this.#pool, machines: this.#machines, plugs: this.#plugs },
    });
  }

  capabilities(): Capabilities {
    return { ...this.#configured, securityGroups: this.#version.isSince(GUARDING) };
  }

  check(options: CallOptions = {}): Promise<readonly SiteFinding[]> {
    const datastore = (call: CallOptions): Promise<number> => this.#datastores.id(call);
    const [oned, hosts, networks, handover] = [this.#oned, this.#hosts, this.#networks, this.#handover];
    const version = this.#version;
    return check({ oned, version, hosts, networks, handover, datastore, options: this.#options }, options);
  }

  async inventory(options: CallOptions = {}): Promise<Inventory> {
    const [hosts, networks, images, storageFreeBytes] = await Promise.all([
      this.#hosts.list(options),
      this.#networks.all(options),
      this.#imagePool.all(options),
      this.#datastores.freeBytes(options),
      this.#version.ask(options),
    ]);
    return {
      takenAt: this.#surroundings.clock.now(),
      hosts: hosts.map(({ id: _id, ...host }) => host),
      networks: networks.map((body) => {
        const cidr = cidrOf(body);
        const shared = marksIn(body.child('TEMPLATE'), this.#options.realm) === undefined;
        const base = { ref: body.value('ID') ?? '', name: body.value('NAME') ?? '', shared };
        return cidr === undefined ? base : { ...base, cidr };
      }),
      images: images
        .filter((image) => image.purpose === 'image')
        .map(({ id, name, sizeBytes, format }) => ({ ref: String(id), name, sizeBytes, format })),
      storageFreeBytes,
    };
  }

  async createCompute(spec: ComputeSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    const ref = String((await this.#machines.create(spec, token, options)).id);
    const guards = new Set((spec.nics ?? []).flatMap(({ securityGroups }) => securityGroups ?? []));
    if (guards.size > 0) await this.#groups.guard(ref, [...guards], options);
    return ref;
  }

  async createNetwork(spec: NetworkSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    requireCapability(this.#configured, 'network', 'create');
    return this.#networks.create(spec, token, options);
  }

  createStorage(spec: StorageSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#volumes.create(spec, token, options);
  }

  async attachNic(spec: NicSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    const ref = await this.#plugs.attachNic(spec, token, options);
    const guards = spec.securityGroups ?? [];
    // Not every network is VEP's: those of others bring groups of their own.
    if (guards.length > 0) await this.#groups.guard(spec.compute, guards, options);
    return ref;
  }

  attachStorage(spec: AttachmentSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#plugs.attachStorage(spec, token, options);
  }

  importImage(spec: ImageSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#images.import(spec, token, options);
  }

  async delete(what: ResourceClass, ref: SiteRef, options: CallOptions = {}): Promise<void> {
    switch (what) {
      case 'compute':
        await this.#machines.remove(ref, options);
        return;
      case 'network':
        return this.#networks.remove(ref, options);
      case 'storage':
        return this.#imagePool.remove(ref, 'volume', options);
      case 'image':
        return this.#imagePool.remove(ref, 'image', options);
      case 'nic':
      case 'attachment':
        return this.#plugs.remove(what, ref, options);
      case 'securitygroup':
        return this.#groups.remove(ref, options);
    }
  }

  async actCompute(
    ref: SiteRef,
    action: LifecycleAction,
    method: string | undefined,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#machines.act(ref, action, method, options);
    if (action !== 'start') return;
    const machine = await this.#pool.look(ref, options);
    if (machine) await this.#plugs.settle(machine, options);
  }

  resizeCompute(ref: SiteRef, size: ComputeSize, options: CallOptions = {}): Promise<void> {
    return this.#machines.resize(ref, size, options);
  }

  saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    options: CallOptions = {},
  ): Promise<SiteRef> {
    return this.#images.save(ref, name, method, token, options);
  }

  /** A virtual network is always up. */
  async actNetwork(ref: SiteRef, action: NetworkAction, options: CallOptions = {}): Promise<void> {
    requireCapability(this.#configured, 'network', action);
    if (!(await this.#networks.look(ref, options))) throw new IaasError('not-found', 'OpenNebula has no such network');
  }

  actStorage(ref: SiteRef, action: VolumeAction, options: CallOptions = {}): Promise<void> {
    return this.#volumes.act(ref, action, options);
  }

  resizeStorage(ref: SiteRef, sizeBytes: number, options: CallOptions = {}): Promise<void> {
    return this.#growth.grow(ref, sizeBytes, options);
  }

  get securityGroups(): SecurityGroupSite {
    const groups = this.#groups;
    return {
      create: (spec, token, options = {}) => groups.create(spec, token, options),
      update: (ref, rules, options = {}) => groups.update(ref, rules, options),
      guard: (compute, refs, options = {}) => groups.guard(compute, refs, options),
    };
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const wanted = new Set(refs);
    const found = new Map<SiteRef, Observed>();
    for await (const observed of this.#described(what, refs, options))
      if (wanted.has(observed.ref)) found.set(observed.ref, observed);
    return found;
  }

  async *#described(what: ResourceClass, refs: readonly SiteRef[], options: CallOptions): AsyncIterable<Observed> {
    if (refs.length === 0) return;
    if (what === 'network' || what === 'storage' || what === 'image' || what === 'securitygroup') {
      yield* this.#everything(what, options);
      return;
    }
    const machines = await this.#pool.some(
      what === 'compute' ? refs : refs.map((ref) => ref.split(':')[0] ?? ''),
      options,
    );
    for (const machine of machines.values()) {
      if (what !== 'compute') yield* this.#groups.telling(observePlugs(machine, what), options);
      else {
        const observed = observeMachine(machine);
        if (observed) yield observed;
      }
    }
  }

  async *list(what: ResourceClass, options: CallOptions = {}): AsyncIterable<Observed> {
    for await (const observed of this.#everything(what, options)) if (observed.id !== undefined) yield observed;
  }

  /** Everything of a class, of VEP and of others: oned's pools know no other question. */
  async *#everything(what: ResourceClass, options: CallOptions): AsyncIterable<Observed> {
    switch (what) {
      case 'network':
        for (const body of await this.#networks.all(options)) yield this.#networks.observe(body);
        return;
      case 'storage':
      case 'image': {
        const purpose = what === 'storage' ? 'volume' : 'image';
        const all = (await this.#imagePool.all(options)).filter((image) => image.purpose === purpose);
        for (const image of all) yield what === 'storage' ? this.#volumes.observe(image) : this.#images.observe(image);
        return;
      }
      case 'nic':
        yield* this.#groups.telling(this.#visit.begin(options), options);
        return;
      case 'securitygroup':
        yield* this.#groups.list(options);
        return;
      case 'attachment':
      case 'compute':
        yield* this.#visit.goOn(what, options);
    }
  }

  tidy(options: CallOptions = {}): Promise<number> {
    return this.#images.sweep(options);
  }

  events(signal: AbortSignal): AsyncIterable<SiteEvent> {
    const { publisher, pollMs } = this.#options.events;
    const services = {
      oned: this.#oned,
      clock: this.#surroundings.clock,
      pollMs,
      subscribe: publisher === undefined ? undefined : this.#subscriber(publisher),
    };
    return piecesUnderAny([signal, this.#closed.signal], (either) => followEvents(services, either));
  }

  #subscriber(publisher: string): EventServices['subscribe'] {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(publisher) ?? [];
    const connect = (signal: AbortSignal): ReturnType<GuardedDialler['connect']> =>
      this.#dialler.connect(host, Number(port), signal);
    return (topics, signal, listening) => subscribe(connect, topics, signal, listening);
  }

  async metrics(refs: readonly SiteRef[], options: CallOptions = {}): Promise<readonly MetricSample[]> {
    if (refs.length === 0) return [];
    const [machines, data] = await Promise.all([
      this.#pool.some(refs, options),
      this.#oned.document('one.vmpool.monitoring', [-2, METRIC_WINDOW_S], options),
    ]);
    const told = tellings(data);
    return [...machines.values()].flatMap((machine) => samplesOf(machine, told.get(machine.id) ?? []));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#oned.close();
    await Promise.all([this.#handover.close(), this.#dialler.close()]);
  }
}

/** May reach oned and its publisher, whatever network they are in, and nothing else. */
function diallerOf(
  { endpoint, events, certificateAuthorities }: OpenNebulaOptions,
  { clock }: SiteSurroundings,
): GuardedDialler {
  const url = new URL(endpoint);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const allow = [`${url.hostname}:${port}`, ...(events.publisher === undefined ? [] : [events.publisher])];
  const ca = certificateAuthorities.map((file) => readFileSync(file, 'utf8'));
  return new GuardedDialler({ allow, clock, ...(ca.length > 0 ? { ca } : {}) });
}
