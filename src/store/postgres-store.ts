/**
 * The store on PostgreSQL: the same statements, the same meaning as on SQLite, for several VEP processes at once.
 *
 * Writes run SERIALIZABLE, so that code written against SQLite's one writer holds here too: what it read inside the
 * transaction is still true when it commits. What PostgreSQL refuses for that (40001, 40P01) runs again, one such
 * re-run at a time in a process so that they do not meet each other. Writes and reads have a pool each, so that a
 * burst of one cannot starve the other.
 */

import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { messageOf, Problem, problem } from '../base/errors.js';
import { hearLostConnections } from '../base/lost-connections.js';
import { Mutex } from '../base/mutex.js';
import type { Log } from '../base/log.js';
import { Lanes } from './lanes.js';
import { migrate } from './migrate.js';
import type { Heard, Topic } from './notices.js';
import type { DataSourceParts } from './open-store.js';
import { bindable } from './placeholders.js';
import { NOTIFY, PostgresNotices } from './postgres-notices.js';
import { PostgresStatements } from './postgres-statements.js';
import type { SqlReader, SqlValue, Store, Tx } from './sql.js';

const POOL_SIZE = 10;
/** Streams leave the other connections of the read pool to plain reads. */
const MAX_STREAMS = 4;
const STREAM_BATCH = 500;
const MAX_RERUNS = 8;
/** Between two of them at most so many milliseconds: meanwhile no other write of the process begins. */
const LONGEST_PAUSE = 160;
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds that a read waits for a connection while all are taken. */
const READ_WAIT_MS = 5_000;
/** Key of the advisory lock round migrations: 'vepmigr' in ASCII. */
const MIGRATION_LOCK = 33_324_995_137_790_834n;

/** Opens the pools and migrates under an advisory lock, so that processes started together do not collide. */
export async function openPostgresStore(
  url: string,
  schema: string | undefined,
  parts: DataSourceParts,
): Promise<Store> {
  const writer = dataSource(url, schema, parts);
  const reader = dataSource(url, schema, parts);
  try {
    if (schema !== undefined) await createSchema(url, schema);
    await writer.initialize();
    await migrateUnderLock(writer, parts.log);
    await reader.initialize();
  } catch (error) {
    if (writer.isInitialized) await writer.destroy();
    throw unreachable(error);
  }
  const notices = new PostgresNotices(
    { connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT, ...inSchema(schema) },
    parts.log,
  );
  return new PostgresStore(writer, reader, notices, parts.log);
}

function dataSource(url: string, schema: string | undefined, parts: DataSourceParts): DataSource {
  return new DataSource({
    type: 'postgres',
    driver: pg,
    url,
    ...(schema === undefined ? {} : { schema }),
    entities: [...parts.schemas],
    migrations: [...parts.migrations],
    migrationsTableName: 'migration',
    synchronize: false,
    logging: false,
    poolSize: POOL_SIZE,
    connectTimeoutMS: CONNECT_TIMEOUT,
    applicationName: 'vep',
    installExtensions: false,
    poolErrorHandler: (error: unknown) => parts.log.warn({ err: error }, 'an idle database connection was lost'),
    extra: {
      types: { getTypeParser },
      ...inSchema(schema),
    },
  });
}

function inSchema(schema: string | undefined): pg.ClientConfig {
  return schema === undefined ? {} : { options: `-c search_path=${schema}` };
}

/** Integers arrive as numbers, as they do on SQLite: int8 (20) and what `sum` makes of it, numeric (1700). */
function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === 20 || oid === 1700 ? Number : pg.types.getTypeParser(oid, format);
}

function poolOf(source: DataSource): pg.Pool {
  return (source.driver as unknown as { master: pg.Pool }).master;
}

async function createSchema(url: string, schema: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
  } finally {
    await client.end();
  }
}

async function migrateUnderLock(source: DataSource, log: Log): Promise<void> {
  const client = await poolOf(source).connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(source, log);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    client.release();
  }
}

function unreachable(error: unknown): unknown {
  if (error instanceof Problem) return error;
  return problem('unavailable', 'store.unreachable', `the database cannot be opened: ${messageOf(error)}`, {
    remedy: 'see that PostgreSQL runs at the configured URL and that the user may create tables in the schema',
  });
}

class PostgresStore implements Store {
  readonly dialect = 'postgres';
  readonly #sources: readonly DataSource[];
  readonly #notices: PostgresNotices;
  readonly #reads: pg.Pool;
  readonly #writes: pg.Pool;
  readonly #statements = new PostgresStatements();
  readonly #streamLanes = new Lanes(MAX_STREAMS);
  readonly #readLanes = new Lanes(POOL_SIZE);
  readonly #writeLanes = new Lanes(POOL_SIZE);
  readonly #reruns = new Mutex();
  readonly #log: Log;

  constructor(writer: DataSource, reader: DataSource, notices: PostgresNotices, log: Log) {
    this.#sources = [reader, writer];
    this.#notices = notices;
    const lost = (error: Error): void => log.warn({ err: error }, 'a database connection was lost');
    this.#reads = hearLostConnections(poolOf(reader), lost);
    this.#writes = hearLostConnections(poolOf(writer), lost);
    this.#log = log;
  }

  all<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#read(() => this.#statements.all(this.#reads, sql, params) as Promise<T[]>);
  }

  async get<T>(sql: string, params: readonly SqlValue[] = []): Promise<T | undefined> {
    return (await this.all<T>(sql, params))[0];
  }

  pluck<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return this.#read(() => this.#statements.pluck(this.#reads, sql, params) as Promise<T[]>);
  }

  async *iterate<T>(sql: string, params: readonly SqlValue[] = []): AsyncIterable<T> {
    const leave = await this.#streamLanes.enter();
    try {
      const leaveReads = await this.#enterReads();
      try {
        const client = await connected(this.#reads);
        try {
          await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
          yield* readCursor<T>(client, this.#statements, sql, params);
        } finally {
          await endQuietly(client, 'ROLLBACK');
        }
      } finally {
        leaveReads();
      }
    } finally {
      leave();
    }
  }

  /** Reads wait their turn here, and not for ever: whoever asked is told to come back, not that something is broken. */
  async #read<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.#enterReads();
    try {
      return await work();
    } catch (error) {
      throw withoutDatabase(error);
    } finally {
      leave();
    }
  }

  /** @throws Problem `unavailable` (`store.busy`) */
  async #enterReads(): Promise<() => void> {
    const leave = await this.#readLanes.enterWithin(READ_WAIT_MS);
    if (leave) return leave;
    const message = 'the database is busy with other requests';
    throw new Problem(
      'unavailable',
      { code: 'store.busy', message, remedy: 'send the request again' },
      { retryAfter: 2 },
    );
  }

  async write<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    // What has to run again goes first: new writers would meet it again and again.
    await this.#reruns.settled();
    try {
      return await this.#attempt(fn);
    } catch (error) {
      if (!isContention(error)) throw error;
      return this.#reruns.run(() => this.#rerun(fn));
    }
  }

  hear(topic: Topic, heard: Heard): () => void {
    return this.#notices.hear(topic, heard);
  }

  async close(): Promise<void> {
    await this.#notices.close();
    for (const source of this.#sources) if (source.isInitialized) await source.destroy();
  }

  async #rerun<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    for (let count = 1; ; count += 1) {
      try {
        return await this.#attempt(fn);
      } catch (error) {
        if (!isContention(error)) throw error;
        if (count === MAX_RERUNS) throw contention(error);
        // Other processes re-run too: waiting unequally long keeps them from meeting again.
        await pause(Math.random() * Math.min(LONGEST_PAUSE, 5 * 2 ** count));
      }
    }
  }

  /** Writers wait their turn here: the pool gives up on whoever waits longer than a connection may take to open. */
  async #attempt<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const leave = await this.#writeLanes.enter();
    try {
      return await this.#transaction(fn);
    } finally {
      leave();
    }
  }

  async #transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await connected(this.#writes);
    const tx = new PostgresTx(client, this.#statements);
    let value: T;
    try {
      await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      value = await fn(tx);
      tx.end();
      await client.query('COMMIT');
    } catch (error) {
      tx.end();
      await endQuietly(client, 'ROLLBACK');
      throw error;
    }
    client.release();
    for (const hook of tx.hooks) this.#runHook(hook);
    return value;
  }

  #runHook(hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.#log.error({ err: error }, 'a hook after commit failed');
    }
  }
}

/** @throws Problem `unavailable` (`store.away`) where no connection can be had: nothing has been done then */
async function connected(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw withoutDatabase(error);
  }
}

/** PostgreSQL starts, ends or has no connection left (classes 57P and 53), cannot be reached, or lost the connection. */
const AWAY = /^(?:57P0[1-3]|53300|08\w{3}|ECONNREFUSED|ECONNRESET|ENOENT|ENOTFOUND|ETIMEDOUT|EPIPE|EHOSTUNREACH)$/;
const LOST = /^(?:timeout exceeded when trying to connect|Connection terminated)/;

/** A failure that says nothing of the statement: what only reads may be asked for again. */
function withoutDatabase(error: unknown): unknown {
  const { code } = error as { readonly code?: unknown };
  const away = typeof code === 'string' ? AWAY.test(code) : LOST.test(messageOf(error));
  if (!away) return error;
  const fault = { code: 'store.away', message: 'the database does not answer', remedy: 'send the request again later' };
  return new Problem('unavailable', fault, { cause: error, retryAfter: 5 });
}

/** Serialization failure or deadlock: nothing was done, and doing it again may well succeed. */
function isContention(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');
}

function contention(cause: unknown): Error {
  const message = 'too many changes met in one place; nothing was changed';
  const fault = { code: 'store.contention', message, remedy: 'send the request again' };
  return new Problem('unavailable', fault, { cause, retryAfter: 1 });
}

/** Ends a transaction whose outcome no longer matters; a connection that cannot even do that is thrown away. */
async function endQuietly(client: pg.PoolClient, statement: 'ROLLBACK'): Promise<void> {
  try {
    await client.query(statement);
    client.release();
  } catch (error) {
    client.release(error instanceof Error ? error : true);
  }
}

let cursors = 0;

async function* readCursor<T>(
  client: pg.PoolClient,
  statements: PostgresStatements,
  sql: string,
  params: readonly SqlValue[],
): AsyncIterable<T> {
  const name = `cursor_${(cursors += 1)}`;
  await client.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${statements.numbered(sql)}`, bindable(params));
  for (;;) {
    const { rows } = await client.query(`FETCH ${STREAM_BATCH} FROM ${name}`);
    yield* rows as T[];
    if (rows.length < STREAM_BATCH) break;
  }
  await client.query(`CLOSE ${name}`);
}

class PostgresTx implements Tx, SqlReader {
  readonly hooks: (() => void)[] = [];
  readonly #client: pg.PoolClient;
  readonly #statements: PostgresStatements;
  #open = true;

  constructor(client: pg.PoolClient, statements: PostgresStatements) {
    this.#client = client;
    this.#statements = statements;
  }

  async all<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return (await this.#statements.all(this.#live(), sql, params)) as T[];
  }

  async get<T>(sql: string, params: readonly SqlValue[] = []): Promise<T | undefined> {
    return (await this.#statements.all(this.#live(), sql, params))[0] as T | undefined;
  }

  async pluck<T>(sql: string, params: readonly SqlValue[] = []): Promise<T[]> {
    return (await this.#statements.pluck(this.#live(), sql, params)) as T[];
  }

  async run(sql: string, params: readonly SqlValue[] = []): Promise<number> {
    return this.#statements.run(this.#live(), sql, params);
  }

  async *iterate<T>(sql: string, params: readonly SqlValue[] = []): AsyncIterable<T> {
    yield* readCursor<T>(this.#live(), this.#statements, sql, params);
  }

  afterCommit(hook: () => void): void {
    this.hooks.push(hook);
  }

  async notify(topic: Topic, about: string): Promise<void> {
    await this.#statements.run(this.#live(), NOTIFY, [topic, about]);
  }

  end(): void {
    this.#open = false;
  }

  #live(): pg.PoolClient {
    if (!this.#open) throw new Error('a statement came after its transaction had ended: a promise was not awaited');
    return this.#client;
  }
}
