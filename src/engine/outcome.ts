/**
 * Recording what a step came to, under the lease it ran with: a worker that has lost its lease records nothing (the
 * fence). The step's own `commit` and the step's record are one transaction.
 */

import type { Clock } from '../base/clock.js';
import type { Tx } from '../store/sql.js';
import { backoff, type Failure, type RetryPolicy } from './failure.js';
import type { Lifecycle } from './lifecycle.js';
import type { Direction, Finding, OperationTypes, Progress, StepOutcome } from './operation.js';
import { lockOperations, lockSubject, updateOperation, type Change, type StoredOperation } from './records.js';

/** What a worker learned from one run of a step. */
export type StepResult =
  | { readonly kind: 'outcome'; readonly outcome: StepOutcome }
  | { readonly kind: 'failure'; readonly failure: Failure }
  /** The process is ending before the step has: whoever leases it next runs it again. */
  | { readonly kind: 'interrupted' };

export interface Recorded {
  /** The lease was still held; otherwise nothing was recorded. */
  readonly held: boolean;
  /** The operation goes on with its next step under the same lease. */
  readonly next?: StoredOperation;
}

const RELEASED = { owner: null, leaseUntil: null } as const;

export class OutcomeRecorder {
  readonly #types: OperationTypes;
  readonly #lifecycle: Lifecycle;
  readonly #clock: Clock;
  readonly #retry: RetryPolicy;

  constructor(types: OperationTypes, lifecycle: Lifecycle, clock: Clock, retry: RetryPolicy) {
    this.#types = types;
    this.#lifecycle = lifecycle;
    this.#clock = clock;
    this.#retry = retry;
  }

  /**
   * Records the result of running the present step of `leased`. With `keepUntil` the lease is kept for the next step,
   * up to that time, if there is one in the same direction; without, it is given back.
   */
  async record(
    tx: Tx,
    leased: StoredOperation,
    result: StepResult,
    progress?: Progress,
    keepUntil?: number,
  ): Promise<Recorded> {
    const row = await this.#underLease(tx, leased);
    if (!row) return { held: false };
    const current = progress ? { ...row, progress } : row;
    if (current.direction !== leased.direction) return this.#turnedBack(tx, current, result);
    if (result.kind === 'interrupted') {
      await updateOperation(tx, current, { ...RELEASED, dueAt: this.#clock.now() });
      return { held: true };
    }
    if (result.kind === 'failure') return this.#failed(tx, current, result.failure);
    const { outcome } = result;
    await outcome.commit?.(tx);
    const after = outcome.memory ? { ...current, memory: { ...current.memory, ...outcome.memory } } : current;
    if (outcome.done) return this.#stepDone(tx, after, keepUntil);
    await this.#show(tx, after, {
      ...RELEASED,
      attempts: 0,
      dueAt: this.#clock.now() + outcome.again,
      ...(outcome.progress ? { progress: outcome.progress } : {}),
    });
    return { held: true };
  }

  /** Shows how far a step has come. Writes nothing when the lease is lost. */
  async progress(tx: Tx, leased: StoredOperation, progress: Progress): Promise<void> {
    const row = await this.#underLease(tx, leased);
    if (row) await this.#show(tx, row, { progress });
  }

  /** Takes the subject's lock and reads the operation; undefined when another worker has taken it over. */
  async #underLease(tx: Tx, leased: StoredOperation): Promise<StoredOperation | undefined> {
    await lockSubject(tx, leased.subject);
    const condition = 'id = ? AND owner = ? AND fence = ?';
    return (await lockOperations(tx, condition, [leased.id, leased.owner, leased.fence]))[0];
  }

  async #stepDone(tx: Tx, operation: StoredOperation, keepUntil: number | undefined): Promise<Recorded> {
    const steps = this.#types.get(operation.type)?.steps ?? [];
    const index = steps.findIndex((step) => step.name === operation.step);
    const forward = operation.direction === 'forward';
    const step = forward ? (steps[index + 1]?.name ?? null) : this.#lifecycle.lastToUndo(operation, index - 1);
    if (step === null) {
      const ended = await updateOperation(tx, operation, RELEASED);
      await (forward ? this.#lifecycle.finish(tx, ended) : this.#lifecycle.undone(tx, ended));
      return { held: true };
    }
    const keep = keepUntil === undefined ? RELEASED : { leaseUntil: keepUntil };
    const change: Change = { step, begun: keepUntil !== undefined, attempts: 0, dueAt: this.#clock.now(), ...keep };
    const percent = Math.floor((100 * (index + 1)) / steps.length);
    const next = await this.#show(tx, operation, {
      ...change,
      ...(forward ? { progress: { percent, message: step } } : {}),
    });
    return keepUntil === undefined ? { held: true } : { held: true, next };
  }

  async #failed(tx: Tx, operation: StoredOperation, failure: Failure): Promise<Recorded> {
    const { direction, step } = operation;
    const released = await updateOperation(tx, operation, { ...RELEASED, attempts: operation.attempts + 1 });
    if (direction === 'undo' && failure.class === 'not-found') return this.#stepDone(tx, released, undefined);
    const finding = findingOf(released, step ?? '', direction, failure);
    if (!failure.retryable) {
      await (direction === 'forward'
        ? this.#lifecycle.fail(tx, released, finding)
        : this.#lifecycle.die(tx, released, finding));
    } else if (released.attempts >= this.#retry.attempts) {
      await this.#lifecycle.die(tx, released, finding);
    } else {
      const wait = backoff(this.#retry, released.attempts, failure.retryAfter);
      const message = `${failure.message}; attempt ${released.attempts + 1} of ${this.#retry.attempts} in ${Math.ceil(wait / 1000)} s`;
      await this.#show(tx, released, { dueAt: this.#clock.now() + wait, progress: { ...released.progress, message } });
    }
    return { held: true };
  }

  /** The graph was turned back while a forward step ran. What the step did is recorded, so that it can be undone. */
  async #turnedBack(tx: Tx, operation: StoredOperation, result: StepResult): Promise<Recorded> {
    const outcome = result.kind === 'outcome' ? result.outcome : undefined;
    await outcome?.commit?.(tx);
    const memory = { ...operation.memory, ...outcome?.memory };
    await this.#lifecycle.turnedBack(tx, await updateOperation(tx, operation, { ...RELEASED, memory, begun: false }));
    return { held: true };
  }

  async #show(tx: Tx, operation: StoredOperation, change: Change): Promise<StoredOperation> {
    const shown = await updateOperation(tx, operation, change);
    await this.#lifecycle.event(tx, shown);
    return shown;
  }
}

function findingOf(operation: StoredOperation, step: string, direction: Direction, failure: Failure): Finding {
  const { class: errorClass, message, said, faults } = failure;
  return {
    operation: operation.id,
    entity: operation.entity,
    step,
    direction,
    class: errorClass,
    message,
    ...(said === undefined ? {} : { said }),
    ...(faults === undefined ? {} : { faults }),
  };
}
