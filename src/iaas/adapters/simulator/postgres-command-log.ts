/**
 * The command log in a PostgreSQL schema of its own, `sim_<site>`, for VEPs that share a PostgreSQL. An advisory lock
 * per site stands between processes; a commit is durable as the server is configured.
 */

import pg from 'pg';
import { hearLostConnections } from '../../../base/lost-connections.js';
import { KEPT_COMMANDS, type CommandLog, type Entry, type LogTail } from './command-log.js';

export class PostgresCommandLog implements CommandLog {
  readonly #pool: pg.Pool;
  readonly #schema: string;
  /** Quoted, for use in statements. */
  readonly #quoted: string;

  private constructor(pool: pg.Pool, schema: string) {
    this.#pool = pool;
    this.#schema = schema;
    this.#quoted = pg.escapeIdentifier(schema);
  }

  /** Opens the log, making the schema and its tables where there are none. */
  static async open(url: string, site: string): Promise<PostgresCommandLog> {
    const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 10_000 });
    // A connection that breaks is replaced at the next use; what it was used for fails by itself.
    pool.on('error', () => undefined);
    hearLostConnections(pool, () => undefined);
    const log = new PostgresCommandLog(pool, `sim_${site}`);
    await log.#locked(async (client) => {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${log.#quoted}`);
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${log.#quoted}.command (seq bigint PRIMARY KEY, body text NOT NULL)`,
      );
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${log.#quoted}.snapshot (id integer PRIMARY KEY CHECK (id = 1), seq bigint NOT NULL, body text NOT NULL)`,
      );
    });
    return log;
  }

  async read(after: number): Promise<LogTail> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const { tail } = await this.#tail(client, after);
      await client.query('COMMIT');
      client.release();
      return tail;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async append(after: number, decide: (tail: LogTail) => Entry | undefined): Promise<void> {
    await this.#locked(async (client) => {
      const { tail, last } = await this.#tail(client, after);
      const entry = decide(tail);
      if (!entry) return;
      await client.query(`INSERT INTO ${this.#quoted}.command (seq, body) VALUES ($1, $2)`, [last + 1, entry.command]);
      if (entry.snapshot === undefined) return;
      await client.query(
        `INSERT INTO ${this.#quoted}.snapshot (id, seq, body) VALUES (1, $1, $2)
           ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, body = excluded.body`,
        [last + 1, entry.snapshot],
      );
      await client.query(`DELETE FROM ${this.#quoted}.command WHERE seq <= $1`, [last + 1 - KEPT_COMMANDS]);
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Runs `work` in a transaction that holds the site's lock; READ COMMITTED, so that it sees what the last holder wrote. */
  async #locked(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`vep ${this.#schema}`]);
      await work(client);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #tail(client: pg.PoolClient, after: number): Promise<{ readonly tail: LogTail; readonly last: number }> {
    const bounds = await client.query<{ first: string | null; last: string | null }>(
      `SELECT min(seq) AS first, max(seq) AS last FROM ${this.#quoted}.command`,
    );
    const { first, last } = bounds.rows[0] ?? { first: null, last: null };
    if (first === null || last === null || Number(last) <= after)
      return { tail: { commands: [] }, last: Number(last ?? 0) };
    if (Number(first) <= after + 1)
      return { tail: { commands: await this.#commands(client, after) }, last: Number(last) };
    const { rows } = await client.query<{ seq: string; body: string }>(
      `SELECT seq, body FROM ${this.#quoted}.snapshot`,
    );
    const snapshot = rows[0];
    const commands = await this.#commands(client, Number(snapshot?.seq ?? 0));
    return { tail: snapshot ? { snapshot: snapshot.body, commands } : { commands }, last: Number(last) };
  }

  async #commands(client: pg.PoolClient, after: number): Promise<string[]> {
    const { rows } = await client.query<{ body: string }>(
      `SELECT body FROM ${this.#quoted}.command WHERE seq > $1 ORDER BY seq`,
      [after],
    );
    return rows.map((row) => row.body);
  }
}
