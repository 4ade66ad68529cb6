/**
 * Grants in the store: rows that open one entity, or all that an appliance owns, to a principal or a group for some
 * verbs, or close it, until a time (`spec/federation-auth.md` §10). An expired row never counts, swept or not (S-078).
 */

import { newUuid } from '../base/ids.js';
import { raiseGeneration } from '../store/generations.js';
import { fragment, inList, joinFragments } from '../store/placeholders.js';
import type { SqlReader, Tx } from '../store/sql.js';
import { VERBS, type Grant, type Verb } from './policy.js';
import type { Principal } from './principal.js';

export interface NewGrant extends Grant {
  /** Id of the session that it comes from, by which it is taken back. */
  readonly session?: string;
  readonly subject: { readonly principal: string } | { readonly group: string };
  readonly createdBy: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

interface GrantRow {
  readonly effect: string;
  readonly entity: string;
  readonly verbs: string;
  readonly until: number | null;
}

/** Adds a grant and answers its id. */
export async function addGrant(tx: Tx, grant: NewGrant): Promise<string> {
  const id = newUuid(grant.createdAt);
  const [kind, subject] =
    'principal' in grant.subject ? ['principal', grant.subject.principal] : ['group', grant.subject.group];
  await tx.run(
    'INSERT INTO grant_row (id, effect, subject_kind, subject, entity, verbs, until, session, created_by, created_at) ' +
      'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [
      id,
      grant.effect ?? 'permit',
      kind,
      subject,
      grant.entity,
      grant.verbs.join(' '),
      grant.until,
      grant.session ?? null,
      grant.createdBy,
      grant.createdAt,
    ],
  );
  await raiseGeneration(tx, 'access');
  return id;
}

/** Takes one grant back; answers whether there was one. */
export async function removeGrant(tx: Tx, id: string): Promise<boolean> {
  return (await removed(tx, 'id = ?', id)) > 0;
}

/** Takes back every grant on an entity or appliance (S-081); answers how many there were. */
export function removeGrantsOn(tx: Tx, entity: string): Promise<number> {
  return removed(tx, 'entity = ?', entity);
}

/** Takes back every grant that comes from a session; answers how many there were. */
export function removeGrantsOf(tx: Tx, session: string): Promise<number> {
  return removed(tx, 'session = ?', session);
}

/** Everything granted or denied to the principal or its groups that still holds at `now`. */
export async function grantsFor(reader: SqlReader, principal: Principal, now: number): Promise<Grant[]> {
  const groups = inList('subject', principal.groups);
  const { sql, params } = joinFragments('OR', [
    fragment("subject_kind = 'principal' AND subject = ?", principal.id),
    { sql: `subject_kind = 'group' AND ${groups.sql}`, params: groups.params },
  ]);
  const rows = await reader.all<GrantRow>(
    `SELECT effect, entity, verbs, until FROM grant_row WHERE (${sql}) AND (until IS NULL OR until > ?) ORDER BY id`,
    [...params, now],
  );
  return rows.map(({ effect, entity, verbs, until }) => ({
    entity,
    verbs: verbs.split(' ').filter(isVerb),
    until,
    ...(effect === 'deny' ? { effect } : {}),
  }));
}

async function removed(tx: Tx, where: 'id = ?' | 'entity = ?' | 'session = ?', value: string): Promise<number> {
  const count = await tx.run(`DELETE FROM grant_row WHERE ${where}`, [value]);
  if (count > 0) await raiseGeneration(tx, 'access');
  return count;
}

export function isVerb(word: string): word is Verb {
  return (VERBS as readonly string[]).includes(word);
}
