/**
 * Lists of entities: collections, filters and pages (`spec/occi.md` §5.4, §5.5; K14, K27). The scope stands in front of
 * filters and paging, the order is that of creation (ids are UUID version 7), and what comes back is text that can be
 * copied into an answer: paths and stored renderings.
 */

import type { TypeId } from '../occi/model.js';
import { compileQuery, type EntityQuery } from './entity-query.js';
import type { EntityRecord } from './entity-record.js';
import { ENTITY_COLUMNS, entityFromRow, type EntityRow } from './entity-row.js';
import { fragment, inList, type SqlFragment } from './placeholders.js';
import type { SqlReader } from './sql.js';

export type { CoreFilter, EntityQuery, Page } from './entity-query.js';

/**
 * The location of every match: `locations` has, per kind, what stands before the id (a path or an absolute URL).
 * Kinds without one are left out.
 */
export async function listLocations(
  reader: SqlReader,
  query: EntityQuery,
  locations: ReadonlyMap<TypeId, string>,
): Promise<string[]> {
  const kinds = query.kinds.filter((kind) => locations.has(kind));
  const [only, ...others] = kinds;
  if (only !== undefined && others.length === 0) {
    // What stands before all ids alike is cheaper put there here.
    const location = locations.get(only) ?? '';
    return (await listIds(reader, { ...query, kinds })).map((id) => location + id);
  }
  const { sql, params } = await compileQuery(reader, { ...query, kinds }, locationColumn(kinds, locations));
  return reader.pluck<string>(sql, params);
}

/** Many texts as one, and how many they are. */
export interface JoinedTexts {
  readonly count: number;
  readonly text: string;
}

/**
 * As {@link listLocations}, all in one text, each between `begin` and `end`. The database joins them: a thousand rows that
 * are handed over one by one cost three times as much.
 */
export async function joinLocations(
  reader: SqlReader,
  query: EntityQuery,
  locations: ReadonlyMap<TypeId, string>,
  begin: string,
  end: string,
): Promise<JoinedTexts> {
  const kinds = query.kinds.filter((kind) => locations.has(kind));
  const [only, ...others] = kinds;
  const alone = only !== undefined && others.length === 0;
  const column = alone ? fragment('e.id AS text') : locationColumn(kinds, locations);
  const before = alone ? begin + (locations.get(only) ?? '') : begin;
  const { sql, params } = await compileQuery(reader, { ...query, kinds }, column);
  const joined = await reader.get<{ count: number; text: string | null }>(
    `SELECT count(*) AS count, string_agg(text, ?) AS text FROM (${sql}) AS matches`,
    [end + before, ...params],
  );
  const text = joined?.text ?? null;
  return { count: joined?.count ?? 0, text: text === null ? '' : before + text + end };
}

/** The stored OCCI 1.2 JSON of every match. */
export async function listRenderings(reader: SqlReader, query: EntityQuery): Promise<string[]> {
  const { sql, params } = await compileQuery(reader, query, fragment('e.rendering AS text'));
  return reader.pluck<string>(sql, params);
}

/** The ids of every match. */
export async function listIds(reader: SqlReader, query: EntityQuery): Promise<string[]> {
  const { sql, params } = await compileQuery(reader, query, fragment('e.id AS text'));
  return reader.pluck<string>(sql, params);
}

const WHOLE = fragment(ENTITY_COLUMNS.map((name) => `e.${name}`).join(', '));

/** Every match as a record: for renderings that are not kept. */
export async function listRecords(reader: SqlReader, query: EntityQuery): Promise<EntityRecord[]> {
  const { sql, params } = await compileQuery(reader, query, WHOLE);
  return (await reader.all<EntityRow>(sql, params)).map(entityFromRow);
}

/** Everything of these kinds that is, or is still to be taken off, a site: tombstones included. For the work, not for callers. */
export async function listOnSite(reader: SqlReader, site: string, kinds: readonly TypeId[]): Promise<EntityRecord[]> {
  const { sql, params } = inList('e.kind', kinds);
  const columns = ENTITY_COLUMNS.map((name) => `e.${name}`).join(', ');
  const statement = `SELECT ${columns} FROM entity e WHERE e.site = ? AND ${sql} ORDER BY e.id`;
  return (await reader.all<EntityRow>(statement, [site, ...params])).map(entityFromRow);
}

/** Those of these kinds that a site has under these references of its own, tombstones included. */
export async function listByRef(
  reader: SqlReader,
  site: string,
  kinds: readonly TypeId[],
  refs: readonly string[],
): Promise<EntityRecord[]> {
  if (refs.length === 0) return [];
  const [ofKind, ofRef] = [inList('e.kind', kinds), inList('e.site_ref', refs)];
  const columns = ENTITY_COLUMNS.map((name) => `e.${name}`).join(', ');
  const statement = `SELECT ${columns} FROM entity e WHERE e.site = ? AND ${ofRef.sql} AND ${ofKind.sql} ORDER BY e.id`;
  return (await reader.all<EntityRow>(statement, [site, ...ofRef.params, ...ofKind.params])).map(entityFromRow);
}

/** As {@link listLocations}, one by one: memory stays flat however many there are. */
export async function* iterateLocations(
  reader: SqlReader,
  query: EntityQuery,
  locations: ReadonlyMap<TypeId, string>,
): AsyncIterable<string> {
  const kinds = query.kinds.filter((kind) => locations.has(kind));
  const { sql, params } = await compileQuery(reader, { ...query, kinds }, locationColumn(kinds, locations));
  for await (const row of reader.iterate<{ text: string }>(sql, params)) yield row.text;
}

/** As {@link listRenderings}, one by one: memory stays flat however many there are. */
export async function* iterateRenderings(reader: SqlReader, query: EntityQuery): AsyncIterable<string> {
  const { sql, params } = await compileQuery(reader, query, fragment('e.rendering AS text'));
  for await (const row of reader.iterate<{ text: string }>(sql, params)) yield row.text;
}

/** As {@link listRecords}, one by one: memory stays flat however many there are. */
export async function* iterateRecords(reader: SqlReader, query: EntityQuery): AsyncIterable<EntityRecord> {
  const { sql, params } = await compileQuery(reader, query, WHOLE);
  for await (const row of reader.iterate<EntityRow>(sql, params)) yield entityFromRow(row);
}

/** How many match, whatever page is asked for. */
export async function countEntities(reader: SqlReader, query: EntityQuery): Promise<number> {
  const { page: _page, ...unpaged } = query;
  const { sql, params } = await compileQuery(reader, unpaged, fragment('e.id AS text'));
  const row = await reader.get<{ n: number }>(`SELECT count(*) AS n FROM (${sql}) AS matches`, params);
  return row?.n ?? 0;
}

/** `'/compute/' || e.id`, or a CASE over the kinds when there are several. */
function locationColumn(kinds: readonly TypeId[], locations: ReadonlyMap<TypeId, string>): SqlFragment {
  const [only, ...others] = kinds;
  if (only === undefined || others.length === 0) return fragment('? || e.id AS text', locations.get(only ?? '') ?? '');
  const cases = kinds.map(() => 'WHEN ? THEN ?').join(' ');
  return {
    sql: `CASE e.kind ${cases} END || e.id AS text`,
    params: kinds.flatMap((kind) => [kind, locations.get(kind) ?? '']),
  };
}
