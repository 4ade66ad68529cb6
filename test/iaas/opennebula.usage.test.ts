/** `vep sites usage` before an OpenNebula: its record summed up, and a machine that VEP does not know among what runs. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { vep } from '../cli/fake-terminal.js';
import { FakeOned } from '../support/fake-oned/index.js';
import { startTestServer, type Reply, type TestServer } from '../support/server.js';
import { madeFor, openSite, optionsFor, OWNER } from './opennebula-harness.js';

let [directory, fake, server]: [string, FakeOned, TestServer] = ['', undefined as never, undefined as never];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vep-usage-'));
  fake = await FakeOned.start();
  const options = optionsFor(fake.url, directory);
  const site = madeFor(await openSite(options, directory), OWNER);
  const storage = await site.createStorage({ id: 'vol-1', name: 'boot', sizeBytes: 2 ** 30 }, 'vol-1');
  const volumes = [{ id: 'disk-1', storage }];
  const spec = { id: 'vm-1', name: 'vm', cores: 2, memoryBytes: 2 ** 30, volumes };
  const ref = await site.createCompute(spec, spec.id);
  // The volume is being made at first, and the machine waits for it.
  while ((await site.describe('compute', [ref])).get(ref)?.busy !== false) await new Promise(setImmediate);
  await site.actCompute(ref, 'start', undefined);
  while ((await site.describe('compute', [ref])).get(ref)?.state !== 'active') await new Promise(setImmediate);
  await site.close();
  const tenMinutesAgo = String(Math.floor(Date.now() / 1000) - 600);
  const [record] = fake.world.machines.get(Number(ref))?.history ?? [];
  for (const name of ['STIME', 'RSTIME']) record?.set(name, tenMinutesAgo);
  server = await startTestServer({ config: { sites: [{ name: 'one', type: 'opennebula', options }] as never } });
});

afterAll(async () => {
  await server.close();
  await fake.close();
  rmSync(directory, { recursive: true });
});

const usage = (query = ''): Promise<Reply> => server.request('GET', `/health/sites/one/usage${query}`, { as: 'admin' });

it('shows what ran, for whom, and that VEP has no such machine', async () => {
  const { json } = await usage();
  expect(json).toMatchObject({
    site: 'one',
    usage: [{ machines: 1 }],
    runs: [{ id: 'vm-1', cores: 2, memoryBytes: 2 ** 30 }],
    differences: [{ id: 'vm-1', code: 'unknown-runs' }],
  });
  const [{ group, seconds, coreSeconds }] = json.usage;
  expect(group).toMatch(/^vep-vo_climate/);
  expect(seconds).toBeGreaterThanOrEqual(599);
  expect(coreSeconds).toBeCloseTo(2 * seconds, 3);
});

it('holds nothing against the present when the past is asked for', async () => {
  const { json } = await usage('?from=2020-01-01&until=2020-02-01');
  expect(json).toMatchObject({ from: Date.parse('2020-01-01'), usage: [], runs: [], differences: [] });
});

it.each([
  ['from=yesterday', 400],
  ['from=2026-02-01&until=2026-01-01', 400],
  ['since=2026-01-01', 400],
])('refuses %s', async (query, status) => expect((await usage(`?${query}`)).status).toBe(status));

it('is shown by the command line, whose exit code tells of differences', async () => {
  const surroundings = { environment: { VEP_DATA_DIR: server.directory }, directory: packageRoot };
  const shown = await vep(['sites', 'usage', 'one', '--admin'], surroundings);
  expect(shown.out).toMatch(/^vep-vo_climate\S* +1 +0\.[12]\d +0\.[3-5]\d/m);
  expect(shown.out).toContain('[unknown-runs]');
  expect(shown.code).toBe(1);
  expect((await vep(['sites', 'usage', 'one', '--since', 'noon', '--admin'], surroundings)).code).toBe(2);
});
