/**
 * A whole VEP inside the test's own process: the composition root of `src/server.ts` on a free port, over a fresh data
 * directory and a simulator that lives a thousand times faster than the clock, with an account for every part that a
 * test plays. Requests go over the wire; nothing is reached but through it.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import pg from 'pg';
import { createAccount, localId } from '../../src/access/accounts.js';
import { createToken } from '../../src/access/tokens.js';
import type { Role } from '../../src/access/principal.js';
import type { Clock } from '../../src/base/clock.js';
import { parseConfig } from '../../src/base/config-file.js';
import type { Config } from '../../src/base/config.js';
import type { JsonObject } from '../../src/base/json.js';
import { silentLog, type Log } from '../../src/base/log.js';
import { openStore, type StoreLocation } from '../../src/store/open-store.js';
import { forEachDatabase } from './databases.js';
import { keepTold, runLog, secret, tokensIn } from './run.js';
import { PATIENCE_MS } from './until.js';
import { start, type RunningServer } from '../../src/server.js';

/** The accounts: `user` and `colleague` share a group, `stranger` is in another, `federation` acts for the group `vo`. */
export type Part = 'user' | 'colleague' | 'stranger' | 'federation' | 'admin';

export interface TestAccount {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly group: string;
}

const ACCOUNTS: readonly TestAccount[] = [
  { name: 'colleague', roles: ['user'], group: 'user' },
  { name: 'stranger', roles: ['user'], group: 'strangers' },
  { name: 'federation', roles: ['federation'], group: 'vo' },
];

export const PASSWORD = secret('correct horse battery staple', 'password of an account');

/** What the store keeps of it. Made once and for all: to make it takes longer than most tests do. */
const PASSWORD_HASH = 'scrypt$15$0ixWty+VXkYIC0t5MU6SVg==$+qmhPgk1kpb+r795BP8fLCmFd4qoQX/Ra8GPLrcCiRc=';

export interface TestServerOptions {
  /** Where the store lies; a fresh SQLite file when absent. */
  readonly database?: StoreLocation;
  /** Options of the simulated site, over a `timeFactor` of 1000. */
  readonly site?: JsonObject;
  /** Further configuration, section by section; it wins over what the harness sets. */
  readonly config?: Readonly<Record<string, JsonObject>>;
  readonly log?: Log;
  /** One that runs faster, for what takes minutes. */
  readonly clock?: Clock;
  /** Accounts beside those of every test. */
  readonly accounts?: readonly TestAccount[];
}

export interface RequestOptions {
  /** Whose token is sent; null: none. Default: `user`. */
  readonly as?: Part | (string & {}) | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds after which the request counts as hanging. */
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Names and values in turn, as they came over the wire. */
  readonly rawHeaders: readonly string[];
  readonly text: string;
  readonly bytes: Buffer;
  /** The body as JSON; throws when it is none. */
  readonly json: JsonBody;
}

/** JSON of an answer: tests look into it freely and fail where it is not what they expect. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads unknown documents by the path it expects
export type JsonBody = any;

export interface TestServer {
  readonly url: string;
  readonly directory: string;
  readonly config: Config;
  readonly tokens: Readonly<Record<Part, string>>;
  request(method: string, path: string, options?: RequestOptions): Promise<Reply>;
  /**
   * Writes bytes to a socket and answers everything that came back until it closed or fell silent.
   * @param answerMs how long it may be silent before the first byte
   */
  raw(bytes: string | Uint8Array, quietMs?: number, answerMs?: number): Promise<string>;
  /** Asks again until the answer is as wanted; throws with the last answer after `timeoutMs`, by default when patience ends. */
  wait(path: string, wanted: (reply: Reply) => boolean, options?: RequestOptions): Promise<Reply>;
  /** Rows of the store, read beside the server. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** Changes rows behind the server's back, as no request could. */
  change(sql: string): Promise<void>;
  /** Stops the server and starts it again on the same data, on another port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Long enough for a machine on which much else runs: it only says when to give up. */
const DEFAULT_TIMEOUT = 120_000;

/** Calls `suite` in a describe block per database, each with a server of its own that is up while its tests run. */
export function forEachServer(
  options: Omit<TestServerOptions, 'database'>,
  suite: (server: () => TestServer, database: 'sqlite' | 'postgres') => void,
): void {
  forEachDatabase((name, database) => {
    // A block of its own: the server must be down before the database is dropped.
    describe('a server', () => suite(serverFor({ ...options, database: database.at }), name));
  });
}

/** A server that is up while the tests of the present describe block run. */
export function serverFor(options: TestServerOptions = {}): () => TestServer {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await startTestServer(options);
  });
  afterAll(() => server?.close());
  return () => server as TestServer;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const fresh = join(tmpdir(), `vep-server-${randomBytes(8).toString('hex')}`);
  const directory = options.database && 'sqlite' in options.database ? dirname(options.database.sqlite) : fresh;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at: StoreLocation = options.database ?? { sqlite: join(directory, 'vep.db') };
  const config = configOf(options, directory, at);
  const minted = await makeAccounts(at, [...ACCOUNTS, ...(options.accounts ?? [])]);
  const harness = new Harness(config, at, options.log ?? runLog(), options.clock);
  try {
    await harness.begin(minted);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  return harness;
}

function configOf(options: TestServerOptions, directory: string, at: StoreLocation): Config {
  const sites = [{ name: 'sim', type: 'simulator', options: { timeFactor: 1000, ...options.site } }];
  const document: Record<string, unknown> = {
    server: { port: 0 },
    limits: { requestsPerSecond: 1_000_000 },
    engine: { reconcileMs: 500 },
    ...options.config,
    sites: options.config?.['sites'] ?? sites,
    data: { directory, ...('postgres' in at ? { database: at.postgres } : {}) },
  };
  return parseConfig(JSON.stringify(document), {});
}

/** The accounts that the first start does not make, put in before it. */
async function makeAccounts(at: StoreLocation, accounts: readonly TestAccount[]): Promise<Record<string, string>> {
  const store = await openStore({ at, entitySchemas: [], migrations: [], log: silentLog });
  try {
    return await store.write(async (tx) => {
      const tokens: Record<string, string> = {};
      for (const { name, roles, group } of accounts) {
        await createAccount(tx, { name, roles, groups: [group] }, Date.now());
        await tx.run('UPDATE principal SET password = ? WHERE id = ?', [PASSWORD_HASH, localId(name)]);
        const wanted = { principal: localId(name), name: 'test', createdAt: Date.now() };
        tokens[name] = secret(await createToken(tx, wanted), 'token of an account');
      }
      return tokens;
    });
  } finally {
    await store.close();
  }
}

class Harness implements TestServer {
  readonly config: Config;
  readonly directory: string;
  tokens!: Readonly<Record<Part, string>>;
  readonly #at: StoreLocation;
  readonly #log: Log;
  readonly #clock: Clock | undefined;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  #server: RunningServer | undefined;

  constructor(config: Config, at: StoreLocation, log: Log, clock: Clock | undefined) {
    this.config = config;
    this.directory = config.data.directory;
    this.#at = at;
    this.#log = log;
    this.#clock = clock;
  }

  async begin(minted: Record<string, string>): Promise<void> {
    this.#server = await start({ config: this.config, log: this.#log, ...(this.#clock && { clock: this.#clock }) });
    const local = (name: Part): [Part, string] => [
      name,
      secret(readFileSync(join(this.directory, `${name}.token`), 'utf8').trim(), 'token of the first start'),
    ];
    this.tokens = Object.fromEntries([...Object.entries(minted), local('admin'), local('user')]) as Record<
      Part,
      string
    >;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<Reply> {
    const { as = 'user', headers = {}, body, timeoutMs = DEFAULT_TIMEOUT } = options;
    const { hostname, port } = new URL(this.url);
    const sent: http.OutgoingHttpHeaders = {
      ...(as === null ? {} : { authorization: `Bearer ${this.tokens[as as Part]}` }),
    };
    for (const [name, value] of Object.entries(headers)) sent[name] = typeof value === 'string' ? value : [...value];
    tokensIn(JSON.stringify(headers), body);
    if (body !== undefined) sent['content-length'] ??= Buffer.byteLength(body);
    else if (method !== 'GET' && method !== 'HEAD') sent['content-length'] ??= 0;
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          hostname,
          port,
          method,
          path,
          headers: sent,
          agent: this.#agent,
          insecureHTTPParser: false,
          maxHeaderSize: 2 ** 20,
        },
        (response) => void collect(response).then(resolve, reject),
      );
      const timer = setTimeout(() => request.destroy(new Error(`${method} ${path} hangs`)), timeoutMs);
      request.on('close', () => clearTimeout(timer));
      request.on('error', reject);
      request.end(body);
    });
  }

  raw(bytes: string | Uint8Array, quietMs = 2000, answerMs = DEFAULT_TIMEOUT): Promise<string> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket.setTimeout(answerMs, () => socket.destroy());
      socket.once('data', () => socket.setTimeout(quietMs));
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (chunks.length === 0 && error.code !== 'ECONNRESET') reject(error);
      });
      socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    });
  }

  async wait(path: string, wanted: (reply: Reply) => boolean, options: RequestOptions = {}): Promise<Reply> {
    const json = { ...options, headers: { accept: 'application/occi+json', ...options.headers } };
    const until = performance.now() + (options.timeoutMs ?? PATIENCE_MS);
    // Whoever waits for long looks seldom: the server in the same process has better to do than to answer.
    for (let pause = 10; ; pause = Math.min(pause * 1.3, 100)) {
      const reply = await this.request('GET', path, json);
      if (wanted(reply)) return reply;
      if (performance.now() > until)
        throw new Error(`${path} has not become what was awaited; it is ${reply.status} ${reply.text.slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    if ('sqlite' in this.#at) {
      const database = new BetterSqlite(this.#at.sqlite, { readonly: true });
      try {
        return database.prepare<[], Record<string, unknown>>(sql).all();
      } finally {
        database.close();
      }
    }
    const client = new pg.Client({ connectionString: this.#at.postgres });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async change(sql: string): Promise<void> {
    if (!('sqlite' in this.#at)) return void (await this.rows(sql));
    const database = new BetterSqlite(this.#at.sqlite);
    try {
      database.pragma('busy_timeout = 10000');
      database.exec(sql);
    } finally {
      database.close();
    }
  }

  async restart(): Promise<void> {
    await this.#server?.close();
    this.#server = await start({ config: this.config, log: this.#log, ...(this.#clock && { clock: this.#clock }) });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#server?.close(2000);
    await keepTold(this.#at);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function collect(response: http.IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString('utf8');
  tokensIn(text, response.headers['x-subject-token']);
  const names = response.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the answer has ${twice} twice: ${response.rawHeaders.join(' | ')}`);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    bytes,
    text,
    get json(): JsonBody {
      return JSON.parse(text);
    },
  };
}
