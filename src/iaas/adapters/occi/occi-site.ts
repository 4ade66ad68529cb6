/**
 * Another OCCI server as a site: the adapter's face. What the server can do is what its query interface says; a VEP tells
 * besides what it is at work on, and takes appliances whole.
 */

import { piecesUnderAny } from '../../../base/signals.js';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type Capabilities,
  type ComputeSize,
  type ComputeSpec,
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
import type { ApplianceSite } from '../../appliance-site.js';
import { requireCapability } from '../../capability.js';
import { Patience } from '../../patience.js';
import type { SecurityGroupSite } from '../../security-groups.js';
import type { SiteSurroundings } from '../../site-type.js';
import { OcciClient } from '../../../client/occi-client.js';
import { Actions } from './actions.js';
import { Appliances } from './appliances.js';
import { occiCapabilities, offerOf, USUAL_OFFER, type Offer } from './capabilities.js';
import { check } from './check.js';
import { connectionOf, type Connection } from './connection.js';
import { followEvents } from './events.js';
import { Guards } from './guards.js';
import { takeInventory } from './inventory.js';
import {
  attachmentDraft,
  computeDraft,
  MEMORY_UNITS,
  networkDraft,
  nicDraft,
  storageDraft,
  templateNamed,
} from './machines.js';
import type { OcciOptions } from './options.js';
import { asIaasError } from './refusals.js';
import { SavedTemplates } from './saved-templates.js';
import { OF_APPLIANCE, Things } from './things.js';
import { Work } from './work.js';

/** How long opening waits for the server: one that is down is a site that is down, and keeps nobody from starting. */
const OPENING_MS = 5_000;

/** @throws Problem `invalid` for a secret or a file of the options that cannot be read */
export async function openOcciSite(options: OcciOptions, surroundings: SiteSurroundings): Promise<SiteAdapter> {
  const site = new OcciSite(options, surroundings);
  await site.learn({ signal: AbortSignal.timeout(OPENING_MS) }).catch((error: unknown) => {
    surroundings.log.warn({ err: error, site: surroundings.site }, 'the OCCI server does not say what it offers');
  });
  return site;
}

class OcciSite implements SiteAdapter {
  readonly type = 'occi';
  readonly site: string;
  readonly #options: OcciOptions;
  readonly #surroundings: SiteSurroundings;
  readonly #connection: Connection;
  readonly #client: OcciClient;
  readonly #things: Things;
  readonly #actions: Actions;
  readonly #guards: Guards;
  readonly #appliances: Appliances;
  readonly #saved: SavedTemplates;
  readonly #closed = new AbortController();
  #offer: Offer = USUAL_OFFER;

  constructor(options: OcciOptions, surroundings: SiteSurroundings) {
    const { clock, site } = surroundings;
    const { endpoint, rendering, realm, marks, capacity } = options;
    const memoryUnit = MEMORY_UNITS[options.memoryUnit];
    this.site = site;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#connection = connectionOf(options, clock);
    this.#client = new OcciClient(endpoint, this.#connection.send, rendering === 'auto' ? undefined : rendering);
    const offer = (call: CallOptions): Promise<Offer> => this.learn(call);
    const patience = new Patience(clock, options.patience);
    const work = new Work(this.#client, patience);
    this.#things = new Things({
      client: this.#client,
      work,
      patience,
      offer,
      realm,
      marks,
      memoryUnit,
      guards: (call) => this.#guards.byCompute(call),
      ownsAppliance: (path, call) => this.#appliances.owns(path, call),
    });
    this.#appliances = new Appliances({ client: this.#client, things: this.#things, work, realm });
    this.#guards = new Guards({ client: this.#client, things: this.#things, work, offer });
    this.#saved = new SavedTemplates({ client: this.#client, things: this.#things, work, offer, realm });
    this.#actions = new Actions({
      client: this.#client,
      things: this.#things,
      work,
      patience,
      offer,
      capacity,
      memoryUnit,
    });
  }

  /** What the server offers; a server that was away is asked again by the next call. */
  async learn(call: CallOptions): Promise<Offer> {
    const { discovery } = await this.#client.peer(call);
    if (this.#learnt !== discovery) {
      this.#learnt = discovery;
      this.#offer = offerOf(discovery);
    }
    return this.#offer;
  }
  #learnt: object | undefined;

  capabilities(): Capabilities {
    return occiCapabilities(this.#offer, this.#options);
  }

  check(call: CallOptions = {}): Promise<readonly SiteFinding[]> {
    return check({ client: this.#client, things: this.#things, options: this.#options }, call);
  }

  inventory(call: CallOptions = {}): Promise<Inventory> {
    const { clock } = this.#surroundings;
    return this.#told(call, async () => {
      // Templates come and go while VEP runs.
      this.#client.forget();
      return takeInventory(this.#things, await this.learn(call), this.#options, clock.now(), call);
    });
  }

  createCompute(spec: ComputeSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#told(call, async () => {
      const { template, templateless, capacity, memoryUnit } = this.#options;
      const choices = { template, templateless, cores: capacity.cores, memoryUnit: MEMORY_UNITS[memoryUnit] };
      // A template may have come since the server was asked.
      if (spec.image !== undefined && !templateNamed(await this.learn(call), spec.image)) this.#client.forget();
      const offer = await this.learn(call);
      const { discovery } = await this.#client.peer(call);
      return this.#things.make('compute', spec.id, token, computeDraft(spec, offer, discovery, choices), call);
    });
  }

  createNetwork(spec: NetworkSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#told(call, async () => {
      requireCapability(this.capabilities(), 'network', 'create');
      return this.#things.make('network', spec.id, token, networkDraft(spec, await this.learn(call)), call);
    });
  }

  createStorage(spec: StorageSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'storage', 'create');
      const draft = storageDraft(spec, this.#options.capacity.storageGiB);
      return this.#things.make('storage', spec.id, token, draft, call);
    });
  }

  attachNic(spec: NicSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#told(call, async () => {
      await this.#things.own('compute', spec.compute, call);
      const network = await this.#things.look('network', spec.network, call);
      if (!network) throw new IaasError('not-found', 'the server has no such network');
      const guards = spec.securityGroups ?? [];
      if (guards.length > 0) await this.#guards.guard(spec.compute, guards, call);
      return this.#things.make('nic', spec.id, token, nicDraft(spec, network.view.kind), call);
    });
  }

  attachStorage(spec: AttachmentSpec, token: string, call: CallOptions = {}): Promise<SiteRef> {
    return this.#told(call, async () => {
      await this.#things.own('compute', spec.compute, call);
      const { view } = await this.#things.own('storage', spec.storage, call);
      // A VEP knows by itself which disks of an appliance are for reading only.
      if (spec.readOnly === true && view.attributes[OF_APPLIANCE] === undefined)
        throw new IaasError('unsupported', 'OCCI attaches no volume for reading only');
      return this.#things.make('attachment', spec.id, token, attachmentDraft(spec), call);
    });
  }

  async importImage(): Promise<SiteRef> {
    return Promise.reject(new IaasError('unsupported', 'OCCI brings no images to a server: name an OS template of it'));
  }

  delete(what: ResourceClass, ref: SiteRef, call: CallOptions = {}): Promise<void> {
    return this.#told(call, async () => {
      await (what === 'image' ? this.#saved.remove(ref, call) : this.#things.remove(what, ref, call));
    });
  }

  actCompute(ref: SiteRef, action: LifecycleAction, method: string | undefined, call: CallOptions = {}): Promise<void> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'compute', action);
      return this.#actions.compute(ref, action, method, call);
    });
  }

  resizeCompute(ref: SiteRef, size: ComputeSize, call: CallOptions = {}): Promise<void> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'compute', 'resize');
      return this.#actions.resizeCompute(ref, size, call);
    });
  }

  saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    call: CallOptions = {},
  ): Promise<SiteRef> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'compute', 'save');
      return this.#saved.save(ref, name, method, token, call);
    });
  }

  actNetwork(ref: SiteRef, action: NetworkAction, call: CallOptions = {}): Promise<void> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'network', action);
      return this.#actions.toState('network', ref, action, action === 'up' ? 'active' : 'inactive', call);
    });
  }

  actStorage(ref: SiteRef, action: VolumeAction, call: CallOptions = {}): Promise<void> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'storage', action);
      const state = action === 'online' || action === 'offline' ? action : undefined;
      return this.#actions.toState('storage', ref, action, state, call);
    });
  }

  resizeStorage(ref: SiteRef, sizeBytes: number, call: CallOptions = {}): Promise<void> {
    return this.#told(call, () => {
      requireCapability(this.capabilities(), 'storage', 'resize');
      return this.#actions.resizeStorage(ref, sizeBytes, call);
    });
  }

  describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    return this.#told(call, () =>
      what === 'image' ? this.#saved.describe(refs, call) : this.#things.describe(what, refs, call),
    );
  }

  async *list(what: ResourceClass, call: CallOptions = {}): AsyncIterable<Observed> {
    if (what === 'image') return yield* await this.#told(call, () => this.#saved.all(call));
    for (const { observed } of await this.#told(call, () => this.#things.all(what, call)))
      if (observed.id !== undefined) yield observed;
  }

  events(signal: AbortSignal): AsyncIterable<SiteEvent> {
    const { clock } = this.#surroundings;
    return piecesUnderAny([signal, this.#closed.signal], (either) =>
      followEvents(this.#things, clock, this.#options.events.pollMs, either),
    );
  }

  async metrics(): Promise<readonly MetricSample[]> {
    await Promise.resolve();
    requireCapability(this.capabilities(), 'metrics');
    return [];
  }

  get securityGroups(): SecurityGroupSite | undefined {
    if (this.capabilities().securityGroups !== true) return undefined;
    const guards = this.#guards;
    return {
      create: (spec, token, call = {}) => this.#told(call, () => guards.create(spec, token, call)),
      update: (ref, rules, call = {}) => this.#told(call, () => guards.update(ref, rules, call)),
      guard: (compute, groups, call = {}) => this.#told(call, () => guards.guard(compute, groups, call)),
    };
  }

  get appliances(): ApplianceSite | undefined {
    if (this.#learnt && !this.#offer.isVep) return undefined;
    const appliances = this.#appliances;
    return {
      create: (spec, call = {}) => this.#told(call, () => appliances.create(spec, call)),
      find: (id, call = {}) => this.#told(call, () => appliances.find(id, call)),
      list: (call = {}) => this.#told(call, () => appliances.list(call)),
      report: (ref, call = {}) => this.#told(call, () => appliances.report(ref, call)),
      failure: (ref, call = {}) => this.#told(call, () => appliances.failure(ref, call)),
      act: (ref, action, parameters, call = {}) =>
        this.#told(call, () => appliances.act(ref, action, parameters, call)),
      remove: (ref, call = {}) => this.#told(call, () => appliances.remove(ref, call)),
    };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connection.close();
  }

  async #told<T>(call: CallOptions, work: () => T | Promise<T>): Promise<T> {
    if (isGivenUp(call) || this.#closed.signal.aborted) {
      throw new IaasError('transient', 'the call was given up before the server was asked');
    }
    try {
      return await work();
    } catch (error) {
      if (isGivenUp(call)) {
        throw new IaasError('transient', 'the call was given up before the server answered', undefined, error);
      }
      throw asIaasError(error);
    }
  }
}

const isGivenUp = ({ signal }: CallOptions): boolean => signal?.aborted === true;
