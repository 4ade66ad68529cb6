/**
 * Operations: the durable work that takes a site from what it has to what is wanted. An operation is a saga (STYLE.md):
 * a list of named steps, each idempotent, each with an undo. Operations of one appliance form a graph (K31): a parent
 * for the appliance, a child per entity, and `after` edges between children. The types here are what extensions write
 * against; the worker runs them, `docs/architecture.md` ("The way of the work") draws the whole.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import type { Fault } from '../base/errors.js';
import type { Uuid } from '../base/ids.js';
import type { JsonObject } from '../base/json.js';
import type { Log } from '../base/log.js';
import type { IaasErrorClass } from '../iaas/adapter.js';
import type { Tx } from '../store/sql.js';

/**
 * - `waiting`: for operations it comes after, or for an earlier one of the same entity; a parent waits for its children
 * - `due`: may begin
 * - `running`: begun; between steps, at a step, or waiting to look again
 * - `undoing`: the steps that were begun are being taken back, last first
 * - `done`, `failed`, `cancelled`: finished; the last two leave nothing behind that has an undo
 * - `dead`: gave up on a step; nothing moves until somebody retries or cancels it
 */
export type OperationState = 'waiting' | 'due' | 'running' | 'undoing' | 'done' | 'failed' | 'dead' | 'cancelled';

export type FinishedState = 'done' | 'failed' | 'cancelled';

export type Direction = 'forward' | 'undo';

export interface Progress {
  /** 0…100. */
  readonly percent: number;
  readonly message: string;
}

/** Why an operation failed or died: the site's class and words, or the faults of a Problem. */
export interface Finding {
  /** The operation and the entity it happened to; a parent collects the findings of its children. */
  readonly operation: Uuid;
  readonly entity: Uuid;
  readonly step: string;
  readonly direction: Direction;
  /** `internal`: an error of VEP's own code. */
  readonly class: IaasErrorClass | 'internal';
  readonly message: string;
  /** The site's own words. */
  readonly said?: string;
  readonly faults?: readonly Fault[];
}

export interface Operation {
  readonly id: Uuid;
  /** Name of its {@link OperationType}. */
  readonly type: string;
  /** Id of the entity it works on. Operations of one entity run one after the other, in the order of filing. */
  readonly entity: Uuid;
  /** Id of the appliance that owns the entity, or is it; null if the entity stands alone. */
  readonly appliance: Uuid | null;
  /** The graph's parent operation; null for a parent itself and for a single operation. */
  readonly parent: Uuid | null;
  /** Site whose concurrency limit counts; null if it touches no site. */
  readonly site: string | null;
  readonly state: OperationState;
  readonly direction: Direction;
  /** Name of the step to run next, or to undo next; null when there is none (left). */
  readonly step: string | null;
  /** Position in the order of filing; counts within the appliance. */
  readonly turn: number;
  readonly input: JsonObject;
  /** Results of the finished steps, e.g. site references. */
  readonly memory: JsonObject;
  /** Consecutive transient failures of the present step. */
  readonly attempts: number;
  /** Milliseconds since the epoch at which it is to be looked at next; null when it waits for others or is finished. */
  readonly dueAt: number | null;
  /** The worker that holds it, until when, and how many times it has been leased. */
  readonly owner: string | null;
  readonly leaseUntil: number | null;
  readonly fence: number;
  readonly progress: Progress;
  readonly findings: readonly Finding[];
  /** On a parent: a failing child leaves the others as they are. */
  readonly keepOnFailure: boolean;
  /** Who asked for it. */
  readonly principal: string;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

/** What running (or undoing) a step came to. Failure is thrown: an `IaasError`, or a `Problem`. */
export type StepOutcome =
  | {
      readonly done: true;
      /** Merged into {@link Operation.memory}. */
      readonly memory?: JsonObject;
      /** Runs in the very transaction that records the step: what was observed is stored with it or not at all. */
      readonly commit?: (tx: Tx) => Promise<void>;
    }
  | {
      readonly done: false;
      /** Milliseconds after which to run this step again: the site is still busy. The worker is free meanwhile. */
      readonly again: number;
      readonly progress?: Progress;
      readonly memory?: JsonObject;
      readonly commit?: (tx: Tx) => Promise<void>;
    };

export interface StepContext {
  readonly operation: Operation;
  /**
   * The same for every run of this step of this operation, on any process: what creates hand to the IaaS. Starts with
   * the entity's id; at most 64 characters of `[0-9a-z-]`.
   */
  readonly token: string;
  readonly memory: JsonObject;
  readonly input: JsonObject;
  /** Aborts when the step takes too long, is cancelled, has lost its lease, or the process ends. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /** Shows how far it has come. Written at most once a second; never fails. */
  progress(progress: Progress): void;
}

export interface Step {
  readonly name: string;
  /** Idempotent: may run again after a crash at any instant, with the same token and memory. */
  run(context: StepContext): Promise<StepOutcome>;
  /**
   * Takes back what {@link run} did; idempotent too. Also called for a step that was begun and whose outcome is unknown:
   * its results are then missing in the memory. Absent: there is nothing to take back.
   */
  undo?(context: StepContext): Promise<StepOutcome>;
}

export interface OperationType {
  readonly name: string;
  /** Names are unique within the type and stay the same across releases: operations on disk speak of them. */
  readonly steps: readonly Step[];
  readonly limits?: {
    /** Milliseconds one run of a step may take. */
    readonly stepMs?: number;
  };
  /**
   * Runs in the transaction in which the operation becomes `done`, `failed`, `cancelled` or `dead`: the place to set an
   * entity to `error` or to wipe a secret. A done operation is settled again when its graph is undone later. May file
   * further operations, but not change those of its own graph.
   */
  settled?(tx: Tx, operation: Operation): Promise<void>;
}

/** The types that the extensions brought, by name. */
export type OperationTypes = ReadonlyMap<string, OperationType>;

/** A single operation to be filed. */
export interface NewOperation {
  readonly type: string;
  readonly entity: Uuid;
  /** The appliance that owns the entity, whoever asks. */
  readonly appliance: Uuid | null;
  readonly site: string | null;
  readonly input: JsonObject;
  readonly principal: string;
}

/** A graph to be filed. The parent's own steps run when all children are done; it may have none. */
export interface NewGraph {
  /** Its entity is the appliance. */
  readonly parent: Omit<NewOperation, 'appliance'>;
  readonly children: readonly NewChild[];
  /** K31: a child's failure leaves the others as they are instead of undoing all of them. */
  readonly keepOnFailure?: boolean;
}

export interface NewChild {
  /** Names the child within the graph, for {@link after}. */
  readonly key: string;
  readonly type: string;
  readonly entity: Uuid;
  readonly site: string | null;
  readonly input: JsonObject;
  /** Keys of the children that must be done first. */
  readonly after: readonly string[];
}

export function isFinished(state: OperationState): state is FinishedState {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** Milliseconds between the first two looks at a site that is still at work, and between two that come late. */
const FIRST_LOOK_MS = 20;
const LATE_LOOK_MS = 1000;

/**
 * How long to leave a site alone that is still at work: what is done at once is seen at once, and what takes minutes is asked
 * for once a second. Grows with the number of times the operation has been looked at.
 */
export function untilNextLook({ fence }: Pick<Operation, 'fence'>): number {
  return Math.min(LATE_LOOK_MS, FIRST_LOOK_MS * 2 ** Math.min(fence, 10));
}

/** The idempotency token of one step of one operation. */
export function tokenOf(operation: Pick<Operation, 'id' | 'entity'>, step: string): string {
  return `${operation.entity}-${createHash('sha256').update(`${operation.id} ${step}`).digest('hex').slice(0, 16)}`;
}
