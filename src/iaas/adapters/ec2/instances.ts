/**
 * Instances as EC2 describes them: by id, by the token they were made for, and all of VEP's. EC2 is consistent only in
 * the end: an instance that has just been made may not show for a while, and is then told as on its way.
 */

import type { Filter, Instance } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../base/clock.js';
import { IaasError, type CallOptions, type ComputeSize, type Observed } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import type { Patience } from '../../patience.js';
import { marksIn, nameIn, ours, oursFor, tagOf, type Marks } from './marks.js';
import { meaningOf, type Meaning } from './states.js';
import { SIZE_TAG, sizeOf, type InstanceType } from './sizes.js';

export interface Machine {
  readonly id: string;
  readonly marks: Marks | undefined;
  /** Nothing for one that is gone, although EC2 still shows it. */
  readonly meaning: Meaning | undefined;
  readonly instance: Instance;
}

/** On an instance that ended by itself, once VEP has taken note of it. */
export const NOTED = 'vep:noted';

/** How many ids a filter takes. */
const PAGE = 200;
/** How long EC2 may take to show what it has made, in milliseconds. */
const YOUTH_MS = 120_000;

const REF = /^i-[0-9a-f]{8,17}$/;

export class Instances {
  readonly #api: Ec2Api;
  readonly #realm: string;
  readonly #clock: Clock;
  readonly #patience: Patience;
  readonly #young = new Map<string, { readonly at: number; readonly id: string; readonly size: ComputeSize }>();

  constructor(api: Ec2Api, realm: string, clock: Clock, patience: Patience) {
    this.#api = api;
    this.#realm = realm;
    this.#clock = clock;
    this.#patience = patience;
  }

  /** EC2 has answered with this instance, but may not show it yet. */
  born(ref: string, id: string, size: ComputeSize): void {
    const now = this.#clock.now();
    for (const [known, { at }] of this.#young) if (now - at > YOUTH_MS) this.#young.delete(known);
    this.#young.set(ref, { at: now, id, size });
  }

  async *all(filters: readonly Filter[], call: CallOptions): AsyncIterable<Machine> {
    const input = { Filters: [...filters], MaxResults: 1000 };
    for await (const page of this.#api.pages('DescribeInstances', input, call))
      for (const { Instances: instances } of page.Reservations ?? [])
        for (const instance of instances ?? []) {
          const machine = this.#read(instance);
          this.#young.delete(machine.id);
          yield machine;
        }
  }

  ours(call: CallOptions): AsyncIterable<Machine> {
    return this.all(ours(this.#realm), call);
  }

  /** Those of the refs that are there, by ref. */
  async some(refs: readonly string[], call: CallOptions): Promise<ReadonlyMap<string, Machine>> {
    const ids = [...new Set(refs)].filter((ref) => REF.test(ref));
    const found = new Map<string, Machine>();
    for await (const machine of this.#shown(ids, call)) if (machine.meaning) found.set(machine.id, machine);
    return found;
  }

  /** What EC2 shows of these, gone or not. */
  async *#shown(ids: readonly string[], call: CallOptions): AsyncIterable<Machine> {
    for (let at = 0; at < ids.length; at += PAGE)
      yield* this.all([{ Name: 'instance-id', Values: ids.slice(at, at + PAGE) }], call);
  }

  async look(ref: string, call: CallOptions): Promise<Machine | undefined> {
    return (await this.some([ref], call)).get(ref);
  }

  /**
   * A machine of VEP's own.
   * @throws IaasError `not-found`, `transient` while EC2 does not show it yet, or `denied` for one of somebody else
   */
  async own(ref: string, call: CallOptions): Promise<Machine> {
    const machine = await this.#patience.until(call, 'EC2 does not show the new instance yet', async () => {
      return (await this.look(ref, call)) ?? (this.#isYoung(ref) ? undefined : 'none');
    });
    if (machine === 'none') throw new IaasError('not-found', 'EC2 has no such instance');
    return checkedOwn(machine);
  }

  /**
   * A machine of VEP's own that is to go, `gone`, or `unseen` when EC2 has not shown it within the patience of a call: it may have
   * ended long ago, or another process may have made it just now.
   * @throws IaasError `transient` while EC2 does not show what this process has made, or `denied` for one of somebody else
   */
  async leaving(ref: string, call: CallOptions): Promise<Machine | 'gone' | 'unseen'> {
    if (!REF.test(ref)) return 'gone';
    const shown: Machine[] = [];
    await this.#patience.settled(call, async () => {
      for await (const machine of this.#shown([ref], call)) shown.push(machine);
      return shown.length > 0;
    });
    const [machine] = shown;
    if (machine) return machine.meaning ? checkedOwn(machine) : 'gone';
    if (this.#isYoung(ref)) throw new IaasError('transient', 'EC2 does not show the new instance yet', 'not shown');
    return 'unseen';
  }

  /** The machine of a token, and how many EC2 still shows that were made for it and are gone. */
  async find(
    token: string,
    call: CallOptions,
  ): Promise<{ readonly machine: Machine | undefined; readonly gone: number }> {
    const found: Machine[] = [];
    for await (const machine of this.all(oursFor(this.#realm, token), call)) found.push(machine);
    return {
      machine: found.find(({ meaning }) => meaning && meaning.heading !== 'gone'),
      gone: found.filter(({ meaning }) => !meaning || meaning.heading === 'gone').length,
    };
  }

  /** What is told of those that EC2 does not show yet. */
  unborn(refs: readonly string[], shown: ReadonlyMap<string, unknown>): Observed[] {
    return refs.flatMap((ref) => {
      const young = this.#young.get(ref);
      if (!young || shown.has(ref) || !this.#isYoung(ref)) return [];
      return [{ class: 'compute' as const, ref, id: young.id, state: 'inactive' as const, busy: true, ...young.size }];
    });
  }

  observe({ id, marks, meaning, instance }: Machine, types: readonly InstanceType[]): Observed | undefined {
    if (!meaning) return undefined;
    const message = meaning.message ?? (meaning.state === 'error' ? 'the instance has failed' : undefined);
    return {
      class: 'compute',
      ref: id,
      ...(marks === undefined ? {} : { id: marks.id }),
      ...nameIn(instance.Tags),
      state: meaning.state,
      busy: meaning.busy === true,
      ...this.sizeOf(instance, types),
      ...(message === undefined ? {} : { message }),
    };
  }

  sizeOf(instance: Instance, types: readonly InstanceType[]): ComputeSize {
    return sizeOf(tagOf(instance.Tags, SIZE_TAG), instance.InstanceType ?? '', types);
  }

  #isYoung(ref: string): boolean {
    const at = this.#young.get(ref)?.at;
    return at !== undefined && this.#clock.now() - at <= YOUTH_MS;
  }

  #read(instance: Instance): Machine {
    const noted = tagOf(instance.Tags, NOTED) !== undefined && instance.State?.Name === 'terminated';
    return {
      id: instance.InstanceId ?? '',
      marks: marksIn(instance.Tags, this.#realm),
      meaning: noted ? undefined : meaningOf(instance),
      instance,
    };
  }
}

function checkedOwn(machine: Machine): Machine {
  if (!machine.marks) throw new IaasError('denied', 'this instance was not made by VEP, which leaves it alone');
  return machine;
}
