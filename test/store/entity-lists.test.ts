/** Lists of entities: whatever way the query takes, it finds what a plain search through all entities finds (K14, K27). */

import fc from 'fast-check';
import { jsonEqual } from '../../src/base/json.js';
import { insertEntity } from '../../src/store/entities.js';
import {
  countEntities,
  iterateLocations,
  iterateRecords,
  iterateRenderings,
  joinLocations,
  listIds,
  listLocations,
  listOnSite,
  listRecords,
  listRenderings,
  type EntityQuery,
} from '../../src/store/entity-lists.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { evaluateScope, type Scope } from '../../src/store/scope.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { COMPUTE, NETWORK, entityRecord } from './records.js';

const ALL: Scope = { op: 'all' };
const ALICE: Scope = { op: 'owner', principal: 'local:alice' };

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of source) list.push(item);
  return list;
}

const LOCATIONS = new Map([
  [COMPUTE, '/compute/'],
  [NETWORK, '/network/'],
]);

const MIXINS = ['m#a', 'm#b', 'm#c'];
const values = fc.constantFrom<string | number>('1', 2, 'two words');

const members = fc.array(
  fc.record({
    kind: fc.constantFrom(COMPUTE, NETWORK),
    owner: fc.constantFrom('local:alice', 'local:bob'),
    group: fc.constantFrom('physics', 'chemistry'),
    appliance: fc.constantFrom(null, 'app-1', 'app-2'),
    phase: fc.constantFrom<EntityRecord['phase']>('live', 'live', 'live', 'deleting'),
    mixins: fc.subarray(MIXINS),
    wanted: fc.dictionary(fc.constantFrom('a', 'b'), values, { noNullPrototype: true }),
  }),
  { maxLength: 12 },
);

/** Scopes as the policy makes them: unions of what is the caller's, its groups' and what was granted to it. */
const simple: fc.Arbitrary<Scope> = fc.oneof(
  fc.constantFrom<Scope>(ALL, { op: 'none' }, ALICE),
  fc.subarray(['physics', 'chemistry', 'art']).map((groups): Scope => ({ op: 'group', groups })),
  fc.subarray(['app-1', 'app-2']).map((ids): Scope => ({ op: 'entity', ids })),
  fc.constant<Scope>({ op: 'kind', kinds: [NETWORK] }),
  fc.constant<Scope>({ op: 'and', of: [ALICE, { op: 'group', groups: ['physics'] }] }),
  fc.constant<Scope>({ op: 'not', of: ALICE }),
);
const scopes = fc.oneof(
  simple,
  fc.array(simple, { maxLength: 4 }).map((of): Scope => ({ op: 'or', of })),
);

const queries = fc.record<EntityQuery>(
  {
    kinds: fc.subarray([COMPUTE, NETWORK]),
    scope: scopes,
    mixins: fc.subarray(MIXINS),
    attributes: fc.dictionary(fc.constantFrom('a', 'b'), values).map((map) => new Map(Object.entries(map))),
    appliance: fc.constant('app-1'),
    page: fc.record({ offset: fc.nat(3), limit: fc.nat(5) }),
  },
  { requiredKeys: ['kinds', 'scope'] },
);

function matches(record: EntityRecord, query: EntityQuery): boolean {
  return (
    record.phase === 'live' &&
    query.kinds.includes(record.kind) &&
    evaluateScope(query.scope, record) &&
    (query.mixins ?? []).every((mixin) => record.mixins.includes(mixin)) &&
    [...(query.attributes ?? [])].every(([attribute, value]) => jsonEqual(record.wanted[attribute], value)) &&
    (query.appliance === undefined || record.appliance === query.appliance)
  );
}

forEachDatabase((name, database) => {
  let store: Store;
  const fill = (...records: EntityRecord[]): Promise<void> =>
    store.write(async (tx) => {
      await tx.run('DELETE FROM entity');
      for (const record of records) await insertEntity(tx, record);
    });

  beforeAll(async () => {
    store = await database.open();
  });

  it('lists locations and renderings of several kinds in the order of creation, page by page', async () => {
    const records = Array.from({ length: 7 }, (_, i) => entityRecord({ kind: i % 2 === 0 ? COMPUTE : NETWORK }));
    await fill(...records, entityRecord({ owner: 'local:bob' }));
    const query: EntityQuery = { kinds: [COMPUTE, NETWORK], scope: ALICE };
    const expected = records.map((record) => `${LOCATIONS.get(record.kind) ?? ''}${record.id}`);
    const isNetwork = (path: string): boolean => path.startsWith('/network/');
    expect(await listLocations(store, query, LOCATIONS)).toEqual(expected);
    expect(await listLocations(store, { ...query, kinds: [NETWORK] }, LOCATIONS)).toEqual(expected.filter(isNetwork));
    expect(await listLocations(store, query, new Map())).toEqual([]);
    expect(await listRenderings(store, query)).toEqual(records.map((record) => record.rendering));
    expect(await collect(iterateRenderings(store, query))).toEqual(records.map((record) => record.rendering));
    expect(await collect(iterateLocations(store, query, LOCATIONS))).toEqual(expected);
    const pages: string[] = [];
    for (let offset = 0; offset < 9; offset += 3) {
      pages.push(...(await listLocations(store, { ...query, page: { offset, limit: 3 } }, LOCATIONS)));
    }
    expect(pages).toEqual(expected);
    expect(await joinLocations(store, query, LOCATIONS, '<', '>')).toEqual({
      count: 7,
      text: expected.map((path) => `<${path}>`).join(''),
    });
    const networks = await joinLocations(store, { ...query, kinds: [NETWORK] }, LOCATIONS, '', '\r\n');
    expect(networks).toEqual({
      count: 3,
      text: expected
        .filter(isNetwork)
        .map((path) => `${path}\r\n`)
        .join(''),
    });
    expect(await joinLocations(store, query, new Map(), '<', '>')).toEqual({ count: 0, text: '' });
    expect(await countEntities(store, { ...query, page: { offset: 0, limit: 2 } })).toBe(7);
    expect(await listIds(store, { ...query, kinds: [] })).toEqual([]);
  });

  it('finds what a plain search finds, whatever scope, conditions and page', async () => {
    await fc.assert(
      fc.asyncProperty(members, fc.array(queries, { minLength: 4, maxLength: 8 }), async (some, asked) => {
        const records = some.map((member) => entityRecord(member));
        await fill(...records);
        for (const query of asked) {
          const found = records.filter((record) => matches(record, query));
          const { offset, limit } = query.page ?? { offset: 0, limit: found.length };
          const page = found.slice(offset, offset + limit);
          expect(await listIds(store, query)).toEqual(page.map((record) => record.id));
          expect(await joinLocations(store, query, LOCATIONS, '', '\n')).toEqual({
            count: page.length,
            text: page.map((record) => `${LOCATIONS.get(record.kind) ?? ''}${record.id}\n`).join(''),
          });
          expect(await listRecords(store, query)).toEqual(page);
          expect(await collect(iterateRecords(store, query))).toEqual(page);
          expect(await countEntities(store, query)).toBe(found.length);
        }
      }),
      { numRuns: name === 'sqlite' ? 120 : 30 },
    );
  });

  it("finds the few that are the caller's among many that share a mixin and a value", async () => {
    const common = { mixins: ['m#a'], wanted: { a: 'x' } };
    const mine = [1, 2, 3].map(() => entityRecord(common));
    await fill(...mine, ...Array.from({ length: 1100 }, () => entityRecord({ ...common, owner: 'local:bob' })));
    const query: EntityQuery = { kinds: [COMPUTE], scope: ALICE, mixins: ['m#a'], attributes: new Map([['a', 'x']]) };
    expect(await listIds(store, query)).toEqual(mine.map((record) => record.id));
    expect(await listIds(store, { ...query, mixins: ['m#b'] })).toEqual([]);
    expect(await countEntities(store, { ...query, scope: ALL })).toBe(1103);
  });

  it('copes with a scope of very many groups and grants', async () => {
    const mine = [entityRecord({ group: 'g99' }), entityRecord({ appliance: 'granted-700' })];
    await fill(...mine, entityRecord({ group: 'other' }));
    const groups = Array.from({ length: 200 }, (_, i) => `g${i}`);
    const ids = Array.from({ length: 1000 }, (_, i) => `granted-${i}`);
    const scope: Scope = {
      op: 'or',
      of: [
        { op: 'group', groups },
        { op: 'entity', ids },
      ],
    };
    expect(await listIds(store, { kinds: [COMPUTE], scope })).toEqual(mine.map((record) => record.id));
  });

  it('lists what is on a site for the work, tombstones included', async () => {
    const there = [entityRecord({ site: 'sim' }), entityRecord({ site: 'sim', phase: 'deleting' })];
    await fill(...there, entityRecord({ site: 'other' }), entityRecord({ site: 'sim', kind: NETWORK }), entityRecord());
    expect(await listOnSite(store, 'sim', [COMPUTE])).toEqual(there);
  });
});
