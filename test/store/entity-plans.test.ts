/**
 * What a list costs grows with its answer and not with the store: the plans of both databases, on 20,000 entities, begin
 * at the shortest index there is for the question and look at no entity without one (`spec/occi.md` §5.4).
 */

import { compileQuery, type EntityQuery } from '../../src/store/entity-query.js';
import { fragment } from '../../src/store/placeholders.js';
import type { Scope } from '../../src/store/scope.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { COMPUTE, NETWORK } from './records.js';

const COUNT = 20_000;
/** Entities numbered from 1: every second has the common mixin, every 7th the common value, few are bob's. */
const NUMBERS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT})`;
const ID = "'01900000-0000-7000-8000-' || CAST(100000000000 + i AS text)";

const FILL = [
  `INSERT INTO entity (id, kind, owner, grp, phase, version, observed_rev, wanted, observed, mixins, rendering,
     created_at, changed_at)
   ${NUMBERS} SELECT ${ID}, CASE WHEN i % 100 = 1 THEN '${NETWORK}' ELSE '${COMPUTE}' END,
     CASE WHEN i <= 30 THEN 'local:bob' ELSE 'local:alice' END, CASE WHEN i <= 20 THEN 'few' ELSE 'many' END,
     'live', 1, 0, '{}', '{}', '[]', '{"is":"${'x'.repeat(450)}"}', 1, 1 FROM n`,
  `INSERT INTO entity_mixin (mixin, entity) ${NUMBERS} SELECT 'm#common', ${ID} FROM n WHERE i % 2 = 0`,
  `INSERT INTO entity_mixin (mixin, entity) ${NUMBERS} SELECT 'm#rare', ${ID} FROM n WHERE i % 2000 = 0`,
  `INSERT INTO entity_attribute (name, value, entity) ${NUMBERS} SELECT 'a', 'common', ${ID} FROM n WHERE i % 7 = 0`,
  // What makes the tables as large as they are when entities are like real ones.
  ...['c', 'd', 'e'].flatMap((name) => [
    `INSERT INTO entity_attribute (name, value, entity) ${NUMBERS} SELECT '${name}', ${ID}, ${ID} FROM n`,
    `INSERT INTO entity_mixin (mixin, entity) ${NUMBERS} SELECT 'm#${name}', ${ID} FROM n`,
  ]),
  `INSERT INTO entity_attribute (name, value, entity) ${NUMBERS} SELECT 'b', 'rare', ${ID} FROM n WHERE i % 400 = 0`,
];

const ALL: Scope = { op: 'all' };
const MANY: Scope = { op: 'group', groups: ['many'] };
/** Bob's own, ten of which are in a group that he has left. */
const BOB: Scope = {
  op: 'or',
  of: [
    { op: 'owner', principal: 'local:bob' },
    { op: 'group', groups: ['few'] },
  ],
};

type Asked = Omit<EntityQuery, 'kinds'>;
const a = new Map([['a', 'common']]);
const b = new Map([['b', 'rare']]);

/** What is asked for, the index that the plan begins with, and how many it finds. */
const CASES: readonly (readonly [what: string, query: Asked, begins: string, finds: number])[] = [
  ['a rare mixin', { scope: MANY, mixins: ['m#rare'] }, 'entity_mixin_by_mixin', 10],
  ['a rare value', { scope: MANY, attributes: b }, 'entity_attribute_by_value', 50],
  ['a rare value, seen by an administrator', { scope: ALL, attributes: b }, 'entity_attribute_by_value', 50],
  [
    'a common mixin with a rare value',
    { scope: MANY, mixins: ['m#common'], attributes: b },
    'entity_attribute_by_value',
    50,
  ],
  ['two rare filters', { scope: ALL, mixins: ['m#rare'], attributes: b }, 'entity_mixin_by_mixin', 10],
  [
    'two common filters, of which one is rarer',
    { scope: ALL, mixins: ['m#common'], attributes: a },
    'entity_attribute_by_value',
    1428,
  ],
  ['the few that are the caller’s among a common value', { scope: BOB, attributes: a }, 'entity_by_', 4],
  ['the few that are the caller’s', { scope: BOB }, 'entity_by_', 29],
];

forEachDatabase((name, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
    await store.write(async (tx) => {
      for (const statement of FILL) await tx.run(statement);
    });
    if (name === 'postgres') await store.write((tx) => tx.run('ANALYZE'));
  });

  /** The lines of the plan, in the order in which the tables are visited. */
  async function planOf(query: EntityQuery): Promise<string[]> {
    const { sql, params } = await compileQuery(store, query, fragment('e.id AS text'));
    const explain = name === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN';
    const rows = await store.all<{ readonly detail?: string; readonly 'QUERY PLAN'?: string }>(
      `${explain} ${sql}`,
      params,
    );
    return rows.map((row) => row.detail ?? row['QUERY PLAN'] ?? '');
  }

  it.each(CASES)('begins with the shortest index for %s', async (_what, asked, begins, finds) => {
    const query = { kinds: [COMPUTE], ...asked };
    const plan = await planOf(query);
    const visits = plan.filter((line) =>
      /^(SEARCH|SCAN) |(Seq|Index|Index Only|Bitmap \w+) Scan /.test(line.trim().replace(/^-> +/, '')),
    );
    expect(visits.length).toBeGreaterThan(0);
    expect(plan.join('\n')).toContain(begins);
    for (const line of visits)
      expect(line).toMatch(name === 'sqlite' ? /^\W*SEARCH .* USING .*(INDEX|PRIMARY KEY)/ : /Index/);
    if (name === 'sqlite') {
      expect(visits[0]).toContain(begins);
      expect(plan.join('\n')).not.toContain('TEMP B-TREE');
    }
    const { sql, params } = await compileQuery(store, query, fragment('e.id AS text'));
    expect(await store.pluck(sql, params)).toHaveLength(finds);
  });

  it('reads a page from one index in the order of creation', async () => {
    const plan = await planOf({ kinds: [COMPUTE], scope: MANY, page: { offset: 0, limit: 10 } });
    // Nearly all are in the group: PostgreSQL, which knows, may as well walk the entities in their own order.
    expect(plan.join('\n')).toMatch(name === 'sqlite' ? /entity_by_group_and_kind/ : /Index .*Scan/);
    expect(plan.join('\n')).not.toMatch(/SCAN e|Seq Scan|TEMP B-TREE|Sort/);
  });

  // PostgreSQL sorts what comes out of several ranges.
  if (name === 'sqlite') {
    it('merges the kinds of a page as they come', async () => {
      const plan = await planOf({ kinds: [COMPUTE, NETWORK], scope: MANY, page: { offset: 0, limit: 10 } });
      expect(plan.filter((line) => line.includes('entity_by_group_and_kind'))).toHaveLength(2);
      expect(plan.join('\n')).not.toMatch(/SCAN e|TEMP B-TREE/);
    });
  }
});
