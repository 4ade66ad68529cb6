/** The feed of events: order, resuming, waking, other processes, and its end by age. */

import { newUuid } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { ProgressFeed, type ProgressEvent } from '../../src/engine/progress.js';
import { engineMigrations, engineSchemas } from '../../src/engine/schema.js';
import { Engine } from '../../src/engine/engine.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { eventually } from './eventually.js';
import { FakeClock } from './fake-clock.js';
import { Workshop, settings } from './workshop.js';

forEachDatabase((_, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open({ entitySchemas: engineSchemas, migrations: engineMigrations });
  });

  /** Follows a subject into an array. */
  function follow(
    feed: ProgressFeed,
    subject: string,
    after?: number,
  ): { events: ProgressEvent[]; stop: () => Promise<void> } {
    const events: ProgressEvent[] = [];
    const abort = new AbortController();
    const done = (async () => {
      for await (const event of feed.watch(subject, {
        signal: abort.signal,
        ...(after === undefined ? {} : { after }),
      }))
        events.push(event);
    })();
    return {
      events,
      stop: async () => {
        abort.abort();
        await done;
      },
    };
  }

  const say = (feed: ProgressFeed, subject: string, word: string): Promise<void> =>
    store.write((tx) => feed.record(tx, { subject, entity: subject, type: 'word', data: { word } }));

  it('gives each subject its own numbers without gaps, whoever records at the same time', async () => {
    const feeds = [0, 1].map(() => new ProgressFeed(store, new FakeClock(), 1000));
    const [a, b] = [newUuid(), newUuid()];
    await Promise.all(
      Array.from({ length: 20 }, (_unused, index) => say(feeds[index % 2]!, index % 4 < 2 ? a : b, `${index}`)),
    );
    for (const subject of [a, b]) {
      const watched = follow(feeds[0]!, subject);
      await eventually(() => watched.events.length === 10);
      await watched.stop();
      expect(watched.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
  });

  it('resumes after the last event seen and wakes its watchers on commit', async () => {
    const feed = new ProgressFeed(store, new FakeClock(), 1000);
    const subject = newUuid();
    for (const word of ['one', 'two', 'three']) await say(feed, subject, word);
    const watched = follow(feed, subject, 2);
    await eventually(() => watched.events.length === 1);
    await say(feed, subject, 'four');
    await eventually(() => watched.events.length === 2);
    await say(feed, newUuid(), 'elsewhere');
    await watched.stop();
    expect(watched.events.map(({ seq, data }) => [seq, data['word']])).toEqual([
      [3, 'three'],
      [4, 'four'],
    ]);
  });

  it('hears of events of other processes within its polling time', async () => {
    const clock = new FakeClock();
    const subject = newUuid();
    const watched = follow(new ProgressFeed(store, clock, 1000), subject);
    await say(new ProgressFeed(store, clock, 1000), subject, 'from afar');
    await eventually(() => {
      clock.advance(100);
      return watched.events.length === 1;
    });
    await watched.stop();
  });

  it('says nothing of what was rolled back', async () => {
    const feed = new ProgressFeed(store, new FakeClock(), 1000);
    const subject = newUuid();
    const failing = store.write(async (tx) => {
      await feed.record(tx, { subject, entity: subject, type: 'word', data: {} });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await say(feed, subject, 'first');
    const watched = follow(feed, subject);
    await eventually(() => watched.events.length === 1);
    await watched.stop();
    expect(watched.events[0]?.seq).toBe(1);
  });

  it('shows a deployment from its filing to its end', async () => {
    const shop = new Workshop(store);
    const { parent, appliance, of } = await shop.fileGraph([
      { key: 'a', type: 'make' },
      { key: 'b', after: ['a'] },
    ]);
    const events: ProgressEvent[] = [];
    const abort = new AbortController();
    const watching = (async () => {
      for await (const event of shop.engine.watch(appliance, { signal: abort.signal })) {
        events.push(event);
        if (event.data['operation'] === parent && event.data['state'] === 'done') break;
      }
    })();
    await shop.finish();
    await watching;
    const told = (id: string): unknown[] =>
      events.filter(({ data }) => data['operation'] === id).map(({ data }) => [data['state'], data['percent']]);
    expect(told(of('a'))).toEqual([
      ['running', 33],
      ['running', 66],
      ['done', 100],
    ]);
    expect(told(parent)).toEqual([
      ['waiting', 0],
      ['waiting', 50],
      ['done', 100],
    ]);
  });

  it('forgets finished graphs and old events after their time, and nothing else', async () => {
    const clock = new FakeClock();
    const engine = new Engine({ store, clock, log: silentLog }, { ...settings, keepMs: 10_000 });
    engine.register([
      { name: 'appliance', steps: [] },
      { name: 'one', steps: [{ name: 'x', run: async () => ({ done: true }) }] },
    ]);
    const common = { type: 'one', site: null, input: {}, principal: 'p' };
    const children = [
      { ...common, key: 'a', entity: newUuid(), after: [] },
      { ...common, key: 'b', entity: newUuid(), after: ['a'] },
    ];
    const { parent } = await store.write((tx) =>
      engine.fileGraph(tx, { parent: { ...common, type: 'appliance', entity: newUuid() }, children }),
    );
    while ((await engine.runDue()) > 0);
    clock.advance(9000);
    const late = await store.write((tx) => engine.file(tx, { ...common, entity: newUuid(), appliance: null }));
    engine.start();
    await eventually(async () => (await engine.find(store, late))?.state === 'done');
    expect(await engine.graph(store, parent)).toHaveLength(3);
    clock.advance(61_000);
    await eventually(async () => (await engine.graph(store, parent)).length === 0);
    await engine.stop(1000);
    const left = await store.pluck('SELECT operation_id FROM operation_edge WHERE operation_id = ?', [parent]);
    expect(left).toEqual([]);
  });
});
