/**
 * `examples/web-shop` on OpenNebula, unchanged and by configuration alone, in a server process that is killed with
 * `kill -9` at the calls of oned where it hurts: nothing is made twice, everything comes up, and nothing is left behind.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../src/base/package-root.js';
import { Client } from '../faults/client.js';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { FakeOned } from '../support/fake-oned/index.js';
import type { Machine } from '../support/fake-oned/world.js';
import { optionsFor } from './opennebula-harness.js';

const SHOP = join(packageRoot, 'examples/web-shop');
const STATE = 'eu.contrail-project.appliance.state';
const PATIENCE_MS = 120_000;

let directory: string;
let fake: FakeOned;
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  build();
  directory = mkdtempSync(join(tmpdir(), 'vep-one-shop-'));
  fake = await FakeOned.start();
  server = new ServerProcess(directory, {
    engine: { leaseMs: 1000, reconcileMs: 500 },
    sites: [{ name: 'one', type: 'opennebula', options: optionsFor(fake.url, directory) }],
  });
  client = new Client(directory, () => server.url);
  await server.start();
}, 300_000);

afterAll(async () => {
  await server.kill();
  await fake.close();
  rmSync(directory, { recursive: true });
});

it(
  'deploys, survives kill -9 at four calls, and goes without a trace',
  async () => {
    const descriptor = readFileSync(join(SHOP, 'web-shop.ovf'), 'utf8');
    const files = new Map([['images/base.qcow2', readFileSync(join(SHOP, 'images/base.qcow2'))]]);
    const asked = client.deploy({ descriptor, files }, 'the-shop');
    const killed = killedAt('one.vn.reserve', 'one.vm.allocate', 'one.vm.deploy');
    const { status, location } = await asked;
    expect(status).toBe(201);
    await killed;
    await until('the shop to be active', async () => (await stateOf(location)) === 'active');

    const machines = live();
    expect(machines.map(({ state, lcm }) => [state, lcm])).toEqual(Array.from({ length: 3 }, () => [3, 3]));
    expect(new Set(machines.map(({ user }) => user.get('VEP_TOKEN'))).size).toBe(3);
    const ids = await client.ids('/compute/');
    expect(machines.map(({ user }) => user.get('VEP_ID')).sort()).toEqual(ids);
    for (const { template, uid } of machines) {
      // Complete at their first boot, made for their user, and not switched on for plugging.
      const context = template.vectors('CONTEXT')[0];
      expect(context?.get('USERDATA_ENCODING')).toBe('base64');
      expect(Buffer.from(context?.get('OVF_ENV_BASE64') ?? '', 'base64').toString()).toContain('<Environment');
      expect(fake.world.users.get(uid)?.name).toMatch(/^vep-local_user-/);
    }
    expect(machines.flatMap(({ template }) => template.vectors('NIC'))).toHaveLength(5);
    expect(machines.flatMap(({ template }) => template.vectors('DISK'))).toHaveLength(4);
    expect(machines.every(({ user }) => user.get('VEP_PRIMING') === undefined)).toBe(true);
    expect(reservations()).toHaveLength(2);

    const leaving = killedAt('one.vm.action');
    expect([200, 404]).toContain((await again(() => client.delete(location))).status);
    await leaving;
    const left = "SELECT id FROM entity WHERE kind NOT LIKE '%template%'";
    await until('everything to be gone', async () => (await rowsOf(directory, undefined, left)).length === 0);
    expect([live().length, reservations().length, volumes().length]).toEqual([0, 0, 0]);
    const dead = await rowsOf(directory, undefined, "SELECT type, findings FROM operation WHERE state = 'dead'");
    expect([dead, fake.violations]).toEqual([[], []]);
  },
  3 * PATIENCE_MS,
);

const live = (): Machine[] => [...fake.world.machines.values()].filter((vm) => vm.state !== 6);
const reservations = (): unknown[] => [...fake.world.networks.values()].filter((net) => net.parent !== undefined);
const volumes = (): unknown[] =>
  [...fake.world.images.values()].filter((image) => image.template.get('VEP_PURPOSE') === 'volume');

/** Kills the server when each of the calls comes, one after the other, and starts it again. */
async function killedAt(...methods: readonly string[]): Promise<void> {
  for (const method of methods) {
    await fake.called(method);
    await server.kill();
    await server.start();
  }
}

async function stateOf(location: string): Promise<unknown> {
  return (await again(() => client.entity(location)))?.attributes[STATE];
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

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) {
      const work = await rowsOf(
        directory,
        undefined,
        'SELECT type, state, step, message, findings FROM operation WHERE finished_at IS NULL',
      );
      throw new Error(`waited in vain for ${what}: ${JSON.stringify(work)}; ${server.log.slice(-2000)}`);
    }
    await pause(50);
  }
}
