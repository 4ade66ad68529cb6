/** Notices: told with a commit and only with one, heard by everyone who shares the store, and again after a break. */

import pg from 'pg';
import type { Store } from '../../src/store/sql.js';
import { eventually } from '../engine/eventually.js';
import { forEachDatabase } from '../support/databases.js';

forEachDatabase((name, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });

  /** Until what is told is heard: listening begins in the background. */
  async function heardBy(listener: Store): Promise<{ readonly heard: string[]; readonly stop: () => void }> {
    const heard: string[] = [];
    const stop = listener.hear('room', (about) => heard.push(about));
    await untilHeard(heard, 'begin');
    heard.length = 0;
    return { heard, stop };
  }
  const tell = (about: string): Promise<void> => store.write((tx) => tx.notify('room', about));
  const untilHeard = (heard: readonly string[], about: string): Promise<void> =>
    eventually(async () => {
      if (!heard.includes(about)) await tell(about);
      return heard.includes(about);
    });

  it('are heard when their transaction commits, and never when it does not', async () => {
    const { heard, stop } = await heardBy(store);
    const failed = store.write(async (tx) => {
      await tx.notify('room', 'undone');
      await tx.notify('keeping', 'of something else');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await tell('a site with blanks');
    await eventually(() => heard.includes('a site with blanks'));
    stop();
    const { heard: later } = await heardBy(store);
    expect(heard.filter((about) => about !== 'begin')).toEqual(['a site with blanks']);
    expect(later.filter((about) => about !== 'begin')).toEqual([]);
  });

  if (name === 'sqlite') return;

  it('are heard by every process, and again when the connection was lost', async () => {
    const other = await database.open();
    const { heard } = await heardBy(other);
    await tell('one');
    await eventually(() => heard.includes('one'));
    const client = new pg.Client({ connectionString: 'postgres' in database.at ? database.at.postgres : '' });
    await client.connect();
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN vep'");
    await client.end();
    await untilHeard(heard, 'two');
  });
});
