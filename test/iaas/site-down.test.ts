/** Several sites, one of which does not answer: it is shown as down, and nothing waits on it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestServer, type TestServer } from '../support/server.js';
import { CAPACITY } from './occi-harness.js';

const TYPED = { accept: 'application/occi+json', 'content-type': 'application/occi+json' };
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vep-down-'));
  const options = { endpoint: 'http://127.0.0.1:9/', capacity: CAPACITY, templateless: true };
  const sites = [
    { name: 'sim', type: 'simulator', options: { timeFactor: 1000 } },
    { name: 'away', type: 'occi', options },
  ];
  server = await startTestServer({ config: { sites: sites as never } });
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

it('starts all the same, shows it as down, and works on the other site', async () => {
  const down = await server.wait(
    '/health/sites',
    ({ json }) => json.sites.some(({ name, up }: { name: string; up: boolean }) => name === 'away' && !up),
    { as: 'admin', headers: { accept: 'application/json' }, timeoutMs: 60_000 },
  );
  expect(down.json.sites.map(({ name, up }: { name: string; up: boolean }) => [name, up])).toEqual([
    ['sim', true],
    ['away', false],
  ]);
  const body = JSON.stringify({ kind: COMPUTE, title: 'here' });
  const made = await server.request('POST', '/compute/', { headers: TYPED, body });
  const path = new URL(String(made.headers.location)).pathname;
  const action = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';
  const active = { headers: TYPED, body: JSON.stringify({ action }) };
  await server.request('POST', `${path}?action=start`, active);
  await server.wait(path, ({ json }) => json.attributes['occi.compute.state'] === 'active', { timeoutMs: 60_000 });
  expect((await server.request('DELETE', path)).status).toBe(200);
}, 120_000);
