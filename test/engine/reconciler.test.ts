/** What the reconciler tells of sites: drift, missing things, orphans, and sites that do not answer. */

import { silentLog } from '../../src/base/log.js';
import { BackgroundTask } from '../../src/engine/background-task.js';
import { Reconciler, type KnownEntity, type ReconcileSource } from '../../src/engine/reconciler.js';
import type { ResourceClass } from '../../src/iaas/adapter.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { eventually } from './eventually.js';
import { FakeAdapter, machine } from './fake-adapter.js';
import { FakeClock } from './fake-clock.js';

interface Known extends KnownEntity {
  readonly state: string;
}

/** What the source was told, in words. */
class Ledger implements ReconcileSource<Known> {
  readonly classes: readonly ResourceClass[] = ['compute', 'storage'];
  readonly adapters: FakeAdapter[];
  readonly entities = new Map<string, Known>();
  told: string[] = [];
  readonly keeping = new AbortController();
  more: () => void = () => undefined;
  readonly visits: { site: string; at: number; error?: string }[] = [];

  constructor(...adapters: FakeAdapter[]) {
    this.adapters = adapters;
  }

  know(...entities: readonly Known[]): void {
    for (const entity of entities) this.entities.set(entity.id, entity);
  }

  sites(): ReturnType<ReconcileSource['sites']> {
    return this.adapters.map((adapter) => adapter.asAdapter());
  }
  term(): AbortSignal {
    return this.keeping.signal;
  }
  onMoreSites(more: () => void): void {
    this.more = more;
  }
  async known(): Promise<ReadonlyMap<string, Known>> {
    return new Map(this.entities);
  }
  async byRef(...[, , refs]: Parameters<ReconcileSource<Known>['byRef']>): Promise<readonly Known[]> {
    return [...this.entities.values()].filter(({ ref }) => ref !== null && refs.includes(ref));
  }
  drifted({ entity, observed }: Parameters<ReconcileSource<Known>['drifted']>[0]): boolean {
    return entity.state !== observed.state;
  }
  async observe(...[, site, found]: Parameters<ReconcileSource<Known>['observe']>): Promise<void> {
    this.told.push(...found.map(({ entity, observed }) => `${site}: ${entity.id} is ${observed.state}`));
  }
  async missing(...[, site, what, entities]: Parameters<ReconcileSource<Known>['missing']>): Promise<void> {
    this.told.push(...entities.map(({ id }) => `${site}: ${what} ${id} is missing`));
  }
  async orphaned(...[, site, orphans]: Parameters<ReconcileSource<Known>['orphaned']>): Promise<void> {
    this.told.push(
      ...orphans.map(({ observed, entity }) => `${site}: ${observed.ref} is ${entity ? 'a second one' : 'an orphan'}`),
    );
  }
  async visited(...[, site, visit]: Parameters<ReconcileSource<Known>['visited']>): Promise<void> {
    this.visits.push({ site, ...visit });
  }
}

const known = (id: string, ref: string | null, state = 'active', busy = false): Known => ({ id, ref, state, busy });

forEachDatabase((_, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open();
  });

  function setUp(...sites: readonly string[]): {
    site: FakeAdapter;
    other: FakeAdapter;
    source: Ledger;
    clock: FakeClock;
    run: () => Promise<string[]>;
    reconciler: Reconciler<Known>;
  } {
    const adapters = sites.map((name) => new FakeAdapter(name));
    const source = new Ledger(...adapters);
    const clock = new FakeClock();
    const parts = { store, clock, log: silentLog };
    const reconciler = new Reconciler(source, parts, { everyMs: 30_000, graceMs: 60_000, visitMs: 10_000 });
    const run = async (): Promise<string[]> => {
      source.told = [];
      await reconciler.run(new AbortController().signal);
      return source.told;
    };
    return { site: adapters[0]!, other: adapters[1] ?? adapters[0]!, source, clock, run, reconciler };
  }

  it('tells only of states that drifted, and leaves busy entities to their operations', async () => {
    const { site, source, run } = setUp('sim');
    source.know(known('a', 'r1'), known('b', 'r2'), known('c', 'r3', 'inactive', true));
    site.machines = [machine('r1', 'a'), machine('r2', 'b', 'error'), machine('r3', 'c')];
    expect(await run()).toEqual(['sim: b is error']);
    expect(source.visits).toEqual([{ site: 'sim', at: 1_000_000 }]);
  });

  it('calls missing only what the site does not know by name either, and nothing that is busy or was never made', async () => {
    const { site, source, run } = setUp('sim');
    source.know(
      known('gone', 'r1'),
      known('late', 'r2', 'inactive'),
      known('busy', 'r3', 'active', true),
      known('new', null),
    );
    site.unlisted = [machine('r2', 'late')];
    expect(await run()).toEqual(['sim: compute gone is missing', 'sim: late is active']);
  });

  it('takes nothing for gone in a part that cannot be asked, and compares the others', async () => {
    const { site, source, run, reconciler } = setUp('sim');
    source.know(known('gone', 'a1'), known('late', 'a2', 'inactive'), known('here', 'a3', 'inactive'));
    source.know(known('hidden', 'b1'), known('new', null));
    site.machines = [machine('a3', 'here')];
    site.unlisted = [machine('a2', 'late')];
    site.unasked = /^b/;
    expect(await run()).toEqual(['sim: compute gone is missing', 'sim: here is active', 'sim: late is active']);
    expect(source.visits).toEqual([{ site: 'sim', at: 1_000_000, error: 'a project is shut' }]);
    expect(site.tidied).toBe(1);
    source.told = [];
    await reconciler.look(site.asAdapter(), 'compute', ['a1', 'b1'], new AbortController().signal);
    expect(source.told).toEqual(['sim: compute gone is missing']);
  });

  it('calls an unknown thing an orphan when it has stayed for the grace period', async () => {
    const { site, clock, run } = setUp('sim');
    site.machines = [machine('r1', 'x'), machine('r2', undefined)];
    expect(await run()).toEqual([]);
    clock.advance(59_999);
    expect(await run()).toEqual([]);
    clock.advance(1);
    expect(await run()).toEqual(['sim: r1 is an orphan']);
  });

  it('begins the grace period anew for what went away, and forgets what turns out to be known', async () => {
    const { site, source, clock, run } = setUp('sim');
    site.machines = [machine('r1', 'x'), machine('r2', 'y')];
    await run();
    site.machines = [machine('r2', 'y')];
    await run();
    site.machines = [machine('r1', 'x'), machine('r2', 'y')];
    source.know(known('y', 'r2'));
    clock.advance(60_000);
    expect(await run()).toEqual([]);
  });

  it('tells of a second thing for one entity, but not while the entity is being made', async () => {
    const { site, source, clock, run } = setUp('sim');
    source.know(known('a', 'r1'), known('b', null, 'inactive', true));
    site.machines = [machine('r1', 'a'), machine('r2', 'a'), machine('r3', 'b')];
    await run();
    clock.advance(60_000);
    expect(await run()).toEqual(['sim: r2 is a second one']);
  });

  it('tells in batches', async () => {
    const { site, source, run } = setUp('sim');
    for (let index = 0; index < 250; index++) source.know(known(`e${index}`, `r${index}`, 'inactive'));
    site.machines = Array.from({ length: 250 }, (_unused, index) => machine(`r${index}`, `e${index}`));
    const sizes: number[] = [];
    const observe = source.observe.bind(source);
    source.observe = async (tx, name, found) => {
      sizes.push(found.length);
      await observe(tx, name, found);
    };
    expect(await run()).toHaveLength(250);
    expect(sizes).toEqual([100, 100, 50]);
  });

  it('keeps what it knows of a site that refuses, and serves the others', async () => {
    const { site, other, source, run } = setUp('broken', 'sim');
    site.trouble = 'refuses';
    source.know(known('a', 'r1', 'inactive'));
    other.machines = [machine('r1', 'a')];
    expect(await run()).toEqual(['sim: a is active']);
    expect(source.visits.find((visit) => visit.site === 'broken')?.error).toBe('connection refused');
  });

  it('has a site tidied after each look at it, and takes its word where that fails', async () => {
    const { site, other, source, run } = setUp('untidy', 'broken');
    other.trouble = 'refuses';
    source.know(known('a', 'r1', 'inactive'));
    site.machines = [machine('r1', 'a')];
    expect([await run(), site.tidied, other.tidied]).toEqual([['untidy: a is active'], 1, 0]);
    expect(source.visits.find((visit) => visit.site === 'untidy')).toEqual({ site: 'untidy', at: 1_000_000 });
  });

  it('gives up on a site that hangs, and does not ask it again before it has answered', async () => {
    const { site, other, source, clock, run } = setUp('hung', 'sim');
    site.trouble = 'hangs';
    other.machines = [machine('r1', 'a')];
    source.know(known('a', 'r1', 'inactive'));
    const first = run();
    await eventually(() => source.visits.length === 1);
    clock.advance(10_000);
    expect(await first).toEqual(['sim: a is active']);
    expect(source.visits.map((visit) => visit.error)).toEqual([undefined, 'the site did not answer within 10 s']);
    await run();
    expect(source.visits.filter((visit) => visit.site === 'hung')).toHaveLength(1);
  });

  it('ends a visit when another process takes the site over, without a word on it', async () => {
    const { site, source, run } = setUp('sim');
    site.trouble = 'hangs';
    source.know(known('a', 'r1', 'inactive'));
    const visit = run();
    await new Promise((resolve) => setImmediate(resolve));
    source.keeping.abort();
    expect([await visit, source.visits]).toEqual([[], []]);
  });

  it('runs on a timer, on a nudge and when there is more to visit, and ends when stopped', async () => {
    const { source, clock, reconciler } = setUp('sim');
    const task = new BackgroundTask(reconciler, clock, silentLog);
    task.start();
    await eventually(() => source.visits.length === 1);
    task.nudge();
    await eventually(() => source.visits.length === 2);
    source.more();
    await eventually(() => source.visits.length === 3);
    await eventually(() => {
      clock.advance(1000);
      return source.visits.length === 4;
    });
    await task.stop();
    clock.advance(100_000);
    expect(source.visits).toHaveLength(4);
  });
});
