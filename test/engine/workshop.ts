/**
 * Engines under test on one database, a fake site and a fake clock: file, carry out until nothing moves, kill and start
 * again.
 */

import { newUuid } from '../../src/base/ids.js';
import { silentLog } from '../../src/base/log.js';
import { Engine, defaultEngineSettings, type EngineSettings } from '../../src/engine/engine.js';
import type { NewChild, NewGraph, Operation, OperationType } from '../../src/engine/operation.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { FakeClock } from './fake-clock.js';
import { FakeSite } from './fake-site.js';

export const settings: EngineSettings = {
  ...defaultEngineSettings,
  leaseMs: 10_000,
  retry: { attempts: 4, baseMs: 100, maxMs: 1000, random: () => 0.5 },
};

/** A child as tests write it: its key is its name, and it has an entity of its own unless said otherwise. */
export type Child = Partial<NewChild> & { readonly key: string };

export class Workshop {
  readonly clock = new FakeClock();
  readonly site = new FakeSite();
  readonly store: Store;
  readonly #types: OperationType[];
  readonly #settings: EngineSettings;
  #dead = { killed: false };
  engine: Engine;

  constructor(store: Store, types: OperationType[] = [], change: Partial<EngineSettings> = {}) {
    this.store = store;
    this.#settings = { ...settings, ...change };
    this.#types = [
      this.site.type('make', ['reserve', 'create', 'start']),
      this.site.type('one', ['create']),
      this.site.type('touch', ['touch'], false),
      { name: 'appliance', steps: [] },
      ...types,
    ];
    this.engine = this.another();
  }

  /** One more process on the same database. */
  another(): Engine {
    const engine = new Engine(
      { store: mortal(this.store, this.#dead), clock: this.clock, log: silentLog },
      this.#settings,
    );
    engine.register(this.#types);
    return engine;
  }

  /** `kill -9`, and then time enough for the leases to run out. */
  restart(): void {
    this.kill();
    this.clock.advance(this.#settings.leaseMs + 1);
  }

  /** `kill -9`: nothing that the engines were doing ever ends; a new process takes their place. */
  kill(): void {
    this.#dead.killed = true;
    this.#dead = { killed: false };
    this.site.bury();
    this.engine = this.another();
  }

  write<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    return this.store.write(fn);
  }

  async fileGraph(
    children: readonly Child[],
    more: Partial<NewGraph> = {},
  ): Promise<{ parent: string; appliance: string; of: (key: string) => string }> {
    const appliance = newUuid();
    const full = children.map((child) => ({
      type: 'one',
      entity: newUuid(),
      site: 'sim',
      input: { name: child.key },
      after: [],
      ...child,
    }));
    const parent = { type: 'appliance', entity: appliance, site: null, input: { name: 'parent' }, principal: 'p' };
    const filed = await this.write((tx) => this.engine.fileGraph(tx, { parent, children: full, ...more }));
    return { parent: filed.parent, appliance, of: (key) => filed.children.get(key) ?? '' };
  }

  fileOne(name: string, type = 'one', entity: string = newUuid(), appliance: string | null = null): Promise<string> {
    const operation = { type, entity, appliance, site: 'sim', input: { name }, principal: 'p' };
    return this.write((tx) => this.engine.file(tx, operation));
  }

  async state(id: string): Promise<string | undefined> {
    return (await this.engine.find(this.store, id))?.state;
  }

  /** Steps run so far, e.g. `a/create/forward`. */
  runs(): string[] {
    return this.site.log.filter((line) => line.startsWith('begin ')).map((line) => line.slice(6));
  }

  /** Carries everything out until only dead operations are left. Fails when something is stuck. */
  async finish(engines: readonly Engine[] = [this.engine], rounds = 200): Promise<void> {
    let crew = engines;
    for (let round = 0; round < rounds; round++) {
      const crashed = await this.round(crew);
      if (crashed) {
        this.restart();
        crew = this.crew(crew.length);
      }
      if ((await this.unfinished()).length === 0) return;
      this.clock.advance(600);
    }
    throw new Error(`stuck: ${JSON.stringify(await this.unfinished())}`);
  }

  /** The present engine and as many others as make `count`. */
  crew(count: number): readonly Engine[] {
    return [this.engine, ...Array.from({ length: count - 1 }, () => this.another())];
  }

  /** Some passes, with a restart after a crash. */
  async rounds(count: number, engines: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      if (await this.round(this.crew(engines))) this.restart();
      this.clock.advance(300);
    }
  }

  /** One pass of all engines; true when a step crashed its process. */
  async round(engines: readonly Engine[]): Promise<boolean> {
    const crash = new Promise<true>((resolve) => {
      this.site.crash = () => resolve(true);
    });
    const crashed = await Promise.race([
      crash,
      Promise.all(engines.map((engine) => engine.runDue())).then(() => false),
    ]);
    // What else was under way at that moment gets as far as its next write, which never ends.
    if (crashed) await new Promise((resolve) => setImmediate(resolve));
    return crashed;
  }

  unfinished(): Promise<Operation[]> {
    return this.store.all(
      "SELECT id, type, state, direction, step, due_at FROM operation WHERE state IN ('waiting', 'due', 'running', 'undoing') AND NOT EXISTS (SELECT 1 FROM operation d WHERE d.state = 'dead' AND d.subject = operation.subject)",
    );
  }
}

/** A store whose writes never end once its process is dead. */
function mortal(store: Store, process: { readonly killed: boolean }): Store {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'write') {
        return (fn: (tx: Tx) => Promise<unknown>) => (process.killed ? new Promise(() => undefined) : target.write(fn));
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
