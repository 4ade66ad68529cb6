/** Two VEP processes on one PostgreSQL and one data directory, each of which may be killed with `kill -9` at any moment. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { PATIENCE_MS } from './until.js';

export type Which = 0 | 1;

export interface Asked {
  readonly as?: 'user' | 'admin';
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FormData;
}

export interface Told {
  readonly status: number;
  /** Path of `Location`, if there is one. */
  readonly location: string;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into it as they need
  readonly json: any;
}

export class TwoServers {
  readonly directory = mkdtempSync(join(tmpdir(), 'vep-two-'));
  readonly #servers: readonly ServerProcess[];
  readonly #postgres: string;

  /** @param config of both, in which the directory is known */
  constructor(postgres: string, config: (directory: string) => object) {
    this.#postgres = postgres;
    const both = { ...config(this.directory), data: { database: postgres } };
    this.#servers = [0, 1].map(() => new ServerProcess(this.directory, both));
  }

  /** The first makes the tables and the keys. @param between what is to be looked at while it is alone */
  async start(between?: () => Promise<unknown>): Promise<void> {
    build();
    await this.#servers[0]?.start();
    await between?.();
    await this.#servers[1]?.start();
  }

  startAgain(which: Which): Promise<string> {
    return this.#server(which).start();
  }

  kill(which: Which): Promise<void> {
    return this.#server(which).kill();
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Where one of them listens: waits for a start that is under way. */
  url(which: Which): Promise<string> {
    return this.#server(which).url;
  }

  token(as: 'user' | 'admin'): string {
    return readFileSync(join(this.directory, `${as}.token`), 'utf8').trim();
  }

  async ask(which: Which, path: string, { as = 'user', headers = {}, ...asked }: Asked = {}): Promise<Told> {
    const url = new URL(path, await this.url(which));
    const accept = { Accept: 'application/occi+json, application/json', 'User-Agent': 'tester OCCI/1.2' };
    const response = await fetch(url, {
      ...asked,
      headers: { Authorization: `Bearer ${this.token(as)}`, ...accept, ...headers },
    });
    const text = await response.text();
    const { pathname } = new URL(response.headers.get('Location') ?? path, url);
    return {
      status: response.status,
      location: pathname,
      text,
      get json(): unknown {
        return JSON.parse(text);
      },
    };
  }

  rows(sql: string): ReturnType<typeof rowsOf> {
    return rowsOf(this.directory, this.#postgres, sql);
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (performance.now() > end) {
        const said = this.#servers.map(({ log }) => log.slice(-2000)).join('\n');
        throw new Error(`waited in vain for ${what}; the servers said: ${said}`);
      }
      await pause(50);
    }
  }

  #server(which: Which): ServerProcess {
    return this.#servers[which] as ServerProcess;
  }
}
