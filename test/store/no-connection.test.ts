/** What becomes of requests when PostgreSQL has no connection left for them, or is not there: they are told to come back. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase, type TestDatabase } from '../support/databases.js';
import { freePort } from '../support/free-port.js';
import { startTestServer } from '../support/server.js';

const KEY = 4711;

forEachDatabase((name, database) => {
  if (name === 'sqlite') {
    it('does not come to that on SQLite, which has no connections to run out of', async () => {
      const store = await database.open();
      const reads = Array.from({ length: 100 }, () => store.get<{ one: number }>('SELECT 1 AS one'));
      expect((await Promise.all(reads)).every((row) => row?.one === 1)).toBe(true);
    });
    return;
  }
  // A block of its own: it must have let go before the database is dropped.
  describe('its connections', () => runOut(database));
});

function runOut(database: TestDatabase): void {
  let holder: pg.Client;
  let url: string;
  beforeAll(async () => {
    url = 'postgres' in database.at ? database.at.postgres : '';
    holder = new pg.Client({ connectionString: url });
    await holder.connect();
  });
  afterAll(() => holder.end());

  /** Takes every connection for reads until it is given back. */
  async function taken(store: Store): Promise<readonly Promise<unknown>[]> {
    await holder.query('SELECT pg_advisory_lock($1)', [KEY]);
    const held = Array.from({ length: 10 }, () => store.all('SELECT pg_advisory_xact_lock(?)', [KEY]));
    const waiting = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1";
    while (Number((await holder.query<{ n: string }>(waiting, [KEY])).rows[0]?.n) < 10)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return held;
  }
  const release = () => holder.query('SELECT pg_advisory_unlock($1)', [KEY]);

  it('tells reads to come back when they have waited long enough, serves those that wait less, and then all again', async () => {
    const store = await database.open();
    const held = await taken(store);
    const refused = await Promise.allSettled([store.get('SELECT 1'), store.pluck('SELECT 1')]);
    for (const each of refused)
      expect(each).toMatchObject({ reason: { kind: 'unavailable', retryAfter: 2, faults: [{ code: 'store.busy' }] } });
    const patient = store.get<{ one: number }>('SELECT 1 AS one');
    await release();
    await Promise.all(held);
    expect(await patient).toEqual({ one: 1 });
    const all = Array.from({ length: 100 }, () => store.get<{ one: number }>('SELECT 1 AS one'));
    expect((await Promise.all(all)).every((row) => row?.one === 1)).toBe(true);
  });

  describe('a server', () => {
    it('answers 503 and when to come back while PostgreSQL is away, and is itself again afterwards', async () => {
      const way = await Way.open(new URL(url));
      const server = await startTestServer({ database: { postgres: way.url } });
      try {
        expect((await server.request('GET', '/compute/')).status).toBe(200);
        await way.close();
        const reply = await server.request('GET', '/compute/');
        expect([reply.status, Number(reply.headers['retry-after']), reply.text]).toEqual([503, 5, expect.any(String)]);
        expect(reply.text).not.toMatch(/ECONN|127\.0\.0\.1|postgres/i);
        await way.reopen();
        await server.wait('/compute/', ({ status }) => status === 200);
      } finally {
        await way.reopen();
        await server.close();
        await way.close();
      }
    });
  });
}

/** The way to PostgreSQL, which can be cut and mended. */
class Way {
  readonly url: string;
  readonly #port: number;
  readonly #to: URL;
  readonly #open = new Set<Socket>();
  #server = createServer();

  static async open(to: URL): Promise<Way> {
    const way = new Way(to, await freePort());
    await way.reopen();
    return way;
  }

  private constructor(to: URL, port: number) {
    this.#to = to;
    this.#port = port;
    const at = new URL(to);
    [at.hostname, at.port] = ['127.0.0.1', String(this.#port)];
    this.url = at.href;
  }

  #join(socket: Socket): void {
    const onward = connect(Number(this.#to.port || 5432), this.#to.hostname);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#open.add(one);
      one.on('error', () => other.destroy()).on('close', () => (this.#open.delete(one), other.destroy()));
      one.pipe(other);
    }
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async reopen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server = createServer((socket) => this.#join(socket));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }
}
