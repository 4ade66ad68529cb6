/**
 * Availability zones of EC2, or of a work-alike, as a site: the adapter's face, which puts machines, networks, volumes
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
import { Images } from './images.js';
import { Imports } from './imports.js';
import { Instances } from './instances.js';
import { Room } from './inventory.js';
import { KeyPairs } from './key-pairs.js';
import { LaunchInterfaces } from './launch-interfaces.js';
import { LaunchZones } from './launch-zones.js';
import { Launches } from './launches.js';
import { Machines } from './machines.js';
import { NetworkInterfaces } from './network-interfaces.js';
import { Networks } from './networks.js';
import { Observer } from './observer.js';
import { endpointOf, type Ec2Options } from './options.js';
import { Patience } from '../../patience.js';
import { PlacementGroups } from './placement-groups.js';
import { SecurityGroups } from './security-groups.js';
import { InstanceTypes } from './sizes.js';
import { Volumes } from './volumes.js';
import { Zones } from './zones.js';

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
  readonly #capabilities: Capabilities;
  readonly #dialler: GuardedDialler;
  readonly #api: Ec2Api;
  readonly #bucket: Bucket | undefined;
  readonly #cloudWatch: CloudWatch | undefined;
  readonly #zones: Zones;
  readonly #types: InstanceTypes;
  readonly #images: Images;
  readonly #imports: Imports | undefined;
  readonly #networks: Networks;
  readonly #groups: SecurityGroups;
  readonly #addresses: Addresses;
  readonly #interfaces: NetworkInterfaces;
  readonly #volumes: Volumes;
  readonly #machines: Machines;
  readonly #placementGroups: PlacementGroups;
  readonly #launchInterfaces: LaunchInterfaces;
  readonly #observer: Observer;
  readonly #room: Room;

  constructor(options: Ec2Options, surroundings: SiteSurroundings, dialler: GuardedDialler, api: Ec2Api) {
    const { clock, site, data } = surroundings;
    const { realm, region, network } = options;
    this.site = site;
    this.#options = options;
    this.#capabilities = ec2Capabilities(options);
    this.#dialler = dialler;
    this.#api = api;
    const patience = new Patience(clock, options.patience);
    const service = { region, dialler, clock };
    const place = options.images.bucket;
    this.#bucket = place && new Bucket({ ...service, options: place, account: api });
    this.#cloudWatch = options.metrics && new CloudWatch({ ...service, options: options.metrics, account: api });
    this.#types = new InstanceTypes(options.instanceTypes, options.volumes.shared !== undefined, async (call) => {
      const found = [];
      const input = { Filters: [{ Name: 'current-generation', Values: ['true'] }], MaxResults: 100 };
      for await (const page of api.pages('DescribeInstanceTypes', input, call))
        found.push(...(page.InstanceTypes ?? []));
      return found;
    });
    const instances = new Instances(api, realm, clock, patience);
    const bucket = this.#bucket;
    const scratch = join(data.directory, 'handover', site);
    this.#imports = bucket && new Imports({ api, bucket, clock, options, scratch });
    const images = new Images({ api, instances, imports: this.#imports, patience, options });
    this.#images = images;
    const zones = new Zones({ api, clock, names: options.zones });
    this.#zones = zones;
    const networks = new Networks({ api, realm, zones, patience, options: network });
    this.#networks = networks;
    const shared = { api, realm, instances, networks, patience, options: network };
    const securityGroups = new SecurityGroups(shared);
    this.#groups = securityGroups;
    const addresses = new Addresses(shared);
    this.#addresses = addresses;
    const interfaces = new NetworkInterfaces({ ...shared, securityGroups });
    this.#interfaces = interfaces;
    const volumes = new Volumes({ api, zones, instances, images, patience, options });
    this.#volumes = volumes;
    const types = this.#types;
    const placementGroups = new PlacementGroups({ api, realm, instances, options });
    const keyPairs = new KeyPairs(api, realm);
    const launchInterfaces = new LaunchInterfaces({
      ...{ realm, zones, networks, interfaces, addresses, clock, options: network },
      launchMs: 4 * options.patience.settleMs,
    });
    const launchZones = new LaunchZones({ zones, networks, volumes, launchInterfaces, placementGroups });
    const all = { zones, types, instances, images, networks, securityGroups, addresses, interfaces, volumes };
    const launching = { launchZones, launchInterfaces, keyPairs, placementGroups };
    const launches = new Launches({ ...all, ...launching, api, options });
    this.#machines = new Machines({ ...all, api, launches, keyPairs, patience, options });
    this.#placementGroups = placementGroups;
    this.#launchInterfaces = launchInterfaces;
    this.#observer = new Observer(all);
    this.#room = new Room({ ...all, clock, options });
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
    return check({ api, zones: this.#zones, types, bucket, cloudWatch, options: this.#options }, call);
  }

  inventory(call: CallOptions = {}): Promise<Inventory> {
    return this.#room.inventory(call);
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
    action: LifecycleAction,
    method: string | undefined,
    call: CallOptions = {},
  ): Promise<void> {
    requireCapability(this.#capabilities, 'compute', action);
    return this.#machines.act(ref, action, method, call);
  }

  resizeCompute(ref: SiteRef, size: ComputeSize, call: CallOptions = {}): Promise<void> {
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

  async actStorage(ref: SiteRef, action: VolumeAction, call: CallOptions = {}): Promise<void> {
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

  describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    return this.#observer.describe(what, refs, call);
  }

  list(what: ResourceClass, call: CallOptions = {}): AsyncIterable<Observed> {
    return this.#observer.list(what, call);
  }

  async tidy(call: CallOptions = {}): Promise<number> {
    const left = (await this.#placementGroups.sweep(call)) + (await this.#launchInterfaces.sweep(call));
    return left + ((await this.#imports?.sweep(call)) ?? 0);
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
