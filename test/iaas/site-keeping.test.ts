/** Who keeps a site: one process at a time, whose word the others take, until it falls silent or another knows better. */

import { newUuid } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { IaasError, type SiteAdapter } from '../../src/iaas/adapter.js';
import { keeperTables } from '../../src/iaas/keeper-rows.js';
import { SiteKeeping } from '../../src/iaas/site-keeping.js';
import { Sites } from '../../src/iaas/sites.js';
import type { Store } from '../../src/store/sql.js';
import { FakeClock } from '../engine/fake-clock.js';
import { forEachDatabase } from '../support/databases.js';

const KEEP_MS = 9000;

forEachDatabase((name, database) => {
  let store: Store;
  let site: string;
  let clock: FakeClock;
  beforeAll(async () => {
    store = await database.open(keeperTables);
  });
  beforeEach(() => {
    site = `cloud-${newUuid()}`;
    clock = new FakeClock();
  });

  /** A process, with a way of its own to the site. */
  class Process {
    readonly sites = new Sites({ clock });
    readonly keeping = new SiteKeeping({ store, sites: this.sites, clock, log: silentLog, keepMs: KEEP_MS });
    successions = 0;
    answers = true;

    constructor(names = [site]) {
      const check = async (): Promise<[]> => {
        if (!this.answers) throw new IaasError('transient', 'nobody is there');
        return [];
      };
      for (const name of names)
        this.sites.add({ site: name, type: 'fake', check, close: () => Promise.resolve() } as unknown as SiteAdapter);
      this.keeping.onSuccession(() => (this.successions += 1));
    }

    async ask(times = 1): Promise<void> {
      for (const name of this.sites.names)
        for (let time = 0; time < times; time += 1)
          await this.sites
            .adapter(name)
            .check()
            .catch(() => undefined);
    }

    get health(): unknown {
      const { up, since, answeredAt } = this.sites.status(site);
      return { up, since, answeredAt };
    }

    get isKeeper(): boolean {
      return this.keeping.term(site) !== undefined;
    }
  }

  const holds = (process: Process): Promise<boolean> => store.write((tx) => process.keeping.holds(tx, site));

  it('goes on after a new start from what was known before', async () => {
    const before = new Process();
    await before.keeping.run();
    await before.ask();
    clock.advance(1000);
    before.answers = false;
    await before.ask(3);
    await before.keeping.run();
    const known = before.health;
    await before.keeping.close();
    clock.advance(60_000);
    const after = new Process();
    await after.keeping.run();
    expect([after.health, after.isKeeper, after.successions]).toEqual([known, true, 1]);
    await after.ask();
    expect(after.health).toMatchObject({ up: true, since: clock.now() });
  });

  it('forgets a site that is not there any more', async () => {
    const process = new Process();
    await process.keeping.run();
    const term = process.keeping.term(site);
    await process.sites.exchange(site);
    await process.keeping.run();
    expect([term?.aborted, process.keeping.kept]).toEqual([true, []]);
    expect(await store.pluck('SELECT site FROM site_keeper WHERE site = ?', [site])).toEqual([]);
  });

  if (name === 'sqlite') return;

  it('is kept by one process, whose word the others take', async () => {
    const [one, two] = [new Process(), new Process()];
    await Promise.all([one.keeping.run(), two.keeping.run()]);
    const keepers = [one, two].filter((process) => process.isKeeper);
    expect(keepers).toHaveLength(1);
    const [keeper = one] = keepers;
    const other = keeper === one ? two : one;
    await other.keeping.run();
    expect([await holds(keeper), await holds(other)]).toEqual([true, false]);

    await keeper.ask();
    clock.advance(500);
    await other.ask();
    clock.advance(500);
    [keeper.answers, other.answers] = [false, false];
    // The other has not found out yet, and says the same all the same.
    await keeper.ask(3);
    await keeper.keeping.run();
    await other.keeping.run();
    expect(other.health).toEqual(keeper.health);
    expect(other.health).toMatchObject({ up: false, since: clock.now(), answeredAt: clock.now() - 1000 });
    expect(other.isKeeper).toBe(false);
  });

  it('is taken over when its keeper has fallen silent, and goes on from what was known', async () => {
    const [one, two] = [new Process(), new Process()];
    await one.keeping.run();
    await two.keeping.run();
    await one.ask();
    clock.advance(1000);
    one.answers = false;
    await one.ask(3);
    await one.keeping.run();
    const known = one.health;
    for (let passed = 0; passed < KEEP_MS; passed += 1000) {
      await two.keeping.run();
      expect([two.isKeeper, two.health]).toEqual([false, known]);
      clock.advance(1000);
    }
    await two.keeping.run();
    expect([two.isKeeper, two.successions, two.health]).toEqual([true, 1, known]);
    // Back from wherever it was, the first finds that it keeps nothing any more, before it has looked and after.
    expect([one.isKeeper, await holds(one), await holds(two)]).toEqual([false, false, true]);
    await one.keeping.run();
    expect([one.isKeeper, one.health]).toEqual([false, known]);
  });

  it('stays with a keeper that says again and again that it is there', async () => {
    const [one, two] = [new Process(), new Process()];
    await one.keeping.run();
    for (let passed = 0; passed < 5 * KEEP_MS; passed += 1000) {
      clock.advance(1000);
      await one.ask();
      await one.keeping.run();
      await two.keeping.run();
      expect([one.isKeeper, two.isKeeper]).toEqual([true, false]);
    }
    expect(one.health).toMatchObject({ answeredAt: clock.now() });
  });

  it('is given back by a process that ends', async () => {
    const [one, two] = [new Process(), new Process()];
    await one.keeping.run();
    await one.keeping.close();
    await two.keeping.run();
    expect([one.isKeeper, two.isKeeper]).toEqual([false, true]);
  });

  it('goes to a process that has an answer from it where its keeper has none', async () => {
    const [one, two] = [new Process(), new Process()];
    await one.keeping.run();
    await one.ask();
    await two.ask();
    clock.advance(1000);
    one.answers = false;
    await one.ask(3);
    await one.keeping.run();
    // What it heard before the keeper found it down says nothing.
    await two.keeping.run();
    expect([two.isKeeper, two.health]).toEqual([false, one.health]);
    clock.advance(1000);
    await two.ask();
    await two.keeping.run();
    await one.keeping.run();
    expect([one.isKeeper, two.isKeeper]).toEqual([false, true]);
    expect([one.health, two.health]).toEqual([two.health, expect.objectContaining({ up: true })]);
  });

  it('is shared out with the others, each to a process that reaches it', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `${site}-${index}`);
    const [one, two, three] = [new Process(names), new Process(names), new Process(names)];
    const kept = (): number[] => [one, two, three].map(({ keeping }) => keeping.kept.length);
    const look = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1)
        for (const { keeping } of [one, two, three]) {
          clock.advance(100);
          await keeping.run();
        }
    };
    await look(3);
    // Nobody has heard from a site yet.
    expect(kept()).toEqual([5, 0, 0]);
    await one.ask();
    await two.ask();
    three.answers = false;
    await three.ask(3);
    await look(5);
    expect(kept()).toEqual([3, 2, 0]);
    three.answers = true;
    clock.advance(1000);
    await three.ask();
    await look(5);
    const shares = [...kept()].sort();
    expect(shares).toEqual([1, 2, 2]);
    const before = [one, two, three].map(({ keeping }) => keeping.kept);
    await look(5);
    expect([one, two, three].map(({ keeping }) => keeping.kept)).toEqual(before);
    expect(one.sites.names.map((name) => one.sites.status(name).up)).toEqual(names.map(() => true));
  });
});
