/** The life of graphs: edges, failure, undo, cancellation and dead children, on every database. */

import { newUuid } from '../../src/base/ids.js';
import { engineMigrations, engineSchemas } from '../../src/engine/schema.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { Workshop } from './workshop.js';

forEachDatabase((_, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open({ entitySchemas: engineSchemas, migrations: engineMigrations });
  });
  afterEach(async () => {
    for (const table of ['operation_edge', 'operation', 'operation_event', 'operation_subject']) {
      await store.write((tx) => tx.run(`DELETE FROM ${table}`));
    }
  });

  describe('a graph', () => {
    const diamond = [
      { key: 'd', after: ['b', 'c'] },
      { key: 'a' },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['a'] },
    ];

    it('runs children when those before them are done, then the parent', async () => {
      const shop = new Workshop(store);
      const { parent } = await shop.fileGraph(diamond, {});
      await shop.round([shop.engine]);
      expect(shop.runs()).toEqual(['a/create/forward']);
      expect(await shop.engine.find(store, parent)).toMatchObject({
        state: 'waiting',
        progress: { percent: 25, message: '1 of 4 done' },
      });
      await shop.finish();
      expect(shop.runs().sort()).toEqual(['a', 'b', 'c', 'd'].map((key) => `${key}/create/forward`));
      expect(shop.runs().at(-1)).toBe('d/create/forward');
      expect((await shop.engine.graph(store, parent)).map(({ state }) => state)).toEqual(Array(5).fill('done'));
    });

    it('answers its members with their edges, parent last', async () => {
      const shop = new Workshop(store);
      const { parent, of } = await shop.fileGraph(diamond);
      const members = await shop.engine.graph(store, parent);
      expect(members.find(({ id }) => id === of('d'))?.after.toSorted()).toEqual([of('b'), of('c')].sort());
      expect(members.at(-1)).toMatchObject({ id: parent, parent: null });
      expect(members.at(-1)?.after).toHaveLength(4);
    });

    it('undoes everything in reverse order when a child fails, and keeps the finding', async () => {
      const shop = new Workshop(store);
      shop.site.plan('d/create/forward', 'capacity');
      const { parent, of } = await shop.fileGraph(diamond);
      await shop.finish();
      expect(await shop.engine.find(store, parent)).toMatchObject({
        state: 'failed',
        findings: [{ class: 'capacity', operation: of('d') }],
        progress: { message: 'capacity at d/create/forward' },
      });
      expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => shop.state(of(key))))).toEqual([
        'cancelled',
        'cancelled',
        'cancelled',
        'failed',
      ]);
      const undone = shop.runs().filter((run) => run.endsWith('undo'));
      expect([undone[0], undone.at(-1)]).toEqual(['d/create/undo', 'a/create/undo']);
      expect(shop.site.things.size).toBe(0);
    });

    it('keeps what there is when asked to, and drops only what cannot begin', async () => {
      const shop = new Workshop(store);
      shop.site.plan('b/create/forward', 'invalid');
      const { parent, of } = await shop.fileGraph(diamond, { keepOnFailure: true });
      await shop.finish();
      expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => shop.state(of(key))))).toEqual([
        'done',
        'failed',
        'done',
        'cancelled',
      ]);
      expect(await shop.state(parent)).toBe('failed');
      expect(shop.site.things.size).toBe(2);
    });

    it('lets a step at work end before undoing it when a sibling fails', async () => {
      const shop = new Workshop(store);
      let release = (): void => undefined;
      shop.site.during = (key) =>
        key === 'slow/create/forward' ? new Promise<void>((resolve) => (release = resolve)) : undefined;
      shop.site.plan('bad/create/forward', 'fatal');
      const { parent, of } = await shop.fileGraph([{ key: 'slow' }, { key: 'bad' }]);
      const run = shop.engine.runDue();
      while ((await shop.state(of('slow'))) !== 'undoing') await new Promise((resolve) => setImmediate(resolve));
      expect(await shop.another().runDue()).toBeLessThanOrEqual(1);
      expect(shop.runs()).not.toContain('slow/create/undo');
      release();
      await run;
      await shop.finish();
      expect(await shop.state(parent)).toBe('failed');
      expect(shop.site.things.size).toBe(0);
      expect((await shop.engine.find(store, of('slow')))?.memory).toHaveProperty('create');
    });

    it('lets a step without an undo end, too, before it counts as cancelled', async () => {
      const shop = new Workshop(store);
      let release = (): void => undefined;
      shop.site.during = (key) =>
        key === 'slow/touch/forward' ? new Promise<void>((resolve) => (release = resolve)) : undefined;
      shop.site.plan('bad/create/forward', 'fatal');
      const { parent, of } = await shop.fileGraph([{ key: 'slow', type: 'touch' }, { key: 'bad' }]);
      const run = shop.engine.runDue();
      while ((await shop.state(of('bad'))) !== 'undoing') await new Promise((resolve) => setImmediate(resolve));
      await shop.another().runDue();
      expect([await shop.state(of('slow')), await shop.state(parent)]).toEqual(['undoing', 'undoing']);
      release();
      await run;
      await shop.finish();
      expect([await shop.state(of('slow')), await shop.state(parent)]).toEqual(['cancelled', 'failed']);
    });

    it('goes before later work on its entities that was due but had not begun', async () => {
      const shop = new Workshop(store);
      const entity = newUuid();
      const { parent, appliance } = await shop.fileGraph([
        { key: 'a', entity },
        { key: 'b', after: ['a'] },
      ]);
      await shop.round([shop.engine]);
      const later = await shop.fileOne('later', 'one', entity, appliance);
      expect(await shop.state(later)).toBe('due');
      await shop.write((tx) => shop.engine.cancel(tx, parent));
      expect(await shop.state(later)).toBe('waiting');
      await shop.finish();
      expect(shop.runs()).toEqual(['a/create/forward', 'a/create/undo', 'later/create/forward']);
    });

    it('is undone when cancelled, and stays when it is finished', async () => {
      const shop = new Workshop(store);
      const { parent, of } = await shop.fileGraph(diamond);
      await shop.round([shop.engine]);
      expect(await shop.write((tx) => shop.engine.cancel(tx, of('b')))).toBe(true);
      await shop.finish();
      expect((await shop.engine.graph(store, parent)).map(({ state }) => state)).toEqual(Array(5).fill('cancelled'));
      expect(shop.site.things.size).toBe(0);
      expect(await shop.write((tx) => shop.engine.cancel(tx, parent))).toBe(false);
    });

    it('is dead while a child is, and goes on with it', async () => {
      const shop = new Workshop(store);
      shop.site.plan('b/create/forward', ...Array(4).fill('transient-before'));
      const { parent, of } = await shop.fileGraph(diamond);
      await shop.finish();
      expect([await shop.state(parent), await shop.state(of('b')), await shop.state(of('c'))]).toEqual([
        'dead',
        'dead',
        'done',
      ]);
      await shop.write((tx) => shop.engine.retry(tx, parent));
      await shop.finish();
      expect((await shop.engine.graph(store, parent)).map(({ state }) => state)).toEqual(Array(5).fill('done'));
      expect((await shop.engine.find(store, parent))?.findings).toEqual([]);
    });

    it('waits for an earlier graph of the same appliance', async () => {
      const shop = new Workshop(store);
      const appliance = newUuid();
      const parent = { type: 'appliance', entity: appliance, site: null, input: { name: 'p' }, principal: 'p' };
      shop.site.plan('first/create/forward', 'again');
      await shop.fileGraph([{ key: 'first' }], { parent });
      await shop.fileGraph([{ key: 'second' }], { parent });
      await shop.finish();
      expect(shop.runs()).toEqual(['first/create/forward', 'first/create/forward', 'second/create/forward']);
    });

    it('runs steps of its parent last, and undoes them first', async () => {
      const shop = new Workshop(store);
      const appliance = newUuid();
      const parent = { type: 'make', entity: appliance, site: null, input: { name: 'p' }, principal: 'p' };
      shop.site.plan('p/start/forward', 'fatal');
      const filed = await shop.fileGraph([{ key: 'a' }, { key: 'b', after: ['a'] }], { parent });
      await shop.finish();
      expect(shop.runs()).toEqual([
        ...['a/create/forward', 'b/create/forward', 'p/reserve/forward', 'p/create/forward', 'p/start/forward'],
        ...['p/start/undo', 'p/create/undo', 'p/reserve/undo', 'b/create/undo', 'a/create/undo'],
      ]);
      expect(await shop.state(filed.parent)).toBe('failed');
    });

    it('undoes an entity only when later work on it has ended, and that work sees it gone', async () => {
      const shop = new Workshop(store);
      const entity = newUuid();
      shop.site.plan('b/create/forward', 'again', 'again', 'fatal');
      shop.site.plan('later/create/forward', 'again', 'again', 'again', 'again');
      const { parent, appliance } = await shop.fileGraph([{ key: 'a', entity }, { key: 'b' }]);
      await shop.round([shop.engine]);
      await shop.fileOne('later', 'one', entity, appliance);
      await shop.finish();
      expect(await shop.state(parent)).toBe('failed');
      const runs = shop.runs();
      expect(runs.lastIndexOf('later/create/forward')).toBeLessThan(runs.indexOf('a/create/undo'));
      expect(shop.site.overlaps).toEqual([]);
    });

    it('tells its types when operations settle, in the same transaction', async () => {
      const settled: string[] = [];
      const watching = {
        name: 'watching',
        steps: [],
        settled: async (_: unknown, { state }: { state: string }) => void settled.push(state),
      };
      const shop = new Workshop(store, [watching]);
      const parent = { type: 'watching', entity: newUuid(), site: null, input: { name: 'p' }, principal: 'p' };
      shop.site.plan('a/create/forward', ...Array(4).fill('transient-before'), 'denied');
      const { parent: id } = await shop.fileGraph([{ key: 'a' }], { parent });
      await shop.finish();
      await shop.write((tx) => shop.engine.retry(tx, id));
      await shop.finish();
      expect([...new Set(settled)]).toEqual(['dead', 'failed']);
    });

    it('is refused with all its faults when its edges make no sense', async () => {
      const shop = new Workshop(store);
      await expect(shop.fileGraph([{ key: 'a' }, { key: 'a', after: ['x'] }])).rejects.toMatchObject({
        faults: [{ code: 'engine.double-key' }, { code: 'engine.unknown-key' }],
      });
      await expect(
        shop.fileGraph([{ key: 'a', after: ['b'] }, { key: 'b', after: ['a'] }, { key: 'c' }]),
      ).rejects.toMatchObject({
        faults: [{ code: 'engine.circle', message: 'operations wait for each other: a, b' }],
      });
      await expect(shop.fileOne('a', 'nonsense')).rejects.toMatchObject({ faults: [{ code: 'engine.unknown-type' }] });
      expect(await shop.unfinished()).toEqual([]);
    });

    it('is nothing when the transaction that filed it is rolled back', async () => {
      const shop = new Workshop(store);
      const failing = shop.write(async (tx) => {
        await shop.engine.file(tx, {
          type: 'one',
          entity: newUuid(),
          appliance: null,
          site: null,
          input: {},
          principal: 'p',
        });
        throw new Error('roll back');
      });
      await expect(failing).rejects.toThrow('roll back');
      expect(await shop.engine.runDue()).toBe(0);
    });
  });
});
