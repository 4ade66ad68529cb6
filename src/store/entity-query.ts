/**
 * A query for entities as one SQL statement, so shaped that it costs what its answer is long and not what the store
 * holds. SQLite keeps no statistics of its own accord, so the way is chosen here, the shortest of
 *
 * - the index rows of one filter, a mixin or the value of an attribute;
 * - what the caller may see, as far as the scope says whose that is: ranges of an index, each in the order of creation
 *   (`entity-ranges.ts`), or else all entities of the kinds.
 *
 * Everything else that is asked for is checked on each entity so found.
 */

import type { AttributeValue, TypeId } from '../occi/model.js';
import { compileScope } from './compile-scope.js';
import { indexedValue } from './entity-index.js';
import { HIDDEN_KIND, rangesOf, type Range } from './entity-ranges.js';
import { fragment, inList, joinFragments, LIMIT, type SqlFragment } from './placeholders.js';
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
  /** What identifies an entity and joins a link, as `occi.core.*` shows it. */
  readonly core?: CoreFilter;
  /** Entities that belong to one appliance. */
  readonly appliance?: string;
  readonly page?: Page;
}

/** Each by id, kinds by their type identifier; all of it must hold. */
export interface CoreFilter {
  readonly id?: string;
  readonly source?: string;
  readonly sourceKind?: TypeId;
  readonly target?: string;
  readonly targetKind?: TypeId;
  /** A target outside, as its link has it. */
  readonly targetUri?: string;
}

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

/** The statement that answers `columns` of every match, in the order of creation. Table `entity` goes by `e`. */
export async function compileQuery(reader: SqlReader, query: EntityQuery, columns: SqlFragment): Promise<SqlFragment> {
  const ranges = await rangesOf(reader, query);
  const filters = conditionsOf(query);
  const ways: Way[] = [
    { length: (most) => lengthOf(reader, ranges, most), statement: () => drivenByRanges(columns, filters, ranges) },
    ...filters.filter(leads).map((filter) => ({
      length: (most: number) => countRows(reader, `${filter.table} f`, filter.where('f'), most),
      statement: () => drivenByFilter(query, columns, filter, filters),
    })),
  ];
  const body = (await shortest(ways)).statement();
  const page = query.page ? fragment(` ${LIMIT} OFFSET ?`, query.page.limit, query.page.offset) : fragment('');
  return { sql: body.sql + page.sql, params: [...body.params, ...page.params] };
}

/** One way to all matches. */
interface Way {
  /** How many index rows it leads over; `most` when there are as many or more. */
  readonly length: (most: number) => Promise<number>;
  readonly statement: () => SqlFragment;
}

/** What an entity's own row says of it and an index begins with, in the form of the tables above. */
const CORE = '(SELECT id AS entity, source, target FROM entity)';
/** What no index begins with: it is checked, and never leads the way. */
const ENDS =
  '(SELECT l.id AS entity, l.target_uri, s.kind AS source_kind, t.kind AS target_kind ' +
  'FROM entity l LEFT JOIN entity s ON s.id = l.source LEFT JOIN entity t ON t.id = l.target)';

const leads = ({ table }: Condition): boolean => table !== ENDS;

/** A filter as an index has it: the rows of `table` that satisfy `where`, each naming one entity. */
interface Condition {
  /** `entity_mixin`, `entity_attribute` or one of the selections below, each with a column `entity`. */
  readonly table: string;
  readonly where: (alias: string) => SqlFragment;
}

function drivenByFilter(
  query: EntityQuery,
  columns: SqlFragment,
  driver: Condition,
  filters: readonly Condition[],
): SqlFragment {
  // CROSS JOIN keeps SQLite from turning the order round; PostgreSQL has statistics and may.
  const from = `${driver.table} f CROSS JOIN entity e`;
  const others = filters.filter((filter) => filter !== driver);
  const appliance = query.appliance === undefined ? [] : [fragment('e.appliance = ?', query.appliance)];
  const parts = [
    driver.where('f'),
    fragment('e.id = f.entity'),
    inList(HIDDEN_KIND, query.kinds),
    fragment("e.phase = 'live'"),
    ...appliance,
    ...others.map(exists),
    compileScope(query.scope, 'e'),
  ];
  return select(columns, from, parts, ' ORDER BY f.entity');
}

function drivenByRanges(columns: SqlFragment, filters: readonly Condition[], ranges: readonly Range[]): SqlFragment {
  const merged = ranges.length > 1;
  const shown = merged ? { sql: `${columns.sql}, e.id AS ordinal`, params: columns.params } : columns;
  const selects = ranges.map(({ seek, rest }) =>
    select(shown, 'entity e', [...seek, ...filters.map(exists), ...rest], ''),
  );
  return {
    sql: `${selects.map((one) => one.sql).join(' UNION ALL ')} ORDER BY ${merged ? 'ordinal' : 'e.id'}`,
    params: selects.flatMap((one) => one.params),
  };
}

function select(columns: SqlFragment, from: string, parts: readonly SqlFragment[], order: string): SqlFragment {
  const where = joinFragments('AND', parts);
  return {
    sql: `SELECT ${columns.sql} FROM ${from} WHERE ${where.sql}${order}`,
    params: [...columns.params, ...where.params],
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
  return [...mixins, ...attributes, ...coreConditions(query.core ?? {})];
}

function coreConditions({ id, source, target, targetUri, sourceKind, targetKind }: CoreFilter): Condition[] {
  const own = Object.entries({ entity: id, source, target });
  const ends = Object.entries({ target_uri: targetUri, source_kind: sourceKind, target_kind: targetKind });
  const on = (table: string, columns: [string, string | undefined][]): Condition[] =>
    columns.flatMap(([column, value]) =>
      value === undefined ? [] : [{ table, where: (alias: string) => fragment(`${alias}.${column} = ?`, value) }],
    );
  return [...on(CORE, own), ...on(ENDS, ends)];
}

function exists(condition: Condition): SqlFragment {
  const { sql, params } = condition.where('x');
  return { sql: `EXISTS (SELECT 1 FROM ${condition.table} x WHERE x.entity = e.id AND ${sql})`, params };
}

/** So far every way is counted at first; when all are longer, further. */
const COUNT_AT_FIRST = 1000;
const COUNT_GROWTH = 4;

/**
 * The way with the fewest index rows. Counting reads indexes alone and goes hardly further than the shortest way is long,
 * so that it costs a fraction of what going that way does.
 */
async function shortest(ways: readonly Way[]): Promise<Way> {
  const [only, ...others] = ways;
  if (only && others.length === 0) return only;
  for (let most = COUNT_AT_FIRST; ; most *= COUNT_GROWTH) {
    let best: Way | undefined;
    let least = most;
    for (const way of ways) {
      const length = await way.length(least);
      if (length >= least) continue;
      best = way;
      least = length;
    }
    if (best) return best;
  }
}

async function lengthOf(reader: SqlReader, ranges: readonly Range[], most: number): Promise<number> {
  let length = 0;
  for (const { seek } of ranges) {
    if (length >= most) break;
    length += await countRows(reader, 'entity e', joinFragments('AND', seek), most - length);
  }
  return length;
}

async function countRows(reader: SqlReader, from: string, where: SqlFragment, most: number): Promise<number> {
  if (most === 0) return 0;
  const rows = `SELECT 1 AS one FROM ${from} WHERE ${where.sql} ${LIMIT}`;
  const found = await reader.get<{ n: number }>(`SELECT count(*) AS n FROM (${rows}) AS counted`, [
    ...where.params,
    most,
  ]);
  return found?.n ?? 0;
}
