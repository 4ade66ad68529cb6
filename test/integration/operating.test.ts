/** What an operator relies on: health, metrics, rates, one server per store, an orderly end (K23, K29, issue "Observability"). */

import { startTestServer, forEachServer, serverFor, type Reply, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { start } from '../../src/server.js';
import { silentLog } from '../../src/base/log.js';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { kindOf } from '../conformance/client.js';

forEachServer({}, (server) => {
  it('is live and ready to anyone, and says how sites and work are to administrators alone', async () => {
    for (const path of ['/health', '/health/live', '/health/ready'])
      expect([path, (await server().request('GET', path, { as: null })).status]).toEqual([path, 200]);
    for (const path of [
      '/health/sites',
      '/health/sites/sim/check',
      '/health/sites/sim/inventory',
      '/health/operations',
      '/metrics',
    ]) {
      expect([path, (await server().request('GET', path, { as: null })).status]).toEqual([path, 401]);
      expect([path, (await server().request('GET', path)).status]).toEqual([path, 403]);
      expect([path, (await server().request('GET', path, { as: 'admin' })).status]).toEqual([path, 200]);
    }
    const { sites } = (await server().request('GET', '/health/sites', { as: 'admin' })).json;
    expect(sites[0]).toMatchObject({ name: 'sim', capacity: { hosts: { up: 12, total: 12 } } });
    const check = await server().request('GET', '/health/sites/sim/check', { as: 'admin' });
    expect(check.json).toEqual({ site: 'sim', type: 'simulator', findings: [] });
    const inventory = await server().request('GET', '/health/sites/sim/inventory', { as: 'admin' });
    expect(inventory.json).toMatchObject({ site: 'sim', networks: [{ name: 'public', shared: true }] });
    expect(inventory.json.hosts).toHaveLength(12);
    for (const what of ['check', 'inventory'])
      expect((await server().request('GET', `/health/sites/nowhere/${what}`, { as: 'admin' })).status).toBe(404);
  });

  it('counts requests without naming anyone', async () => {
    await server().request('GET', '/nowhere');
    const { text } = await server().request('GET', '/metrics', { as: 'admin' });
    expect(text).toMatch(/vep_http_requests_total\{method="GET",class="4xx"\} [1-9]/);
    expect(text).toMatch(/process_cpu_seconds_total/);
    expect(text).not.toMatch(/local:|"user"|strangers/);
  });
});

describe('rates', () => {
  const server = serverFor({ config: { limits: { requestsPerSecond: 2 } } });
  it('slows down one principal and nobody else', async () => {
    const burst = (): Promise<Reply[]> => Promise.all(Array.from({ length: 25 }, () => server().request('GET', '/-/')));
    const began = performance.now();
    const granted = (await burst()).filter(({ status }) => status === 200).length;
    // The rate is averaged over ten seconds, of which a machine on which much else runs may need several for them.
    const periods = Math.ceil((performance.now() - began) / 10_000);
    expect([granted >= 20, granted <= 20 * periods]).toEqual([true, true]);
    let refused: Reply | undefined;
    await until(async () => (refused = (await burst()).find(({ status }) => status === 429)) !== undefined);
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await server().request('GET', '/-/', { as: 'stranger' })).status).toBe(200);
  });
});

describe('processes', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server.close());

  it('refuses a second server on the same file, and keeps the first', async () => {
    await expect(start({ config: server.config, log: silentLog })).rejects.toMatchObject({ kind: 'conflict' });
    expect((await server.request('GET', '/-/')).status).toBe(200);
  });

  it('refuses a port that is taken, naming the key', async () => {
    const port = Number(new URL(server.url).port);
    const other = startTestServer({ config: { server: { port } } });
    await expect(other).rejects.toMatchObject({
      kind: 'conflict',
      faults: [expect.objectContaining({ place: { path: 'server.port' } })],
    });
  });

  it('writes its secrets for its own user alone', () => {
    for (const file of ['admin.token', 'user.token', 'secret.key', 'endpoint.json'])
      expect([file, statSync(join(server.directory, file)).mode & 0o777]).toEqual([file, 0o600]);
  });

  it('lets open requests end, then stops, and loses nothing it said yes to', async () => {
    const made = Array.from({ length: 10 }, () =>
      server
        .request('POST', '/compute/', { headers: { category: kindOf('compute'), 'content-type': 'text/occi' } })
        .then(
          (reply) => (reply.status === 201 ? new URL(reply.headers.location ?? '').pathname : undefined),
          () => undefined,
        ),
    );
    await made[0];
    await server.restart();
    expect(existsSync(join(server.directory, 'endpoint.json'))).toBe(true);
    for (const path of await Promise.all(made)) if (path) expect((await server.request('GET', path)).status).toBe(200);
  });
});
