/**
 * Replay keys (K12): what a client's `occi.core.id` or `Idempotency-Key` stood for, so that a request sent twice is
 * done once. A key belongs to one principal and one kind.
 */

import type { SqlReader, Tx } from './sql.js';

export interface ReplayKey {
  readonly principal: string;
  readonly kind: string;
  readonly key: string;
}

export interface Replay extends ReplayKey {
  /** Digest of the request as it was understood; another body under the same key is refused. */
  readonly bodyDigest: string;
  /** The entity that the first request made. */
  readonly entity: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What an earlier request under this key made, if there was one. */
export function recallReplay(reader: SqlReader, key: ReplayKey): Promise<Replay | undefined> {
  return reader.get<Replay>(
    'SELECT principal, kind, key, body_digest AS "bodyDigest", entity, created_at AS "createdAt" ' +
      'FROM replay_key WHERE principal = ? AND kind = ? AND key = ?',
    [key.principal, key.kind, key.key],
  );
}

/** Remembers what the request made; a key whose entity has gone is taken over. */
export async function rememberReplay(tx: Tx, replay: Replay): Promise<void> {
  await tx.run(
    'INSERT INTO replay_key (principal, kind, key, body_digest, entity, created_at) VALUES (?, ?, ?, ?, ?, ?) ' +
      'ON CONFLICT (principal, kind, key) DO UPDATE SET body_digest = excluded.body_digest, ' +
      'entity = excluded.entity, created_at = excluded.created_at',
    [replay.principal, replay.kind, replay.key, replay.bodyDigest, replay.entity, replay.createdAt],
  );
}

/** Forgets keys older than `before`; answers how many. */
export function pruneReplays(tx: Tx, before: number): Promise<number> {
  return tx.run('DELETE FROM replay_key WHERE created_at < ?', [before]);
}
