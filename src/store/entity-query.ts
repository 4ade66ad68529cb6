/**
 * A query for entities as one SQL statement, so shaped that it costs what its answer is long and not what the store
 * holds. SQLite keeps no statistics of its own accord, so the way is chosen here, from three:
 *
 * - a rare filter drives: its index rows, one entity each;
 * - else the caller's own entities do, when the scope says whose they are: one index range per owner, group and grant,
 *   merged in order;
 * - else (an administrator's view of everything) the index over kinds does.
 *
 * Everything else that is asked for is checked on each entity so found.
 */

import type { AttributeValue, TypeId } from '../occi/model.js';
import { compileScope } from './compile-scope.js';
import { indexedValue } from './entity-index.js';
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

/** The statement that answers `columns` of every match, in the order of creation. Table `entity` goes by `e`. */
export async function compileQuery(reader: SqlReader, query: EntityQuery, columns: SqlFragment): Promise<SqlFragment> {
  const arms = query.appliance === undefined ? armsOf(query.scope) : undefined;
  const conditions = conditionsOf(query);
  // Without arms a single filter drives in any case, and there is nothing to count for.
  const counted = conditions.length > 1 || arms ? await rarestFirst(reader, conditions) : unsorted(conditions);
  const [rarest] = counted;
  const sorted = counted.map((one) => one.condition);
  const body =
    rarest && (!arms || rarest.count < COUNT_LIMIT)
      ? drivenByFilter(query, columns, sorted)
      : arms
        ? drivenByArms(query, columns, sorted, arms)
        : drivenByColumns(query, columns);
  const page = query.page ? fragment(' LIMIT ? OFFSET ?', query.page.limit, query.page.offset) : fragment('');
  return { sql: body.sql + page.sql, params: [...body.params, ...page.params] };
}

/** A filter as an index has it: the rows of `table` that satisfy `where`, each naming one entity. */
interface Condition {
  readonly table: 'entity_mixin' | 'entity_attribute';
  readonly where: (alias: string) => SqlFragment;
}

function drivenByFilter(
  query: EntityQuery,
  columns: SqlFragment,
  [driver, ...others]: readonly Condition[],
): SqlFragment {
  if (!driver) return drivenByColumns(query, columns);
  // CROSS JOIN keeps SQLite from turning the order round; PostgreSQL has statistics and may.
  const from = `${driver.table} f CROSS JOIN entity e`;
  const parts = [
    driver.where('f'),
    fragment('e.id = f.entity'),
    ...restrictions(query, others),
    compileScope(query.scope, 'e'),
  ];
  return select(columns, from, parts, ' ORDER BY f.entity');
}

function drivenByColumns(query: EntityQuery, columns: SqlFragment): SqlFragment {
  const kind = query.appliance === undefined ? 'e.kind' : HIDDEN_KIND;
  const parts = [...restrictions(query, [], kind), compileScope(query.scope, 'e')];
  return select(columns, 'entity e', parts, ' ORDER BY e.id');
}

/** Each arm leaves out what an earlier one has found, so that the merge has nothing to compare but ids. */
function drivenByArms(
  query: EntityQuery,
  columns: SqlFragment,
  conditions: readonly Condition[],
  arms: readonly Arm[],
): SqlFragment {
  const merged = arms.length > 1;
  const shown = merged ? { sql: `${columns.sql}, e.id AS ordinal`, params: columns.params } : columns;
  const selects = arms.map((arm, index) => {
    const earlier = arms
      .slice(0, index)
      .map(({ seek, rest }) => negated(joinFragments('AND', rest ? [seek, rest] : [seek])));
    const parts = [
      arm.seek,
      ...restrictions(query, conditions, HIDDEN_KIND),
      ...(arm.rest ? [arm.rest] : []),
      ...earlier,
    ];
    return select(shown, 'entity e', parts, '');
  });
  return {
    sql: `${selects.map((one) => one.sql).join(' UNION ALL ')} ORDER BY ${merged ? 'ordinal' : 'e.id'}`,
    params: selects.flatMap((one) => one.params),
  };
}

/** The kind as an expression, which no index begins with: it must not tempt SQLite away from the index of the arm. */
const HIDDEN_KIND = "(e.kind || '')";

function restrictions(query: EntityQuery, conditions: readonly Condition[], kind = HIDDEN_KIND): SqlFragment[] {
  return [
    inList(kind, query.kinds),
    fragment("e.phase = 'live'"),
    ...(query.appliance === undefined ? [] : [fragment('e.appliance = ?', query.appliance)]),
    ...conditions.map(exists),
  ];
}

function select(columns: SqlFragment, from: string, parts: readonly SqlFragment[], order: string): SqlFragment {
  const where = joinFragments('AND', parts);
  return {
    sql: `SELECT ${columns.sql} FROM ${from} WHERE ${where.sql}${order}`,
    params: [...columns.params, ...where.params],
  };
}

/** One index range that a scope is made of, and what else must hold there. */
interface Arm {
  readonly seek: SqlFragment;
  readonly rest?: SqlFragment;
}

/** Beyond this many, walking the kinds is as good. */
const MAX_ARMS = 12;

/** The index ranges that make up the scope; undefined when it is no union of such. */
function armsOf(scope: Scope): readonly Arm[] | undefined {
  const arms = rangesOf(scope);
  return arms && arms.length > 0 && arms.length <= MAX_ARMS ? arms : undefined;
}

function rangesOf(scope: Scope): readonly Arm[] | undefined {
  switch (scope.op) {
    case 'owner':
      return [{ seek: fragment('e.owner = ?', scope.principal) }];
    case 'group':
      return [...new Set(scope.groups)].map((group) => ({ seek: fragment('e.grp = ?', group) }));
    case 'entity':
      return [
        { seek: inList('e.id', scope.ids) },
        { seek: joinFragments('AND', [fragment('e.appliance IS NOT NULL'), inList('e.appliance', scope.ids)]) },
      ];
    case 'or': {
      const parts = scope.of.map(rangesOf);
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case 'and': {
      const ranges = scope.of.map(rangesOf).find((part) => part !== undefined);
      return ranges?.map(({ seek }) => ({ seek, rest: compileScope(scope, 'e') }));
    }
    default:
      return undefined;
  }
}

function negated(part: SqlFragment): SqlFragment {
  return { sql: `NOT (${part.sql})`, params: part.params };
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

interface Counted {
  readonly condition: Condition;
  readonly count: number;
}

/** Counting stops here: what is not rarer than this does not drive when something else can. */
const COUNT_LIMIT = 1000;

function unsorted(conditions: readonly Condition[]): readonly Counted[] {
  return conditions.map((condition) => ({ condition, count: 0 }));
}

/** The counts read the index alone and stop early. */
async function rarestFirst(reader: SqlReader, conditions: readonly Condition[]): Promise<readonly Counted[]> {
  const counted: Counted[] = [];
  for (const condition of conditions) {
    const { sql, params } = condition.where('f');
    const rows = `SELECT 1 AS one FROM ${condition.table} f WHERE ${sql} LIMIT ${COUNT_LIMIT}`;
    const found = await reader.get<{ n: number }>(`SELECT count(*) AS n FROM (${rows}) AS counted`, params);
    counted.push({ condition, count: found?.n ?? 0 });
  }
  return counted.sort((a, b) => a.count - b.count);
}
