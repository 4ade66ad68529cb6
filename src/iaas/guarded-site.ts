/**
 * An adapter with a guard round it: what the site cannot do is refused before it is asked, no call lasts longer than its
 * limit whatever the adapter does with its signal, anything that is thrown leaves as an {@link IaasError}, and whether
 * the site answered is reported. The engine never sees a bare adapter.
 */

import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { FoundOnce } from '../base/found-once.js';
import { JoinedSignal } from '../base/signals.js';
import { isAccount, siteBehind } from './account.js';
import type { AccountingSite } from './accounting.js';
import {
  IaasError,
  RefusedCredential,
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
} from './adapter.js';
import type { ApplianceSite } from './appliance-site.js';
import { requireCapability } from './capability.js';
import type { TenantSite } from './tenant.js';
import type { SecurityGroupSite } from './security-groups.js';

/** Milliseconds a call may take. Images are as large as they are; everything else is a request or a page of them. */
export interface CallLimits {
  readonly callMs: number;
  readonly importMs: number;
}

export const CALL_LIMITS: CallLimits = { callMs: 30_000, importMs: 4 * 3_600_000 };

/** Told after every call: nothing when the site answered, if only with a refusal; the error when it did not. */
export type Reached = (failure: IaasError | undefined) => void;

export class GuardedSite implements SiteAdapter {
  readonly site: string;
  readonly type: string;
  readonly #adapter: SiteAdapter;
  readonly #clock: Clock;
  readonly #limits: CallLimits;
  readonly #reached: Reached;
  readonly #holder: string | undefined;
  readonly #proof = new FoundOnce((limited) => this.#prove(limited));
  #isClosed = false;

  /** @param holder whose account it must be ({@link SiteAdapter.account}), where that is known */
  constructor(adapter: SiteAdapter, clock: Clock, limits: CallLimits, reached: Reached, holder?: string) {
    this.site = adapter.site;
    this.type = adapter.type;
    this.#adapter = adapter;
    this.#clock = clock;
    this.#limits = limits;
    this.#reached = reached;
    this.#holder = holder;
  }

  account(options?: CallOptions): Promise<string> {
    return this.#call(options, (limited) => accountOf(this.#adapter, limited));
  }

  capabilities(): Capabilities {
    return this.#adapter.capabilities();
  }

  check(options?: CallOptions): Promise<readonly SiteFinding[]> {
    return this.#call(options, (limited) => this.#adapter.check(limited));
  }

  inventory(options?: CallOptions): Promise<Inventory> {
    return this.#call(options, (limited) => this.#adapter.inventory(limited));
  }

  async createCompute(spec: ComputeSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    const volumes = (spec.volumes ?? []).map(({ storage }) => storage);
    if (new Set(volumes).size < volumes.length)
      throw new IaasError('invalid', 'a machine is given the same disk twice: name it once among its drives');
    return this.#call(options, (limited) => this.#adapter.createCompute(spec, token, limited));
  }

  async createNetwork(spec: NetworkSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    requireCapability(this.capabilities(), 'network', 'create');
    return this.#call(options, (limited) => this.#adapter.createNetwork(spec, token, limited));
  }

  async createStorage(spec: StorageSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    // The disk that came with a machine is found, not made.
    if (spec.bootOf === undefined) requireCapability(this.capabilities(), 'storage', 'create');
    if (spec.shared && this.capabilities().sharesVolumes !== true)
      throw new IaasError('unsupported', `site ${this.site} gives a disk to one machine at a time`);
    return this.#call(options, (limited) => this.#adapter.createStorage(spec, token, limited));
  }

  attachNic(spec: NicSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    return this.#call(options, (limited) => this.#adapter.attachNic(spec, token, limited));
  }

  attachStorage(spec: AttachmentSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    return this.#call(options, (limited) => this.#adapter.attachStorage(spec, token, limited));
  }

  async importImage(spec: ImageSpec, token: string, options?: CallOptions): Promise<SiteRef> {
    requireCapability(this.capabilities(), 'image', spec.format);
    return this.#call(options, (limited) => this.#adapter.importImage(spec, token, limited), this.#limits.importMs);
  }

  async exportImage(ref: SiteRef, options?: CallOptions): Promise<ImageExport> {
    const exportImage = this.#adapter.exportImage?.bind(this.#adapter);
    if (this.capabilities().exportsImages !== true || !exportImage) {
      throw new IaasError('unsupported', `site ${this.site} hands no images out`);
    }
    const exported = await this.#call(options, (limited) => exportImage(ref, limited));
    return {
      ...exported,
      // The signal that opened it ends the bytes too, long after the call that began them.
      open: async (opening) => this.#watched(await this.#call(opening, () => exported.open(opening)), opening),
    };
  }

  /** Bytes of which each piece is a call: within its limit, and told of. */
  async *#watched(bytes: AsyncIterable<Uint8Array>, options: CallOptions | undefined): AsyncGenerator<Uint8Array> {
    const pieces = bytes[Symbol.asyncIterator]();
    try {
      for (;;) {
        const piece = await this.#call(options, () => pieces.next());
        if (piece.done === true) return;
        yield piece.value;
      }
    } finally {
      // A source that hangs is not waited for.
      void pieces.return?.().catch(() => undefined);
    }
  }

  delete(what: ResourceClass, ref: SiteRef, options?: CallOptions): Promise<void> {
    return this.#call(options, (limited) => this.#adapter.delete(what, ref, limited));
  }

  async actCompute(
    ref: SiteRef,
    action: LifecycleAction,
    method: string | undefined,
    options?: CallOptions,
  ): Promise<void> {
    requireCapability(this.capabilities(), 'compute', action);
    return this.#call(options, (limited) => this.#adapter.actCompute(ref, action, method, limited));
  }

  async resizeCompute(ref: SiteRef, size: ComputeSize, options?: CallOptions): Promise<void> {
    requireCapability(this.capabilities(), 'compute', 'resize');
    return this.#call(options, (limited) => this.#adapter.resizeCompute(ref, size, limited));
  }

  async saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    options?: CallOptions,
  ): Promise<SiteRef> {
    requireCapability(this.capabilities(), 'compute', 'save');
    return this.#call(options, (limited) => this.#adapter.saveCompute(ref, name, method, token, limited));
  }

  async actNetwork(ref: SiteRef, action: NetworkAction, options?: CallOptions): Promise<void> {
    requireCapability(this.capabilities(), 'network', action);
    return this.#call(options, (limited) => this.#adapter.actNetwork(ref, action, limited));
  }

  async actStorage(ref: SiteRef, action: VolumeAction, options?: CallOptions): Promise<void> {
    requireCapability(this.capabilities(), 'storage', action);
    return this.#call(options, (limited) => this.#adapter.actStorage(ref, action, limited));
  }

  async resizeStorage(ref: SiteRef, sizeBytes: number, options?: CallOptions): Promise<void> {
    requireCapability(this.capabilities(), 'storage', 'resize');
    return this.#call(options, (limited) => this.#adapter.resizeStorage(ref, sizeBytes, limited));
  }

  describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options?: CallOptions,
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    return this.#call(options, (limited) => this.#adapter.describe(what, refs, limited));
  }

  /** The limit holds for each thing or page that is waited for, not for the whole list. */
  async *list(what: ResourceClass, options?: CallOptions): AsyncIterable<Observed> {
    const stop = new AbortController();
    using joined = new JoinedSignal([options?.signal, stop.signal]);
    const things = this.#adapter.list(what, { signal: joined.signal })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#call(options, () => things.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      stop.abort();
      // Whoever stopped listening does not wait for a site that hangs.
      void things.return?.()?.catch(() => undefined);
    }
  }

  tidy(options?: CallOptions): Promise<number> {
    return this.#call(options, async (limited) => (await this.#adapter.tidy?.(limited)) ?? 0);
  }

  events(signal: AbortSignal): AsyncIterable<SiteEvent> {
    requireCapability(this.capabilities(), 'events');
    return this.#adapter.events(signal);
  }

  async metrics(refs: readonly SiteRef[], options?: CallOptions): Promise<readonly MetricSample[]> {
    requireCapability(this.capabilities(), 'metrics');
    return this.#call(options, (limited) => this.#adapter.metrics(refs, limited));
  }

  get appliances(): ApplianceSite | undefined {
    const { appliances } = this.#adapter;
    return (
      appliances && {
        create: (spec, options) =>
          this.#call(options, (limited) => appliances.create(spec, limited), this.#limits.importMs),
        find: (id, options) => this.#call(options, (limited) => appliances.find(id, limited)),
        list: (options) => this.#call(options, (limited) => appliances.list(limited)),
        report: (ref, options) => this.#call(options, (limited) => appliances.report(ref, limited)),
        failure: (ref, options) => this.#call(options, (limited) => appliances.failure(ref, limited)),
        act: (ref, action, parameters, options) =>
          this.#call(options, (limited) => appliances.act(ref, action, parameters, limited)),
        remove: (ref, options) => this.#call(options, (limited) => appliances.remove(ref, limited)),
      }
    );
  }

  get tenants(): TenantSite {
    const { tenants } = this.#adapter;
    if (!tenants || this.capabilities().limits === undefined) {
      throw new IaasError('unsupported', 'this site holds no limits of Virtual Organizations by itself');
    }
    return {
      settle: (group, share, before, options) =>
        this.#call(options, (limited) => tenants.settle(group, share, before, limited)),
    };
  }

  get securityGroups(): SecurityGroupSite {
    const { securityGroups } = this.#adapter;
    if (!securityGroups || this.capabilities().securityGroups !== true) {
      throw new IaasError('unsupported', 'this site does not filter the traffic of machines by rules');
    }
    return {
      create: (spec, token, options) => this.#call(options, (limited) => securityGroups.create(spec, token, limited)),
      update: (ref, rules, options) => this.#call(options, (limited) => securityGroups.update(ref, rules, limited)),
      guard: (compute, groups, options) =>
        this.#call(options, (limited) => securityGroups.guard(compute, groups, limited)),
    };
  }

  /** Nothing where the site keeps no account: it is asked for by administrators alone, who are told so. */
  get accounting(): AccountingSite | undefined {
    const { accounting } = this.#adapter;
    if (!accounting || this.capabilities().accounting !== true) return undefined;
    return { runs: (span, options) => this.#call(options, (limited) => accounting.runs(span, limited)) };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#adapter.close();
  }

  /** What was made in one account is not looked for, let alone given up as gone, with the credential of another. */
  async #prove(options: CallOptions): Promise<void> {
    const holder = this.#holder;
    if (holder !== undefined && (await accountOf(this.#adapter, options)) !== holder)
      throw new RefusedCredential('it is one of another account than before');
  }

  async #call<T>(
    options: CallOptions | undefined,
    work: (options: CallOptions) => Promise<T>,
    limitMs: number = this.#limits.callMs,
  ): Promise<T> {
    const given = options?.signal;
    if (given?.aborted) throw givenUp(given);
    const limit = new AbortController();
    const done = new AbortController();
    using joined = new JoinedSignal([given, limit.signal]);
    const { signal } = joined;
    using over = new JoinedSignal([done.signal, signal]);
    const late = this.#clock.sleep(limitMs, over.signal).then(() => {
      if (!done.signal.aborted && !signal.aborted) limit.abort();
    });
    try {
      const asked = this.#proof.get({ signal }).then(() => work({ signal }));
      const answer = await Promise.race([asked, late.then(() => aborted(signal, done.signal))]);
      this.#reached(undefined);
      return answer;
    } catch (error) {
      if (given?.aborted) throw givenUp(given);
      const failure = limit.signal.aborted
        ? new IaasError('transient', `site ${this.site} did not answer within ${limitMs / 1000} s`)
        : heard(asIaasError(error, this.site), this.site, this.#isClosed);
      this.#reached(isSilence(failure) ? failure : undefined);
      throw failure;
    } finally {
      done.abort();
    }
  }
}

async function accountOf(adapter: SiteAdapter, options: CallOptions): Promise<string> {
  const account = await adapter.account?.(options);
  if (account === undefined) throw new IaasError('unsupported', 'this site takes no credentials of users');
  return account;
}

/** Rejects once the signal aborts; when the call is done first nobody waits for it any more. */
function aborted(signal: AbortSignal, done: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (done.aborted) return;
    if (signal.aborted) reject(givenUp(signal));
    else signal.addEventListener('abort', () => reject(givenUp(signal)), { once: true });
  });
}

const givenUp = (signal: AbortSignal): IaasError =>
  new IaasError('transient', 'the call was given up before the site answered', undefined, signal.reason);

function asIaasError(error: unknown, site: string): IaasError {
  if (error instanceof IaasError) return error;
  return new IaasError('fatal', `the adapter of site ${site} failed: ${messageOf(error)}`, undefined, error);
}

/** Whether a failure is that a user's own credential is not taken. */
export function isRefused(failure: unknown): failure is IaasError & { readonly cause: RefusedCredential } {
  return failure instanceof IaasError && failure.cause instanceof RefusedCredential;
}

/**
 * Where a user's own credential is not taken, work waits for another one, as for a site that is away; and whatever was asked when
 * another one came is asked again with that.
 */
function heard(failure: IaasError, site: string, isClosed: boolean): IaasError {
  if (!isAccount(site)) return failure;
  if (isClosed) return new IaasError('transient', 'another credential has come in between', undefined, failure);
  if (!(failure instanceof RefusedCredential)) return failure;
  const message = `site ${siteBehind(site)} does not take the credential that was sent for it (${failure.message}): send another one`;
  return new IaasError('transient', message, undefined, failure);
}

/** A site that says "later" is there; one of which nothing is quoted may not be. */
const isSilence = (failure: IaasError): boolean => failure.class === 'transient' && failure.said === undefined;
