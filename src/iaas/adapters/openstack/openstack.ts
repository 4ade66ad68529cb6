/**
 * OpenStack as a site: the adapter's face, which puts servers, networks, volumes and images together. Everything is made in
 * the project of whom it is made for, and carries the marks of VEP; see marks.ts for how it is found again.
 */

import { piecesUnderAny } from '../../../base/signals.js';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type Capabilities,
  type ComputeSize,
  type ComputeSpec,
  type ImageExport,
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
import { requireCapability } from '../../capability.js';
import type { SecurityGroupSite } from '../../security-groups.js';
import type { SiteSurroundings } from '../../site-type.js';
import type { TenantSite } from '../../tenant.js';
import { Addresses } from './addresses.js';
import { Attachments } from './attachments.js';
import { openStackCapabilities } from './capabilities.js';
import { check } from './check.js';
import { followEvents } from './events.js';
import { Flavors } from './flavors.js';
import { Hosts } from './hosts.js';
import { Images } from './images.js';
import { Line } from './line.js';
import { Machines } from './machines.js';
import { writeRef } from './marks.js';
import { Metrics } from './metrics.js';
import { Networks, titleOf } from './networks.js';
import { Nics } from './nics.js';
import { Observer } from './observer.js';
import { measures, type OpenStackOptions } from './options.js';
import { Orders } from './orders.js';
import { Placement } from './placement.js';
import { SecurityGroups } from './security-groups.js';
import { Servers } from './servers.js';
import { Shares } from './shares.js';
import { Tenants } from './tenants.js';
import { Versions } from './versions.js';
import { Volumes } from './volumes.js';

/** @throws Problem `invalid` for a secret of the options that cannot be read */
export function createOpenStack(options: OpenStackOptions, surroundings: SiteSurroundings): SiteAdapter {
  return new OpenStack(options, surroundings);
}

class OpenStack implements SiteAdapter {
  readonly type = 'openstack';
  readonly site: string;
  readonly #options: OpenStackOptions;
  readonly #surroundings: SiteSurroundings;
  readonly #capabilities: Capabilities;
  readonly #line: Line;
  readonly #tenants: Tenants;
  readonly #versions: Versions;
  readonly #servers: Servers;
  readonly #flavors: Flavors;
  readonly #hosts: Hosts;
  readonly #networks: Networks;
  readonly #addresses: Addresses;
  readonly #securityGroups: SecurityGroups;
  readonly #nics: Nics;
  readonly #images: Images;
  readonly #volumes: Volumes;
  readonly #attachments: Attachments;
  readonly #machines: Machines;
  readonly #observer: Observer;
  readonly #metrics: Metrics;
  readonly tenants: TenantSite;

  constructor(options: OpenStackOptions, surroundings: SiteSurroundings) {
    const { clock, site } = surroundings;
    const { realm } = options;
    const { choose } = options.hosts;
    this.site = site;
    this.#options = options;
    this.#surroundings = surroundings;
    const limits = options.tenants.limits ?? options.tenants.others === 'create';
    const capabilities = openStackCapabilities({
      addresses: options.networks.external !== undefined,
      choose,
      limits,
      measures: measures(options),
      shares: options.volumes.sharedType !== undefined,
    });
    this.#capabilities = capabilities;
    this.#line = new Line({ ...options, clock });
    const tenants = new Tenants(this.#line, surroundings, options);
    this.#tenants = tenants;
    this.#versions = new Versions(tenants);
    const servers = new Servers(tenants, realm);
    this.#servers = servers;
    this.#metrics = new Metrics(servers, clock);
    const orders = new Orders();
    const placement = new Placement(servers, realm, choose);
    this.#flavors = new Flavors(options.flavors, clock);
    this.#hosts = new Hosts(options.hosts);
    const networks = new Networks({ tenants, realm, settings: options.networks });
    const securityGroups = new SecurityGroups({ tenants, servers, realm, settings: options.networks });
    this.#securityGroups = securityGroups;
    const addresses = new Addresses({ tenants, servers, realm, settings: options.networks });
    this.#addresses = addresses;
    const nics = new Nics({ tenants, servers, networks, securityGroups, realm });
    const images = new Images({ tenants, servers, realm, clock, capabilities });
    const volumes = new Volumes({ tenants, images, realm, clock, settings: options.volumes, capabilities });
    const attachments = new Attachments(servers, volumes, realm);
    const machines = new Machines({
      tenants,
      servers,
      flavors: this.#flavors,
      placement,
      images,
      nics,
      addresses,
      volumes,
      attachments,
      orders,
      realm,
      configDrive: options.machines.configDrive,
      knows: (version, call) => this.#versions.knows('compute', version, call),
    });
    this.tenants = new Shares(tenants, networks);
    [this.#networks, this.#nics, this.#images, this.#volumes] = [networks, nics, images, volumes];
    [this.#attachments, this.#machines] = [attachments, machines];
    this.#observer = new Observer({
      ...{
        tenants,
        servers,
        machines,
        networks,
        securityGroups,
        addresses,
        nics,
        volumes,
        attachments,
        images,
        placement,
        choose,
      },
    });
  }

  capabilities(): Capabilities {
    return this.#capabilities;
  }

  /** The project that the credential is of. */
  account(options: CallOptions = {}): Promise<string> {
    return this.#tenants.home.project(options);
  }

  check(options: CallOptions = {}): Promise<readonly SiteFinding[]> {
    const [tenants, versions, flavors, hosts] = [this.#tenants, this.#versions, this.#flavors, this.#hosts];
    return check({ tenants, versions, flavors, hosts, servers: this.#servers, options: this.#options }, options);
  }

  async inventory(options: CallOptions = {}): Promise<Inventory> {
    const { home } = this.#tenants;
    const project = await home.project(options);
    const [hosts, observed, bodies, images, storageFreeBytes] = await Promise.all([
      this.#hosts.list(home, options),
      this.#networks.observe(home, options),
      this.#networks.visible(home, options),
      this.#images.all(home, options),
      this.#volumes.freeBytes(home, options),
    ]);
    const titles = new Map(bodies.map((body) => [this.#networks.refOf(body, project), titleOf(body)]));
    return {
      takenAt: this.#surroundings.clock.now(),
      hosts,
      ...(this.#options.hosts.choose ? {} : { quotaIsShared: true }),
      networks: observed.map(({ ref, id, cidr }) => ({
        ref,
        name: titles.get(ref) ?? '',
        shared: id === undefined,
        ...(cidr === undefined ? {} : { cidr }),
      })),
      images: images.map(({ id, marks, name, sizeBytes, format }) => ({
        ref: writeRef(project, marks?.key ?? id),
        ...{ name, sizeBytes, format },
      })),
      storageFreeBytes,
    };
  }

  createCompute(spec: ComputeSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#machines.create(spec, token, options);
  }

  createNetwork(spec: NetworkSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    if (spec.reservation && this.#addresses.offered) return this.#addresses.reserve(spec, token, options);
    return this.#networks.create(spec, token, options);
  }

  createStorage(spec: StorageSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#volumes.create(spec, token, options);
  }

  async attachNic(spec: NicSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    const address = await this.#addresses.look(spec.network, options);
    if (address) return this.#addresses.lend(spec, address, token, options);
    return this.#nics.attach(spec, token, options);
  }

  attachStorage(spec: AttachmentSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#attachments.attach(spec, token, options);
  }

  importImage(spec: ImageSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#images.import(spec, token, options);
  }

  exportImage(ref: SiteRef, options: CallOptions = {}): Promise<ImageExport> {
    return this.#images.export(ref, options);
  }

  async delete(what: ResourceClass, ref: SiteRef, options: CallOptions = {}): Promise<void> {
    switch (what) {
      case 'compute':
        return this.#machines.remove(ref, options);
      case 'network':
        await this.#addresses.giveBack(ref, options);
        return this.#networks.remove(ref, options);
      case 'storage':
        return this.#volumes.remove(ref, options);
      case 'nic':
        await this.#addresses.takeBack(ref, options);
        return this.#nics.remove(ref, options);
      case 'attachment':
        return this.#attachments.remove(ref, options);
      case 'image':
        return this.#images.remove(ref, options);
      case 'securitygroup':
        return this.#securityGroups.remove(ref, options);
    }
  }

  actCompute(
    ref: SiteRef,
    action: LifecycleAction,
    method: string | undefined,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#machines.act(ref, action, method, options);
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

  async actNetwork(ref: SiteRef, action: NetworkAction, options: CallOptions = {}): Promise<void> {
    if (await this.#addresses.look(ref, options))
      throw new IaasError(
        'unsupported',
        'an address of OpenStack is always up: give it back, or take it from its machine',
      );
    return this.#networks.act(ref, action, options);
  }

  actStorage(ref: SiteRef, action: VolumeAction, options: CallOptions = {}): Promise<void> {
    return this.#volumes.act(ref, action, options);
  }

  resizeStorage(ref: SiteRef, sizeBytes: number, options: CallOptions = {}): Promise<void> {
    return this.#volumes.resize(ref, sizeBytes, options);
  }

  get securityGroups(): SecurityGroupSite {
    const groups = this.#securityGroups;
    return {
      create: (spec, token, options = {}) => groups.create(spec, token, options),
      update: (ref, rules, options = {}) => groups.update(ref, rules, options),
      guard: (compute, refs, options = {}) => groups.guard(compute, refs, options),
    };
  }

  describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    return this.#observer.describe(what, refs, options);
  }

  list(what: ResourceClass, options: CallOptions = {}): AsyncIterable<Observed> {
    return this.#observer.list(what, options);
  }

  events(signal: AbortSignal): AsyncIterable<SiteEvent> {
    const { pollMs } = this.#options.events;
    const { clock } = this.#surroundings;
    const services = { tenants: this.#tenants, servers: this.#servers, clock, pollMs };
    return piecesUnderAny([signal, this.#line.closed], (either) => followEvents(services, either));
  }

  async metrics(refs: readonly SiteRef[], options: CallOptions = {}): Promise<readonly MetricSample[]> {
    requireCapability(this.#capabilities, 'metrics');
    return this.#metrics.samples(refs, options);
  }

  close(): Promise<void> {
    return this.#line.close();
  }
}
