/**
 * The life of operations: filed, released when what they come after is done, finished, failed, cancelled, dead, retried.
 * A failing child undoes its whole graph in reverse edge order (K31). Every transition happens under the lock of the
 * subject, in the caller's transaction; what the steps themselves do is the worker's part.
 *
 * Forward an operation waits only for smaller turns, backward only for greater ones, so waiting never goes in a circle.
 */

import type { Clock } from '../base/clock.js';
import type { Uuid } from '../base/ids.js';
import type { JsonObject } from '../base/json.js';
import type { Tx } from '../store/sql.js';
import { insertGraph, insertSingle, type FiledGraph } from './graph.js';
import {
  isFinished,
  type Finding,
  type FinishedState,
  type NewGraph,
  type NewOperation,
  type OperationTypes,
} from './operation.js';
import type { ProgressFeed } from './progress.js';
import {
  UNFINISHED,
  findOperation,
  lockOperations,
  lockSubject,
  selectOperations,
  updateOperation,
  type Change,
  type StoredOperation,
} from './records.js';
import { demoteFollowers, releaseForward, releaseUndo, type Candidates } from './release.js';

/** Findings kept on one operation; a large graph may fail in many places at once. */
const MAX_FINDINGS = 50;

export class Lifecycle {
  readonly #types: OperationTypes;
  readonly #clock: Clock;
  readonly #feed: ProgressFeed;
  readonly #nudge: () => void;

  /** `nudge` is called after a commit that may have made an operation due. */
  constructor(types: OperationTypes, clock: Clock, feed: ProgressFeed, nudge: () => void) {
    this.#types = types;
    this.#clock = clock;
    this.#feed = feed;
    this.#nudge = nudge;
  }

  async file(tx: Tx, operation: NewOperation): Promise<Uuid> {
    const filed = await insertSingle(tx, operation, this.#types, this.#clock.now());
    await this.#filed(tx, filed);
    return filed.id;
  }

  async fileGraph(tx: Tx, graph: NewGraph): Promise<FiledGraph> {
    const { filed, parent } = await insertGraph(tx, graph, this.#types, this.#clock.now());
    await this.#filed(tx, parent);
    return filed;
  }

  /** All steps are done. */
  async finish(tx: Tx, operation: StoredOperation): Promise<void> {
    await this.#follow(tx, [await this.#settle(tx, operation, 'done')]);
  }

  /** A step ended in a way that trying again cannot help: the operation is undone, and with it its graph. */
  async fail(tx: Tx, operation: StoredOperation, finding: Finding): Promise<void> {
    const root = operation.parent ?? operation.id;
    const noted = await this.#note(tx, operation, finding);
    if (!noted.keepOnFailure || noted.parent === null) return this.#undoGraph(tx, root, 'failed', noted.id);
    const undone = await this.#turnBack(tx, noted, 'failed');
    const dropped = await this.#dropFollowers(tx, operation.id);
    await demoteFollowers(tx, root);
    await this.#follow(tx, [undone, ...dropped]);
  }

  /** The engine gives up on a step. The operation stays as it is until somebody retries or cancels it. */
  async die(tx: Tx, operation: StoredOperation, finding: Finding): Promise<void> {
    const noted = await this.#note(tx, operation, finding);
    const buried = await this.#bury(tx, noted, finding.message);
    const parent = buried.parent === null ? undefined : await findOperation(tx, buried.parent);
    if (parent && !isFinished(parent.state) && parent.state !== 'dead') await this.#bury(tx, parent, finding.message);
    await this.#follow(tx, [buried]);
  }

  /** Nothing is left to undo of an operation that goes backward. */
  async undone(tx: Tx, operation: StoredOperation): Promise<void> {
    await this.#follow(tx, [await this.#nothingLeft(tx, operation)]);
  }

  /** A step that ran while its operation was turned back has come to an end: undo from that step on. */
  async turnedBack(tx: Tx, operation: StoredOperation): Promise<void> {
    const step = this.lastToUndo(operation, this.#indexOf(operation));
    if (step === null) return this.undone(tx, operation);
    await updateOperation(tx, operation, { step });
    this.#nudgeAfter(tx);
  }

  /**
   * Undoes what has been done and drops what has not begun, of the operation's whole graph. False when it is finished
   * already. An undo that died is tried again.
   */
  async cancel(tx: Tx, id: Uuid): Promise<boolean> {
    const operation = await this.#locked(tx, id);
    const root = operation?.parent ? await findOperation(tx, operation.parent) : operation;
    if (!root || isFinished(root.state)) return false;
    await this.#undoGraph(tx, root.id, 'cancelled');
    return true;
  }

  /**
   * Cancels everything unfinished that was filed for the entity itself: single operations, and graphs if it is an
   * appliance. What is filed afterwards begins when that has been undone. Answers how many were cancelled.
   */
  async supersede(tx: Tx, entity: Uuid): Promise<number> {
    const ids = await tx.pluck<string>(
      `SELECT id FROM operation WHERE entity = ? AND parent IS NULL AND state IN ${UNFINISHED} ORDER BY turn DESC`,
      [entity],
    );
    for (const id of ids) await this.cancel(tx, id);
    return ids.length;
  }

  /** Lets a dead operation, or the dead ones of a graph, try again with all attempts. False when there is none. */
  async retry(tx: Tx, id: Uuid): Promise<boolean> {
    const operation = await this.#locked(tx, id);
    if (operation?.state !== 'dead') return false;
    const children = await selectOperations(tx, "parent = ? AND state = 'dead'", [id]);
    const dead = children.length > 0 ? children : [operation];
    for (const each of dead) await this.#revive(tx, each);
    const parent = await findOperation(tx, operation.parent ?? id);
    const [stillDead] = await tx.pluck("SELECT id FROM operation WHERE parent = ? AND state = 'dead' LIMIT 1", [
      operation.parent ?? id,
    ]);
    if (parent?.state === 'dead' && stillDead === undefined) {
      const ids = new Set(dead.map((each) => each.id));
      await this.#move(tx, parent, {
        state: parent.direction === 'undo' ? 'undoing' : 'waiting',
        findings: parent.direction === 'undo' ? parent.findings : parent.findings.filter((f) => !ids.has(f.operation)),
      });
    }
    this.#nudgeAfter(tx);
    return true;
  }

  /** Lets go of what an operation has still to undo: it counts as undone. False when it undoes nothing. */
  async abandon(tx: Tx, id: Uuid): Promise<boolean> {
    const operation = await this.#locked(tx, id);
    if (operation?.direction !== 'undo' || isFinished(operation.state)) return false;
    await this.undone(tx, operation);
    return true;
  }

  /** What such operations wait for may have happened: those that nobody holds are looked at at once. */
  async hasten(tx: Tx, subject: Uuid, type: string): Promise<void> {
    const now = this.#clock.now();
    await lockSubject(tx, subject);
    await tx.run(
      `UPDATE operation SET due_at = ? WHERE subject = ? AND type = ? AND state = 'running' AND owner IS NULL AND due_at > ?`,
      [now, subject, type, now],
    );
    this.#nudgeAfter(tx);
  }

  /** Releases whatever in a subject can go on: a net under the releases that transitions make themselves. */
  async sweep(tx: Tx, subject: Uuid): Promise<void> {
    await lockSubject(tx, subject);
    await this.#release(tx, { sql: 'SELECT id FROM operation WHERE subject = ?', params: [subject] });
  }

  /** The last step at or before `index` that has an undo; null when there is none. */
  lastToUndo(operation: StoredOperation, index: number): string | null {
    const steps = this.#types.get(operation.type)?.steps ?? [];
    return steps.slice(0, index + 1).findLast((step) => step.undo !== undefined)?.name ?? null;
  }

  async event(tx: Tx, operation: StoredOperation): Promise<void> {
    await this.#feed.record(tx, {
      subject: operation.subject,
      entity: operation.entity,
      type: 'operation',
      data: describe(operation),
    });
  }

  async #filed(tx: Tx, operation: StoredOperation): Promise<void> {
    await this.event(tx, operation);
    if (operation.state === 'due') return this.#nudgeAfter(tx);
    const candidates = 'SELECT id FROM operation WHERE id = ? UNION SELECT id FROM operation WHERE parent = ?';
    await this.#releaseForward(tx, { sql: candidates, params: [operation.id, operation.id] });
  }

  async #release(tx: Tx, candidates: Candidates): Promise<void> {
    await releaseUndo(tx, candidates, this.#clock.now());
    await this.#releaseForward(tx, candidates);
  }

  async #releaseForward(tx: Tx, candidates: Candidates): Promise<void> {
    const now = this.#clock.now();
    const empty = (await releaseForward(tx, candidates, now)).filter((operation) => operation.step === null);
    this.#nudgeAfter(tx);
    const settled: StoredOperation[] = [];
    for (const operation of empty) settled.push(await this.#settle(tx, operation, 'done'));
    await this.#follow(tx, settled);
  }

  /** Releases what waited for these operations, and looks whether their parents are finished by that. */
  async #follow(tx: Tx, operations: readonly StoredOperation[]): Promise<void> {
    for (const { id, entity } of operations) {
      const candidates = `SELECT operation_id FROM operation_edge WHERE after_id = ?
        UNION SELECT after_id FROM operation_edge WHERE operation_id = ? UNION SELECT id FROM operation WHERE entity = ?
        UNION SELECT c.id FROM operation p JOIN operation c ON c.parent = p.id WHERE p.entity = ? AND c.state = 'waiting'`;
      await this.#release(tx, { sql: candidates, params: [id, id, entity, entity] });
    }
    const parents = new Set(operations.map((operation) => operation.parent ?? operation.id));
    for (const parent of parents) await this.#reviewParent(tx, parent);
  }

  async #reviewParent(tx: Tx, id: Uuid): Promise<void> {
    const parent = await findOperation(tx, id);
    const count = await tx.get<{ total: number; finished: number; done: number }>(
      `SELECT count(*) AS total, coalesce(sum(CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END), 0) AS finished,
        coalesce(sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0) AS done FROM operation WHERE parent = ?`,
      [id],
    );
    if (!parent || !count || isFinished(parent.state)) return;
    const { total, finished, done } = count;
    if (parent.direction === 'undo') {
      const over = finished === total && parent.step === null && parent.state === 'undoing';
      if (over) await this.#follow(tx, [await this.#settle(tx, parent, parent.endsAs ?? 'cancelled')]);
    } else if (parent.keepOnFailure && finished === total && done < total) {
      await this.#follow(tx, [await this.#settle(tx, parent, 'failed')]);
    } else if (total > 0) {
      const percent = Math.floor((100 * done) / total);
      const message = parent.state === 'dead' ? parent.progress.message : `${done} of ${total} done`;
      if (percent !== parent.progress.percent || message !== parent.progress.message) {
        await this.#move(tx, parent, { progress: { percent, message } });
      }
    }
  }

  async #undoGraph(tx: Tx, root: Uuid, endsAs: 'failed' | 'cancelled', failed?: Uuid): Promise<void> {
    const members = await lockOperations(tx, 'id = ? OR parent = ?', [root, root]);
    for (const member of members.reverse()) {
      const end = member.id === root || member.id === failed ? endsAs : 'cancelled';
      const { state, direction } = member;
      if (state === 'failed' || state === 'cancelled') continue;
      if (direction === 'forward') await this.#turnBack(tx, member, end);
      else if (state === 'dead') await this.#revive(tx, member);
    }
    await demoteFollowers(tx, root);
    const candidates = `SELECT e.id FROM operation g JOIN operation e ON e.entity = g.entity WHERE g.id = ? OR g.parent = ?`;
    await this.#release(tx, { sql: candidates, params: [root, root] });
    await this.#reviewParent(tx, root);
  }

  /** Points one forward operation backward: at the last step whose effect may exist, or straight to its end. */
  async #turnBack(tx: Tx, operation: StoredOperation, endsAs: 'failed' | 'cancelled'): Promise<StoredOperation> {
    const { state, begun } = operation;
    const back: Change = { state: 'undoing', direction: 'undo', endsAs, attempts: 0, dueAt: null, finishedAt: null };
    // A worker is at the step: it ends that first, and only then is anything undone.
    if (operation.owner !== null) return this.#move(tx, operation, back);
    const reached = state === 'done' ? Infinity : this.#indexOf(operation) - (begun ? 0 : 1);
    const step = this.lastToUndo(operation, reached);
    if (state === 'done' && step === null) return operation;
    if (step === null) return this.#nothingLeft(tx, { ...operation, ...back });
    return this.#move(tx, operation, { ...back, step, begun: false });
  }

  /** An operation with all its steps undone ends, except a parent, which lasts as long as its children. */
  async #nothingLeft(tx: Tx, operation: StoredOperation): Promise<StoredOperation> {
    const [child] = await tx.pluck('SELECT id FROM operation WHERE parent = ? LIMIT 1', [operation.id]);
    if (child === undefined) return this.#settle(tx, operation, operation.endsAs ?? 'cancelled');
    return this.#move(tx, operation, {
      ...operation,
      state: 'undoing',
      step: null,
      dueAt: null,
      owner: null,
      leaseUntil: null,
    });
  }

  /** Drops everything that comes after a failed operation and so can never begin. */
  async #dropFollowers(tx: Tx, id: Uuid): Promise<StoredOperation[]> {
    const followers = await selectOperations(
      tx,
      `state = 'waiting' AND parent IS NOT NULL AND id IN (SELECT operation_id FROM operation_edge WHERE after_id = ?)`,
      [id],
    );
    const dropped: StoredOperation[] = [];
    for (const follower of followers) {
      dropped.push(await this.#settle(tx, follower, 'cancelled'), ...(await this.#dropFollowers(tx, follower.id)));
    }
    return dropped;
  }

  async #bury(tx: Tx, operation: StoredOperation, message: string): Promise<StoredOperation> {
    const progress = { ...operation.progress, message };
    const dead = await this.#move(tx, operation, {
      state: 'dead',
      dueAt: null,
      owner: null,
      leaseUntil: null,
      progress,
    });
    await this.#types.get(dead.type)?.settled?.(tx, dead);
    return dead;
  }

  async #revive(tx: Tx, operation: StoredOperation): Promise<StoredOperation> {
    const undoing = operation.direction === 'undo';
    return this.#move(tx, operation, {
      state: undoing ? 'undoing' : 'running',
      attempts: 0,
      // A parent that is dead only because of a child has no step of its own to go on with.
      dueAt: operation.step === null ? null : this.#clock.now(),
      findings: operation.findings.filter((finding) => undoing && finding.direction === 'forward'),
    });
  }

  async #settle(tx: Tx, operation: StoredOperation, state: FinishedState): Promise<StoredOperation> {
    const { progress, findings } = operation;
    const settled = await this.#move(tx, operation, {
      state,
      step: null,
      dueAt: null,
      owner: null,
      leaseUntil: null,
      finishedAt: this.#clock.now(),
      progress:
        state === 'done' ? { percent: 100, message: 'done' } : { ...progress, message: findings[0]?.message ?? state },
    });
    await this.#types.get(settled.type)?.settled?.(tx, settled);
    return settled;
  }

  /** Puts a finding on the operation and on its parent. */
  async #note(tx: Tx, operation: StoredOperation, finding: Finding): Promise<StoredOperation> {
    const parent = operation.parent === null ? undefined : await findOperation(tx, operation.parent);
    for (const each of [operation, ...(parent ? [parent] : [])]) {
      await updateOperation(tx, each, { findings: [...each.findings, finding].slice(0, MAX_FINDINGS) });
    }
    return { ...operation, findings: [...operation.findings, finding].slice(0, MAX_FINDINGS) };
  }

  async #move(tx: Tx, operation: StoredOperation, change: Change): Promise<StoredOperation> {
    const moved = await updateOperation(tx, operation, change);
    await this.event(tx, moved);
    return moved;
  }

  /** Takes the lock of the operation's subject and reads it under that lock. */
  async #locked(tx: Tx, id: Uuid): Promise<StoredOperation | undefined> {
    const found = await findOperation(tx, id);
    if (!found) return undefined;
    await lockSubject(tx, found.subject);
    return findOperation(tx, id);
  }

  #indexOf(operation: StoredOperation): number {
    return this.#types.get(operation.type)?.steps.findIndex((step) => step.name === operation.step) ?? -1;
  }

  #nudgeAfter(tx: Tx): void {
    tx.afterCommit(this.#nudge);
  }
}

/** What an event says of an operation. */
function describe(operation: StoredOperation): JsonObject {
  const { id, type, parent, state, direction, step, progress, findings } = operation;
  return {
    operation: id,
    operationType: type,
    parent,
    state,
    direction,
    step,
    ...progress,
    ...(findings.length === 0
      ? {}
      : { findings: findings.map(({ class: errorClass, message }) => ({ class: errorClass, message })) }),
  };
}
