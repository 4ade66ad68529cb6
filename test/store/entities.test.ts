/** Entities in the store: what goes in comes out, versions guard changes, tombstones hide. */

import { newUuid } from '../../src/base/ids.js';
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
import { countEntities, listIds, type EntityQuery } from '../../src/store/entity-lists.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Scope } from '../../src/store/scope.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { COMPUTE, LINK, NETWORK, entityRecord } from './records.js';

const ALL: Scope = { op: 'all' };
const ALICE: Scope = { op: 'owner', principal: 'local:alice' };
const BOB: Scope = { op: 'owner', principal: 'local:bob' };

forEachDatabase((_name, database) => {
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

  it('refuses the NUL character, which one of the databases cannot store', async () => {
    const refusal = { kind: 'invalid', faults: [expect.objectContaining({ code: 'store.nul-character' })] };
    await expect(insert(entityRecord({ title: 'a\0b' }))).rejects.toMatchObject(refusal);
    await expect(findEntity(store, '\0')).rejects.toMatchObject(refusal);
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
});
