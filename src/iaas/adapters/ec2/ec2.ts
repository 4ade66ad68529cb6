/**
 * One availability zone of EC2, or of a work-alike, as a site: the adapter's face, which puts machines, networks, volumes
 * and images together. Everything belongs to one account of EC2; whose it is in VEP stands in its tags.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GuardedDialler } from '../../../net/dialler.js';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type Capabilities,
  type ComputeSpec,
  type ImageSpec,
  type Inventory,
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
} from '../../adapter.js';
import { requireCapability } from '../../capability.js';
import type { SecurityGroupSite } from '../../security-groups.js';
import { readSecret } from '../../site-options.js';
import type { SiteSurroundings } from '../../site-type.js';
import { Addresses } from './addresses.js';
import { Ec2Api, type Ec2Credentials } from './api.js';
import { Bucket } from './bucket.js';
import { ec2Capabilities } from './capabilities.js';
import { check } from './check.js';
import { CloudWatch } from './cloud-watch.js';
import { Images, sizeOf } from './images.js';
import { Instances, type Machine } from './instances.js';
import { Machines } from './machines.js';
import { marksIn } from './marks.js';
import { NetworkInterfaces } from './network-interfaces.js';
import { Networks } from './networks.js';
import { endpointOf, type Ec2Options } from './options.js';
import { Patience } from './patience.js';
import { PlacementGroups } from './placement-groups.js';
import { SecurityGroups } from './security-groups.js';
import { InstanceTypes } from './sizes.js';
import { Volumes } from './volumes.js';

const GIB = 2 ** 30;

/** @throws Problem `invalid` for a secret, certificate or address of the options that cannot be used */
export async function createEc2(options: Ec2Options, surroundings: SiteSurroundings): Promise<SiteAdapter> {
  const { clock } = surroundings;
  const { region, concurrency } = options;
  const endpoint = endpointOf(options);
  const dialler = diallerOf(options, surroundings);
  const credentials = (): Ec2Credentials => readCredentials(options);
  try {
    const api = await Ec2Api.open({ endpoint, region, dialler, clock, concurrency, credentials });
    return new Ec2(options, surroundings, dialler, api);
  } catch (error) {
    await dialler.close();
    throw error;
  }
}

class Ec2 implements SiteAdapter {
  readonly type = 'ec2';
  readonly site: string;
  readonly #options: Ec2Options;
  readonly #surroundings: SiteSurroundings;
  readonly #capabilities: Capabilities;
  readonly #dialler: GuardedDialler;
  readonly #api: Ec2Api;
  readonly #bucket: Bucket | undefined;
  readonly #cloudWatch: CloudWatch | undefined;
  readonly #types: InstanceTypes;
  readonly #instances: Instances;
  readonly #images: Images;
  readonly #networks: Networks;
  readonly #groups: SecurityGroups;
  readonly #addresses: Addresses;
  readonly #interfaces: NetworkInterfaces;
  readonly #volumes: Volumes;
  readonly #placementGroups: PlacementGroups;
  readonly #machines: Machines;

  constructor(options: Ec2Options, surroundings: SiteSurroundings, dialler: GuardedDialler, api: Ec2Api) {
    const { clock, site, data } = surroundings;
    const { realm, zone, region, network } = options;
    this.site = site;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#capabilities = ec2Capabilities(options);
    this.#dialler = dialler;
    this.#api = api;
    const patience = new Patience(clock, options.patience);
    const service = { region, dialler, clock };
    const place = options.images.bucket;
    this.#bucket = place && new Bucket({ ...service, options: place, account: api });
    this.#cloudWatch = options.metrics && new CloudWatch({ ...service, options: options.metrics, account: api });
    this.#types = new InstanceTypes(options.instanceTypes, async (call) => {
      const found = [];
      const input = { Filters: [{ Name: 'current-generation', Values: ['true'] }], MaxResults: 100 };
      for await (const page of api.pages('DescribeInstanceTypes', input, call))
        found.push(...(page.InstanceTypes ?? []));
      return found;
    });
    const instances = new Instances(api, realm, clock, patience);
    this.#instances = instances;
    const scratch = join(data.directory, 'handover', site);
    const images = new Images({ api, instances, bucket: this.#bucket, clock, patience, options, scratch });
    this.#images = images;
    const networks = new Networks({ api, realm, zone, patience, options: network });
    this.#networks = networks;
    const shared = { api, realm, instances, networks, patience, options: network };
    const securityGroups = new SecurityGroups(shared);
    this.#groups = securityGroups;
    const addresses = new Addresses(shared);
    this.#addresses = addresses;
    const interfaces = new NetworkInterfaces({ ...shared, securityGroups, addresses });
    this.#interfaces = interfaces;
    const volumes = new Volumes({ api, instances, images, patience, options });
    this.#volumes = volumes;
    const types = this.#types;
    const groups = new PlacementGroups({ api, realm, zone, instances });
    this.#placementGroups = groups;
    this.#machines = new Machines({ api, instances, types, images, interfaces, volumes, groups, patience, options });
  }

  capabilities(): Capabilities {
    return this.#capabilities;
  }

  /** Every account has security groups: each VPC comes with one, which cannot be deleted. */
  async account(call: CallOptions = {}): Promise<string> {
    const { SecurityGroups: groups = [] } = await this.#api.ask('DescribeSecurityGroups', { MaxResults: 5 }, call);
    const owner = groups.find(({ OwnerId }) => OwnerId !== undefined)?.OwnerId;
    if (owner === undefined)
      throw new IaasError('denied', 'EC2 shows no security group, and so not whose account it is');
    return owner;
  }

  check(call: CallOptions = {}): Promise<readonly SiteFinding[]> {
    const [api, types, bucket, cloudWatch] = [this.#api, this.#types, this.#bucket, this.#cloudWatch];
    return check({ api, types, bucket, cloudWatch, options: this.#options }, call);
  }

  async inventory(call: CallOptions = {}): Promise<Inventory> {
    const { zone, country, capacity, realm } = this.#options;
    const [used, networks, images, storageFreeBytes] = await Promise.all([
      this.#used(call),
      this.#networks.all(call),
      this.#images.mine(call),
      this.#volumes.freeBytes(call),
    ]);
    const memoryBytes = capacity.memoryGib * GIB;
    return {
      takenAt: this.#surroundings.clock.now(),
      hosts: [
        {
          name: zone,
          rack: zone,
          zone,
          country,
          up: true,
          traits: [],
          cores: capacity.cores,
          freeCores: Math.max(0, capacity.cores - used.cores),
          memoryBytes,
          freeMemoryBytes: Math.max(0, memoryBytes - used.memoryBytes),
        },
      ],
      networks: networks.map((subnet) => ({
        ref: subnet.SubnetId ?? '',
        name: subnet.Tags?.find(({ Key }) => Key === 'Name')?.Value ?? subnet.SubnetId ?? '',
        shared: marksIn(subnet.Tags, realm) === undefined,
        ...(subnet.CidrBlock === undefined ? {} : { cidr: subnet.CidrBlock }),
      })),
      images: images.map((image) => ({
        ref: image.ImageId ?? '',
        name: image.Name ?? '',
        sizeBytes: sizeOf(image),
        format: 'ami',
      })),
      storageFreeBytes,
    };
  }

  /** What the machines of VEP take of its capacity, for as long as they exist. */
  async #used(call: CallOptions): Promise<{ readonly cores: number; readonly memoryBytes: number }> {
    const types = await this.#types.all(call);
    let [cores, memoryBytes] = [0, 0];
    for await (const { meaning, instance } of this.#instances.ours(call)) {
      if (!meaning || meaning.state === 'error') continue;
      const size = this.#instances.sizeOf(instance, types);
      cores += size.cores;
      memoryBytes += size.memoryBytes;
    }
    return { cores, memoryBytes };
  }

  createCompute(spec: ComputeSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#machines.create(spec, token, call);
  }

  async createNetwork(spec: NetworkSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    requireCapability(this.#capabilities, 'network', 'create');
    if (spec.reservation && this.#addresses.offered) return this.#addresses.reserve(spec, token, call);
    return this.#networks.create(spec, token, call);
  }

  createStorage(spec: StorageSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#volumes.create(spec, token, call);
  }

  attachNic(spec: NicSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    if (this.#addresses.isAddress(spec.network)) return this.#addresses.lend(spec, token, call);
    return this.#interfaces.attach(spec, token, call);
  }

  attachStorage(spec: AttachmentSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#volumes.attach(spec, token, call);
  }

  importImage(spec: ImageSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#images.import(spec, token, call);
  }

  async delete(what: ResourceClass, ref: SiteRef, call: CallOptions = {}): Promise<void> {
    switch (what) {
      case 'compute':
        return this.#machines.remove(ref, call);
      case 'network':
        return this.#addresses.isAddress(ref) ? this.#addresses.giveBack(ref, call) : this.#networks.remove(ref, call);
      case 'storage':
        return this.#volumes.remove(ref, call);
      case 'image':
        return this.#images.remove(ref, call);
      case 'nic':
        return this.#addresses.isAddress(ref)
          ? this.#addresses.takeBack(ref, call)
          : this.#interfaces.remove(ref, call);
      case 'attachment':
        return this.#volumes.detach(ref, call);
      case 'securitygroup':
        return this.#groups.remove(ref, call);
    }
  }

  async actCompute(
    ref: SiteRef,
    action: 'start' | 'stop' | 'restart' | 'suspend',
    method: string | undefined,
    call: CallOptions = {},
  ): Promise<void> {
    requireCapability(this.#capabilities, 'compute', action);
    return this.#machines.act(ref, action, method, call);
  }

  resizeCompute(
    ref: SiteRef,
    size: { readonly cores: number; readonly memoryBytes: number },
    call: CallOptions = {},
  ): Promise<void> {
    return this.#machines.resize(ref, size, call);
  }

  saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    call: CallOptions = {},
  ): Promise<SiteRef> {
    return this.#images.save(ref, name, method, token, call);
  }

  /** A subnet is always up. */
  async actNetwork(ref: SiteRef, action: NetworkAction, call: CallOptions = {}): Promise<void> {
    requireCapability(this.#capabilities, 'network', action);
    if (action === 'up' && (await this.#addresses.observe([ref], call)).length > 0) return;
    if (!(await this.#networks.look(ref, call))) throw new IaasError('not-found', 'EC2 has no such subnet');
  }

  async actStorage(
    ref: SiteRef,
    action: 'online' | 'offline' | 'backup' | 'snapshot',
    call: CallOptions = {},
  ): Promise<void> {
    requireCapability(this.#capabilities, 'storage', action);
    if (action !== 'offline') await this.#volumes.act(ref, action, call);
  }

  resizeStorage(ref: SiteRef, sizeBytes: number, call: CallOptions = {}): Promise<void> {
    return this.#volumes.resize(ref, sizeBytes, call);
  }

  get securityGroups(): SecurityGroupSite | undefined {
    if (this.#capabilities.securityGroups !== true) return undefined;
    const groups = this.#groups;
    return {
      create: (spec, token, call = {}) => groups.create(spec, token, call),
      update: (ref, rules, call = {}) => groups.update(ref, rules, call),
      guard: (compute, refs, call = {}) => groups.guard(compute, refs, call),
    };
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const wanted = new Set(refs);
    const found = new Map<SiteRef, Observed>();
    if (refs.length === 0) return found;
    for (const observed of await this.#described(what, refs, call))
      if (wanted.has(observed.ref)) found.set(observed.ref, observed);
    return found;
  }

  async #described(what: ResourceClass, refs: readonly SiteRef[], call: CallOptions): Promise<readonly Observed[]> {
    switch (what) {
      case 'compute': {
        const [types, machines] = await Promise.all([this.#types.all(call), this.#instances.some(refs, call)]);
        const shown = [...machines.values()].flatMap((machine) => this.#instances.observe(machine, types) ?? []);
        return [...shown, ...this.#instances.unborn(refs, machines)];
      }
      case 'network':
        return [
          ...(await this.#networks.some(refs, call)).map((subnet) => this.#networks.observe(subnet)),
          ...(await this.#addresses.observe(refs, call)),
        ];
      case 'storage':
        return (await this.#volumes.some(refs, call)).flatMap((volume) => this.#volumes.observe(volume));
      case 'image':
        return (await this.#images.some(refs, call))
          .filter(({ ImageId }) => !this.#images.hasLeft(ImageId))
          .map((image) => this.#images.observe(image));
      case 'nic':
        return [
          ...(await this.#interfaces.observe(await this.#interfaces.some(refs, call), call)),
          ...(await this.#addresses.observeLent(refs, call)),
        ];
      case 'securitygroup':
        return this.#groups.describe(refs, call);
      case 'attachment': {
        const volumes = await this.#volumes.some(
          refs.map((ref) => ref.split(':')[0] ?? ''),
          call,
        );
        return this.#volumes.observeLinks(volumes, call);
      }
    }
  }

  async *list(what: ResourceClass, call: CallOptions = {}): AsyncIterable<Observed> {
    switch (what) {
      case 'compute': {
        const types = await this.#types.all(call);
        const machines: Machine[] = [];
        for await (const machine of this.#instances.ours(call)) {
          machines.push(machine);
          const observed = this.#instances.observe(machine, types);
          if (observed) yield observed;
        }
        if (this.#options.placementGroups) await this.#placementGroups.sweep(machines, call);
        return;
      }
      case 'network':
        for (const subnet of await this.#networks.ours(call)) yield this.#networks.observe(subnet);
        yield* await this.#addresses.observe(undefined, call);
        return;
      case 'storage':
        for (const volume of await this.#volumes.ours(call)) yield* this.#volumes.observe(volume);
        return;
      case 'image':
        for (const image of await this.#images.ours(call)) yield this.#images.observe(image);
        return;
      case 'nic':
        yield* await this.#interfaces.observe(await this.#interfaces.ours(call), call);
        yield* await this.#addresses.observeLent(undefined, call);
        return;
      case 'securitygroup':
        yield* await this.#groups.ours(call);
        return;
      case 'attachment':
        yield* await this.#volumes.observeLinks(await this.#volumes.ours(call), call);
    }
  }

  events(): AsyncIterable<SiteEvent> {
    requireCapability(this.#capabilities, 'events');
    throw new IaasError('unsupported', 'EC2 tells no events');
  }

  async metrics(refs: readonly SiteRef[], call: CallOptions = {}): Promise<readonly MetricSample[]> {
    requireCapability(this.#capabilities, 'metrics');
    return (await this.#cloudWatch?.samples(refs, call)) ?? [];
  }

  async close(): Promise<void> {
    this.#api.close();
    await this.#dialler.close();
  }
}

function readCredentials({ credentials }: Ec2Options): Ec2Credentials {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    accessKeyId: readSecret('credentials.accessKeyId', accessKeyId),
    secretAccessKey: readSecret('credentials.secretAccessKey', secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: readSecret('credentials.sessionToken', sessionToken) }),
  };
}

/** May reach the services that the options name, whatever network they are in, and nothing else that is not public. */
function diallerOf(options: Ec2Options, { clock }: SiteSurroundings): GuardedDialler {
  const named = [endpointOf(options), options.images.bucket?.endpoint, options.metrics?.endpoint];
  const places = named.filter((place) => place !== undefined);
  const allow = places.map((place) => {
    const { hostname, port, protocol } = new URL(place);
    return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
  });
  const ca = options.certificateAuthorities.map((file) => readFileSync(file, 'utf8'));
  return new GuardedDialler({ allow, clock, ...(ca.length > 0 ? { ca } : {}) });
}
