/**
 * Measurements under the names of `src/sla/vocabulary.ts` from the counters of a hypervisor, which only grow while a machine
 * runs: a rate is the difference of two looks, and a machine that is seen for the first time is looked at twice.
 */

import type { Clock } from '../base/clock.js';
import type { CallOptions, MetricSample, SiteRef } from './adapter.js';

/** What is told of a machine that runs, at one moment; what its hypervisor does not tell is absent. */
export interface Counters {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly cores: number;
  /** Time of all cores, in seconds. */
  readonly cpuSeconds?: number;
  /** Read and written. */
  readonly diskBytes?: number;
  /** Received and sent. */
  readonly networkBytes?: number;
  /** Memory in use, of all it has: no counter, but told with them. */
  readonly memoryShare?: number;
}

/** Looks at machines: those that do not run have no entry. */
export type Look = (refs: readonly SiteRef[], options: CallOptions) => Promise<ReadonlyMap<SiteRef, Counters>>;

/** Between the two looks at a machine that was not looked at before, in milliseconds. */
export const BETWEEN_LOOKS_MS = 250;

export class Rates {
  readonly #look: Look;
  readonly #clock: Clock;
  readonly #before = new Map<SiteRef, Counters>();

  constructor(look: Look, clock: Clock) {
    this.#look = look;
    this.#clock = clock;
  }

  /** Of those machines that run. */
  async samples(refs: readonly SiteRef[], options: CallOptions): Promise<readonly MetricSample[]> {
    const seen = new Map(await this.#look(refs, options));
    for (const ref of refs) if (!seen.has(ref)) this.#before.delete(ref);
    const fresh = [...seen].filter(([ref, now]) => !isBefore(this.#before.get(ref), now));
    if (fresh.length > 0) {
      for (const [ref, now] of fresh) this.#before.set(ref, now);
      await this.#clock.sleep(BETWEEN_LOOKS_MS, options.signal);
      const again = await this.#look(
        fresh.map(([ref]) => ref),
        options,
      );
      for (const [ref, now] of again) seen.set(ref, now);
    }
    return [...seen].flatMap(([ref, now]) => {
      const before = this.#before.get(ref);
      this.#before.set(ref, now);
      return isBefore(before, now) ? samplesOf(ref, before, now) : [];
    });
  }
}

/** Whether it is an earlier look at the same run of a machine: counters begin anew with each. */
function isBefore(before: Counters | undefined, now: Counters): before is Counters {
  return before !== undefined && before.at < now.at && (before.cpuSeconds ?? 0) <= (now.cpuSeconds ?? 0);
}

function samplesOf(ref: SiteRef, before: Counters, now: Counters): MetricSample[] {
  const rate = (name: 'cpuSeconds' | 'diskBytes' | 'networkBytes'): number | undefined => {
    const [first, last] = [before[name], now[name]];
    if (first === undefined || last === undefined) return undefined;
    return (Math.max(0, last - first) * 1000) / (now.at - before.at);
  };
  const sample = (metric: string, value: number | undefined): MetricSample[] =>
    value === undefined ? [] : [{ ref, metric, at: now.at, value }];
  const share = (value: number | undefined): number | undefined => value && Math.min(1, value);
  const load = rate('cpuSeconds');
  return [
    ...sample('vm.cpu.utilization', share(load && load / now.cores)),
    ...sample('vm.cpu.load', load),
    ...sample('vm.memory.utilization', share(now.memoryShare)),
    ...sample('vm.disk.io', rate('diskBytes')),
    ...sample('vm.network.io', rate('networkBytes')),
  ];
}
