/** The worker's loop: nudges, limits, renewal, interruption and shutdown, on every database. */

import type { OperationType, StepContext } from '../../src/engine/operation.js';
import { engineMigrations, engineSchemas } from '../../src/engine/schema.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { eventually } from './eventually.js';
import { Workshop, type Child } from './workshop.js';

forEachDatabase((name, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open({ entitySchemas: engineSchemas, migrations: engineMigrations });
  });

  /** A type whose only step waits until a test lets it go, or until it is interrupted. */
  function gated(obedient = true): { type: OperationType; contexts: StepContext[]; open: () => void } {
    const contexts: StepContext[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const run = async (context: StepContext): Promise<{ done: true }> => {
      contexts.push(context);
      const interrupted = new Promise<never>((_resolve, reject) => {
        if (obedient) context.signal.addEventListener('abort', () => reject(new Error('interrupted')));
      });
      await Promise.race([gate, interrupted]);
      return { done: true };
    };
    return {
      type: { name: 'gated', steps: [{ name: 'wait', run, undo: async () => ({ done: true }) }] },
      contexts,
      open: () => open(),
    };
  }

  const children = (count: number, sites: readonly string[]): Child[] =>
    Array.from({ length: count }, (_, index) => ({
      key: `c${index}`,
      type: 'gated',
      site: sites[index % sites.length]!,
    }));

  it('begins what was filed as soon as it is committed, and what is due later in time', async () => {
    const shop = new Workshop(store);
    shop.engine.start();
    shop.site.plan('a/create/forward', 'again');
    const id = await shop.fileOne('a');
    await eventually(() => shop.runs().length === 1);
    await eventually(async () => (await shop.engine.find(store, id))?.owner === null);
    shop.clock.advance(600);
    await eventually(async () => {
      shop.clock.advance(1);
      return (await shop.state(id)) === 'done';
    });
    await shop.engine.stop(1000);
  });

  it('holds the limits over all and per site, and lets no busy site hold up another', async () => {
    const { type, contexts, open } = gated();
    const shop = new Workshop(store, [type], { concurrency: 5, perSite: 3 });
    const { parent } = await shop.fileGraph([
      ...children(8, ['x']),
      ...children(4, ['y']).map((child) => ({ ...child, key: `y${child.key}` })),
    ]);
    const first = shop.engine.runDue();
    await eventually(() => contexts.length === 5);
    const sites = contexts.map(({ operation }) => operation.site);
    expect([sites.filter((site) => site === 'x').length, sites.filter((site) => site === 'y').length]).toEqual([3, 2]);
    const other = shop.another();
    const second = other.runDue();
    await eventually(() => contexts.length === 6);
    expect(contexts.at(-1)?.operation.site).toBe('y');
    open();
    await Promise.all([first, second]);
    await shop.finish();
    expect(await shop.state(parent)).toBe('done');
  });

  it('keeps its leases as long as its steps run, and loses none to another worker', async () => {
    const { type, contexts, open } = gated();
    const shop = new Workshop(store, [type]);
    shop.engine.start();
    const id = await shop.fileOne('a', 'gated');
    await eventually(() => contexts.length === 1);
    const other = shop.another();
    for (let third = 0; third < 9; third++) {
      const before = (await shop.engine.find(store, id))!.leaseUntil!;
      shop.clock.advance(3400);
      await eventually(async () => (await shop.engine.find(store, id))!.leaseUntil! > before);
      expect(await other.runDue()).toBe(0);
    }
    open();
    await eventually(async () => (await shop.state(id)) === 'done');
    expect(contexts).toHaveLength(1);
    await shop.engine.stop(1000);
  });

  it('interrupts a step whose operation is cancelled', async () => {
    const { type, contexts } = gated();
    const shop = new Workshop(store, [type]);
    shop.engine.start();
    const id = await shop.fileOne('a', 'gated');
    await eventually(() => contexts.length === 1);
    await shop.write((tx) => shop.engine.cancel(tx, id));
    await eventually(async () => (await shop.state(id)) === 'cancelled');
    expect(contexts[0]?.signal.aborted).toBe(true);
    await shop.engine.stop(1000);
  });

  it('goes on after a kill: at once where it is alone, else when the lease has run out', async () => {
    const shop = new Workshop(store);
    shop.site.plan('a/create/forward', 'crash-after');
    const id = await shop.fileOne('a');
    expect(await shop.round([shop.engine])).toBe(true);
    shop.kill();
    shop.engine.start();
    await shop.fileOne('b');
    await eventually(() => shop.runs().includes('b/create/forward'));
    if (name === 'sqlite') await eventually(async () => (await shop.state(id)) === 'done');
    else expect(await shop.state(id)).toBe('running');
    await eventually(async () => {
      shop.clock.advance(100);
      return (await shop.state(id)) === 'done';
    });
    await shop.engine.stop(1000);
    expect(shop.site.things.size).toBe(2);
  });

  it('lets steps at work end when it stops, and takes no more', async () => {
    const { type, contexts, open } = gated();
    const shop = new Workshop(store, [type]);
    shop.engine.start();
    const { parent, of } = await shop.fileGraph([
      { key: 'a', type: 'gated' },
      { key: 'b', after: ['a'] },
    ]);
    await eventually(() => contexts.length === 1);
    const stopped = shop.engine.stop(5000);
    open();
    await stopped;
    expect([await shop.state(of('a')), await shop.state(of('b'))]).toEqual(['done', 'due']);
    const next = shop.another();
    await shop.finish([next]);
    expect(await shop.state(parent)).toBe('done');
  });

  it.each([
    ['heeds its signal', true],
    ['does not', false],
  ])('gives a step that outlasts its grace back to others when it %s', async (_name, obedient) => {
    const { type, contexts, open } = gated(obedient);
    const shop = new Workshop(store, [type]);
    shop.engine.start();
    const id = await shop.fileOne('a', 'gated');
    await eventually(() => contexts.length === 1);
    let stopped = false;
    const stop = shop.engine.stop(5000).then(() => (stopped = true));
    await eventually(() => {
      shop.clock.advance(100);
      return stopped;
    });
    await stop;
    expect(await shop.engine.find(store, id)).toMatchObject({
      state: 'running',
      owner: null,
      leaseUntil: null,
      attempts: 0,
    });
    open();
    await shop.finish([shop.another()]);
    expect(await shop.state(id)).toBe('done');
    expect(contexts).toHaveLength(2);
  });

  it('writes progress at most once a second, and the last with the outcome', async () => {
    const { type, contexts, open } = gated();
    const shop = new Workshop(store, [
      { ...type, steps: [...type.steps, { name: 'more', run: async () => ({ done: false, again: 1e9 }) }] },
    ]);
    const id = await shop.fileOne('a', 'gated');
    const run = shop.engine.runDue();
    await eventually(() => contexts.length === 1);
    const report = contexts[0]!.progress;
    const shown = async (): Promise<unknown> => (await shop.engine.find(store, id))?.progress;
    report({ percent: 1, message: 'too soon' });
    expect(await shown()).toEqual({ percent: 0, message: '' });
    shop.clock.advance(1000);
    report({ percent: 170.5, message: 'written' });
    report({ percent: 30, message: 'too soon again' });
    await eventually(
      async () => (await shown()) !== undefined && ((await shown()) as { percent: number }).percent === 100,
    );
    open();
    await run;
    expect(await shown()).toEqual({ percent: 50, message: 'more' });
    await shop.write((tx) => shop.engine.cancel(tx, id));
    await shop.finish();
  });
});
