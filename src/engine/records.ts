/**
 * Operations as rows: reading them, writing them, and the lock on their subject. Everything that changes the shape of an
 * appliance's work (filing, finishing, failing, cancelling) holds that lock first, so that it happens in one order.
 */

import type { Uuid } from '../base/ids.js';
import type { JsonObject } from '../base/json.js';
import type { SqlReader, SqlValue, Tx } from '../store/sql.js';
import type { Direction, Finding, Operation, OperationState } from './operation.js';

/** A row of table `operation`. */
export interface OperationRow {
  readonly id: string;
  readonly type: string;
  readonly entity: string;
  readonly appliance: string | null;
  readonly subject: string;
  readonly parent: string | null;
  readonly site: string | null;
  readonly state: string;
  readonly direction: string;
  readonly step: string | null;
  readonly begun: number;
  readonly turn: number;
  readonly input: string;
  readonly memory: string;
  readonly attempts: number;
  readonly due_at: number | null;
  readonly owner: string | null;
  readonly lease_until: number | null;
  readonly fence: number;
  readonly percent: number;
  readonly message: string;
  readonly findings: string;
  readonly ends_as: string | null;
  readonly keep_on_failure: number;
  readonly principal: string;
  readonly created_at: number;
  readonly finished_at: number | null;
}

/** An operation with the members that only the engine itself looks at. */
export interface StoredOperation extends Operation {
  readonly subject: Uuid;
  readonly begun: boolean;
  /** How it ends once undone; null while it goes forward. */
  readonly endsAs: 'failed' | 'cancelled' | null;
}

/** Columns that change during an operation's life, and how each is written. */
export type Change = Partial<
  Pick<
    StoredOperation,
    | 'state'
    | 'direction'
    | 'step'
    | 'begun'
    | 'turn'
    | 'memory'
    | 'attempts'
    | 'dueAt'
    | 'owner'
    | 'leaseUntil'
    | 'progress'
    | 'findings'
    | 'endsAs'
    | 'finishedAt'
  >
>;

/** States in which an operation still holds up later ones of its entity. */
export const UNFINISHED = "('waiting', 'due', 'running', 'undoing', 'dead')";

export function operationOf(row: OperationRow): StoredOperation {
  return {
    id: row.id,
    type: row.type,
    entity: row.entity,
    appliance: row.appliance,
    subject: row.subject,
    parent: row.parent,
    site: row.site,
    state: row.state as OperationState,
    direction: row.direction as Direction,
    step: row.step,
    begun: row.begun === 1,
    turn: row.turn,
    input: JSON.parse(row.input) as JsonObject,
    memory: JSON.parse(row.memory) as JsonObject,
    attempts: row.attempts,
    dueAt: row.due_at,
    owner: row.owner,
    leaseUntil: row.lease_until,
    fence: row.fence,
    progress: { percent: row.percent, message: row.message },
    findings: JSON.parse(row.findings) as Finding[],
    endsAs: row.ends_as as 'failed' | 'cancelled' | null,
    keepOnFailure: row.keep_on_failure === 1,
    principal: row.principal,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}

/**
 * Takes the lock of a subject until the transaction ends and sets aside `turns` positions in its order of filing.
 * Answers the last turn that was in use before.
 */
export async function lockSubject(tx: Tx, subject: Uuid, turns = 0): Promise<number> {
  const [turn] = await tx.pluck<number>(
    `INSERT INTO operation_subject (subject, turn, seq) VALUES (?, ?, 0)
     ON CONFLICT (subject) DO UPDATE SET turn = operation_subject.turn + excluded.turn RETURNING turn`,
    [subject, turns],
  );
  return (turn ?? turns) - turns;
}

const INSERT = `INSERT INTO operation (id, type, entity, appliance, subject, parent, site, state, direction, step, begun, turn,
  input, memory, attempts, due_at, owner, lease_until, fence, percent, message, findings, ends_as, keep_on_failure,
  principal, created_at, finished_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export async function insertOperation(tx: Tx, operation: StoredOperation): Promise<void> {
  const o = operation;
  await tx.run(INSERT, [
    ...[o.id, o.type, o.entity, o.appliance, o.subject, o.parent, o.site, o.state, o.direction, o.step],
    ...[o.begun ? 1 : 0, o.turn, JSON.stringify(o.input), JSON.stringify(o.memory), o.attempts, o.dueAt, o.owner],
    ...[o.leaseUntil, o.fence, o.progress.percent, o.progress.message, JSON.stringify(o.findings), o.endsAs],
    ...[o.keepOnFailure ? 1 : 0, o.principal, o.createdAt, o.finishedAt],
  ]);
}

const UPDATE = `UPDATE operation SET state = ?, direction = ?, step = ?, begun = ?, turn = ?, memory = ?, attempts = ?,
  due_at = ?, owner = ?, lease_until = ?, percent = ?, message = ?, findings = ?, ends_as = ?, finished_at = ? WHERE id = ?`;

/** Writes a change to an operation and answers it as it is now. The caller holds the lock of its subject. */
export async function updateOperation(tx: Tx, operation: StoredOperation, change: Change): Promise<StoredOperation> {
  const o = { ...operation, ...change };
  await tx.run(UPDATE, [
    ...[o.state, o.direction, o.step, o.begun ? 1 : 0, o.turn, JSON.stringify(o.memory), o.attempts, o.dueAt, o.owner],
    ...[o.leaseUntil, o.progress.percent, o.progress.message, JSON.stringify(o.findings), o.endsAs, o.finishedAt, o.id],
  ]);
  return o;
}

/** Reads operations by a condition on the columns of table `operation`, in the order of filing. */
export async function selectOperations(
  reader: SqlReader,
  where: string,
  params: readonly SqlValue[],
): Promise<StoredOperation[]> {
  const rows = await reader.all<OperationRow>(
    `SELECT * FROM operation WHERE ${where} ORDER BY subject, turn, id`,
    params,
  );
  return rows.map(operationOf);
}

/** The same, and holds the rows until the transaction ends: a portable `SELECT … FOR UPDATE`. */
export async function lockOperations(tx: Tx, where: string, params: readonly SqlValue[]): Promise<StoredOperation[]> {
  const rows = await tx.all<OperationRow>(`UPDATE operation SET fence = fence WHERE ${where} RETURNING *`, params);
  return rows.map(operationOf).sort((a, b) => a.turn - b.turn);
}

export async function findOperation(reader: SqlReader, id: Uuid): Promise<StoredOperation | undefined> {
  const row = await reader.get<OperationRow>('SELECT * FROM operation WHERE id = ?', [id]);
  return row === undefined ? undefined : operationOf(row);
}
