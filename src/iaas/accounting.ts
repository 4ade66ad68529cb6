/**
 * What a site has recorded by itself of machines that ran: a second source, which VEP had no hand in, for a provider whose bill is
 * doubted. VEP makes no figures of it; it shows them, and where they differ from what VEP shows ({@link differencesOf}).
 */

import type { CallOptions, SiteRef } from './adapter.js';

/** One machine on one host with one size, from when it was switched on until it was switched off. */
export interface MachineRun {
  readonly ref: SiteRef;
  /** The id VEP gave at creation. */
  readonly id: string;
  /** Whose it is, in the site's own words: a user and a group there. */
  readonly user: string;
  readonly group: string;
  readonly host?: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Milliseconds since the epoch, by the site's clock. */
  readonly from: number;
  /** Absent while it runs. */
  readonly until?: number;
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

/** What a site can do that keeps account of machines ({@link Capabilities.accounting}). */
export interface AccountingSite {
  /** The runs of VEP's machines that reach into a span of time, whole, each machine's in their order. */
  runs(span: Span, options?: CallOptions): Promise<readonly MachineRun[]>;
}

/** What a group has used within a span: seconds of machines, of cores, and of GiB of memory. */
export interface GroupUsage {
  readonly group: string;
  readonly machines: number;
  readonly seconds: number;
  readonly coreSeconds: number;
  readonly memoryGibSeconds: number;
}

/** How long a run was within a span, in seconds; `now` ends what still runs. */
export function secondsOf({ from, until }: MachineRun, span: Span, now: number): number {
  return Math.max(0, Math.min(until ?? now, span.until) - Math.max(from, span.from)) / 1000;
}

/** The runs by group, as the provider bills them. */
export function usageOf(runs: readonly MachineRun[], span: Span, now: number): readonly GroupUsage[] {
  return [...new Set(runs.map(({ group }) => group))].sort().map((group) => {
    const mine = runs.filter((run) => run.group === group);
    const sum = (of: (run: MachineRun) => number): number =>
      mine.reduce((total, run) => total + of(run) * secondsOf(run, span, now), 0);
    return {
      group,
      machines: new Set(mine.map(({ ref }) => ref)).size,
      seconds: sum(() => 1),
      coreSeconds: sum(({ cores }) => cores),
      memoryGibSeconds: sum(({ memoryBytes }) => memoryBytes / 2 ** 30),
    };
  });
}

/** A machine as VEP shows it: nothing but its state, and since when nothing has changed about it. */
export interface ShownMachine {
  readonly id: string;
  readonly state: string;
  readonly since: number;
}

/** One thing that the site's record and VEP say differently for longer than {@link BOUND_MS}. */
export interface Difference {
  readonly id: string;
  readonly code: 'unknown-runs' | 'shown-otherwise' | 'not-recorded';
  readonly message: string;
}

/** The site's clock is another one, and what has just changed shows a little later: five minutes are nobody's quarrel. */
const BOUND_MS = 300_000;

/** Where the record of what runs now, and what VEP shows now, are not the same. */
export function differencesOf(
  runs: readonly MachineRun[],
  shown: readonly ShownMachine[],
  now: number,
): readonly Difference[] {
  const open = runs.filter(({ until, from }) => until === undefined && now - from > BOUND_MS);
  const known = new Map(shown.map((machine) => [machine.id, machine]));
  const settled = (machine: ShownMachine): boolean => now - machine.since > BOUND_MS;
  const unlike = open.flatMap(({ id, ref, from }): Difference[] => {
    const machine = known.get(id);
    const runsSince = `machine ${ref} of the site runs since ${new Date(from).toISOString()}`;
    if (!machine) return [{ id, code: 'unknown-runs', message: `${runsSince}, and VEP has no machine of its id` }];
    if (machine.state === 'active' || !settled(machine)) return [];
    return [{ id, code: 'shown-otherwise', message: `${runsSince}, and VEP shows it ${machine.state}` }];
  });
  const running = new Set(runs.filter(({ until }) => until === undefined).map(({ id }) => id));
  const unrecorded = shown
    .filter((machine) => machine.state === 'active' && settled(machine) && !running.has(machine.id))
    .map(({ id, since }): Difference => {
      const message = `VEP shows it active since ${new Date(since).toISOString()} at least, and the site has not recorded that it runs`;
      return { id, code: 'not-recorded', message };
    });
  return [...unlike, ...unrecorded];
}
