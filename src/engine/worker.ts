/**
 * The worker: leases due operations, runs their next step, records the outcome, and goes on. Several workers, in one
 * process or in many, share one database. Whatever happens to a worker, its leases run out and its steps run again
 * elsewhere with the same tokens.
 */

import type { Clock } from '../base/clock.js';
import { Problem } from '../base/errors.js';
import { newUuid, type Uuid } from '../base/ids.js';
import type { Log } from '../base/log.js';
import { JoinedSignal } from '../base/signals.js';
import type { Store } from '../store/sql.js';
import { failureOf, type Failure } from './failure.js';
import { leaseDue, nextDue, releaseLeases, renewLeases, turnedBack, voidOldLeases } from './lease.js';
import { tokenOf, type OperationTypes, type Progress, type StepContext, type StepOutcome } from './operation.js';
import type { OutcomeRecorder, Recorded, StepResult } from './outcome.js';
import type { StoredOperation } from './records.js';

export interface WorkerLimits {
  /** Steps at work at the same time in this worker. */
  readonly concurrency: number;
  /** Steps at work at the same time on one site, in all processes together. */
  readonly perSite: number;
  /** Milliseconds after which a worker that shows no sign of life loses its work. */
  readonly leaseMs: number;
  /** Milliseconds between looks for work that other processes filed or left. */
  readonly pollMs: number;
  /** Milliseconds one run of a step may take, unless its type says otherwise. */
  readonly stepMs: number;
}

/** Milliseconds between two progress reports of one operation that are written. */
const PROGRESS_MS = 1000;
/** Milliseconds that interrupted steps have to notice it. */
const INTERRUPT_MS = 1000;
const MAX_TRIES = 10;
const DONE: StepOutcome = { done: true };

/** A lease that this worker holds. */
interface Holding {
  operation: StoredOperation;
  /** Aborts when the lease is lost, the operation is turned back or the worker ends. */
  readonly abort: AbortController;
  progress: Progress | undefined;
  progressAt: number;
  writing: Promise<void>;
}

export class Worker {
  /** Names this worker on the leases it holds; never used again. */
  readonly id: Uuid = newUuid();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #types: OperationTypes;
  readonly #recorder: OutcomeRecorder;
  readonly #limits: WorkerLimits;
  readonly #held = new Map<Uuid, Holding>();
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #stopping = false;
  #wake = new AbortController();
  #leasing: Promise<void> = Promise.resolve();
  #renewing: Promise<void> = Promise.resolve();

  constructor(
    parts: { readonly store: Store; readonly clock: Clock; readonly log: Log; readonly types: OperationTypes },
    recorder: OutcomeRecorder,
    limits: WorkerLimits,
  ) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#log = parts.log.child({ worker: this.id });
    this.#types = parts.types;
    this.#recorder = recorder;
    this.#limits = limits;
  }

  start(): void {
    this.#leasing = voidOldLeases(this.#store)
      .catch((error: unknown) => this.#log.error({ err: error }, 'old leases not voided'))
      .then(() => this.#leaseLoop());
    this.#renewing = this.#renewLoop();
  }

  /** Something may have become due: look at once. */
  nudge(): void {
    this.#wake.abort();
  }

  /**
   * Takes no more work, waits up to `graceMs` for the steps at work to end, interrupts those that have not, and gives
   * back what is left.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.nudge();
    await this.#leasing;
    const grace = new AbortController();
    void this.settled().then(() => grace.abort());
    await this.#clock.sleep(graceMs, grace.signal);
    this.#ending.abort();
    for (const holding of this.#held.values()) holding.abort.abort();
    await this.#clock.sleep(INTERRUPT_MS, grace.signal);
    await this.#renewing;
    await releaseLeases(this.#store, this.id);
  }

  /**
   * Leases everything that is due now and begins its steps. Answers how many it took.
   * The loop calls it; tests that drive time themselves do too.
   */
  async leaseOnce(): Promise<number> {
    if (this.#stopping) return 0;
    const { concurrency, perSite, leaseMs } = this.#limits;
    const now = this.#clock.now();
    const room = concurrency - this.#held.size;
    const leased = await leaseDue(this.#store, this.id, now, now + leaseMs, { room, perSite });
    for (const operation of leased) {
      const work = this.#work(operation).finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
    return leased.length;
  }

  /** Resolves when no step of this worker is at work any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #leaseLoop(): Promise<void> {
    while (!this.#stopping) {
      this.#wake = new AbortController();
      const { signal } = this.#wake;
      try {
        await this.#interruptTurnedBack();
        const taken = await this.leaseOnce();
        if (taken > 0) continue;
        const due = await nextDue(this.#store, this.#clock.now());
        const wait = due === undefined ? this.#limits.pollMs : Math.min(this.#limits.pollMs, due - this.#clock.now());
        await this.#clock.sleep(Math.max(1, wait), signal);
      } catch (error) {
        this.#log.error({ err: error }, 'leasing work failed');
        await this.#clock.sleep(this.#limits.pollMs, signal);
      }
    }
  }

  async #interruptTurnedBack(): Promise<void> {
    if (this.#held.size === 0) return;
    const ids = await turnedBack(this.#store, this.id);
    for (const [id, { operation, abort }] of this.#held) {
      if (operation.direction === 'forward' && ids.has(id)) abort.abort();
    }
  }

  async #renewLoop(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      await this.#clock.sleep(this.#limits.leaseMs / 3, this.#ending.signal);
      if (this.#held.size > 0) await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    try {
      const before = new Map(this.#held);
      const held = await renewLeases(this.#store, this.id, this.#clock.now() + this.#limits.leaseMs);
      for (const [id, { operation, abort }] of before) {
        if (held.get(id) !== operation.fence) abort.abort();
      }
    } catch (error) {
      this.#log.error({ err: error }, 'renewing leases failed');
    }
  }

  /** Runs the steps of one leased operation, one after the other, as long as the lease is kept. */
  async #work(leased: StoredOperation): Promise<void> {
    this.#held.get(leased.id)?.abort.abort();
    const holding: Holding = {
      operation: leased,
      abort: new AbortController(),
      progress: undefined,
      progressAt: this.#clock.now(),
      writing: Promise.resolve(),
    };
    this.#held.set(leased.id, holding);
    try {
      for (let operation: StoredOperation | undefined = leased; operation;) {
        holding.operation = operation;
        holding.progress = undefined;
        const result = await this.#runStep(holding);
        await holding.writing;
        operation = (await this.#record(holding, result)).next;
      }
    } catch (error) {
      // The database did not take the outcome: the lease runs out and the step runs again.
      this.#log.error({ err: error, operation: leased.id }, 'recording a step failed');
    } finally {
      if (this.#held.get(leased.id) === holding) this.#held.delete(leased.id);
      this.nudge();
    }
  }

  async #record(holding: Holding, result: StepResult): Promise<Recorded> {
    try {
      return await this.#write(holding, result);
    } catch (error) {
      if (result.kind !== 'outcome') throw error;
      // The step's own commit refused: that is a failure of the step.
      this.#log.warn({ err: error, operation: holding.operation.id }, 'commit of a step failed');
      return this.#write(holding, { kind: 'failure', failure: failureOf(error) });
    }
  }

  async #write({ operation, progress }: Holding, result: StepResult): Promise<Recorded> {
    for (let tries = 1; ; tries++) {
      try {
        const recorded = await this.#store.write((tx) => {
          const keepUntil = this.#stopping ? undefined : this.#clock.now() + this.#limits.leaseMs;
          return this.#recorder.record(tx, operation, result, progress, keepUntil);
        });
        if (!recorded.held) this.#log.warn({ operation: operation.id }, 'lease lost, outcome dropped');
        return recorded;
      } catch (error) {
        // Many steps of one appliance that end together meet at its lock; the store has waited already.
        if (!isContention(error) || tries === MAX_TRIES) throw error;
      }
    }
  }

  async #runStep(holding: Holding): Promise<StepResult> {
    const { operation, abort } = holding;
    const type = this.#types.get(operation.type);
    const step = type?.steps.find((each) => each.name === operation.step);
    if (!type || (operation.step !== null && !step)) {
      const what = `operations of type ${operation.type}${type ? ` with a step ${operation.step}` : ''}`;
      const failure: Failure = { class: 'internal', message: `this release does not know ${what}`, retryable: true };
      return { kind: 'failure', failure };
    }
    if (!step) return { kind: 'outcome', outcome: DONE };
    const late = new AbortController();
    using joined = new JoinedSignal([abort.signal, late.signal]);
    const context: StepContext = {
      operation,
      token: tokenOf(operation, step.name),
      memory: operation.memory,
      input: operation.input,
      signal: joined.signal,
      clock: this.#clock,
      log: this.#log.child({ operation: operation.id, entity: operation.entity, step: step.name }),
      progress: (progress) => this.#progress(holding, progress),
    };
    const limit = type.limits?.stepMs ?? this.#limits.stepMs;
    return await this.#within(limit, late, abort.signal, async () =>
      operation.direction === 'forward' ? step.run(context) : ((await step.undo?.(context)) ?? DONE),
    );
  }

  /** Waits for a step at most `limit` milliseconds; then tells it to stop and takes it for failed. */
  async #within(
    limit: number,
    late: AbortController,
    aborted: AbortSignal,
    run: () => Promise<StepOutcome>,
  ): Promise<StepResult> {
    const over = new AbortController();
    const tooLate = this.#clock.sleep(limit, over.signal).then(() => undefined);
    try {
      const outcome = await Promise.race([run(), tooLate]);
      if (outcome) return { kind: 'outcome', outcome };
      late.abort();
      const message = `the step took longer than ${Math.round(limit / 1000)} s`;
      return { kind: 'failure', failure: { class: 'transient', message, retryable: true } };
    } catch (error) {
      return aborted.aborted ? { kind: 'interrupted' } : { kind: 'failure', failure: failureOf(error) };
    } finally {
      over.abort();
    }
  }

  #progress(holding: Holding, { percent, message }: Progress): void {
    const progress = { percent: Math.max(0, Math.min(100, Math.floor(percent))), message };
    holding.progress = progress;
    const now = this.#clock.now();
    if (now - holding.progressAt < PROGRESS_MS) return;
    holding.progressAt = now;
    const { operation } = holding;
    holding.writing = holding.writing
      .then(() => this.#store.write((tx) => this.#recorder.progress(tx, operation, progress)))
      .catch((error: unknown) => this.#log.warn({ err: error, operation: operation.id }, 'progress not written'));
  }
}

function isContention(error: unknown): boolean {
  return error instanceof Problem && error.faults.some((fault) => fault.code === 'store.contention');
}
