/**
 * Nimbus as a site: the four things its Query front end can do with machines (run, describe, reboot, terminate), and
 * nothing more. Nimbus has no tags; the client token, which it shows with each instance, says whose a machine is. What a
 * machine boots from and the networks it is in come with it: they are found there when they are asked for.
 */

import { readFileSync } from 'node:fs';
import { GuardedDialler } from '../../../net/dialler.js';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type Capabilities,
  type ComputeSpec,
  type ImageSpec,
  type Inventory,
  type LifecycleAction,
  type MetricSample,
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
import { readSecret } from '../../site-options.js';
import type { SiteSurroundings } from '../../site-type.js';
import { nimbusCapabilities } from './capabilities.js';
import { isCode } from './ec2-error.js';
import { digestOf } from './marks.js';
import { checkNimbus } from './nimbus-check.js';
import { items, launched, NimbusMachines, observe, observePart, tokenOf } from './nimbus-machines.js';
import type { NimbusNetwork, NimbusOptions } from './nimbus-options.js';
import { NimbusQuery } from './nimbus-query.js';
import { InstanceTypes } from './sizes.js';
import { userDataOf } from './user-data.js';

const GIB = 2 ** 30;
/** How often the machine of a token is made anew after it has gone. */
const MOST_LIVES = 1000;
const NETWORKS = new Set<string>(['public', 'private']);

/** @throws Problem `invalid` for a secret, certificate or address of the options that cannot be used */
export function createNimbus(options: NimbusOptions, surroundings: SiteSurroundings): SiteAdapter {
  return new Nimbus(options, surroundings);
}

class Nimbus implements SiteAdapter {
  readonly type = 'nimbus';
  readonly site: string;
  readonly #options: NimbusOptions;
  readonly #surroundings: SiteSurroundings;
  readonly #dialler: GuardedDialler;
  readonly #query: NimbusQuery;
  readonly #types: InstanceTypes;
  readonly #machines: NimbusMachines;
  /** Parts of machines that were let go of. After a restart whoever still waits for that lets go of them again. */
  readonly #left = new Set<SiteRef>();

  constructor(options: NimbusOptions, surroundings: SiteSurroundings) {
    this.site = surroundings.site;
    this.#options = options;
    this.#surroundings = surroundings;
    const { endpoint, concurrency, certificateAuthorities } = options;
    const { hostname, port, protocol } = new URL(endpoint);
    const ca = certificateAuthorities.map((file) => readFileSync(file, 'utf8'));
    this.#dialler = new GuardedDialler({
      allow: [`${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`],
      clock: surroundings.clock,
      ...(ca.length > 0 ? { ca } : {}),
    });
    const key = (): { accessId: string; secret: string } => ({
      accessId: readSecret('credentials.accessId', options.credentials.accessId),
      secret: readSecret('credentials.secret', options.credentials.secret),
    });
    this.#query = new NimbusQuery({ endpoint, dialler: this.#dialler, clock: surroundings.clock, concurrency, key });
    this.#types = new InstanceTypes(options.instanceTypes, false, () => Promise.resolve([]));
    this.#machines = new NimbusMachines(this.#query, this.#types, options.realm);
  }

  capabilities(): Capabilities {
    return nimbusCapabilities(this.#options);
  }

  check(call: CallOptions = {}): Promise<readonly SiteFinding[]> {
    return checkNimbus(this.#query, this.#options, call);
  }

  async inventory(call: CallOptions = {}): Promise<Inventory> {
    const { capacity, country, networks, zone = 'nimbus' } = this.#options;
    const [images, machines] = await Promise.all([this.#images(call), this.#machines.all(call)]);
    const used = machines.filter(({ marks, state }) => marks && state !== 'error');
    const sum = (of: 'cores' | 'memoryBytes'): number => used.reduce((total, machine) => total + machine[of], 0);
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
          freeCores: Math.max(0, capacity.cores - sum('cores')),
          memoryBytes,
          freeMemoryBytes: Math.max(0, memoryBytes - sum('memoryBytes')),
        },
      ],
      networks: networks.map((name) => ({ ref: name, name, shared: true })),
      images: images.map((name) => ({ ref: name, name, sizeBytes: 0, format: 'unknown' })),
      // Disks come with machines: there is nothing to run out of.
      storageFreeBytes: Number.MAX_SAFE_INTEGER,
    };
  }

  async #images(call: CallOptions): Promise<readonly string[]> {
    const answer = await this.#query.ask('DescribeImages', {}, call);
    return items(answer, 'imagesSet').flatMap((image) => image.value('imageId') ?? []);
  }

  async createCompute(spec: ComputeSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    const { networks, realm, zone } = this.#options;
    const type = await this.#types.fitting(spec, {}, call);
    const image = spec.image ?? spec.boot?.storage.image;
    if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
    if (image === undefined) throw new IaasError('invalid', 'Nimbus runs machines from an image, and none is named');
    if ((spec.apartFrom?.length ?? 0) + (spec.togetherWith?.length ?? 0) > 0)
      throw new IaasError('unsupported', 'Nimbus promises nothing about the hosts of machines');
    if (spec.host !== undefined && spec.host !== (zone ?? 'nimbus'))
      throw new IaasError('not-found', 'Nimbus lets nobody choose a host');
    if ((spec.volumes ?? []).length > 0) throw new IaasError('unsupported', 'Nimbus has no volumes');
    for (const nic of spec.nics ?? []) this.#mustBeIn(nic, networks);
    const prefix = tokenOf(realm, spec.id, token);
    const earlier = (await this.#machines.all(call)).find(({ clientToken }) => clientToken.startsWith(prefix));
    if (earlier) return earlier.ref;
    if (!(await this.#images(call)).includes(image)) throw new IaasError('not-found', 'Nimbus has no such image');
    const key = await this.#keyOf(spec, token, call);
    const parameters = {
      ImageId: image,
      MinCount: '1',
      MaxCount: '1',
      InstanceType: type.name,
      ...(zone === undefined ? {} : { 'Placement.AvailabilityZone': zone }),
      ...(key === undefined ? {} : { KeyName: key }),
      ...userDataOf(spec),
    };
    for (let number = 0; number < MOST_LIVES; number++) {
      const ClientToken = `${prefix}${number}`;
      const ref = await this.#query.ask('RunInstances', { ...parameters, ClientToken }, call).then(
        launched,
        // One that is gone had been asked for with something else.
        (error: unknown) => {
          if (!isCode(error, /^IdempotentParameterMismatch$/)) throw error;
        },
      );
      if (ref !== undefined) return ref;
    }
    throw new IaasError('conflict', `Nimbus has had ${MOST_LIVES} machines for this one`);
  }

  async #keyOf({ sshKeys = [] }: ComputeSpec, token: string, call: CallOptions): Promise<string | undefined> {
    const [key] = sshKeys;
    if (key === undefined) return undefined;
    if (sshKeys.length > 1) throw new IaasError('invalid', 'Nimbus puts one SSH key into a machine, not several');
    const name = `${this.#options.realm}-${digestOf(token)}`;
    const material = Buffer.from(key, 'utf8').toString('base64');
    await this.#query.ask('ImportKeyPair', { KeyName: name, PublicKeyMaterial: material }, call);
    return name;
  }

  #mustBeIn({ network, address, mac }: Omit<NicSpec, 'compute'>, networks: readonly NimbusNetwork[]): void {
    if (!NETWORKS.has(network)) throw new IaasError('not-found', 'Nimbus has no such network');
    if (!networks.includes(network as NimbusNetwork))
      throw new IaasError('invalid', `machines of this Nimbus are in: ${networks.join(', ')}`);
    if (address !== undefined || mac !== undefined)
      throw new IaasError('unsupported', 'Nimbus chooses the addresses of machines itself');
  }

  async createNetwork(): Promise<SiteRef> {
    requireCapability(this.capabilities(), 'network', 'create');
    throw new IaasError('unsupported', 'Nimbus makes no networks');
  }

  /** The disk that came with a machine. */
  async createStorage(spec: StorageSpec, _token: string, call: CallOptions = {}): Promise<SiteRef> {
    if (spec.bootOf === undefined) requireCapability(this.capabilities(), 'storage', 'create');
    return `${(await this.#machines.own(spec.bootOf ?? '', call)).ref}:storage`;
  }

  async attachNic(spec: NicSpec, _token: string, call: CallOptions = {}): Promise<SiteRef> {
    this.#mustBeIn(spec, this.#options.networks);
    return `${(await this.#machines.own(spec.compute, call)).ref}:nic:${spec.network}`;
  }

  async attachStorage(spec: AttachmentSpec, _token: string, call: CallOptions = {}): Promise<SiteRef> {
    const [compute, what] = spec.storage.split(':');
    if (what !== 'storage') throw new IaasError('not-found', 'Nimbus has no volumes');
    if (compute !== spec.compute) throw new IaasError('unsupported', 'the disk of a machine of Nimbus stays with it');
    return `${(await this.#machines.own(spec.compute, call)).ref}:attachment`;
  }

  async importImage(spec: ImageSpec, _token: string, call: CallOptions = {}): Promise<SiteRef> {
    requireCapability(this.capabilities(), 'image', spec.format);
    const file = spec.convertedFrom ?? spec.sha256;
    const known = this.#options.images.known.find(({ sha256 }) => sha256 === file)?.image;
    if (known === undefined)
      throw new IaasError(
        'unsupported',
        `no image of Nimbus is known here for this file (SHA-256 ${file ?? 'unknown'}): put it into Cumulus and name it under images.known`,
      );
    this.#left.delete(known);
    if ((await this.#images(call)).includes(known)) return known;
    throw new IaasError('not-found', `Nimbus has no image ${known}, which images.known names`);
  }

  /** What came with a machine goes with it, and counts as gone when it was let go of, as do images, which stay. */
  async delete(what: ResourceClass, ref: SiteRef, call: CallOptions = {}): Promise<void> {
    if (what === 'compute') await this.#machines.remove(ref, call);
    else if (what !== 'network') this.#left.add(ref);
  }

  /** A machine of Nimbus runs from its creation on. */
  async actCompute(
    ref: SiteRef,
    action: LifecycleAction,
    method: string | undefined,
    call: CallOptions = {},
  ): Promise<void> {
    requireCapability(this.capabilities(), 'compute', action);
    if (action === 'restart' && !['graceful', 'warm', 'cold', undefined].includes(method))
      throw new IaasError('invalid', 'Nimbus knows no restart by this method; it knows: graceful, warm, cold');
    const machine = await this.#machines.own(ref, call);
    if (machine.state === 'error')
      throw new IaasError('conflict', `the machine has failed (${machine.message ?? 'without a reason'}): delete it`);
    if (action === 'start') return;
    if (machine.busy) throw new IaasError('transient', 'the machine is on its way to another state', 'pending');
    await this.#query.ask('RebootInstances', { 'InstanceId.1': ref }, call);
  }

  async resizeCompute(): Promise<void> {
    requireCapability(this.capabilities(), 'compute', 'resize');
  }

  async saveCompute(): Promise<SiteRef> {
    requireCapability(this.capabilities(), 'compute', 'save');
    throw new IaasError('unsupported', 'Nimbus saves no machines');
  }

  async actNetwork(ref: SiteRef, action: 'up' | 'down'): Promise<void> {
    requireCapability(this.capabilities(), 'network', action);
    if (!NETWORKS.has(ref)) throw new IaasError('not-found', 'Nimbus has no such network');
  }

  async actStorage(ref: SiteRef, action: VolumeAction, call: CallOptions = {}): Promise<void> {
    requireCapability(this.capabilities(), 'storage', action);
    if (!(await this.describe('storage', [ref], call)).has(ref))
      throw new IaasError('not-found', 'Nimbus has no such disk');
  }

  async resizeStorage(): Promise<void> {
    requireCapability(this.capabilities(), 'storage', 'resize');
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const found = new Map<SiteRef, Observed>();
    if (refs.length === 0) return found;
    if (what === 'network') {
      for (const ref of refs)
        if (this.#options.networks.some((name) => name === ref))
          found.set(ref, { class: 'network', ref, state: 'active', busy: false });
      return found;
    }
    if (what === 'image') {
      const images = await this.#images(call);
      for (const ref of refs)
        if (images.includes(ref) && !this.#left.has(ref))
          found.set(ref, { class: 'image', ref, state: 'active', busy: false, sizeBytes: 0 });
      return found;
    }
    const machines = new Map((await this.#machines.all(call)).map((machine) => [machine.ref, machine]));
    for (const ref of refs) {
      const machine = machines.get(ref.split(':')[0] ?? '');
      if (!machine || this.#left.has(ref)) continue;
      const observed = what === 'compute' ? observe(machine) : observePart(what, ref, machine, this.#options.networks);
      if (observed?.ref === ref) found.set(ref, observed);
    }
    return found;
  }

  /** Only machines: what came with them is known by nothing of its own. */
  async *list(what: ResourceClass, call: CallOptions = {}): AsyncIterable<Observed> {
    if (what !== 'compute') return;
    for (const machine of await this.#machines.all(call)) {
      const observed = machine.marks ? observe(machine) : undefined;
      if (observed) yield observed;
    }
  }

  events(): AsyncIterable<SiteEvent> {
    requireCapability(this.capabilities(), 'events');
    throw new IaasError('unsupported', 'Nimbus tells no events');
  }

  async metrics(): Promise<readonly MetricSample[]> {
    requireCapability(this.capabilities(), 'metrics');
    return [];
  }

  async close(): Promise<void> {
    this.#query.close();
    await this.#dialler.close();
  }
}
