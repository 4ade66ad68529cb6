/**
 * The engine's own upkeep: a net under the releases that transitions make, and the end of records that nobody needs any
 * more. A graph is forgotten as a whole, some time after it has finished; dead operations stay until they are dealt with.
 */

import type { Clock } from '../base/clock.js';
import type { Store } from '../store/sql.js';
import type { Upkeep } from './background-task.js';
import type { Lifecycle } from './lifecycle.js';

const EVERY_MS = 60_000;
/** Graphs forgotten in one transaction, so that requests do not wait long for it. */
const BATCH = 100;

/** `keepMs`: how long finished operations and events are kept. */
export function engineUpkeep(store: Store, lifecycle: Lifecycle, clock: Clock, keepMs: number): Upkeep {
  return {
    name: 'operations',
    everyMs: EVERY_MS,
    run: async (signal) => {
      await sweep(store, lifecycle, signal);
      await forget(store, clock.now() - keepMs, signal);
    },
  };
}

async function sweep(store: Store, lifecycle: Lifecycle, signal: AbortSignal): Promise<void> {
  const subjects = await store.pluck<string>(
    "SELECT DISTINCT subject FROM operation WHERE state = 'waiting' OR (state = 'undoing' AND due_at IS NULL)",
  );
  for (const subject of subjects) {
    if (signal.aborted) return;
    await store.write((tx) => lifecycle.sweep(tx, subject));
  }
}

async function forget(store: Store, before: number, signal: AbortSignal): Promise<void> {
  for (let full = true; full && !signal.aborted;) {
    const roots = await store.pluck<string>(
      `SELECT id FROM operation WHERE parent IS NULL AND finished_at < ? ORDER BY finished_at LIMIT ${BATCH}`,
      [before],
    );
    if (roots.length > 0) {
      const marks = roots.map(() => '?').join(', ');
      const members = `SELECT id FROM operation WHERE id IN (${marks}) OR parent IN (${marks})`;
      await store.write(async (tx) => {
        await tx.run(`DELETE FROM operation_edge WHERE operation_id IN (${members})`, [...roots, ...roots]);
        await tx.run(`DELETE FROM operation WHERE parent IN (${marks})`, roots);
        await tx.run(`DELETE FROM operation WHERE id IN (${marks})`, roots);
      });
    }
    full = roots.length === BATCH;
  }
  await store.write((tx) => tx.run('DELETE FROM operation_event WHERE at < ?', [before]));
}
