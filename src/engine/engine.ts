/**
 * The engine's face to the floors above: file work in the transaction that commits the wish, follow it, and let it be
 * done by a worker of this process. `docs/architecture.md`, "The way of the work".
 */

import type { Clock } from '../base/clock.js';
import { Problem, type Fault } from '../base/errors.js';
import type { Uuid } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { SqlReader, Store, Tx } from '../store/sql.js';
import { BackgroundTask } from './background-task.js';
import { defaultRetryPolicy, type RetryPolicy } from './failure.js';
import type { FiledGraph } from './graph.js';
import { Lifecycle } from './lifecycle.js';
import type { NewGraph, NewOperation, Operation, OperationState, OperationType } from './operation.js';
import { OutcomeRecorder } from './outcome.js';
import { ProgressFeed, type NewEvent, type ProgressEvent, type WatchOptions } from './progress.js';
import { UNFINISHED, findOperation, selectOperations } from './records.js';
import { engineUpkeep } from './upkeep.js';
import { Worker, type WorkerLimits } from './worker.js';
import { writeInTurn } from './write-turns.js';

export interface EngineParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

export interface EngineSettings extends WorkerLimits {
  readonly retry: RetryPolicy;
  /** Milliseconds for which finished operations and their events are kept. */
  readonly keepMs: number;
}

export const defaultEngineSettings: EngineSettings = {
  concurrency: 32,
  perSite: 16,
  leaseMs: 30_000,
  pollMs: 1000,
  stepMs: 600_000,
  retry: defaultRetryPolicy,
  keepMs: 7 * 24 * 3600 * 1000,
};

/** An operation of a graph with the ids of those it comes after. */
export interface GraphMember extends Operation {
  readonly after: readonly Uuid[];
}

export class Engine {
  readonly #types = new Map<string, OperationType>();
  readonly #lifecycle: Lifecycle;
  readonly #feed: ProgressFeed;
  readonly #worker: Worker;
  readonly #upkeep: BackgroundTask;

  constructor(parts: EngineParts, settings: EngineSettings = defaultEngineSettings) {
    const { clock, log } = parts;
    const store = writeInTurn(parts.store);
    this.#feed = new ProgressFeed(store, clock, settings.pollMs);
    this.#lifecycle = new Lifecycle(this.#types, clock, this.#feed, () => this.nudge());
    const recorder = new OutcomeRecorder(this.#types, this.#lifecycle, clock, settings.retry);
    this.#worker = new Worker({ store, clock, log, types: this.#types }, recorder, settings);
    this.#upkeep = new BackgroundTask(engineUpkeep(store, this.#lifecycle, clock, settings.keepMs), clock, log);
  }

  /**
   * Makes operation types known; before {@link start} and before any of them is filed.
   * @throws Problem `internal` with every type and step whose name is taken.
   */
  register(types: readonly OperationType[]): void {
    const faults: Fault[] = [];
    for (const type of types) {
      const names = type.steps.map((step) => step.name);
      if (this.#types.has(type.name) || new Set(names).size < names.length) {
        faults.push({
          code: 'engine.double-name',
          message: `operation type ${type.name} or one of its steps is there twice`,
        });
      }
      this.#types.set(type.name, type);
    }
    if (faults.length > 0) throw new Problem('internal', faults);
  }

  /** Begins to work: from here on operations that are due are carried out, left over ones first. */
  start(): void {
    this.#worker.start();
    this.#upkeep.start();
  }

  /** Takes no more work, lets steps at work end for up to `graceMs`, gives the rest back. The store may close after it. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all([this.#worker.stop(graceMs), this.#upkeep.stop()]);
  }

  /** Something may have become due. Called by itself after every commit that files work here. */
  nudge(): void {
    this.#worker.nudge();
  }

  /** Carries out what is due now and resolves when those steps have ended; for tests, which drive time themselves. */
  async runDue(): Promise<number> {
    const taken = await this.#worker.leaseOnce();
    await this.#worker.settled();
    return taken;
  }

  /** Files one operation. It begins when the earlier ones of its entity are finished. */
  file(tx: Tx, operation: NewOperation): Promise<Uuid> {
    return this.#lifecycle.file(tx, operation);
  }

  /**
   * Files the graph of an appliance. It begins when the earlier operations of the appliance itself are finished, each
   * child also when those of its own entity are and the children it comes after are done.
   * @throws Problem `invalid` for a graph with double or unknown keys or a circle.
   */
  fileGraph(tx: Tx, graph: NewGraph): Promise<FiledGraph> {
    return this.#lifecycle.fileGraph(tx, graph);
  }

  /** Cancels an operation with its whole graph: what has been done is undone. False when it is finished already. */
  cancel(tx: Tx, id: Uuid): Promise<boolean> {
    return this.#lifecycle.cancel(tx, id);
  }

  /** Cancels all unfinished work of an entity, e.g. ahead of its deletion; answers how many graphs and operations. */
  supersede(tx: Tx, entity: Uuid): Promise<number> {
    return this.#lifecycle.supersede(tx, entity);
  }

  /** Lets a dead operation, or the dead ones of a graph, try again. False when it is not dead. */
  retry(tx: Tx, id: Uuid): Promise<boolean> {
    return this.#lifecycle.retry(tx, id);
  }

  /**
   * Lets go of what an operation has still to undo, because nobody can undo it; a step that is at work comes to nothing. False
   * when it undoes nothing.
   */
  abandon(tx: Tx, id: Uuid): Promise<boolean> {
    return this.#lifecycle.abandon(tx, id);
  }

  /** Has the operations of one type that wait to look again look now, of an appliance or of an entity that stands alone. */
  hasten(tx: Tx, subject: Uuid, type: string): Promise<void> {
    return this.#lifecycle.hasten(tx, subject, type);
  }

  /** Adds an event of an extension's own to a subject's feed, e.g. that a machine was seen to be active. */
  record(tx: Tx, event: NewEvent): Promise<void> {
    return this.#feed.record(tx, event);
  }

  /** What happens to an appliance (or an entity that stands alone), from the event after `after` on, until aborted. */
  watch(subject: Uuid, options: WatchOptions): AsyncIterable<ProgressEvent> {
    return this.#feed.watch(subject, options);
  }

  find(reader: SqlReader, id: Uuid): Promise<Operation | undefined> {
    return findOperation(reader, id);
  }

  /** Operations of an entity that are not finished, in the order in which they run. */
  unfinished(reader: SqlReader, entity: Uuid): Promise<readonly Operation[]> {
    return selectOperations(reader, `entity = ? AND state IN ${UNFINISHED}`, [entity]);
  }

  /** The operation of the same type that was filed for the same entity last before this one. */
  async previous(reader: SqlReader, { entity, type, turn }: Operation): Promise<Operation | undefined> {
    const [found] = await selectOperations(
      reader,
      'turn = (SELECT max(turn) FROM operation WHERE entity = ? AND type = ? AND turn < ?) AND entity = ? AND type = ?',
      [entity, type, turn, entity, type],
    );
    return found;
  }

  /** All operations in a state, e.g. the dead ones for the administrator. */
  inState(reader: SqlReader, state: OperationState): Promise<readonly Operation[]> {
    return selectOperations(reader, 'state = ?', [state]);
  }

  /** A parent and its children, parent last. Empty when there is no such operation. */
  async graph(reader: SqlReader, parent: Uuid): Promise<readonly GraphMember[]> {
    const members = await selectOperations(reader, 'id = ? OR parent = ?', [parent, parent]);
    const edges = await reader.all<{ operation_id: string; after_id: string }>(
      `SELECT operation_id, after_id FROM operation_edge
       WHERE operation_id IN (SELECT id FROM operation WHERE id = ? OR parent = ?) ORDER BY after_id`,
      [parent, parent],
    );
    const after = new Map<string, string[]>(members.map((member) => [member.id, []]));
    for (const edge of edges) after.get(edge.operation_id)?.push(edge.after_id);
    return members.map((member) => ({ ...member, after: after.get(member.id) ?? [] }));
  }
}
