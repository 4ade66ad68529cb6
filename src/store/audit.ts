/**
 * The audit trail: who asked for what, and what came of it, one entry per request that changes or is refused, written
 * in the transaction of the change itself. Entries hold no secrets; the Merkle log (`ledger`) is built over them.
 */

import type { JsonObject } from '../base/json.js';
import { inList, LIMIT } from './placeholders.js';
import type { SqlReader, Tx } from './sql.js';

export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Principal id, or the peer's address where nobody was identified. */
  readonly actor: string;
  readonly group: string;
  readonly verb: string;
  readonly entity?: string;
  readonly kind?: string;
  readonly outcome: 'granted' | 'denied' | 'failed';
  /** Stable code of what stood in the way. */
  readonly reason?: string;
  readonly requestId: string;
  readonly details?: JsonObject;
}

export interface StoredAuditEntry extends AuditEntry {
  /** Rises by the order in which entries were made. */
  readonly seq: number;
  readonly details: JsonObject;
}

interface AuditRow {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly grp: string;
  readonly verb: string;
  readonly entity: string | null;
  readonly kind: string | null;
  readonly outcome: AuditEntry['outcome'];
  readonly reason: string | null;
  readonly request_id: string;
  readonly details: string;
}

const COLUMNS = 'at, actor, grp, verb, entity, kind, outcome, reason, request_id, details';

export async function appendAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  await tx.run(`INSERT INTO audit_entry (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    entry.at,
    entry.actor,
    entry.group,
    entry.verb,
    entry.entity ?? null,
    entry.kind ?? null,
    entry.outcome,
    entry.reason ?? null,
    entry.requestId,
    JSON.stringify(entry.details ?? {}),
  ]);
}

/** Up to `limit` entries with a sequence number above `after`, oldest first; of one entity, and of some groups, when named. */
export async function listAudit(
  reader: SqlReader,
  options: {
    readonly after: number;
    readonly limit: number;
    readonly entity?: string;
    readonly groups?: readonly string[];
  },
): Promise<StoredAuditEntry[]> {
  const about = options.entity === undefined ? '' : ' AND entity = ?';
  const groups = options.groups && inList('grp', options.groups);
  const within = groups ? ` AND ${groups.sql}` : '';
  const sql = `SELECT seq, ${COLUMNS} FROM audit_entry WHERE seq > ?${about}${within} ORDER BY seq ${LIMIT}`;
  const entity = options.entity === undefined ? [] : [options.entity];
  const params = [options.after, ...entity, ...(groups?.params ?? []), options.limit];
  return (await reader.all<AuditRow>(sql, params)).map(fromRow);
}

function fromRow(row: AuditRow): StoredAuditEntry {
  return {
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    group: row.grp,
    verb: row.verb,
    ...(row.entity === null ? {} : { entity: row.entity }),
    ...(row.kind === null ? {} : { kind: row.kind }),
    outcome: row.outcome,
    ...(row.reason === null ? {} : { reason: row.reason }),
    requestId: row.request_id,
    details: JSON.parse(row.details) as JsonObject,
  };
}
