/**
 * When an operation may go on, as SQL over the rows of its subject. Forward: everything it comes after is done, and no
 * earlier operation of its entity, or of the appliance its graph is about, is unfinished. Backward: everything that came
 * after it has been undone, and nothing later is at work on its entity.
 */

import type { SqlValue, Tx } from '../store/sql.js';
import { UNFINISHED, operationOf, type OperationRow, type StoredOperation } from './records.js';

/** A query for the ids of the operations to look at. */
export interface Candidates {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** Makes the waiting candidates due that have nothing left to wait for, and answers them. */
export async function releaseForward(tx: Tx, candidates: Candidates, now: number): Promise<StoredOperation[]> {
  const rows = await tx.all<OperationRow>(
    `UPDATE operation AS o SET state = 'due', due_at = ?
     WHERE o.id IN (${candidates.sql}) AND o.state = 'waiting' AND o.direction = 'forward'
       AND NOT EXISTS (SELECT 1 FROM operation_edge x JOIN operation a ON a.id = x.after_id
         WHERE x.operation_id = o.id AND a.state <> 'done')
       AND NOT EXISTS (SELECT 1 FROM operation e
         WHERE e.entity = o.entity AND e.turn < o.turn AND e.state IN ${UNFINISHED})
       AND NOT EXISTS (SELECT 1 FROM operation p JOIN operation e ON e.entity = p.entity
         WHERE p.id = o.parent AND e.turn < o.turn AND coalesce(e.parent, '') <> p.id AND e.state IN ${UNFINISHED})
     RETURNING *`,
    [now, ...candidates.params],
  );
  return rows.map(operationOf);
}

/** Makes the candidates due that are to be undone and have nothing left to wait for. */
export async function releaseUndo(tx: Tx, candidates: Candidates, now: number): Promise<void> {
  await tx.run(
    `UPDATE operation AS o SET due_at = ?
     WHERE o.id IN (${candidates.sql}) AND o.state = 'undoing' AND o.step IS NOT NULL AND o.due_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM operation_edge x JOIN operation d ON d.id = x.operation_id
         WHERE x.after_id = o.id AND d.direction = 'undo' AND d.step IS NOT NULL AND d.finished_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM operation e WHERE e.entity = o.entity AND e.turn > o.turn
         AND (e.state = 'running' OR (e.state = 'undoing' AND e.step IS NOT NULL)))`,
    [now, ...candidates.params],
  );
}

/**
 * Makes later operations wait again that were due but have not begun, where a graph is turned back on their entity. The
 * update waits for a worker that is just leasing one of them: either it has begun visibly or it waits.
 */
export async function demoteFollowers(tx: Tx, root: string): Promise<void> {
  await tx.run(
    `UPDATE operation SET state = 'waiting', due_at = NULL WHERE state = 'due' AND owner IS NULL
       AND EXISTS (SELECT 1 FROM operation g WHERE (g.id = ? OR g.parent = ?) AND g.state = 'undoing'
         AND g.entity = operation.entity AND g.turn < operation.turn)`,
    [root, root],
  );
}
