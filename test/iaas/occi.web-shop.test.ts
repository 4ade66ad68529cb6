/**
 * `examples/web-shop` on a VEP whose site is a VEP, unchanged and by configuration alone, both in processes of their own: the
 * front is killed with `kill -9` when it has handed the shop over, the back while it deploys. Everything comes up once, and
 * nothing is left behind.
 */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../src/base/package-root.js';
import { Client } from '../faults/client.js';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { CAPACITY } from './occi-harness.js';

const SHOP = join(packageRoot, 'examples/web-shop');
const STATE = 'eu.contrail-project.appliance.state';
const PATIENCE_MS = 120_000;
const ENGINE = { leaseMs: 1000, reconcileMs: 500 };

let directories: readonly [string, string];
let front: ServerProcess;
let back: ServerProcess;
let line: Server;

beforeAll(async () => {
  build();
  const [at, behind] = [mkdtempSync(join(tmpdir(), 'vep-front-')), mkdtempSync(join(tmpdir(), 'vep-back-'))];
  directories = [at, behind];
  const sim = { name: 'sim', type: 'simulator', options: { timeFactor: 50 } };
  back = new ServerProcess(behind, { engine: ENGINE, sites: [sim] });
  await back.start();
  // The back comes back on another port: the front goes on asking at this one.
  line = createServer((socket) => {
    socket.on('error', () => undefined);
    back.url.then(
      (url) => {
        const further = connect(Number(new URL(url).port), '127.0.0.1');
        further.on('error', () => socket.destroy()).on('close', () => socket.destroy());
        socket.on('close', () => further.destroy());
        socket.pipe(further).pipe(socket);
      },
      () => socket.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  const token = join(at, 'back.token');
  writeFileSync(token, readFileSync(join(behind, 'user.token')));
  const options = {
    endpoint: `http://127.0.0.1:${(line.address() as AddressInfo).port}/`,
    credentials: { kind: 'bearer', token: { file: token } },
    capacity: CAPACITY,
    templateless: true,
    patience: { pollMs: 50 },
  };
  front = new ServerProcess(at, { engine: ENGINE, sites: [{ name: 'partner', type: 'occi', options }] });
  await front.start();
}, 300_000);

afterAll(async () => {
  await front.kill();
  await back.kill();
  line.close();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

it(
  'comes up once though both are killed on the way, and goes without a trace',
  async () => {
    const [here, there] = [new Client(directories[0], () => front.url), new Client(directories[1], () => back.url)];
    const descriptor = readFileSync(join(SHOP, 'web-shop.ovf'), 'utf8');
    const files = new Map([['images/base.qcow2', readFileSync(join(SHOP, 'images/base.qcow2'))]]);
    const { status, location } = await here.deploy({ descriptor, files }, 'the-shop');
    expect(status).toBe(201);
    await until('the shop to have arrived at the back', async () => (await there.ids('/appliance/')).length > 0);
    await front.kill();
    await front.start();
    await back.kill();
    await back.start();
    const state = async (): Promise<unknown> => (await again(() => here.entity(location)))?.attributes[STATE];
    await until('the shop to be active', async () => (await state()) === 'active');
    const there1 = await again(() => there.ids('/appliance/'));
    expect(there1).toHaveLength(1);
    expect(await again(() => here.ids('/compute/'))).toHaveLength((await again(() => there.ids('/compute/'))).length);

    expect([200, 404]).toContain((await again(() => here.delete(location))).status);
    const left = "SELECT id FROM entity WHERE kind NOT LIKE '%template%'";
    for (const directory of directories) {
      await until('everything to be gone', async () => (await rowsOf(directory, undefined, left)).length === 0);
      const dead = await rowsOf(directory, undefined, "SELECT type, findings FROM operation WHERE state = 'dead'");
      expect(dead).toEqual([]);
    }
  },
  3 * PATIENCE_MS,
);

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
    if (Date.now() > end)
      throw new Error(`waited in vain for ${what}: ${front.log.slice(-1500)} ${back.log.slice(-1500)}`);
    await pause(50);
  }
}
