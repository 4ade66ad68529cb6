/**
 * A server that is killed with `kill -9` at moments that a test names, and started again, while it deploys an example,
 * unchanged and by configuration alone, on a site of any kind, and while it takes it away: what is acknowledged is done, once,
 * and nothing is left behind.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../src/base/package-root.js';
import type { TestPackage } from '../faults/appliance.js';
import { Client } from '../faults/client.js';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';

const STATE = 'eu.contrail-project.appliance.state';
const IMAGE = 'images/base.qcow2';

/** Waits for something to happen; called when it is its turn to be waited for, which is while the server starts again. */
export type Moment = () => Promise<unknown>;

export interface KilledServerOptions {
  /** The site, for a server with this data directory. */
  readonly site: (directory: string) => object;
  /** What is said of the appliances beside their packages, as an entity in plain text. */
  readonly attributes?: string;
  /** Further sites, which come before that one. */
  readonly beside?: readonly object[];
  readonly reconcileMs?: number;
  /** The data directory, which whoever made it removes; absent: one of its own. */
  readonly directory?: string;
  /** Where it listens each time; absent: at any port. */
  readonly port?: number;
  readonly patienceMs?: number;
  /** What else shall be told when something was waited for in vain. */
  readonly tell?: () => string;
}

/** What is sent, under the name of the example that it is. */
export interface ExamplePackage extends Pick<TestPackage, 'descriptor' | 'files'> {
  readonly name: string;
}

/** An example with an image, else with the one that comes with it: an empty disk. */
export function examplePackage(name: string, image?: Uint8Array): ExamplePackage {
  const folder = join(packageRoot, 'examples', name);
  const bytes = Buffer.from(image ?? readFileSync(join(folder, IMAGE)));
  return { name, descriptor: readFileSync(join(folder, `${name}.ovf`), 'utf8'), files: new Map([[IMAGE, bytes]]) };
}

export class KilledServer {
  readonly directory: string;
  readonly client: Client;
  readonly #server: ServerProcess;
  readonly #options: KilledServerOptions;

  private constructor(options: KilledServerOptions) {
    this.#options = options;
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'vep-killed-'));
    const engine = { leaseMs: 1000, reconcileMs: options.reconcileMs ?? 500 };
    const config = { engine, sites: [...(options.beside ?? []), options.site(this.directory)] };
    this.#server = new ServerProcess(this.directory, config, options.port);
    this.client = new Client(this.directory, () => this.#server.url);
  }

  static async start(options: KilledServerOptions): Promise<KilledServer> {
    build();
    const server = new KilledServer(options);
    await server.#server.start();
    return server;
  }

  /** Where it listens: waits for a start that is under way. */
  get url(): Promise<string> {
    return this.#server.url;
  }

  /** Sends a package and kills the server at each of the moments, one after the other; answers the appliance, active. */
  async deploy(sent: ExamplePackage, ...moments: readonly Moment[]): Promise<string> {
    const asked = this.again(() => this.client.deploy(sent, sent.name, this.#options.attributes));
    const killed = this.killAt(...moments);
    const { status, location, body } = await asked;
    expect({ status, body: status === 201 ? '' : body }).toEqual({ status: 201, body: '' });
    await killed;
    const state = async (): Promise<unknown> =>
      (await this.again(() => this.client.entity(location)))?.attributes[STATE];
    await this.until(`${sent.name} to be active`, async () => (await state()) === 'active');
    return location;
  }

  /** Deletes an appliance and kills the server at each of the moments; waits until everything is gone. */
  async remove(location: string, ...moments: readonly Moment[]): Promise<void> {
    const killed = this.killAt(...moments);
    expect([200, 404]).toContain((await this.again(() => this.client.delete(location))).status);
    await killed;
    await this.gone();
  }

  /** Waits until nothing is left, and no work has failed. */
  async gone(): Promise<void> {
    const left = "SELECT id FROM entity WHERE kind NOT LIKE '%template%'";
    await this.until('everything to be gone', async () => (await this.rows(left)).length === 0);
    expect(await this.rows("SELECT type, findings FROM operation WHERE state = 'dead'")).toEqual([]);
  }

  async killAt(...moments: readonly Moment[]): Promise<void> {
    let next = moments[0]?.();
    for (const index of moments.keys()) {
      await next;
      await this.#server.kill();
      const started = this.#server.start();
      // Waited for before the server can do anything: it may have done it by the time that somebody hears that it is there.
      next = moments[index + 1]?.();
      await started;
    }
  }

  /** A client that was cut off asks again when the server is back. */
  async again<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if ((error as Error).name !== 'CutOff') throw error;
        await pause(20);
      }
    }
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const { patienceMs = 180_000, tell = (): string => '' } = this.#options;
    const end = Date.now() + patienceMs;
    while (!(await condition())) {
      if (Date.now() > end) {
        const work = 'SELECT type, state, step, message, findings FROM operation WHERE finished_at IS NULL';
        const told = [JSON.stringify(await this.rows(work)), tell(), this.#server.log.slice(-2000)];
        throw new Error(`waited in vain for ${what}: ${told.join('; ')}`);
      }
      await pause(50);
    }
  }

  rows(sql: string): ReturnType<typeof rowsOf> {
    return rowsOf(this.directory, undefined, sql);
  }

  async close(): Promise<void> {
    await this.#server.kill();
    if (this.#options.directory === undefined) rmSync(this.directory, { recursive: true });
  }
}
