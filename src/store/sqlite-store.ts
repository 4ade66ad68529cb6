/**
 * The store on SQLite (K29): one writer DataSource behind a first-in first-out queue, a second, read-only DataSource
 * on the same WAL file for reads, full sync at every commit.
 *
 * Writers that are waiting anyway share one commit (group commit): each runs in a savepoint of its own, so that one's
 * roll-back leaves the others alone, and none is acknowledged before the common commit is on disk.
 */

import Database from 'better-sqlite3';
import { setImmediate } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { messageOf, Problem, problem } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { Lanes } from './lanes.js';
import { migrate } from './migrate.js';
import { Listeners, type Heard, type Topic } from './notices.js';
import type { DataSourceParts } from './open-store.js';
import { bindable } from './placeholders.js';
import type { SqlReader, SqlValue, Store, Tx } from './sql.js';
import { SqliteStatements } from './sqlite-statements.js';

/** Milliseconds to wait for another process's lock, e.g. a backup or `vep admin reset`. */
const BUSY_TIMEOUT = 10_000;
const MAX_GROUP = 32;
const MAX_STREAMS = 4;
/** Pages of 4 KiB in the log before they go into the database itself: pages that change again and again go there once. */
const CHECKPOINT_PAGES = 4000;
/** Rows a stream answers before it lets other work have the event loop. */
const STREAM_BURST = 200;

export async function openSqliteStore(file: string, parts: DataSourceParts): Promise<Store> {
  const writer = dataSource(file, parts, false);
  const reader = dataSource(file, parts, true);
  try {
    await writer.initialize();
    await migrate(writer, parts.log);
    await reader.initialize();
  } catch (error) {
    if (writer.isInitialized) await writer.destroy();
    throw unreachable(file, error);
  }
  return new SqliteStore(file, writer, reader, parts.log);
}

function dataSource(file: string, parts: DataSourceParts, readonly: boolean): DataSource {
  return new DataSource({
    type: 'better-sqlite3',
    driver: Database,
    database: file,
    readonly,
    timeout: BUSY_TIMEOUT,
    entities: [...parts.schemas],
    migrations: [...parts.migrations],
    migrationsTableName: 'migration',
    synchronize: false,
    logging: false,
    prepareDatabase: (connection: Database.Database) => {
      if (!readonly) connection.pragma('journal_mode = WAL');
      connection.pragma('synchronous = FULL');
      connection.pragma('cache_size = -32768');
      // What a savepoint would restore is kept in memory; in a temporary file it costs more than the change itself.
      connection.pragma('temp_store = MEMORY');
      connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    },
  });
}

/** The better-sqlite3 connection under a TypeORM data source. */
function connectionOf(source: DataSource): Database.Database {
  return (source.driver as unknown as { databaseConnection: Database.Database }).databaseConnection;
}

function unreachable(file: string, error: unknown): unknown {
  if (error instanceof Problem) return error;
  return problem('unavailable', 'store.unreachable', `the database file cannot be opened: ${messageOf(error)}`, {
    place: { path: file },
    remedy: 'see that the folder exists, is writable and on a local disk, and that the file is a SQLite database',
  });
}

interface PendingWrite {
  readonly fn: (tx: Tx) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A write that ran well and waits for the common commit. */
interface Settled {
  readonly pending: PendingWrite;
  readonly value: unknown;
  readonly hooks: readonly (() => void)[];
}

class SqliteStore implements Store {
  readonly dialect = 'sqlite';
  readonly #file: string;
  readonly #log: Log;
  readonly #sources: readonly DataSource[];
  readonly #reads: SqliteStatements;
  readonly #writes: SqliteStatements;
  readonly #queue: PendingWrite[] = [];
  #draining: Promise<void> | undefined;
  readonly #listeners: Listeners;
  readonly #streamLanes = new Lanes(MAX_STREAMS);
  readonly #idleStreams: Database.Database[] = [];
  #closed = false;

  constructor(file: string, writer: DataSource, reader: DataSource, log: Log) {
    this.#file = file;
    this.#log = log;
    this.#listeners = new Listeners(log);
    this.#sources = [reader, writer];
    this.#reads = new SqliteStatements(connectionOf(reader));
    this.#writes = new SqliteStatements(connectionOf(writer));
  }

  async all<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#reads.all(sql, params) as T[];
  }

  async get<T>(sql: string, params: readonly SqlValue[] = []): Promise<T | undefined> {
    return this.#reads.get(sql, params) as T | undefined;
  }

  async pluck<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#reads.pluck(sql, params) as T[];
  }

  /** Each stream has a connection of its own: on a shared one it would hold all other reads to its old snapshot. */
  async *iterate<T>(sql: string, params: readonly SqlValue[] = []): AsyncIterable<T> {
    const leave = await this.#streamLanes.enter();
    const connection = this.#idleStreams.pop() ?? new Database(this.#file, { readonly: true, timeout: BUSY_TIMEOUT });
    try {
      let count = 0;
      for (const row of connection.prepare(sql).iterate(bindable(params))) {
        yield row as T;
        if (++count % STREAM_BURST === 0) await setImmediate();
      }
    } finally {
      if (this.#closed) connection.close();
      else this.#idleStreams.push(connection);
      leave();
    }
  }

  write<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(problem('unavailable', 'store.closed', 'the store is closed'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ fn, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  hear(topic: Topic, heard: Heard): () => void {
    return this.#listeners.add(topic, heard);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    for (const connection of this.#idleStreams.splice(0)) connection.close();
    for (const source of this.#sources) if (source.isInitialized) await source.destroy();
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // A commit holds up the event loop. What arrived meanwhile gets to the queue in its next turn and shares a commit.
      await setImmediate();
      await this.#commitGroup();
    }
    this.#draining = undefined;
  }

  /** Runs what is waiting, in order, in one transaction; acknowledges each only when the commit is on disk. */
  async #commitGroup(): Promise<void> {
    const alone = this.#queue.length === 1;
    const group = this.#queue.splice(0, 1);
    const settled: Settled[] = [];
    try {
      this.#writes.run('BEGIN IMMEDIATE', []);
      for (let pending = group.shift(); pending !== undefined; pending = this.#next(alone, settled.length)) {
        const outcome = await this.#runOne(pending, alone);
        if (outcome) settled.push(outcome);
      }
      this.#writes.run(settled.length > 0 ? 'COMMIT' : 'ROLLBACK', []);
    } catch (error) {
      if (this.#writes.connection.inTransaction) this.#writes.run('ROLLBACK', []);
      for (const pending of [...settled.map((one) => one.pending), ...group]) pending.reject(error);
      return;
    }
    for (const { pending, value, hooks } of settled) {
      for (const hook of hooks) this.#runHook(hook);
      pending.resolve(value);
    }
  }

  #next(alone: boolean, settled: number): PendingWrite | undefined {
    return alone || settled >= MAX_GROUP ? undefined : this.#queue.shift();
  }

  /** Answers nothing when the writer failed; throws when that took the common transaction with it (a full disk). */
  async #runOne(pending: PendingWrite, alone: boolean): Promise<Settled | undefined> {
    const tx = new SqliteTx(this.#writes, this.#listeners);
    if (!alone) this.#writes.run('SAVEPOINT one', []);
    try {
      const value = await pending.fn(tx);
      if (!alone) this.#writes.run('RELEASE one', []);
      return { pending, value, hooks: tx.end() };
    } catch (error) {
      tx.end();
      pending.reject(error);
      if (!this.#writes.connection.inTransaction) throw error;
      if (!alone) {
        this.#writes.run('ROLLBACK TO one', []);
        this.#writes.run('RELEASE one', []);
      }
      return undefined;
    }
  }

  #runHook(hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.#log.error({ err: error }, 'a hook after commit failed');
    }
  }
}

/** One writer's view of the common connection; dead once the writer is done, so that a stray call harms nobody. */
class SqliteTx implements Tx, SqlReader {
  readonly #statements: SqliteStatements;
  readonly #listeners: Listeners;
  readonly #hooks: (() => void)[] = [];
  #open = true;

  constructor(statements: SqliteStatements, listeners: Listeners) {
    this.#statements = statements;
    this.#listeners = listeners;
  }

  async all<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#live().all(sql, params) as T[];
  }

  async get<T>(sql: string, params: readonly SqlValue[] = []): Promise<T | undefined> {
    return this.#live().get(sql, params) as T | undefined;
  }

  async pluck<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#live().pluck(sql, params) as T[];
  }

  async run(sql: string, params: readonly SqlValue[] = []): Promise<number> {
    return this.#live().run(sql, params);
  }

  async *iterate<T>(sql: string, params: readonly SqlValue[] = []): AsyncIterable<T> {
    for (const row of this.#live().iterate(sql, params)) yield row as T;
  }

  afterCommit(hook: () => void): void {
    this.#hooks.push(hook);
  }

  async notify(topic: Topic, about: string): Promise<void> {
    this.afterCommit(() => this.#listeners.tell(topic, about));
  }

  end(): readonly (() => void)[] {
    this.#open = false;
    return this.#hooks;
  }

  #live(): SqliteStatements {
    if (!this.#open) throw new Error('a statement came after its transaction had ended: a promise was not awaited');
    return this.#statements;
  }
}
