/** The life of single operations and of those of one entity, on every database. */

import { newUuid } from '../../src/base/ids.js';
import { Problem } from '../../src/base/errors.js';
import { engineMigrations, engineSchemas } from '../../src/engine/schema.js';
import { tokenOf, type StepOutcome } from '../../src/engine/operation.js';
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

  describe('a single operation', () => {
    it('runs its steps in order and is done', async () => {
      const shop = new Workshop(store);
      const id = await shop.fileOne('a', 'make');
      await shop.finish();
      expect(await shop.state(id)).toBe('done');
      expect(shop.runs()).toEqual(['a/reserve/forward', 'a/create/forward', 'a/start/forward']);
      const done = await shop.engine.find(store, id);
      expect(done).toMatchObject({ progress: { percent: 100 }, step: null, owner: null, dueAt: null, findings: [] });
      expect(Object.keys(done?.memory ?? {})).toEqual(['reserve', 'create', 'start']);
    });

    it('is due at once as the first of its entity, and otherwise waits for those before it', async () => {
      const shop = new Workshop(store);
      const entity = newUuid();
      const operations = [await shop.fileOne('a', 'make', entity), await shop.fileOne('b', 'make', entity)];
      const states = (): Promise<unknown[]> => Promise.all(operations.map((id) => shop.state(id)));
      expect(await states()).toEqual(['due', 'waiting']);
      await shop.finish();
      expect(await states()).toEqual(['done', 'done']);
    });

    it('looks again at once when it is hastened, though its time has not come', async () => {
      let seen = false;
      const run = (): Promise<StepOutcome> =>
        Promise.resolve(seen ? { done: true } : { done: false, again: 3_600_000 });
      const shop = new Workshop(store, [{ name: 'looking', steps: [{ name: 'look', run }] }]);
      const { appliance, of } = await shop.fileGraph([{ key: 'l', type: 'looking' }]);
      await shop.round([shop.engine]);
      seen = true;
      await shop.write((tx) => shop.engine.hasten(tx, newUuid(), 'looking'));
      await shop.round([shop.engine]);
      expect(await shop.state(of('l'))).toBe('running');
      await shop.write((tx) => shop.engine.hasten(tx, appliance, 'looking'));
      await shop.round([shop.engine]);
      expect(await shop.state(of('l'))).toBe('done');
    });

    it('stores what a step commits together with the step, or not at all', async () => {
      let refuse = true;
      const type = {
        name: 'committing',
        steps: [
          {
            name: 'only',
            run: async () => ({
              done: true as const,
              commit: async (tx: { run(sql: string, params: string[]): Promise<number> }) => {
                await tx.run('INSERT INTO generation (name, value) VALUES (?, 1)', [`committed-${String(refuse)}`]);
                if (refuse) throw new Problem('unavailable', { code: 'x', message: 'not now' });
              },
            }),
          },
        ],
      };
      const shop = new Workshop(store, [type]);
      const id = await shop.fileOne('a', 'committing');
      await shop.round([shop.engine]);
      expect(await shop.engine.find(store, id)).toMatchObject({ state: 'running', attempts: 1 });
      refuse = false;
      await shop.finish();
      expect(await shop.state(id)).toBe('done');
      const names = await store.pluck("SELECT name FROM generation WHERE name LIKE 'committed-%'");
      expect(names).toEqual(['committed-false']);
    });

    it('asks again while the site is busy, without counting that as a failure', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/create/forward', 'again', 'again', 'again', 'again', 'again', 'again');
      const id = await shop.fileOne('a');
      await shop.finish();
      expect(await shop.state(id)).toBe('done');
      expect(shop.runs()).toHaveLength(7);
    });

    it('tries transient failures again with growing waits, and the same token', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/create/forward', 'transient-before', 'transient-after', 'transient-before');
      const id = await shop.fileOne('a');
      const waits: number[] = [];
      for (let round = 0; round < 3; round++) {
        await shop.round([shop.engine]);
        const { dueAt } = (await shop.engine.find(store, id))!;
        waits.push(dueAt! - shop.clock.now());
        shop.clock.advance(dueAt! - shop.clock.now());
      }
      await shop.finish();
      expect(waits).toEqual([75, 150, 300]);
      expect(await shop.state(id)).toBe('done');
      expect([...shop.site.things]).toEqual([tokenOf((await shop.engine.find(store, id))!, 'create')]);
    });

    it('is dead after too many transient failures, shows why, and can be retried', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/create/forward', ...Array(4).fill('transient-before'));
      const id = await shop.fileOne('a', 'make');
      await shop.finish();
      const dead = await shop.engine.find(store, id);
      expect(dead).toMatchObject({
        state: 'dead',
        step: 'create',
        findings: [{ class: 'transient', step: 'create', direction: 'forward', said: 'no' }],
      });
      expect(await shop.engine.inState(store, 'dead')).toHaveLength(1);
      expect(await shop.write((tx) => shop.engine.retry(tx, id))).toBe(true);
      expect(await shop.write((tx) => shop.engine.retry(tx, id))).toBe(false);
      await shop.finish();
      expect(await shop.engine.find(store, id)).toMatchObject({ state: 'done', findings: [] });
    });

    it('undoes its steps backward when a step fails for good', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/start/forward', 'quota');
      const id = await shop.fileOne('a', 'make');
      await shop.finish();
      expect(await shop.engine.find(store, id)).toMatchObject({ state: 'failed', findings: [{ class: 'quota' }] });
      expect(shop.runs().slice(3)).toEqual(['a/start/undo', 'a/create/undo', 'a/reserve/undo']);
      expect(shop.site.things.size).toBe(0);
    });

    it('is dead when its undo fails for good, and is taken back after a retry', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/start/forward', 'fatal');
      shop.site.plan('a/create/undo', 'denied');
      const id = await shop.fileOne('a', 'make');
      await shop.finish();
      expect(await shop.engine.find(store, id)).toMatchObject({ state: 'dead', direction: 'undo', step: 'create' });
      await shop.write((tx) => shop.engine.retry(tx, id));
      await shop.finish();
      expect(await shop.engine.find(store, id)).toMatchObject({ state: 'failed', findings: [{ class: 'fatal' }] });
      expect(shop.site.things.size).toBe(0);
    });

    it('takes "not found" for an answer when undoing', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/start/forward', 'fatal');
      shop.site.plan('a/start/undo', 'not-found');
      const id = await shop.fileOne('a', 'make');
      await shop.finish();
      expect(await shop.state(id)).toBe('failed');
    });

    it('runs again with the same token after a crash, once its lease has run out', async () => {
      const shop = new Workshop(store);
      shop.site.plan('a/create/forward', 'crash-after');
      const id = await shop.fileOne('a', 'make');
      expect(await shop.round([shop.engine])).toBe(true);
      const other = shop.another();
      expect(await other.runDue()).toBe(0);
      await shop.finish([other]);
      expect(await shop.state(id)).toBe('done');
      expect(shop.site.things.size).toBe(3);
      expect(shop.runs()).toEqual(['a/reserve/forward', 'a/create/forward', 'a/create/forward', 'a/start/forward']);
    });

    it('records nothing under a lease that another worker has taken over', async () => {
      const shop = new Workshop(store);
      let release = (): void => undefined;
      shop.site.during = () => new Promise<void>((resolve) => (release = resolve));
      const id = await shop.fileOne('a');
      const slow = shop.engine.runDue();
      while (shop.runs().length === 0) await new Promise((resolve) => setImmediate(resolve));
      const letGo = release;
      shop.clock.advance(10_001);
      shop.site.during = () => undefined;
      await shop.another().runDue();
      const after = await shop.engine.find(store, id);
      expect(after).toMatchObject({ state: 'done', fence: 2 });
      letGo();
      await slow;
      expect(await shop.engine.find(store, id)).toEqual(after);
    });

    it('stops a step that takes too long and counts it as a transient failure', async () => {
      let hasBegun = (): void => undefined;
      const begun = new Promise<void>((resolve) => (hasBegun = resolve));
      const hang = (): Promise<never> => {
        hasBegun();
        return new Promise<never>(() => undefined);
      };
      const shop = new Workshop(store, [
        { name: 'hanging', steps: [{ name: 'hang', run: hang }], limits: { stepMs: 5000 } },
      ]);
      const id = await shop.fileOne('a', 'hanging');
      const run = shop.engine.runDue();
      // Its time runs when it begins, which the row says earlier.
      await begun;
      shop.clock.advance(5001);
      await run;
      expect(await shop.engine.find(store, id)).toMatchObject({ state: 'running', attempts: 1, owner: null });
    });

    it('is dead, not lost, when no extension knows its type any more', async () => {
      const shop = new Workshop(store, [{ name: 'gone', steps: [{ name: 'x', run: async () => ({ done: true }) }] }]);
      const id = await shop.fileOne('a', 'gone');
      const later = new Workshop(store);
      await later.finish();
      expect(await later.engine.find(store, id)).toMatchObject({ state: 'dead', findings: [{ class: 'internal' }] });
    });
  });

  describe('operations of one entity', () => {
    it('run one after the other in the order of filing', async () => {
      const shop = new Workshop(store);
      const entity = newUuid();
      shop.site.plan('a/create/forward', 'again', 'transient-before');
      for (const name of ['a', 'b', 'c']) await shop.fileOne(name, 'one', entity);
      await shop.finish();
      expect(shop.runs()).toEqual([...Array(3).fill('a/create/forward'), 'b/create/forward', 'c/create/forward']);
      expect(shop.site.overlaps).toEqual([]);
    });

    it('go on after a failed one, and wait for a dead one', async () => {
      const shop = new Workshop(store);
      const entity = newUuid();
      shop.site.plan('a/create/forward', 'fatal');
      shop.site.plan('b/create/forward', ...Array(4).fill('transient-before'));
      const [a, b, c] = [
        await shop.fileOne('a', 'one', entity),
        await shop.fileOne('b', 'one', entity),
        await shop.fileOne('c', 'one', entity),
      ];
      await shop.finish();
      expect(await Promise.all([a, b, c].map((id) => shop.state(id)))).toEqual(['failed', 'dead', 'waiting']);
      await shop.write((tx) => shop.engine.cancel(tx, b));
      await shop.finish();
      expect(await Promise.all([a, b, c].map((id) => shop.state(id)))).toEqual(['failed', 'cancelled', 'done']);
    });

    it('give way to what supersedes them', async () => {
      const shop = new Workshop(store);
      const entity = newUuid();
      shop.site.plan('a/create/forward', 'again');
      const [a, b] = [await shop.fileOne('a', 'one', entity), await shop.fileOne('b', 'one', entity)];
      await shop.round([shop.engine]);
      const remove = await shop.write(async (tx) => {
        expect(await shop.engine.supersede(tx, entity)).toBe(2);
        const operation = {
          type: 'touch',
          entity,
          appliance: null,
          site: 'sim',
          input: { name: 'delete' },
          principal: 'p',
        };
        return shop.engine.file(tx, operation);
      });
      await shop.finish();
      expect(await Promise.all([a, b, remove].map((id) => shop.state(id)))).toEqual(['cancelled', 'cancelled', 'done']);
      expect(shop.runs()).toEqual(['a/create/forward', 'a/create/undo', 'delete/touch/forward']);
    });
  });
});
