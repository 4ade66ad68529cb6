/**
 * `examples/web-shop` on OpenStack, unchanged and by configuration alone, in a server process that is killed with `kill -9`
 * at the calls where it hurts: nothing is made twice, everything comes up, and nothing is left in the project. Before a
 * fake always, and before a real cloud where `VEP_TEST_OPENSTACK` names one.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../src/base/package-root.js';
import { Client } from '../faults/client.js';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { Front } from '../support/real-openstack/front.js';
import { realOpenStack } from '../support/real-openstack/keystone.js';
import { Tenancy } from '../support/real-openstack/tenancy.js';
import { ADMINISTRATOR, optionsFor } from './openstack-harness.js';

const SHOP = join(packageRoot, 'examples/web-shop');
const STATE = 'eu.contrail-project.appliance.state';
const PATIENCE_MS = 300_000;

/** What stands behind the site. */
interface Cloud {
  readonly options: (directory: string) => object;
  /** Names of what the project has, by kind. */
  contents(): Promise<Readonly<Record<string, readonly string[]>>>;
  called(method: string, path: RegExp): Promise<void>;
  close(): Promise<void>;
}

async function fakeCloud(): Promise<Cloud> {
  const fake = await FakeOpenStack.start({ stepMs: 20 });
  const wish = { url: fake.url, user: fake.user.name, password: fake.password, project: fake.project.name };
  return {
    options: (directory) => optionsFor({ ...wish, more: { ...ADMINISTRATOR, endpoints: {} } }, directory),
    contents: () => Promise.resolve(fake.contents()),
    called: (method, path) => fake.called(method, path),
    close: () => fake.close(),
  };
}

async function realCloud(): Promise<Cloud> {
  const tenancy = await Tenancy.open('admin');
  const front = await Front.open();
  const wish = { url: front.url, user: tenancy.name, password: tenancy.password, project: tenancy.name };
  return {
    options: (directory) => optionsFor({ ...wish, more: ADMINISTRATOR }, directory),
    contents: () => tenancy.contents(),
    called: (method, path) => front.called(method, path),
    close: async () => {
      await front.close();
      await tenancy.close();
    },
  };
}

beforeAll(() => build(), 300_000);

const CLOUDS: readonly (readonly [string, () => Promise<Cloud>])[] = [
  ['a fake OpenStack', fakeCloud],
  ...(realOpenStack ? [['a real OpenStack', realCloud] as const] : []),
];

describe.each(CLOUDS)('the web shop on %s', (_name, open) => {
  it(
    'deploys, survives kill -9 at three calls, and goes without a trace',
    async () => {
      const cloud = await open();
      const directory = mkdtempSync(join(tmpdir(), 'vep-openstack-shop-'));
      const server = new ServerProcess(directory, {
        engine: { leaseMs: 1000, reconcileMs: 2000 },
        sites: [{ name: 'stack', type: 'openstack', options: cloud.options(directory) }],
      });
      const client = new Client(directory, () => server.url);
      const waiting = new Waiting(directory, server, cloud);
      try {
        await server.start();
        const descriptor = readFileSync(join(SHOP, 'web-shop.ovf'), 'utf8');
        const files = new Map([['images/base.qcow2', readFileSync(join(SHOP, 'images/base.qcow2'))]]);
        const asked = client.deploy({ descriptor, files }, 'the-shop');
        const killed = waiting.killedAt(['POST', /\/networks$/], ['POST', /\/servers$/], ['POST', /\/servers$/]);
        const { status, location } = await asked;
        expect(status).toBe(201);
        await killed;
        await waiting.until('the shop to be active', async () => {
          const shop = await again(() => client.entity(location));
          return shop?.attributes[STATE] === 'active';
        });

        const { servers, ports, volumes, networks } = await cloud.contents();
        expect([servers?.length, ports?.length, volumes?.length, networks?.length]).toEqual([3, 5, 4, 2]);
        expect(new Set([...(ports ?? []), ...(volumes ?? []), ...(networks ?? [])]).size).toBe(11);

        const leaving = waiting.killedAt(['DELETE', /\/servers\/[^/]+$/]);
        expect([200, 404]).toContain((await again(() => client.delete(location))).status);
        await leaving;
        const left = "SELECT id FROM entity WHERE kind NOT LIKE '%template%'";
        await waiting.until(
          'everything to be gone',
          async () => (await rowsOf(directory, undefined, left)).length === 0,
        );
        // The image stays, for whoever deploys the shop again.
        const { images: _images, ...rest } = await cloud.contents();
        expect(rest).toEqual({});
        const dead = await rowsOf(directory, undefined, "SELECT type, findings FROM operation WHERE state = 'dead'");
        expect(dead).toEqual([]);
      } finally {
        await server.kill();
        await cloud.close();
        rmSync(directory, { recursive: true });
      }
    },
    4 * PATIENCE_MS,
  );
});

class Waiting {
  readonly #directory: string;
  readonly #server: ServerProcess;
  readonly #cloud: Cloud;

  constructor(directory: string, server: ServerProcess, cloud: Cloud) {
    this.#directory = directory;
    this.#server = server;
    this.#cloud = cloud;
  }

  /** Kills the server when each of the calls comes, one after the other, and starts it again. */
  async killedAt(...calls: readonly (readonly [method: string, path: RegExp])[]): Promise<void> {
    for (const [method, path] of calls) {
      await this.#cloud.called(method, path);
      await this.#server.kill();
      await this.#server.start();
    }
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (Date.now() > end) {
        const work = await rowsOf(
          this.#directory,
          undefined,
          'SELECT type, state, step, message, findings FROM operation WHERE finished_at IS NULL',
        );
        throw new Error(`waited in vain for ${what}: ${JSON.stringify(work)}; ${this.#server.log.slice(-2000)}`);
      }
      await pause(100);
    }
  }
}

/** A client that was cut off asks again when the server is back. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if ((error as Error).name !== 'CutOff') throw error;
      await pause(20);
    }
  }
}
