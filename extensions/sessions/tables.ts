/**
 * The temporary access table (`spec/federation-auth.md` §10): a row for each session beside its entity, with what it is
 * looked up and judged by. What it rests on lies sealed among the secrets (K26).
 */

import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';
import { isVerb } from '../../src/access/grants.js';
import type { Verb } from '../../src/access/policy.js';
import { bigint, key, nullable, text } from '../../src/store/columns.js';
import { LIMIT } from '../../src/store/placeholders.js';
import type { SqlReader, SqlValue, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';
import type { SessionSource, SessionState } from './vocabulary.js';

export interface SessionRow {
  /** Also the id of its entity. */
  readonly id: string;
  /** Id of the appliance. */
  readonly application: string;
  /** Null: an offer that nobody has redeemed yet. */
  readonly subject: string | null;
  readonly group: string;
  readonly verbs: readonly Verb[];
  readonly source: SessionSource;
  readonly state: SessionState;
  /** Whether somebody decided that it is over: then no other credential revives it. */
  readonly decided: boolean;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Id of the sealed evidence of the subject's sign-in. */
  readonly evidence: string | null;
  /** Who made it: the delegator of a delegation. */
  readonly createdBy: string;
}

export interface NewSessionRow extends Omit<SessionRow, 'decided'> {
  /** SHA-256 of the one-time token, of an offer. */
  readonly offer: string | null;
}

interface StoredRow {
  readonly id: string;
  readonly application: string;
  readonly subject: string | null;
  readonly grp: string;
  readonly verbs: string;
  readonly source: SessionSource;
  readonly state: SessionState;
  readonly decided: number;
  readonly until: number;
  readonly evidence: string | null;
  readonly created_by: string;
}

const COLUMNS = ['id', 'application', 'subject', 'grp', 'verbs', 'source', 'state', 'decided', 'until', 'evidence']
  .concat('created_by')
  .map((name) => `s.${name}`)
  .join(', ');

export const sessionTables = {
  entitySchemas: [
    table(
      'access_session',
      {
        id: { type: 'text', primary: true },
        application: { type: 'text' },
        subject: { type: 'text', nullable: true },
        grp: { type: 'text' },
        verbs: { type: 'text' },
        source: { type: 'text' },
        state: { type: 'text' },
        decided: { type: 'integer' },
        until: { type: 'bigint' },
        evidence: { type: 'text', nullable: true },
        offer: { type: 'text', nullable: true },
        created_by: { type: 'text' },
        created_at: { type: 'bigint' },
        changed_at: { type: 'bigint' },
      },
      {
        access_session_by_application: ['application', 'state'],
        access_session_by_subject: ['subject', 'state'],
        access_session_by_state: ['state', 'until'],
        access_session_by_offer: ['unique', 'offer'],
      },
    ),
  ],
  migrations: [
    class CreateAccessSession1764900000100 implements MigrationInterface {
      readonly name = 'CreateAccessSession1764900000100';

      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'access_session',
            columns: [
              text('id', key),
              text('application'),
              text('subject', nullable),
              text('grp'),
              text('verbs'),
              text('source'),
              text('state'),
              { name: 'decided', type: 'integer', isNullable: false },
              bigint('until'),
              text('evidence', nullable),
              text('offer', nullable),
              text('created_by'),
              bigint('created_at'),
              bigint('changed_at'),
            ],
            indices: [
              { name: 'access_session_by_application', columnNames: ['application', 'state'] },
              { name: 'access_session_by_subject', columnNames: ['subject', 'state'] },
              { name: 'access_session_by_state', columnNames: ['state', 'until'] },
              { name: 'access_session_by_offer', columnNames: ['offer'], isUnique: true },
            ],
          }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('access_session');
      }
    },
  ],
};

export async function insertSession(tx: Tx, row: NewSessionRow, now: number): Promise<void> {
  await tx.run(
    'INSERT INTO access_session (id, application, subject, grp, verbs, source, state, decided, until, evidence, offer, ' +
      'created_by, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)',
    [
      row.id,
      row.application,
      row.subject,
      row.group,
      row.verbs.join(' '),
      row.source,
      row.state,
      row.until,
      row.evidence,
      row.offer,
      row.createdBy,
      now,
      now,
    ],
  );
}

export async function findSession(reader: SqlReader, id: string): Promise<SessionRow | undefined> {
  return (await sessionsWhere(reader, 's.id = ?', [id]))[0];
}

/** The session whose one-time token has this digest. */
export async function findOffer(reader: SqlReader, digest: string): Promise<SessionRow | undefined> {
  return (await sessionsWhere(reader, 's.offer = ?', [digest]))[0];
}

/** Sessions by a condition on `s`, the table, and on `e`, the entity of the application, which may be gone; oldest first. */
export async function sessionsWhere(
  reader: SqlReader,
  condition: string,
  params: readonly SqlValue[],
  limit = 1000,
): Promise<SessionRow[]> {
  const sql =
    `SELECT ${COLUMNS} FROM access_session s LEFT JOIN entity e ON e.id = s.application ` +
    `LEFT JOIN principal p ON p.id = s.subject WHERE ${condition} ORDER BY s.id ${LIMIT}`;
  return (await reader.all<StoredRow>(sql, [...params, limit])).map(fromRow);
}

/** Moves a session on, unless another has done so already: answers whether it was this call. */
export async function moveSession(
  tx: Tx,
  { id, state }: SessionRow,
  to: { readonly state: SessionState; readonly decided: boolean; readonly evidence: string | null },
  now: number,
): Promise<boolean> {
  const changed = await tx.run(
    'UPDATE access_session SET state = ?, decided = ?, evidence = ?, changed_at = ? WHERE id = ? AND state = ?',
    [to.state, to.decided ? 1 : 0, to.evidence, now, id, state],
  );
  return changed > 0;
}

/** The subject has signed in with another credential: the session goes on by that. */
export async function renewSession(
  tx: Tx,
  { id }: SessionRow,
  to: { readonly state: SessionState; readonly evidence: string; readonly until: number },
  now: number,
): Promise<void> {
  await tx.run(
    'UPDATE access_session SET state = ?, decided = 0, evidence = ?, until = ?, changed_at = ? WHERE id = ?',
    [to.state, to.evidence, to.until, now, id],
  );
}

export async function deleteSession(tx: Tx, id: string): Promise<void> {
  await tx.run('DELETE FROM access_session WHERE id = ?', [id]);
}

function fromRow({ grp, verbs, decided, created_by: createdBy, ...row }: StoredRow): SessionRow {
  return { ...row, group: grp, verbs: verbs.split(' ').filter(isVerb), decided: decided === 1, createdBy };
}
