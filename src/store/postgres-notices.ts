/**
 * Notices on PostgreSQL: NOTIFY within the transaction, which the database delivers when that commits, and LISTEN on a connection
 * of its own, opened again where it breaks. The channel is that of the whole database; each notice begins with the
 * schema it is for.
 */

import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Log } from '../base/log.js';
import { Listeners, type Heard, type Topic } from './notices.js';

const CHANNEL = 'vep';
/** What it is about comes last, whatever it holds. */
export const NOTIFY = `SELECT pg_notify('${CHANNEL}', current_schema() || ' ' || ? || ' ' || ?)`;

const REOPEN_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export class PostgresNotices {
  readonly #options: pg.ClientConfig;
  readonly #log: Log;
  readonly #listeners: Listeners;
  readonly #closing = new AbortController();
  #listening: Promise<void> | undefined;

  constructor(options: pg.ClientConfig, log: Log) {
    this.#options = options;
    this.#log = log;
    this.#listeners = new Listeners(log);
  }

  hear(topic: Topic, heard: Heard): () => void {
    this.#listening ??= this.#listen();
    return this.#listeners.add(topic, heard);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    for (let wait = REOPEN_MS; !signal.aborted; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      try {
        await this.#connected(() => (wait = REOPEN_MS));
      } catch (error) {
        this.#log.warn({ err: error }, 'what other processes say is not heard until the database is back');
      }
      await pause(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** One connection, until it breaks or nobody listens any more. */
  async #connected(opened: () => void): Promise<void> {
    const { signal } = this.#closing;
    const client = new pg.Client({ ...this.#options, keepAlive: true });
    const over = new Promise<void>((resolve, reject) => {
      client.once('error', reject);
      client.once('end', resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    over.catch(() => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ schema: string }>('SELECT current_schema() AS schema');
      const mine = `${rows[0]?.schema} `;
      client.on('notification', ({ payload = '' }) => {
        if (payload.startsWith(mine)) this.#tell(payload.slice(mine.length));
      });
      await client.query(`LISTEN ${CHANNEL}`);
      opened();
      await over;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #tell(notice: string): void {
    const end = notice.indexOf(' ');
    this.#listeners.tell(notice.slice(0, end), notice.slice(end + 1));
  }
}
