/**
 * Leases on work: which due operations a worker may take, taking them in one statement, and keeping them. A lease that
 * is not renewed runs out, and another worker runs the same step again with the same token. Times are those of the
 * process's clock: processes that share a database keep theirs within a few seconds of each other.
 */

import type { Uuid } from '../base/ids.js';
import { LIMIT } from '../store/placeholders.js';
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

interface DueOperation {
  readonly id: Uuid;
  readonly due_at: number;
  readonly turn: number;
}

/**
 * Reads without a lock what could be leased: idle workers cost the database no write, and a site with thousands of
 * operations waiting costs no more than one with a few.
 */
async function chooseDue(store: Store, now: number, { room, perSite }: LeaseLimits): Promise<Uuid[]> {
  const sites = await store.all<{ site: string; busy: number }>(SITES, [now]);
  const open = sites.filter(({ busy }) => busy < perSite);
  const arms = ['site IS NULL', ...open.map(() => 'site = ?')].map(
    (site) => `SELECT * FROM (SELECT id, due_at, turn FROM operation WHERE ${site} AND ${LEASABLE}
      ORDER BY due_at, turn, id ${LIMIT}) AS arm`,
  );
  const limits = open.flatMap(({ site, busy }) => [site, now, now, Math.min(room, perSite - busy)]);
  const due = await store.all<DueOperation>(arms.join(' UNION ALL '), [now, now, room, ...limits]);
  return due
    .sort((a, b) => a.due_at - b.due_at || a.turn - b.turn || (a.id < b.id ? -1 : 1))
    .slice(0, room)
    .map(({ id }) => id);
}

/** Every site with operations to look at, found by leaping through the index, and how many steps are at work there. */
const SITES = `WITH RECURSIVE waiting(site) AS (
    SELECT min(site) FROM operation WHERE due_at IS NOT NULL
    UNION ALL
    SELECT (SELECT min(o.site) FROM operation o WHERE o.due_at IS NOT NULL AND o.site > waiting.site)
    FROM waiting WHERE waiting.site IS NOT NULL)
  SELECT site, (SELECT count(*) FROM operation b
    WHERE b.owner IS NOT NULL AND b.lease_until > ? AND b.site = waiting.site) AS busy
  FROM waiting WHERE site IS NOT NULL`;

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
