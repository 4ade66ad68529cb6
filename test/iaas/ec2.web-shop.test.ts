/**
 * `examples/web-shop` on EC2, unchanged and by configuration alone, in a server process that is killed with `kill -9` at
 * the calls of EC2 where it hurts: nothing is made twice, everything comes up, and nothing is left behind.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../src/base/package-root.js';
import { Client } from '../faults/client.js';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import type { Instance } from '../support/fake-ec2/world.js';
import { optionsFor } from './ec2-harness.js';

const SHOP = join(packageRoot, 'examples/web-shop');
const IMAGE = readFileSync(join(SHOP, 'images/base.qcow2'));
const AMI = 'ami-0123456789abcdef0';
const STATE = 'eu.contrail-project.appliance.state';
const PATIENCE_MS = 180_000;

let directory: string;
let fake: FakeEc2;
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  build();
  directory = mkdtempSync(join(tmpdir(), 'vep-ec2-shop-'));
  fake = await FakeEc2.start();
  fake.world.addImage(AMI, 'debian');
  const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: AMI }];
  const options = optionsFor(fake.url, fake.url, directory, { images: { known } });
  server = new ServerProcess(directory, {
    engine: { leaseMs: 1000, reconcileMs: 500 },
    sites: [{ name: 'cloud', type: 'ec2', options }],
  });
  client = new Client(directory, () => server.url);
  await server.start();
}, 600_000);

afterAll(async () => {
  await server.kill();
  await fake.close();
  rmSync(directory, { recursive: true });
});

it(
  'deploys, survives kill -9 at two calls, and goes without a trace',
  async () => {
    const { world } = fake;
    const things = (): number[] => [world.live.length, world.subnets.size, world.volumes.size, world.interfaces.size];
    const before = [...things(), world.groups.size];
    const descriptor = readFileSync(join(SHOP, 'web-shop.ovf'), 'utf8');
    const asked = client.deploy({ descriptor, files: new Map([['images/base.qcow2', IMAGE]]) }, 'the-shop');
    const killed = killedAt('RunInstances');
    const { status, location } = await asked;
    expect(status).toBe(201);
    await killed;
    await until('the shop to be active', async () => (await stateOf(location)) === 'active');

    const machines = world.live;
    expect(machines.map((each) => world.state(each))).toEqual(['running', 'running', 'running']);
    expect(new Set(machines.map(({ tags }) => tags.get('vep:token'))).size).toBe(3);
    expect(machines.map(({ tags }) => tags.get('vep:id')).sort()).toEqual(await client.ids('/compute/'));
    for (const machine of machines) {
      expect(machine).toMatchObject({ image: AMI, tokens: 'required' });
      expect(Buffer.from(machine.userData ?? '', 'base64').toString()).toContain('<Environment');
    }
    // The database is up before the web servers are made; the boot disks are the volumes that VEP shows.
    expect(machines[0]?.tags.get('Name')).toBe('Database server');
    expect(interfacesOf(machines)).toHaveLength(5);
    expect([...world.volumes.values()].map(({ tags }) => tags.get('vep:id')).sort()).toEqual(
      await client.ids('/storage/'),
    );
    expect(world.subnets.size - (before[1] ?? 0)).toBe(2);

    const leaving = killedAt('TerminateInstances');
    expect([200, 404]).toContain((await again(() => client.delete(location))).status);
    await leaving;
    const left = "SELECT id FROM entity WHERE kind NOT LIKE '%template%'";
    await until('everything to be gone', async () => (await rowsOf(directory, undefined, left)).length === 0);
    world.settle();
    expect([...things(), world.groups.size]).toEqual(before);
    const dead = await rowsOf(directory, undefined, "SELECT type, findings FROM operation WHERE state = 'dead'");
    expect(dead).toEqual([]);
  },
  3 * PATIENCE_MS,
);

const interfacesOf = (machines: readonly Instance[]): unknown[] =>
  [...fake.world.interfaces.values()].filter(({ attachment }) =>
    machines.some(({ id }) => id === attachment?.instance),
  );

/** Kills the server when each of the calls comes, one after the other, and starts it again. */
async function killedAt(...actions: readonly string[]): Promise<void> {
  for (const action of actions) {
    await fake.called(action);
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
