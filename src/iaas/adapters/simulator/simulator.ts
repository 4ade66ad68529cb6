/**
 * The simulated site as an adapter (K33): every call becomes a command in the site's log, and what the fold makes of it
 * is the answer. All processes that open the same log see the same site; none of them holds anything that the log does
 * not. A machine is made `inactive` and waits for `start`; networks and volumes come up by themselves.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.js';
import { problem } from '../../../base/errors.js';
import { canonicalJson, type JsonValue } from '../../../base/json.js';
import type { Log } from '../../../base/log.js';
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
import { capabilitiesOf } from './capabilities.js';
import { environmentCd } from '../../../ovf/environment/cd.js';
import type { EnvironmentDocument } from '../../../ovf/environment/environment-document.js';
import type { GuestDocuments, GuestFile } from './cloud.js';
import type { Call, Named } from './command.js';
import type { SimulatorConfig } from './config.js';
import type { CommandLog } from './command-log.js';
import { answerWithin } from './answer.js';
import { isWatched, type FaultRule } from './faults.js';
import { followEvents } from './events.js';
import { emptyDisk } from './empty-disk.js';
import { readImage } from './image-format.js';
import type { LoadRule } from './load.js';
import { observe, sample, takeInventory } from './observe.js';
import { PostgresCommandLog } from './postgres-command-log.js';
import { SharedCloud } from './shared-cloud.js';
import { SqliteCommandLog } from './sqlite-command-log.js';

/** What a simulated site stands in. */
export interface SimulatorSurroundings {
  /** Name of the site in the configuration; names its file or schema too. */
  readonly site: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A directory for `sim-<site>.sqlite`, or a PostgreSQL that gets a schema `sim_<site>`. */
  readonly home: { readonly directory: string } | { readonly postgresUrl: string };
}

/** What whoever runs a simulation can do to it, beside what an adapter can. */
export interface SimulatorControls {
  /** Adds a rule to those of the configuration, for all processes and across restarts. */
  injectFault(rule: FaultRule): Promise<void>;
  /** Drops all rules, those of the configuration too. */
  clearFaults(): Promise<void>;
  setLoad(rules: readonly LoadRule[]): Promise<void>;
  /** A host dies or comes back. */
  setHost(host: string, up: boolean): Promise<void>;
  /** Gives a thing another name behind VEP's back. */
  rename(what: Named, ref: SiteRef, name: string): Promise<void>;
  /** A running machine that does not belong to VEP. */
  createForeign(name: string, size?: ComputeSize): Promise<SiteRef>;
  /** What the guest of a machine gets to see: its host name, user data, keys and OVF environment, and which files beside it. */
  guestOf(ref: SiteRef): Promise<GuestDocuments | undefined>;
  /** The CD in the drive of a machine that was given an OVF environment (transport `iso`), without such files. */
  cdOf(ref: SiteRef): Promise<Uint8Array | undefined>;
}

/**
 * Opens a simulated site, making it where there is none; another configuration than the last one takes effect.
 *
 * @throws Problem `invalid` for a site name that cannot name a file and a schema.
 */
export async function createSimulator(
  config: SimulatorConfig,
  surroundings: SimulatorSurroundings,
): Promise<SiteAdapter & SimulatorControls> {
  const { site, home } = surroundings;
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(site)) {
    throw problem('invalid', 'simulator.name', `${JSON.stringify(site).slice(0, 80)} cannot name a simulated site`, {
      remedy: 'use up to 32 lower-case letters, digits and hyphens',
    });
  }
  const log: CommandLog =
    'directory' in home
      ? new SqliteCommandLog(join(home.directory, `sim-${site}.sqlite`))
      : await PostgresCommandLog.open(home.postgresUrl, site);
  const shared = new SharedCloud(log, surroundings.clock);
  const wanted = JSON.parse(JSON.stringify(config)) as SimulatorConfig;
  const text = canonicalJson(wanted as unknown as JsonValue);
  await shared.run((cloud) =>
    cloud.config && canonicalJson(cloud.config as unknown as JsonValue) === text
      ? undefined
      : { do: 'configure', config: wanted },
  );
  surroundings.log.debug({ site, hosts: config.hosts.length }, 'simulated site opened');
  return new Simulator(site, wanted, shared, surroundings.clock);
}

function told({ path, base64 }: EnvironmentDocument): GuestFile {
  const bytes = Buffer.from(base64, 'base64');
  return { path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

class Simulator implements SiteAdapter, SimulatorControls {
  readonly type = 'simulator';
  readonly site: string;
  readonly #capabilities: Capabilities;
  readonly #shared: SharedCloud;
  readonly #clock: Clock;
  readonly #closed = new AbortController();

  constructor(site: string, config: SimulatorConfig, shared: SharedCloud, clock: Clock) {
    this.site = site;
    this.#capabilities = capabilitiesOf(config);
    this.#shared = shared;
    this.#clock = clock;
  }

  capabilities(): Capabilities {
    return this.#capabilities;
  }

  async check(options?: CallOptions): Promise<readonly SiteFinding[]> {
    const cloud = await this.#look('check', undefined, options);
    if ([...cloud.hosts.values()].some((host) => host.up)) return [];
    return [
      {
        code: 'no-hosts',
        message: 'no host of the simulated site is up',
        remedy: 'bring a host back or configure one under options.hosts',
      },
    ];
  }

  async inventory(options?: CallOptions): Promise<Inventory> {
    return takeInventory(await this.#look('inventory', undefined, options), this.#clock.now());
  }

  createCompute(spec: ComputeSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    const { environmentFiles, ...rest } = spec;
    const asked = { ...rest, ...(environmentFiles && { environmentFiles: environmentFiles.map(told) }) };
    return this.#make({ do: 'createCompute', spec: asked, token }, options);
  }

  async createNetwork(spec: NetworkSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    requireCapability(this.#capabilities, 'network', 'create');
    return this.#make({ do: 'createNetwork', spec, token }, options);
  }

  async createStorage(spec: StorageSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    requireCapability(this.#capabilities, 'storage', 'create');
    return this.#make({ do: 'createStorage', spec, token }, options);
  }

  attachNic(spec: NicSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    return this.#make({ do: 'attachNic', spec, token }, options);
  }

  attachStorage(spec: AttachmentSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    return this.#make({ do: 'attachStorage', spec, token }, options);
  }

  /** The bytes are read and checked before the site takes notice, so a broken stream leaves nothing behind. */
  async importImage(spec: ImageSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    requireCapability(this.#capabilities, 'image', spec.format);
    const earlier = (await this.#shared.read()).tokens.get(`image ${token}`);
    const { id, name, format } = spec;
    const found =
      earlier === undefined
        ? await readImage(spec, options?.signal)
        : { sizeBytes: spec.sizeBytes, virtualSizeBytes: 0 };
    return this.#make({ do: 'importImage', token, spec: { id, name, format, ...found } }, options);
  }

  /** No simulated disk holds anything: what leaves is an empty one of the image's size. */
  async exportImage(ref: SiteRef, options?: CallOptions): Promise<ImageExport> {
    const cloud = await this.#look('exportImage', undefined, options);
    const observed = observe(cloud, 'image', ref, this.#clock.now());
    const image = cloud.things.image.get(ref);
    if (!image || !observed) throw new IaasError('not-found', 'this site has no such image');
    if (observed.busy) throw new IaasError('transient', 'the image is still being made', 'being made');
    if (observed.state !== 'active') throw new IaasError('conflict', `image ${ref} is ${observed.state}`);
    const bytes = emptyDisk(image.virtualSizeBytes);
    return { sizeBytes: bytes.byteLength, open: () => Promise.resolve(onePiece(bytes)) };
  }

  async delete(what: ResourceClass, ref: SiteRef, options?: CallOptions): Promise<void> {
    await this.#ask({ do: 'delete', class: what, ref }, options);
  }

  async actCompute(
    ref: SiteRef,
    action: LifecycleAction,
    method: string | undefined,
    options?: CallOptions,
  ): Promise<void> {
    requireCapability(this.#capabilities, 'compute', action);
    await this.#ask({ do: 'actCompute', ref, action, ...(method === undefined ? {} : { method }) }, options);
  }

  async resizeCompute(ref: SiteRef, size: ComputeSize, options?: CallOptions): Promise<void> {
    requireCapability(this.#capabilities, 'compute', 'resize');
    await this.#ask({ do: 'resizeCompute', ref, cores: size.cores, memoryBytes: size.memoryBytes }, options);
  }

  async saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    options?: CallOptions,
  ): Promise<SiteRef> {
    requireCapability(this.#capabilities, 'compute', 'save');
    return this.#make({ do: 'saveCompute', ref, name, token, ...(method === undefined ? {} : { method }) }, options);
  }

  async actNetwork(ref: SiteRef, action: NetworkAction, options?: CallOptions): Promise<void> {
    requireCapability(this.#capabilities, 'network', action);
    await this.#ask({ do: 'actNetwork', ref, action }, options);
  }

  async actStorage(ref: SiteRef, action: VolumeAction, options?: CallOptions): Promise<void> {
    requireCapability(this.#capabilities, 'storage', action);
    await this.#ask({ do: 'actStorage', ref, action }, options);
  }

  async resizeStorage(ref: SiteRef, sizeBytes: number, options?: CallOptions): Promise<void> {
    requireCapability(this.#capabilities, 'storage', 'resize');
    await this.#ask({ do: 'resizeStorage', ref, sizeBytes }, options);
  }

  get securityGroups(): SecurityGroupSite | undefined {
    if (this.#capabilities.securityGroups !== true) return undefined;
    return {
      create: (spec, token, options) => this.#make({ do: 'createSecurityGroup', spec, token }, options),
      update: async (ref, rules, options) => void (await this.#ask({ do: 'updateSecurityGroup', ref, rules }, options)),
      guard: async (ref, groups, options) => void (await this.#ask({ do: 'guardCompute', ref, groups }, options)),
    };
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options?: CallOptions,
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const cloud = await this.#look('describe', what, options);
    const now = this.#clock.now();
    const found = new Map<SiteRef, Observed>();
    for (const ref of refs) {
      const observed = observe(cloud, what, ref, now);
      if (observed) found.set(ref, observed);
    }
    return found;
  }

  async *list(what: ResourceClass, options?: CallOptions): AsyncIterable<Observed> {
    const cloud = await this.#look('list', what, options);
    const own = [...cloud.things[what].values()].filter((thing) => thing.id !== undefined).map((thing) => thing.ref);
    for (const ref of own) {
      const observed = observe(cloud, what, ref, this.#clock.now());
      if (observed) yield observed;
    }
  }

  events(signal: AbortSignal): AsyncIterable<SiteEvent> {
    requireCapability(this.#capabilities, 'events');
    return piecesUnderAny([signal, this.#closed.signal], (either) => followEvents(this.#shared, this.#clock, either));
  }

  async metrics(refs: readonly SiteRef[], options?: CallOptions): Promise<readonly MetricSample[]> {
    requireCapability(this.#capabilities, 'metrics');
    return sample(await this.#look('metrics', undefined, options), refs, this.#clock.now());
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#shared.close();
  }

  async injectFault(rule: FaultRule): Promise<void> {
    await this.#ask({ do: 'injectFault', rule });
  }

  async clearFaults(): Promise<void> {
    await this.#ask({ do: 'clearFaults' });
  }

  async setLoad(rules: readonly LoadRule[]): Promise<void> {
    await this.#ask({ do: 'setLoad', rules });
  }

  async setHost(host: string, up: boolean): Promise<void> {
    await this.#ask({ do: 'setHost', host, up });
  }

  async rename(what: Named, ref: SiteRef, name: string): Promise<void> {
    await this.#ask({ do: 'rename', class: what, ref, name });
  }

  createForeign(name: string, size = { cores: 1, memoryBytes: 2 ** 30 }): Promise<SiteRef> {
    return this.#make({ do: 'createForeign', name, ...size });
  }

  async guestOf(ref: SiteRef): Promise<GuestDocuments | undefined> {
    return (await this.#shared.read()).things.compute.get(ref)?.guest;
  }

  async cdOf(ref: SiteRef): Promise<Uint8Array | undefined> {
    const guest = await this.guestOf(ref);
    return guest?.ovfEnvironment === undefined ? undefined : environmentCd(guest.ovfEnvironment);
  }

  async #make(call: Call, options?: CallOptions): Promise<SiteRef> {
    const ref = await this.#ask(call, options);
    if (ref === undefined) throw new IaasError('fatal', `the simulated site made nothing of ${call.do}`);
    return ref;
  }

  async #ask(call: Call, options?: CallOptions): Promise<SiteRef | undefined> {
    mustNotBeAborted(options);
    const outcome = await this.#shared.run(() => call);
    await answerWithin(outcome?.fault, this.#clock, options?.signal);
    if (outcome?.refusal) throw new IaasError(outcome.refusal.class, outcome.refusal.message, outcome.refusal.message);
    return outcome?.ref;
  }

  /** A call that changes nothing is written down only when a fault rule counts it. */
  async #look(operation: string, detail: string | undefined, options?: CallOptions): ReturnType<SharedCloud['read']> {
    mustNotBeAborted(options);
    const cloud = await this.#shared.read();
    if (!isWatched(cloud.faults, operation, detail)) return cloud;
    await this.#ask({ do: 'read', operation, ...(detail === undefined ? {} : { detail }) }, options);
    return this.#shared.read();
  }
}

async function* onePiece(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function mustNotBeAborted(options: CallOptions | undefined): void {
  if (options?.signal?.aborted)
    throw new IaasError('transient', 'the call was given up before it was made', undefined, options.signal.reason);
}
