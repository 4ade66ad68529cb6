/** Entities in the store: what goes in comes out, versions guard changes, tombstones hide, lists and filters agree. */

import fc from 'fast-check';
import { newUuid } from '../../src/base/ids.js';
import { jsonEqual } from '../../src/base/json.js';
import {
  componentsOf,
  findEntity,
  insertEntity,
  linksOf,
  linksTo,
  loadEntity,
  loadForUpdate,
  loadRendering,
  removeEntity,
  tombstoneEntity,
  updateEntity,
  updateRendering,
} from '../../src/store/entities.js';
import {
  countEntities,
  iterateLocations,
  iterateRenderings,
  listIds,
  listLocations,
  listRenderings,
  type EntityQuery,
} from '../../src/store/entity-lists.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Scope } from '../../src/store/scope.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { COMPUTE, LINK, NETWORK, entityRecord } from './records.js';

const ALL: Scope = { op: 'all' };
const ALICE: Scope = { op: 'owner', principal: 'local:alice' };
const BOB: Scope = { op: 'owner', principal: 'local:bob' };

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of source) list.push(item);
  return list;
}

forEachDatabase((name, database) => {
  let store: Store;
  const insert = (...records: EntityRecord[]): Promise<void> =>
    store.write(async (tx) => {
      for (const record of records) await insertEntity(tx, record);
    });

  beforeAll(async () => {
    store = await database.open();
  });

  beforeEach(async () => {
    await store.write((tx) => tx.run('DELETE FROM entity'));
  });

  it('gives back what was stored, every member of it', async () => {
    const record = entityRecord({
      mixins: ['http://example.com/a#b', 'http://example.com/c#d'],
      appliance: newUuid(),
      site: 'sim',
      siteRef: 'vm-17',
      version: 3,
      observedRevision: 9,
      title: 'naïve "title" ☃',
      summary: "it's a\nsummary",
      wanted: { 'occi.compute.cores': 4, 'x.list': [1, 'two'], 'x.object': { a: { b: true } } },
      observed: { 'occi.compute.state': 'active', 'x.flag': false },
      heading: 'suspended',
      changedAt: 1_763_800_000_999,
    });
    const link = entityRecord({ kind: LINK, source: record.id, target: null, targetUri: 'http://elsewhere/network/1' });
    await insert(record, link);
    expect(await findEntity(store, record.id)).toEqual(record);
    expect(await findEntity(store, link.id)).toEqual(link);
    expect(await findEntity(store, newUuid())).toBeUndefined();
  });

  it('refuses an id that is taken, and changes nothing then', async () => {
    const record = entityRecord();
    await insert(record);
    await expect(insert(entityRecord({ id: record.id, owner: 'local:mallory' }))).rejects.toMatchObject({
      kind: 'conflict',
    });
    expect((await findEntity(store, record.id))?.owner).toBe('local:alice');
  });

  it('shows an entity only within the scope', async () => {
    const record = entityRecord();
    await insert(record);
    expect(await loadEntity(store, record.id, ALICE)).toEqual(record);
    expect(await loadEntity(store, record.id, BOB)).toBeUndefined();
    expect(await loadRendering(store, record.id, ALICE)).toEqual({
      rendering: record.rendering,
      version: 1,
      observedRevision: 0,
    });
    expect(await loadRendering(store, record.id, BOB)).toBeUndefined();
  });

  it('changes an entity from the version it was read in, and refuses from another', async () => {
    const first = entityRecord({ wanted: { 'occi.compute.cores': 1 } });
    await insert(first);
    const second = { ...first, version: 2, wanted: { 'occi.compute.cores': 2 }, rendering: '{"second":true}' };
    await store.write(async (tx) => {
      const current = await loadForUpdate(tx, first.id, ALICE);
      expect(current).toEqual(first);
      await updateEntity(tx, first, second);
    });
    expect(await findEntity(store, first.id)).toEqual(second);
    const late = store.write((tx) => updateEntity(tx, first, { ...first, version: 2, title: 'late' }));
    await expect(late).rejects.toMatchObject({ kind: 'precondition-failed' });
    expect(await findEntity(store, first.id)).toEqual(second);
    await store.write((tx) => updateRendering(tx, first.id, '{"third":true}'));
    expect(await findEntity(store, first.id)).toEqual({ ...second, rendering: '{"third":true}' });
  });

  it('hides a tombstone everywhere and keeps it until it is removed (K11)', async () => {
    const record = entityRecord({ mixins: ['m#a'], wanted: { a: 'b' } });
    await insert(record);
    const tombstone = await store.write((tx) => tombstoneEntity(tx, record, 1_763_800_000_500));
    const query: EntityQuery = { kinds: [COMPUTE], scope: ALL };
    expect(await loadEntity(store, record.id, ALL)).toBeUndefined();
    expect(await loadRendering(store, record.id, ALL)).toBeUndefined();
    expect(await listIds(store, query)).toEqual([]);
    expect(await listIds(store, { ...query, mixins: ['m#a'] })).toEqual([]);
    expect(await countEntities(store, query)).toBe(0);
    expect(tombstone).toMatchObject({ phase: 'deleting', version: 2 });
    expect(await findEntity(store, record.id)).toEqual(tombstone);
    const observed = { ...tombstone, observedRevision: 1, changedAt: tombstone.changedAt + 1000 };
    await store.write((tx) => updateEntity(tx, tombstone, observed));
    expect(await store.pluck('SELECT deleted_at FROM entity WHERE id = ?', [record.id])).toEqual([1_763_800_000_500]);
    await store.write((tx) => removeEntity(tx, record.id));
    expect(await findEntity(store, record.id)).toBeUndefined();
    expect(await store.pluck('SELECT entity FROM entity_mixin UNION SELECT entity FROM entity_attribute')).toEqual([]);
  });

  it('finds links by both ends and components by their appliance', async () => {
    const appliance = newUuid();
    const [compute, network] = [entityRecord({ appliance }), entityRecord({ kind: NETWORK, appliance })];
    const links = [1, 2].map(() => entityRecord({ kind: LINK, source: compute.id, target: network.id }));
    await insert(compute, network, ...links);
    expect(await linksOf(store, [compute.id, network.id])).toEqual(links);
    expect(await linksTo(store, [network.id])).toEqual(links);
    expect(await linksTo(store, [compute.id])).toEqual([]);
    expect(await linksOf(store, [])).toEqual([]);
    expect(await componentsOf(store, appliance)).toEqual([compute, network]);
  });

  it('lists locations and renderings of several kinds in the order of creation, page by page', async () => {
    const records = Array.from({ length: 7 }, (_, i) => entityRecord({ kind: i % 2 === 0 ? COMPUTE : NETWORK }));
    await insert(...records, entityRecord({ owner: 'local:bob' }));
    const query: EntityQuery = { kinds: [COMPUTE, NETWORK], scope: ALICE };
    const locations = new Map([
      [COMPUTE, '/compute/'],
      [NETWORK, '/network/'],
    ]);
    const expected = records.map((record) => `${locations.get(record.kind) ?? ''}${record.id}`);
    expect(await listLocations(store, query, locations)).toEqual(expected);
    expect(await listLocations(store, { ...query, kinds: [NETWORK] }, locations)).toEqual(
      expected.filter((path) => path.startsWith('/network/')),
    );
    expect(await listLocations(store, query, new Map())).toEqual([]);
    expect(await listRenderings(store, query)).toEqual(records.map((record) => record.rendering));
    expect(await collect(iterateRenderings(store, query))).toEqual(records.map((record) => record.rendering));
    expect(await collect(iterateLocations(store, query, locations))).toEqual(expected);
    const pages: string[] = [];
    for (let offset = 0; offset < 9; offset += 3) {
      pages.push(...(await listLocations(store, { ...query, page: { offset, limit: 3 } }, locations)));
    }
    expect(pages).toEqual(expected);
    expect(await countEntities(store, { ...query, page: { offset: 0, limit: 2 } })).toBe(7);
    expect(await listIds(store, { ...query, kinds: [] })).toEqual([]);
  });

  it('finds values of any length and type, after changes too', async () => {
    const long = 'x'.repeat(5000);
    const first = entityRecord({
      wanted: { cores: 2, note: long, list: [1, { b: 2, a: 1 }] },
      observed: { cores: 1, state: 'up' },
    });
    await insert(first);
    const find = (attribute: string, value: string | number | boolean | (number | object)[]): Promise<string[]> =>
      listIds(store, { kinds: [COMPUTE], scope: ALL, attributes: new Map([[attribute, value as string]]) });
    expect(await find('cores', 2)).toEqual([first.id]);
    expect(await find('cores', 1)).toEqual([]);
    expect(await find('note', long)).toEqual([first.id]);
    expect(await find('note', `${long}x`)).toEqual([]);
    expect(await find('list', [1, { a: 1, b: 2 }])).toEqual([first.id]);
    expect(await find('state', 'up')).toEqual([first.id]);
    const second = { ...first, observedRevision: 1, observed: { state: 'down' }, title: 'web' };
    await store.write((tx) => updateEntity(tx, first, second));
    expect(await find('state', 'up')).toEqual([]);
    expect(await find('state', 'down')).toEqual([first.id]);
    expect(await find('occi.core.title', 'web')).toEqual([first.id]);
  });

  it('filters like a plain search through all entities does, whatever the conditions', async () => {
    const mixins = ['m#a', 'm#b', 'm#c'];
    const entities = fc.array(
      fc.record({
        kind: fc.constantFrom(COMPUTE, NETWORK),
        owner: fc.constantFrom('local:alice', 'local:bob'),
        appliance: fc.constantFrom(null, 'app-1'),
        mixins: fc.subarray(mixins),
        wanted: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<string | number>('1', 2, 'two words'), {
          noNullPrototype: true,
        }),
      }),
      { maxLength: 12 },
    );
    const queries = fc.record<EntityQuery>(
      {
        kinds: fc.subarray([COMPUTE, NETWORK], { minLength: 1 }),
        scope: fc.constantFrom(ALL, ALICE),
        mixins: fc.subarray(mixins),
        attributes: fc
          .dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<string | number>('1', 2, 'two words'))
          .map((values) => new Map(Object.entries(values))),
        appliance: fc.constant('app-1'),
      },
      { requiredKeys: ['kinds', 'scope'] },
    );
    const plainly = (record: EntityRecord, query: EntityQuery): boolean =>
      query.kinds.includes(record.kind) &&
      (query.scope.op === 'all' || record.owner === 'local:alice') &&
      (query.mixins ?? []).every((mixin) => record.mixins.includes(mixin)) &&
      [...(query.attributes ?? [])].every(([attribute, value]) => jsonEqual(record.wanted[attribute], value)) &&
      (query.appliance === undefined || record.appliance === query.appliance);
    await fc.assert(
      fc.asyncProperty(entities, fc.array(queries, { minLength: 3, maxLength: 6 }), async (members, asked) => {
        const records = members.map((member) => entityRecord(member));
        await store.write(async (tx) => {
          await tx.run('DELETE FROM entity');
          for (const record of records) await insertEntity(tx, record);
        });
        for (const query of asked) {
          const expected = records.filter((record) => plainly(record, query)).map((record) => record.id);
          expect(await listIds(store, query)).toEqual(expected);
          expect(await countEntities(store, query)).toBe(expected.length);
        }
      }),
      { numRuns: name === 'sqlite' ? 80 : 20 },
    );
  });
});
