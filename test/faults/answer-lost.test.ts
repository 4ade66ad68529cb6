/**
 * Failures of a site at every kind of creation (DESIGN, "What must always hold", 2): an answer that is lost after the
 * work was done makes nothing twice; what passes is waited out; what does not pass ends the appliance in `error` with
 * everything undone and its capacity given back, or, with `keep-on-failure`, with everything else standing (K31).
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseConfig } from '../../src/base/config-file.js';
import { silentLog } from '../../src/base/log.js';
import type { ResourceClass, SiteAdapter } from '../../src/iaas/adapter.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import type { FaultRule } from '../../src/iaas/adapters/simulator/faults.js';
import { createSimulator, type SimulatorControls } from '../../src/iaas/adapters/simulator/simulator.js';
import { start, type RunningServer } from '../../src/server.js';
import { testPackage, type TestPackage } from './appliance.js';
import { NOTHING, takeCensus, type Census } from './census.js';
import { chanceOf } from './chance.js';
import { Client } from './client.js';
import { fastClock } from './fast-clock.js';
import { rowsOf } from './rows.js';

/** The creations an adapter knows and what comes of each. */
const CREATIONS: readonly (readonly [operation: string, makes: ResourceClass])[] = [
  ['createCompute', 'compute'],
  ['createNetwork', 'network'],
  ['createStorage', 'storage'],
  ['attachNic', 'nic'],
  ['attachStorage', 'attachment'],
  ['importImage', 'image'],
];
const FLEET = testPackage(chanceOf(6), 6);
const PAIR = testPackage(chanceOf(2), 2);
const STATE = 'eu.contrail-project.appliance.state';
const ACTIONS = 'http://schemas.contrail-project.eu/occi/ovf/appliance/action#';
const KEEP = 'X-OCCI-Attribute: eu.contrail-project.ovf.keep-on-failure=true';
const PATIENCE_MS = 180_000;

const clock = fastClock(50);
const directory = join(tmpdir(), `vep-answer-lost-${randomUUID()}`);
let server: RunningServer;
let site: SiteAdapter & SimulatorControls;
let client: Client;
let empty: Census;

beforeAll(async () => {
  mkdirSync(directory);
  const config = {
    // Milliseconds of a clock that runs ahead: leases must outlast a busy machine.
    engine: { leaseMs: 600_000 },
    limits: { requestsPerSecond: 100_000 },
  };
  const environment = { VEP_DATA_DIR: directory, VEP_PORT: '0' };
  server = await start({ config: parseConfig(JSON.stringify(config), environment), clock, log: silentLog });
  client = new Client(directory, () => Promise.resolve(server.url));
  const home = { directory: join(directory, 'sites') };
  site = await createSimulator(parseSimulatorConfig({}), { site: 'sim', clock, log: silentLog, home });
  empty = await takeCensus(site);
});

afterAll(async () => {
  await site.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

afterEach(() => site.clearFaults());

it('makes nothing twice when every creation loses its answer', async () => {
  for (const [operation, makes] of CREATIONS) {
    await site.injectFault({ operation, kind: 'lose-answer', nth: 1, times: FLEET.things[makes] });
  }
  const appliance = await deploy(FLEET);
  await expectStanding(appliance, FLEET);
  await takeDown(appliance);
});

describe.each(CREATIONS)('%s', (operation, makes) => {
  const strike = (rule: Omit<FaultRule, 'operation'>): Promise<void> => site.injectFault({ operation, ...rule });

  it.each([
    ['answers that are lost', { kind: 'lose-answer', nth: 1, times: 3 }],
    ['a site that says to try again', { kind: 'transient', nth: 1, times: 3 }],
    ['a site that does not answer', { kind: 'time-out', nth: 1, times: 2 }],
  ] as const)('outlasts %s', async (_what, rule) => {
    await strike(rule);
    const appliance = await deploy(PAIR);
    await expectStanding(appliance, PAIR);
    await takeDown(appliance);
  });

  it.each([
    ['a refusal', { kind: 'refuse', nth: 2 }],
    ['a thing that ends in error', { kind: 'error-state', nth: 1 }],
  ] as const)('undoes everything after %s', async (_what, rule) => {
    await strike(rule);
    const appliance = await deploy(PAIR);
    await expectUndone(appliance);
    await takeDown(appliance);
  });

  it('leaves nothing of what lost its answer when it is taken back', async () => {
    await strike({ kind: 'lose-answer' });
    const appliance = await deploy(PAIR);
    await until('the site to have done the work', async () => (await takeCensus(site)).counts[makes] > 0);
    await takeDown(appliance);
  });

  it('keeps what there is after a refusal, if that is wished', async () => {
    await strike({ kind: 'refuse', nth: 1 });
    const appliance = await deploy(PAIR, KEEP);
    await expectError(appliance);
    const { counts } = await takeCensus(site);
    expect(counts[makes]).toBe(PAIR.things[makes] - 1);
    expect(Object.values(counts).some((count) => count > 0)).toBe(true);
    await takeDown(appliance);
  });

  it('undoes everything after the death of the host it came to', async () => {
    await strike({ kind: 'host-death', nth: 1, ...(makes === 'compute' ? {} : { host: 'host01' }) });
    const appliance = await deploy(PAIR);
    await settled();
    const state = (await client.entity(appliance))?.attributes[STATE];
    if (state === 'error') await expectUndone(appliance, 'a host is dead');
    else await expectStanding(appliance, PAIR);
    for (const { name, up } of (await site.inventory()).hosts) if (!up) await site.setHost(name, true);
    await takeDown(appliance);
  });
});

it.each(['undeploys', 'deletes'])('leaves nothing when somebody %s it while it is being undeployed', async (second) => {
  const appliance = await deploy(PAIR);
  await expectStanding(appliance, PAIR);
  expect((await client.act(appliance, ACTIONS, 'undeploy')).status).toBe(200);
  if (second === 'undeploys') expect([200, 409]).toContain((await client.act(appliance, ACTIONS, 'undeploy')).status);
  await takeDown(appliance);
});

async function deploy(fleet: TestPackage, attributes = ''): Promise<string> {
  const answer = await client.deploy(fleet, randomUUID(), attributes);
  expect([answer.status, answer.body]).toEqual([201, expect.anything()]);
  return answer.location;
}

async function expectStanding(appliance: string, fleet: TestPackage): Promise<void> {
  await settled();
  expect((await client.entity(appliance))?.attributes[STATE]).toBe('active');
  const { counts, ids } = await takeCensus(site);
  expect(counts).toEqual(fleet.things);
  expect(ids.compute).toEqual(await client.ids('/compute/'));
  expect(ids.nic).toEqual(await client.ids('/networkinterface/'));
  expect(ids.attachment).toEqual(await client.ids('/storagelink/'));
}

async function expectError(appliance: string): Promise<void> {
  await settled();
  const attributes = (await client.entity(appliance))?.attributes;
  expect(attributes?.[STATE]).toBe('error');
  expect(attributes?.[`${STATE}.message`]).toEqual(expect.stringMatching(/./));
}

async function expectUndone(
  appliance: string,
  capacity: 'all is back' | 'a host is dead' = 'all is back',
): Promise<void> {
  await expectError(appliance);
  await expectNothing(capacity);
  expect(await client.ids('/compute/')).toEqual([]);
  expect(await client.ids('/storage/')).toEqual([]);
  expect(await client.ids('/network/')).toEqual([]);
}

async function takeDown(appliance: string): Promise<void> {
  expect((await client.delete(appliance)).status).toBe(200);
  expect(await client.entity(appliance)).toBeUndefined();
  await settled();
  await expectNothing('all is back');
  expect(await rowsOf(directory, undefined, 'SELECT kind FROM entity')).toEqual([]);
}

async function expectNothing(capacity: 'all is back' | 'a host is dead'): Promise<void> {
  const census = await takeCensus(site);
  expect(census.counts).toEqual(NOTHING);
  if (capacity === 'a host is dead') return;
  const { freeCores, freeMemoryBytes, freeStorageBytes } = empty;
  expect(census).toMatchObject({ freeCores, freeMemoryBytes, freeStorageBytes });
}

/** Waits until no work is left, and sees that none has died. */
async function settled(): Promise<void> {
  const unfinished = "SELECT id FROM operation WHERE finished_at IS NULL AND state <> 'dead'";
  await until('all operations to end', async () => (await rowsOf(directory, undefined, unfinished)).length === 0);
  expect(await rowsOf(directory, undefined, "SELECT type, step, findings FROM operation WHERE state = 'dead'")).toEqual(
    [],
  );
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) {
      const columns = 'type, state, direction, step, attempts, message';
      const work = await rowsOf(directory, undefined, `SELECT ${columns} FROM operation WHERE finished_at IS NULL`);
      throw new Error(`waited in vain for ${what}; unfinished: ${JSON.stringify(work)}`);
    }
    await pause(10);
  }
}
