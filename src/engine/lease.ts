/**
 * Leases on work: which due operations a worker may take, taking them in one statement, and keeping them. A lease that
 * is not renewed runs out, and another worker runs the same step again with the same token. Times are those of the
 * process's clock: processes that share a database keep theirs within a few seconds of each other.
 */

import type { Uuid } from '../base/ids.js';
import type { Store } from '../store/sql.js';
import { operationOf, type OperationRow, type StoredOperation } from './records.js';

export interface LeaseLimits {
  /** Steps that this worker may still begin. */
  readonly room: number;
  /** Steps that may be at work on one site at the same time, by all workers together. */
  readonly perSite: number;
}

const LEASABLE = 'due_at <= ? AND (lease_until IS NULL OR lease_until <= ?)';

/** Leases what is due, longest due first, without letting a busy site hold up another. */
export async function leaseDue(
  store: Store,
  owner: string,
  now: number,
  until: number,
  limits: LeaseLimits,
): Promise<StoredOperation[]> {
  if (limits.room <= 0) return [];
  const ids = await chooseDue(store, now, limits);
  if (ids.length === 0) return [];
  const marks = ids.map(() => '?').join(', ');
  const lock = store.dialect === 'postgres' ? 'FOR UPDATE SKIP LOCKED' : '';
  const sql = `UPDATE operation SET owner = ?, lease_until = ?, fence = fence + 1, begun = 1,
      state = CASE WHEN direction = 'undo' THEN 'undoing' ELSE 'running' END
    WHERE id IN (SELECT id FROM operation WHERE id IN (${marks}) AND ${LEASABLE} ${lock}) RETURNING *`;
  const rows = await store.write((tx) => tx.all<OperationRow>(sql, [owner, until, ...ids, now, now]));
  return rows.map(operationOf).sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || a.turn - b.turn);
}

/** Reads without a lock what could be leased: idle workers cost the database no write. */
function chooseDue(store: Store, now: number, limits: LeaseLimits): Promise<Uuid[]> {
  return store.pluck<Uuid>(
    `SELECT ranked.id FROM (
       SELECT id, site, due_at, turn, row_number() OVER (PARTITION BY site ORDER BY due_at, turn, id) AS place
       FROM operation WHERE ${LEASABLE}) AS ranked
     LEFT JOIN (
       SELECT site, count(*) AS steps FROM operation WHERE owner IS NOT NULL AND lease_until > ? GROUP BY site) AS busy
       ON busy.site = ranked.site
     WHERE ranked.site IS NULL OR ranked.place + coalesce(busy.steps, 0) <= ?
     ORDER BY ranked.due_at, ranked.turn, ranked.id LIMIT ?`,
    [now, now, now, limits.perSite, limits.room],
  );
}

/** Keeps what a worker holds until `until`; answers that by operation id, with the fence of each lease. */
export async function renewLeases(store: Store, owner: string, until: number): Promise<ReadonlyMap<Uuid, number>> {
  const rows = await store.write((tx) =>
    tx.all<Pick<OperationRow, 'id' | 'fence'>>(
      'UPDATE operation SET lease_until = ? WHERE owner = ? RETURNING id, fence',
      [until, owner],
    ),
  );
  return new Map(rows.map(({ id, fence }) => [id, fence]));
}

/** Which of a worker's operations are to be undone: those whose forward step is still at work should end it. */
export async function turnedBack(store: Store, owner: string): Promise<ReadonlySet<Uuid>> {
  return new Set(await store.pluck<Uuid>("SELECT id FROM operation WHERE owner = ? AND direction = 'undo'", [owner]));
}

/** Gives back all leases of a worker that ends. */
export async function releaseLeases(store: Store, owner: string): Promise<void> {
  await store.write((tx) => tx.run('UPDATE operation SET owner = NULL, lease_until = NULL WHERE owner = ?', [owner]));
}

/**
 * Voids the leases of a process that was killed. Only SQLite knows that there is no other process (K29): there work goes
 * on at once, on PostgreSQL when the leases have run out.
 */
export async function voidOldLeases(store: Store): Promise<void> {
  if (store.dialect !== 'sqlite') return;
  await store.write((tx) => tx.run('UPDATE operation SET owner = NULL, lease_until = NULL WHERE owner IS NOT NULL'));
}

/** When the next operation becomes due that is not yet; undefined when none will. */
export async function nextDue(store: Store, now: number): Promise<number | undefined> {
  const [at] = await store.pluck<number | null>('SELECT min(due_at) FROM operation WHERE due_at > ?', [now]);
  return at ?? undefined;
}
