/**
 * Mixins that clients define (GFD.221 §5.3.6, GFD.223 §5.5). One belongs to the group of the principal who made it
 * (K15): identifier and location are unique within the group and mean nothing to others.
 */

import { problem } from '../base/errors.js';
import type { TypeId } from '../occi/model.js';
import { raiseGeneration } from './generations.js';
import { inList } from './placeholders.js';
import type { SqlReader, Tx } from './sql.js';

export interface UserMixin {
  readonly group: string;
  /** Scheme and term. */
  readonly id: TypeId;
  readonly scheme: string;
  readonly term: string;
  readonly title: string | null;
  /** Mixins it depends on. */
  readonly rel: readonly TypeId[];
  /** Kinds it may be associated with; none: any entity. */
  readonly applies: readonly TypeId[];
  /** Path with slashes at both ends. */
  readonly location: string;
  readonly createdBy: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

interface UserMixinRow {
  readonly grp: string;
  readonly id: string;
  readonly scheme: string;
  readonly term: string;
  readonly title: string | null;
  readonly rel: string;
  readonly location: string;
  readonly created_by: string;
  readonly created_at: number;
  readonly applies: string | null;
}

const COLUMNS = 'grp, id, scheme, term, title, rel, location, created_by, created_at, applies';

/** @throws Problem `conflict` when the group has a mixin of that identifier or at that location. */
export async function insertUserMixin(tx: Tx, mixin: UserMixin): Promise<void> {
  const taken = await tx.get<{ id: string }>('SELECT id FROM user_mixin WHERE grp = ? AND (id = ? OR location = ?)', [
    mixin.group,
    mixin.id,
    mixin.location,
  ]);
  if (taken) {
    const what = taken.id === mixin.id ? 'identifier' : 'location';
    throw problem('conflict', `user-mixin.${what}-taken`, `another mixin of your group has this ${what}`, {
      remedy: `choose another ${what}, or delete the other mixin first`,
    });
  }
  await tx.run(`INSERT INTO user_mixin (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    mixin.group,
    mixin.id,
    mixin.scheme,
    mixin.term,
    mixin.title,
    JSON.stringify(mixin.rel),
    mixin.location,
    mixin.createdBy,
    mixin.createdAt,
    JSON.stringify(mixin.applies),
  ]);
  await raiseGeneration(tx, 'categories');
}

/** Every mixin of the groups, in the order of their identifiers. */
export async function listUserMixins(reader: SqlReader, groups: readonly string[]): Promise<UserMixin[]> {
  const { sql, params } = inList('grp', groups);
  const rows = await reader.all<UserMixinRow>(
    `SELECT ${COLUMNS} FROM user_mixin WHERE ${sql} ORDER BY id, grp`,
    params,
  );
  return rows.map(fromRow);
}

/** Deletes the definition; answers whether there was one. Entities lose the mixin by the caller's doing. */
export async function deleteUserMixin(tx: Tx, group: string, id: TypeId): Promise<boolean> {
  const deleted = await tx.run('DELETE FROM user_mixin WHERE grp = ? AND id = ?', [group, id]);
  if (deleted > 0) await raiseGeneration(tx, 'categories');
  return deleted > 0;
}

function fromRow(row: UserMixinRow): UserMixin {
  return {
    group: row.grp,
    id: row.id,
    scheme: row.scheme,
    term: row.term,
    title: row.title,
    rel: JSON.parse(row.rel) as TypeId[],
    applies: row.applies === null ? [] : (JSON.parse(row.applies) as TypeId[]),
    location: row.location,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}
