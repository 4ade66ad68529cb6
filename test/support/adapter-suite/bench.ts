/** The workbench of the behaviour suite: makes things on the site under test, waits for them, and clears up after each test. */

import { newUuid } from '../../../src/base/ids.js';
import {
  IaasError,
  type Capabilities,
  type ComputeSpec,
  type IaasErrorClass,
  type ImageSpec,
  type MetricSample,
  type Observed,
  type ResourceClass,
  type SiteAdapter,
  type SiteRef,
  type StorageSpec,
} from '../../../src/iaas/adapter.js';
import type { SecurityGroupSite, SecurityRule } from '../../../src/iaas/security-groups.js';
import type { Faults, Harness, Promised } from './harness.js';
import { secret } from '../run.js';

type ObservedOf<C extends ResourceClass> = Extract<Observed, { readonly class: C }>;

const MIB = 2 ** 20;
const ORDER: readonly ResourceClass[] = [
  'attachment',
  'nic',
  'compute',
  'storage',
  'network',
  'securitygroup',
  'image',
];

export class Bench {
  /** Reasons for not testing something, and how many tests each cost. */
  readonly skipped = new Map<string, number>();
  #harness: Harness | undefined;
  #boot: SiteRef | undefined;
  #made: { readonly class: ResourceClass; readonly ref: SiteRef }[] = [];

  /** Takes the site over. Where machines need an image, one is brought in that all machines of the suite boot. */
  async open(harness: Harness): Promise<void> {
    this.#harness = harness;
    for (const each of harness.secrets ?? []) secret(each, 'credential of a site');
    if (!this.can.imageless) this.#boot = harness.boot ?? (await this.image());
    this.#made = [];
  }

  get harness(): Harness {
    if (!this.#harness) throw new Error('the site under test has not been made');
    return this.#harness;
  }

  get adapter(): SiteAdapter {
    return this.harness.adapter;
  }

  get can(): Capabilities {
    return this.adapter.capabilities();
  }

  /** Notes that something was not tested and why; for use as `if (!can) return bench.skip(…)`. */
  skip(reason: string): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }

  /** The harness's failures, or nothing (noted) when it cannot bring any about. */
  faults(): Faults | undefined {
    if (!this.harness.faults) this.skip('the harness cannot bring failures about');
    return this.harness.faults;
  }

  /** Whether the counterpart breaks a promise (noted), so that nothing can be asked of the adapter there. */
  isBroken(promise: Promised): boolean {
    const why = this.harness.breaks?.[promise];
    if (why !== undefined) this.skip(why);
    return why !== undefined;
  }

  /** Whether a method asks nothing of the counterpart (noted), so that nothing can go wrong on the way. */
  isSilent(operation: string): boolean {
    const silent = this.harness.wire?.silent?.has(operation) ?? false;
    if (silent) this.skip('methods that ask nothing of the counterpart');
    return silent;
  }

  id(): string {
    return newUuid();
  }

  spec(more: Partial<ComputeSpec> = {}): ComputeSpec {
    const id = this.id();
    return {
      id,
      name: `vm-${id.slice(-6)}`,
      cores: 1,
      memoryBytes: 512 * MIB,
      ...(this.#boot === undefined ? {} : { image: this.#boot }),
      ...more,
    };
  }

  async machine(more: Partial<ComputeSpec> = {}): Promise<SiteRef> {
    const spec = this.spec(more);
    const ref = this.own('compute', await this.adapter.createCompute(spec, spec.id));
    await this.rest('compute', ref);
    return ref;
  }

  async running(more: Partial<ComputeSpec> = {}): Promise<SiteRef> {
    const ref = await this.machine(more);
    await this.adapter.actCompute(ref, 'start', undefined);
    await this.reaches('compute', ref, 'active');
    return ref;
  }

  /** A machine that is not running, on sites that boot what they create too. */
  async stopped(more: Partial<ComputeSpec> = {}): Promise<SiteRef> {
    const ref = await this.machine(more);
    await this.adapter.actCompute(ref, 'stop', undefined);
    await this.reaches('compute', ref, 'inactive');
    return ref;
  }

  /** A machine at rest: off, where the site can stop machines, else running. */
  resting(more: Partial<ComputeSpec> = {}): Promise<SiteRef> {
    return this.stops ? this.stopped(more) : this.running(more);
  }

  get stops(): boolean {
    return this.can.compute.has('stop');
  }

  /** The state of machines at rest. */
  get atRest(): 'inactive' | 'active' {
    return this.stops ? 'inactive' : 'active';
  }

  /** What a machine at rest can be asked for. */
  get move(): 'start' | 'restart' {
    return this.stops ? 'start' : 'restart';
  }

  async network(cidr = '192.168.70.0/24'): Promise<SiteRef> {
    const id = this.id();
    const ref = this.own('network', await this.adapter.createNetwork({ id, name: `net-${id.slice(-6)}`, cidr }, id));
    await this.rest('network', ref);
    return ref;
  }

  async volume(sizeBytes = 1024 * MIB, more: Pick<StorageSpec, 'shared'> = {}): Promise<SiteRef> {
    const id = this.id();
    const ref = this.own(
      'storage',
      await this.adapter.createStorage({ id, name: `vol-${id.slice(-6)}`, sizeBytes, ...more }, id),
    );
    await this.rest('storage', ref);
    return ref;
  }

  async nic(compute: SiteRef, network: SiteRef, address?: string): Promise<ObservedOf<'nic'>> {
    const id = this.id();
    const spec = { id, compute, network, ...(address === undefined ? {} : { address }) };
    const ref = this.own('nic', await this.#asked(() => this.adapter.attachNic(spec, id)));
    return this.reaches('nic', ref);
  }

  async attachment(compute: SiteRef, storage: SiteRef): Promise<ObservedOf<'attachment'>> {
    const id = this.id();
    const spec = { id, compute, storage };
    const ref = this.own('attachment', await this.#asked(() => this.adapter.attachStorage(spec, id)));
    return this.reaches('attachment', ref);
  }

  /** What a call answers; on a slow site in the end, with the same token as the engine would ask again. */
  #asked<T>(call: () => Promise<T>): Promise<T> {
    return this.harness.slow === true ? this.inTheEnd(call) : call();
  }

  /** What a call answers in the end: after "later" it is asked again, as the engine does. */
  async inTheEnd<T>(call: () => Promise<T>): Promise<T> {
    const { pace } = this.harness;
    for (let waited = 0; ; waited += pace.stepMs) {
      try {
        return await call();
      } catch (error) {
        if (waited > pace.patienceMs || !(error instanceof IaasError) || error.class !== 'transient') throw error;
        await this.harness.advance(pace.stepMs);
      }
    }
  }

  get groups(): SecurityGroupSite {
    const { securityGroups } = this.adapter;
    if (!securityGroups) throw new Error('the site under test has no security groups');
    return securityGroups;
  }

  async securityGroup(rules: readonly SecurityRule[]): Promise<{ readonly ref: SiteRef; readonly id: string }> {
    const id = this.id();
    const ref = this.own('securitygroup', await this.groups.create({ id, name: `sg-${id.slice(-6)}`, rules }, id));
    await this.reaches('securitygroup', ref, 'active');
    return { ref, id };
  }

  imageSpec(more: Partial<ImageSpec> = {}): ImageSpec {
    const { format, bytes, virtualSizeBytes } = this.harness.image;
    const id = this.id();
    const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(inPieces(bytes));
    return { id, name: `image-${id.slice(-6)}`, format, sizeBytes: bytes.byteLength, virtualSizeBytes, open, ...more };
  }

  async image(): Promise<SiteRef> {
    const spec = this.imageSpec();
    const ref = this.own('image', await this.adapter.importImage(spec, spec.id));
    await this.reaches('image', ref, 'active');
    return ref;
  }

  /** Whether bytes can be brought; where images are only known by their digests, none can. */
  get takesImages(): boolean {
    return this.can.imageFormats.length > 0 && this.harness.there === undefined;
  }

  /** What a machine is made from where its disk matters: an image of the test's own, as far as any can be brought. */
  async imaged(): Promise<Partial<ComputeSpec>> {
    const { there } = this.harness;
    if (this.takesImages) return { image: await this.image() };
    return there === undefined ? {} : { image: there };
  }

  /** Something the test made itself: it goes when the test ends. */
  own(what: ResourceClass, ref: SiteRef): SiteRef {
    this.#made.push({ class: what, ref });
    return ref;
  }

  async look<C extends ResourceClass>(what: C, ref: SiteRef): Promise<ObservedOf<C> | undefined> {
    return (await this.adapter.describe(what, [ref])).get(ref) as ObservedOf<C> | undefined;
  }

  /** Waits until no change is under way. Answers what is there then; nothing when it is gone. */
  async rest<C extends ResourceClass>(what: C, ref: SiteRef): Promise<ObservedOf<C> | undefined> {
    const { stepMs, patienceMs } = this.harness.pace;
    for (let waited = 0; ; waited += stepMs) {
      const seen = await this.look(what, ref);
      if (!seen?.busy) return seen;
      if (waited > patienceMs) throw new Error(`${what} ${ref} is still busy after ${patienceMs} ms`);
      await this.harness.advance(stepMs);
    }
  }

  /** Waits until a machine has been booted; answers how to wait until it has been once more. Nothing (noted) where nobody can tell. */
  async boots(ref: SiteRef): Promise<(() => Promise<void>) | undefined> {
    const { harness } = this;
    if (!harness.boots) return void this.skip('a counterpart that does not tell who was restarted');
    const counted = async (): Promise<number> => (await harness.boots?.(ref)) ?? 0;
    await this.until(async () => (await counted()) > 0, 'it boots');
    const before = await counted();
    return () => this.until(async () => (await counted()) > before, 'it boots again');
  }

  /** Lets time pass until something has come about. */
  async until(hasCome: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const { stepMs, patienceMs } = this.harness.pace;
    for (let waited = 0; !(await hasCome()); waited += stepMs) {
      if (waited > patienceMs) throw new Error(`not within ${patienceMs} ms: ${what}`);
      await this.harness.advance(stepMs);
    }
  }

  /** Asks for measurements until a machine that runs has all of them: a site measures in a rhythm of its own. */
  async measured(ref: SiteRef, asked: readonly SiteRef[] = [ref]): Promise<readonly MetricSample[]> {
    const { stepMs, patienceMs } = this.harness.pace;
    for (let waited = 0; ; waited += stepMs) {
      const samples = await this.adapter.metrics(asked);
      const told = new Set(samples.filter((sample) => sample.ref === ref).map(({ metric }) => metric));
      if (this.can.metrics.every((metric) => told.has(metric))) return samples;
      if (waited > patienceMs) throw new Error(`${ref} is told ${[...told].join(', ')} within ${patienceMs} ms`);
      await this.harness.advance(stepMs);
    }
  }

  /** Waits for rest and expects the thing to be there, in this state if one is named. */
  async reaches<C extends ResourceClass>(what: C, ref: SiteRef, state?: string): Promise<ObservedOf<C>> {
    const seen = await this.rest(what, ref);
    if (!seen) throw new Error(`${what} ${ref} is gone`);
    if (state !== undefined) expect({ ref, state: seen.state }).toEqual({ ref, state });
    return seen;
  }

  /** Deletes a thing and waits until the site no longer has it. A real cloud that comes to rest with it is asked once more, as the engine does. */
  async remove(what: ResourceClass, ref: SiteRef): Promise<void> {
    await this.adapter.delete(what, ref);
    let left = await this.rest(what, ref);
    if (left && this.harness.slow === true) {
      await this.adapter.delete(what, ref);
      left = await this.rest(what, ref);
    }
    expect(left).toBeUndefined();
  }

  /** Expects a call to be refused in one of these classes, with words of its own. */
  async refused(call: Promise<unknown>, ...classes: readonly IaasErrorClass[]): Promise<void> {
    const thrown = await call.then(
      () => undefined,
      (error: unknown) => error,
    );
    this.isRefusal(thrown, ...classes);
  }

  /** The same for what was thrown already. */
  isRefusal(thrown: unknown, ...classes: readonly IaasErrorClass[]): void {
    if (!(thrown instanceof IaasError))
      throw new Error(`expected a refusal (${classes.join(', ')}), got ${String(thrown)}`);
    expect(classes).toContain(thrown.class);
    expect(thrown.message).not.toBe('');
    for (const each of this.harness.secrets ?? [])
      expect([thrown.message, thrown.said, String(thrown.cause)].join(' ')).not.toContain(each);
  }

  async listed(what: ResourceClass): Promise<Observed[]> {
    const found: Observed[] = [];
    for await (const observed of this.adapter.list(what)) found.push(observed);
    return found;
  }

  /** Deletes what the test made, whatever became of it; the site must let go of all of it. */
  async clear(): Promise<void> {
    await this.#harness?.faults?.clear();
    const made = this.#made;
    this.#made = [];
    for (const what of ORDER) {
      const refs = [...new Set(made.filter((thing) => thing.class === what).map((thing) => thing.ref))];
      if (what !== 'attachment') await Promise.all(refs.map((ref) => this.adapter.delete(what, ref)));
      for (const ref of refs) {
        // A volume that several machines have is taken from one after the other.
        if (what === 'attachment') await this.adapter.delete(what, ref);
        expect({ ref, left: await this.rest(what, ref) }).toEqual({ ref, left: undefined });
      }
    }
  }

  async close(): Promise<void> {
    if (this.#boot !== undefined && this.#harness?.boot === undefined) await this.remove('image', this.#boot);
    await this.#harness?.close();
  }
}

/** Bytes as a stream of small chunks of uneven size. */
export async function* inPieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 1009) {
    await Promise.resolve();
    yield bytes.subarray(at, at + 1009);
  }
}
