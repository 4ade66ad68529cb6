/**
 * The outbox: events that became true with a transaction and wait to be sent (`docs/decisions/`, bus). Rows are written
 * with the change, published at least once in the order of their numbers, and pruned when they are old.
 *
 * Numbers are given before the commit. On PostgreSQL a row may therefore appear after one with a higher number; who
 * follows the outbox by number reads the last seconds again and drops repeats by id.
 */

import type { JsonObject } from '../base/json.js';
import { compileScope } from './compile-scope.js';
import { inList, LIMIT } from './placeholders.js';
import type { Scope } from './scope.js';
import type { SqlReader, Tx } from './sql.js';

export interface OutboxEvent {
  readonly id: string;
  /** The application UUID, or the entity's id when it stands alone. */
  readonly subject: string;
  /** Reverse-domain type, e.g. `eu.contrail-project.entity.created`. */
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly data: JsonObject;
}

export interface StoredEvent extends OutboxEvent {
  readonly seq: number;
}

interface OutboxRow {
  readonly seq: number;
  readonly id: string;
  readonly subject: string;
  readonly type: string;
  readonly time: number;
  readonly data: string;
}

const COLUMNS = 'o.seq, o.id, o.subject, o.type, o.time, o.data';

export async function appendEvent(tx: Tx, event: OutboxEvent): Promise<void> {
  await tx.run('INSERT INTO outbox (id, subject, type, time, data) VALUES (?, ?, ?, ?, ?)', [
    event.id,
    event.subject,
    event.type,
    event.time,
    JSON.stringify(event.data),
  ]);
}

/** The oldest events that were not published yet. */
export async function unpublishedEvents(reader: SqlReader, limit: number): Promise<StoredEvent[]> {
  const sql = `SELECT ${COLUMNS} FROM outbox o WHERE o.published_at IS NULL ORDER BY o.seq ${LIMIT}`;
  return (await reader.all<OutboxRow>(sql, [limit])).map(fromRow);
}

export async function markPublished(tx: Tx, seqs: readonly number[], now: number): Promise<void> {
  const { sql, params } = inList('seq', seqs);
  await tx.run(`UPDATE outbox SET published_at = ? WHERE ${sql}`, [now, ...params]);
}

/**
 * Up to `limit` events numbered above `after` whose subject lies within the scope, oldest first; of one subject when it
 * is named. Events of an entity that the store no longer holds are nobody's.
 */
export async function eventsAfter(
  reader: SqlReader,
  options: { readonly after: number; readonly limit: number; readonly scope: Scope; readonly subject?: string },
): Promise<StoredEvent[]> {
  const within = compileScope(options.scope, 'e');
  const about = options.subject === undefined ? '' : ' AND o.subject = ?';
  const sql =
    `SELECT ${COLUMNS} FROM outbox o JOIN entity e ON e.id = o.subject ` +
    `WHERE o.seq > ?${about} AND (${within.sql}) ORDER BY o.seq ${LIMIT}`;
  const subject = options.subject === undefined ? [] : [options.subject];
  return (await reader.all<OutboxRow>(sql, [options.after, ...subject, ...within.params, options.limit])).map(fromRow);
}

/** The highest number given so far, 0 when there is none: where a new follower begins. */
export async function lastEvent(reader: SqlReader): Promise<number> {
  return (await reader.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM outbox'))?.seq ?? 0;
}

/** Drops published events older than `before`; answers how many. */
export function pruneOutbox(tx: Tx, before: number): Promise<number> {
  return tx.run('DELETE FROM outbox WHERE published_at IS NOT NULL AND time < ?', [before]);
}

function fromRow(row: OutboxRow): StoredEvent {
  return { ...row, data: JSON.parse(row.data) as JsonObject };
}
