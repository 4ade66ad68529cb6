/**
 * Entities one at a time and a few together: store, load, change, remove. Lists are in `entity-lists.ts`.
 * Functions without a scope are for the work behind the requests; what serves a caller takes the caller's scope, and
 * then what is not theirs is not there (K14).
 */

import { problem } from '../base/errors.js';
import { compileScope } from './compile-scope.js';
import { indexEntity } from './entity-index.js';
import type { EntityRecord } from './entity-record.js';
import { ENTITY_COLUMNS, entityFromRow, entityValues, type EntityRow } from './entity-row.js';
import { inList } from './placeholders.js';
import type { Ownership, Scope } from './scope.js';
import type { SqlReader, Tx } from './sql.js';

const COLUMNS = ENTITY_COLUMNS.join(', ');
const INSERT = `INSERT INTO entity (${COLUMNS}) VALUES (${ENTITY_COLUMNS.map(() => '?').join(', ')})`;
const CHANGED_COLUMNS = ENTITY_COLUMNS.filter((column) => column !== 'id');
const UPDATE =
  `UPDATE entity SET ${CHANGED_COLUMNS.map((column) => `${column} = ?`).join(', ')}, ` +
  "deleted_at = CASE WHEN CAST(? AS text) = 'deleting' THEN COALESCE(deleted_at, ?) END " +
  'WHERE id = ? AND version = ? AND observed_rev = ?';
const SELECT_ONE = `SELECT ${COLUMNS} FROM entity WHERE id = ?`;

/** Stores a new entity and makes it findable. Throws a Problem `conflict` when its id is taken. */
export async function insertEntity(tx: Tx, record: EntityRecord): Promise<void> {
  if ((await tx.run(`${INSERT} ON CONFLICT (id) DO NOTHING`, entityValues(record))) === 0) {
    throw problem('conflict', 'entity.id-taken', 'this identifier is in use');
  }
  await indexEntity(tx, undefined, record);
}

/** The entity in whatever phase, tombstones included. */
export async function findEntity(reader: SqlReader, id: string): Promise<EntityRecord | undefined> {
  const row = await reader.get<EntityRow>(SELECT_ONE, [id]);
  return row && entityFromRow(row);
}

/** Whose live entities are, by id; those that are not there are left out. */
export async function ownershipsOf(reader: SqlReader, ids: readonly string[]): Promise<ReadonlyMap<string, Ownership>> {
  const which = inList('id', ids);
  const rows = await reader.all<Ownership>(
    `SELECT id, kind, owner, grp AS "group", appliance FROM entity WHERE phase = 'live' AND ${which.sql}`,
    which.params,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** The live entity, if it lies within the scope. */
export async function loadEntity(reader: SqlReader, id: string, scope: Scope): Promise<EntityRecord | undefined> {
  const within = compileScope(scope);
  const sql = `${SELECT_ONE} AND phase = 'live' AND (${within.sql})`;
  const row = await reader.get<EntityRow>(sql, [id, ...within.params]);
  return row && entityFromRow(row);
}

/**
 * The same, to be changed in this transaction: nobody else can change it before the commit, for there is one writer on
 * SQLite, and PostgreSQL runs writers SERIALIZABLE.
 */
export function loadForUpdate(tx: Tx, id: string, scope: Scope): Promise<EntityRecord | undefined> {
  return loadEntity(tx, id, scope);
}

/** What a single read answers: the stored rendering with what its ETag is made of (K13). */
export interface StoredRendering {
  readonly rendering: string;
  readonly version: number;
  readonly observedRevision: number;
}

/** The rendering of a live entity within the scope. The hottest read of all: no record is built. */
export async function loadRendering(reader: SqlReader, id: string, scope: Scope): Promise<StoredRendering | undefined> {
  const within = compileScope(scope);
  const sql =
    'SELECT rendering, version, observed_rev AS "observedRevision" FROM entity ' +
    `WHERE id = ? AND phase = 'live' AND (${within.sql})`;
  return reader.get<StoredRendering>(sql, [id, ...within.params]);
}

/**
 * Replaces `before` by `after`, which carries its new version or observed revision. * @throws Problem `precondition-failed` (`entity.changed-meanwhile`) when the store no longer holds `before`.
 */
export async function updateEntity(tx: Tx, before: EntityRecord, after: EntityRecord): Promise<void> {
  const guard = [before.id, before.version, before.observedRevision];
  const changed = await tx.run(UPDATE, [...entityValues(after).slice(1), after.phase, after.changedAt, ...guard]);
  if (changed === 0) {
    throw problem(
      'precondition-failed',
      'entity.changed-meanwhile',
      'the entity was changed by someone else meanwhile',
      {
        remedy: 'read it again and repeat the change',
      },
    );
  }
  await indexEntity(tx, before, after);
}

/** Renews the rendering alone, e.g. because a link of the entity came or went. Neither version changes. */
export async function updateRendering(tx: Tx, id: string, rendering: string): Promise<void> {
  await tx.run('UPDATE entity SET rendering = ? WHERE id = ?', [rendering, id]);
}

/** Commits a deletion (K11): unlisted and 404 from now on, yet there and counted until {@link removeEntity}. */
export async function tombstoneEntity(tx: Tx, record: EntityRecord, now: number): Promise<EntityRecord> {
  const tombstone: EntityRecord = { ...record, phase: 'deleting', version: record.version + 1, changedAt: now };
  await updateEntity(tx, record, tombstone);
  return tombstone;
}

/** Takes the entity out of the store with everything it was found by. */
export async function removeEntity(tx: Tx, id: string): Promise<void> {
  await tx.run('DELETE FROM entity WHERE id = ?', [id]);
}

/** The live links that start at one of the entities, oldest first. */
export function linksOf(reader: SqlReader, sources: readonly string[]): Promise<EntityRecord[]> {
  return select(reader, 'source', sources);
}

/** The live links that lead to one of the entities, oldest first. */
export function linksTo(reader: SqlReader, targets: readonly string[]): Promise<EntityRecord[]> {
  return select(reader, 'target', targets);
}

/** The links to an entity that were deleted and that their site has not let go of yet (K11), oldest first. */
export function buriedLinksTo(reader: SqlReader, target: string): Promise<EntityRecord[]> {
  return select(reader, 'target', [target], 'deleting');
}

/** The live entities that an appliance owns, oldest first; it belongs to itself, but is none of them. */
export async function componentsOf(reader: SqlReader, appliance: string): Promise<EntityRecord[]> {
  return (await select(reader, 'appliance', [appliance])).filter((entity) => entity.id !== appliance);
}

/** What an appliance owned and was to be let go, which its site has not confirmed yet (K11). */
export async function buriedComponentsOf(reader: SqlReader, appliance: string): Promise<EntityRecord[]> {
  const statement = `SELECT ${COLUMNS} FROM entity WHERE appliance = ? AND id <> ? AND phase = 'deleting' ORDER BY id`;
  return (await reader.all<EntityRow>(statement, [appliance, appliance])).map(entityFromRow);
}

async function select(
  reader: SqlReader,
  column: 'source' | 'target' | 'appliance',
  ids: readonly string[],
  phase: EntityRecord['phase'] = 'live',
): Promise<EntityRecord[]> {
  if (ids.length === 0) return [];
  const { sql, params } = inList(column, ids);
  const statement = `SELECT ${COLUMNS} FROM entity WHERE ${sql} AND phase = ? ORDER BY id`;
  return (await reader.all<EntityRow>(statement, [...params, phase])).map(entityFromRow);
}
