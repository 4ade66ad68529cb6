/**
 * Lists of entities: collections, filters and pages (`spec/occi.md` §5.4, §5.5; K14, K27). The scope stands in front of
 * filters and paging, the order is that of creation (ids are UUID version 7), and what comes back is text that can be
 * copied into an answer: paths and stored renderings.
 *
 * Filters are conjunctive. When there are any, the rarest one drives the statement and the others are looked up for
 * each of its entities, so that a filter costs what it finds and not what there is.
 */

import type { AttributeValue, TypeId } from '../occi/model.js';
import { compileScope } from './compile-scope.js';
import { indexedValue } from './entity-index.js';
import type { EntityRecord } from './entity-record.js';
import { ENTITY_COLUMNS, entityFromRow, type EntityRow } from './entity-row.js';
import { fragment, inList, joinFragments, type SqlFragment } from './placeholders.js';
import type { Scope } from './scope.js';
import type { SqlReader } from './sql.js';

export interface EntityQuery {
  /** Kinds to list; none lists nothing. */
  readonly kinds: readonly TypeId[];
  readonly scope: Scope;
  /** Mixins the entities must all have. */
  readonly mixins?: readonly TypeId[];
  /**
   * Attributes the entities must have with exactly these values, as rendered; `occi.core.title` and
   * `occi.core.summary` among them.
   */
  readonly attributes?: ReadonlyMap<string, AttributeValue>;
  /** Entities that belong to one appliance. */
  readonly appliance?: string;
  readonly page?: Page;
}

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

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
  const column = locationColumn(kinds, locations);
  const { sql, params } = await compileQuery(reader, { ...query, kinds }, column);
  return reader.pluck<string>(sql, params);
}

/** The stored OCCI 1.2 JSON of every match. */
export async function listRenderings(reader: SqlReader, query: EntityQuery): Promise<string[]> {
  const { sql, params } = await compileQuery(reader, query, fragment('e.rendering'));
  return reader.pluck<string>(sql, params);
}

/** The ids of every match. */
export async function listIds(reader: SqlReader, query: EntityQuery): Promise<string[]> {
  const { sql, params } = await compileQuery(reader, query, fragment('e.id'));
  return reader.pluck<string>(sql, params);
}

/** Every match as a record: for renderings that are not kept. */
export async function listRecords(reader: SqlReader, query: EntityQuery): Promise<EntityRecord[]> {
  const column = fragment(ENTITY_COLUMNS.map((name) => `e.${name}`).join(', '));
  const { sql, params } = await compileQuery(reader, query, column, '');
  return (await reader.all<EntityRow>(sql, params)).map(entityFromRow);
}

/** Everything of these kinds that is, or is still to be taken off, a site: tombstones included. For the work, not for callers. */
export async function listOnSite(reader: SqlReader, site: string, kinds: readonly TypeId[]): Promise<EntityRecord[]> {
  const { sql, params } = inList('e.kind', kinds);
  const columns = ENTITY_COLUMNS.map((name) => `e.${name}`).join(', ');
  const statement = `SELECT ${columns} FROM entity e WHERE e.site = ? AND ${sql} ORDER BY e.id`;
  return (await reader.all<EntityRow>(statement, [site, ...params])).map(entityFromRow);
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
  const { sql, params } = await compileQuery(reader, query, fragment('e.rendering'));
  for await (const row of reader.iterate<{ text: string }>(sql, params)) yield row.text;
}

/** How many match, whatever page is asked for. */
export async function countEntities(reader: SqlReader, query: EntityQuery): Promise<number> {
  const { page: _page, ...unpaged } = query;
  const { sql, params } = await compileQuery(reader, unpaged, fragment('e.id'));
  const row = await reader.get<{ n: number }>(`SELECT count(*) AS n FROM (${sql}) AS matches`, params);
  return row?.n ?? 0;
}

/** `'/compute/' || e.id`, or a CASE over the kinds when there are several. */
function locationColumn(kinds: readonly TypeId[], locations: ReadonlyMap<TypeId, string>): SqlFragment {
  const [only, ...others] = kinds;
  if (only === undefined || others.length === 0) return fragment('? || e.id', locations.get(only ?? '') ?? '');
  const cases = kinds.map(() => 'WHEN ? THEN ?').join(' ');
  return {
    sql: `CASE e.kind ${cases} END || e.id`,
    params: kinds.flatMap((kind) => [kind, locations.get(kind) ?? '']),
  };
}

/** A filter as an index has it: the rows of `table` that satisfy `where`, each naming one entity. */
interface Condition {
  readonly table: 'entity_mixin' | 'entity_attribute';
  readonly where: (alias: string) => SqlFragment;
}

async function compileQuery(
  reader: SqlReader,
  query: EntityQuery,
  column: SqlFragment,
  as = ' AS text',
): Promise<SqlFragment> {
  const [driver, ...others] = await rarestFirst(reader, conditionsOf(query));
  const parts: SqlFragment[] = [inList('e.kind', query.kinds), fragment("e.phase = 'live'")];
  if (query.scope.op !== 'all') parts.push(compileScope(query.scope, 'e'));
  if (query.appliance !== undefined) parts.push(fragment('e.appliance = ?', query.appliance));
  // CROSS JOIN keeps SQLite from turning the order round; PostgreSQL has statistics and may.
  if (driver) parts.unshift(driver.where('f'), fragment('e.id = f.entity'));
  for (const condition of others) parts.push(exists(condition));

  const from = driver ? `${driver.table} f CROSS JOIN entity e` : 'entity e';
  const where = joinFragments('AND', parts);
  const page = query.page ? fragment(' LIMIT ? OFFSET ?', query.page.limit, query.page.offset) : fragment('');
  return {
    sql: `SELECT ${column.sql}${as} FROM ${from} WHERE ${where.sql} ORDER BY ${driver ? 'f.entity' : 'e.id'}${page.sql}`,
    params: [...column.params, ...where.params, ...page.params],
  };
}

function conditionsOf(query: EntityQuery): Condition[] {
  const mixins = (query.mixins ?? []).map((mixin): Condition => ({
    table: 'entity_mixin',
    where: (alias) => fragment(`${alias}.mixin = ?`, mixin),
  }));
  const attributes = [...(query.attributes ?? [])].map(([name, value]): Condition => ({
    table: 'entity_attribute',
    where: (alias) => fragment(`${alias}.name = ? AND ${alias}.value = ?`, name, indexedValue(value)),
  }));
  return [...mixins, ...attributes];
}

function exists(condition: Condition): SqlFragment {
  const { sql, params } = condition.where('x');
  return { sql: `EXISTS (SELECT 1 FROM ${condition.table} x WHERE x.entity = e.id AND ${sql})`, params };
}

/** Counting stops here: beyond it, which condition is rarer matters little. */
const COUNT_LIMIT = 1000;

/** One condition needs no counting. The counts read the index alone and stop early. */
async function rarestFirst(reader: SqlReader, conditions: readonly Condition[]): Promise<Condition[]> {
  if (conditions.length < 2) return [...conditions];
  const counted: { readonly condition: Condition; readonly count: number }[] = [];
  for (const condition of conditions) {
    const { sql, params } = condition.where('f');
    const rows = `SELECT 1 AS one FROM ${condition.table} f WHERE ${sql} LIMIT ${COUNT_LIMIT}`;
    const found = await reader.get<{ n: number }>(`SELECT count(*) AS n FROM (${rows}) AS counted`, params);
    counted.push({ condition, count: found?.n ?? 0 });
  }
  return counted.sort((a, b) => a.count - b.count).map(({ condition }) => condition);
}
