/**
 * What happens at a site behind VEP's back: a machine that is stopped, resized or deleted there, a network or volume that is deleted,
 * shows so long before the next visit, because the site says so; and within one visit where it says nothing. What each type of site
 * tells of it is in the behaviour suite of all adapters (`test/support/adapter-suite/drift.ts`). Machines that VEP did not make are never touched.
 */

import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { createSimulator } from '../../src/iaas/adapters/simulator/simulator.js';
import { startTestServer, type TestServer } from '../support/server.js';

const TYPED = { accept: 'application/occi+json', 'content-type': 'application/occi+json' };
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const NETWORK = 'http://schemas.ogf.org/occi/infrastructure#network';
const STATE = 'occi.compute.state';

describe.each([
  ['that tells what happens there', [], 3_600_000],
  ['that tells nothing', ['events'], 1_000],
])('a site %s', (_, lacks, reconcileMs) => {
  const options = { timeFactor: 1000, lacks };
  let server: TestServer;
  let site: Awaited<ReturnType<typeof createSimulator>>;

  beforeAll(async () => {
    server = await startTestServer({ site: { lacks }, config: { engine: { reconcileMs } } });
    // Somebody else's way to the same cloud.
    site = await createSimulator(parseSimulatorConfig(options), {
      site: 'sim',
      clock: systemClock,
      log: silentLog,
      home: { directory: join(server.directory, 'sites') },
    });
  });

  afterAll(async () => {
    await site.close();
    await server.close();
  });

  const running = async (): Promise<{ path: string; ref: string }> => {
    const body = JSON.stringify({ kind: COMPUTE, title: 'ours' });
    const made = await server.request('POST', '/compute/', { headers: TYPED, body });
    const path = new URL(String(made.headers.location)).pathname;
    const action = JSON.stringify({ action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#start' });
    await server.request('POST', `${path}?action=start`, { headers: TYPED, body: action });
    await shows(path, STATE, 'active');
    await server.wait('/events/operations', ({ json }) => json.operations.length === 0);
    return { path, ref: await refOf(path) };
  };
  const rowOf = async (path: string): Promise<Record<string, unknown> | undefined> =>
    (await server.rows(`SELECT site_ref FROM entity WHERE id = '${path.split('/').at(-1)}'`))[0];
  const refOf = async (path: string): Promise<string> => String((await rowOf(path))?.['site_ref']);
  const letGo = async (path: string): Promise<void> => {
    expect((await server.request('DELETE', path)).status).toBe(200);
    while ((await rowOf(path)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const shows = (path: string, attribute: string, value: unknown): Promise<unknown> =>
    server.wait(path, ({ json }) => json.attributes?.[attribute] === value, { headers: TYPED });

  it('shows a machine that was stopped there', async () => {
    const { path, ref } = await running();
    await site.actCompute(ref, 'stop', 'poweroff');
    await shows(path, STATE, 'inactive');
    await site.actCompute(ref, 'start', undefined);
    await shows(path, STATE, 'active');
    expect((await server.request('DELETE', path)).status).toBe(200);
  });

  it('shows a machine that was resized there, until it has its size again', async () => {
    const { path, ref } = await running();
    const [before] = (await site.describe('compute', [ref])).values();
    if (before?.class !== 'compute') throw new Error('there is no machine');
    await site.resizeCompute(ref, { cores: before.cores + 2, memoryBytes: before.memoryBytes });
    const told = (text: unknown): boolean => typeof text === 'string' && text.startsWith('resized outside VEP: ');
    const message = `${STATE}.message`;
    const timing = { headers: TYPED };
    await server.wait(path, ({ json }) => told(json.attributes[message]), timing);
    // What is wanted stays what it was (K10).
    const { attributes } = (await server.request('GET', path, { headers: TYPED })).json;
    expect(attributes['occi.compute.cores'] ?? before.cores).toBe(before.cores);
    await site.resizeCompute(ref, { cores: before.cores, memoryBytes: before.memoryBytes });
    await server.wait(path, ({ json }) => json.attributes[message] === undefined, timing);
    expect((await server.request('DELETE', path)).status).toBe(200);
  });

  it('shows a machine and a network that were renamed there, until they have their names again', async () => {
    const { path, ref } = await running();
    const made = await server.request('POST', '/network/', { headers: TYPED, body: JSON.stringify({ kind: NETWORK }) });
    const network = new URL(String(made.headers.location)).pathname;
    await server.wait('/events/operations', ({ json }) => json.operations.length === 0);
    for (const [what, at, there, was] of [
      ['compute', path, ref, 'ours'],
      ['network', network, await refOf(network), network.slice(9)],
    ] as const) {
      const message = `occi.${what}.state.message`;
      const state = (await server.request('GET', at, { headers: TYPED })).json.attributes[`occi.${what}.state`];
      await site.rename(what, there, 'theirs');
      await shows(at, message, `renamed outside VEP: theirs where it was ${was}`);
      await shows(at, `occi.${what}.state`, state);
      await site.rename(what, there, was);
      await shows(at, message, undefined);
      // One under another name is taken away as well.
      await site.rename(what, there, 'theirs');
      await letGo(at);
      expect((await site.describe(what, [there])).size).toBe(0);
    }
  });

  it('shows a machine that was deleted there, and lets go of it when asked to', async () => {
    const { path, ref } = await running();
    await site.delete('compute', ref);
    await shows(path, STATE, 'error');
    await shows(path, `${STATE}.message`, 'the site no longer has it: it was removed outside VEP');
    await letGo(path);
  });

  it.each([
    ['network', { 'occi.network.vlan': 17 }],
    ['storage', { 'occi.storage.size': 1 }],
  ] as const)('shows a %s that was deleted there, and lets go of it when asked to', async (term, attributes) => {
    const kind = `http://schemas.ogf.org/occi/infrastructure#${term}`;
    const body = JSON.stringify({ kind, attributes });
    const made = await server.request('POST', `/${term}/`, { headers: TYPED, body });
    const path = new URL(String(made.headers.location)).pathname;
    await server.wait('/events/operations', ({ json }) => json.operations.length === 0);
    await site.delete(term, await refOf(path));
    await shows(path, `occi.${term}.state`, 'error');
    await shows(path, `occi.${term}.state.message`, 'the site no longer has it: it was removed outside VEP');
    await letGo(path);
  });

  it('does not touch a machine that somebody else has there', async () => {
    const theirs = await site.createForeign('somebody-else');
    const { path, ref } = await running();
    await site.actCompute(ref, 'stop', 'poweroff');
    await shows(path, STATE, 'inactive');
    expect((await server.request('DELETE', path)).status).toBe(200);
    expect((await site.describe('compute', [theirs])).size).toBe(1);
    expect(await server.rows("SELECT id FROM operation WHERE type = 'infrastructure.orphan'")).toEqual([]);
  });
});
