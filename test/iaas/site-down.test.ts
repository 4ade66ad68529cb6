/** Several sites, one of which does not answer: it is shown as down, what is on it as it was last seen, and nothing waits on it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UNOBSERVED } from '../../extensions/infrastructure/unobserved.js';
import { FakeOcci } from '../support/fake-occi.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { startTestServer, type JsonBody, type Reply, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { descriptor } from '../integration/appliance-wire.js';
import { envelope, item, system } from '../ovf/plan-support.js';
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
    { as: 'admin', headers: { accept: 'application/json' } },
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
  await server.wait(path, ({ json }) => json.attributes['occi.compute.state'] === 'active');
  expect((await server.request('DELETE', path)).status).toBe(200);
});

describe('a site that goes away, with something on it', () => {
  let fake: FakeOcci;
  let proxy: FaultyProxy;
  let vep: TestServer;
  let home: string;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'vep-away-'));
    fake = await FakeOcci.start();
    proxy = await FaultyProxy.open(fake.url);
    writeFileSync(join(home, 'password'), FakeOcci.PASSWORD);
    const credentials = { kind: 'basic', user: FakeOcci.USER, password: { file: join(home, 'password') } };
    const patience = { pollMs: 5, settleMs: 1000 };
    const options = { endpoint: proxy.url, credentials, capacity: CAPACITY, template: FakeOcci.TEMPLATE, patience };
    const sites = [
      { name: 'away', type: 'occi', options },
      { name: 'sim', type: 'simulator', options: { timeFactor: 1000 } },
    ];
    vep = await startTestServer({ config: { sites: sites as never, engine: { reconcileMs: 1000 } } });
  });

  afterAll(async () => {
    await vep.close();
    await proxy.close();
    await fake.close();
    rmSync(home, { recursive: true });
  });

  const made = async (): Promise<string> => {
    const body = JSON.stringify({ kind: COMPUTE, title: 'far' });
    const path = new URL(String((await vep.request('POST', '/compute/', { headers: TYPED, body })).headers.location))
      .pathname;
    const id = path.slice(9);
    const rows = `SELECT site_ref FROM entity WHERE id = '${id}' AND site_ref IS NOT NULL`;
    const work = `SELECT id FROM operation WHERE entity = '${id}' AND finished_at IS NULL`;
    await until(async () => (await vep.rows(rows)).length === 1 && (await vep.rows(work)).length === 0);
    return path;
  };
  const marked = ({ json }: Reply): boolean => (json.mixins ?? []).includes(UNOBSERVED);
  const left = (path: string): Promise<Record<string, unknown>[]> =>
    vep.rows(`SELECT id FROM entity WHERE id = '${path.slice(9)}'`);

  it('shows when it was last seen, keeps its state, and lets go of it when the site is back', async () => {
    const path = await made();
    const before = (await vep.request('GET', path, { headers: TYPED })).json;
    await proxy.refuse();
    const shown = (await vep.wait(path, marked, { headers: TYPED })).json;
    expect(shown.attributes['occi.compute.state']).toBe(before.attributes['occi.compute.state']);
    expect(Date.parse(shown.attributes['eu.contrail-project.observed.at'])).toBeLessThanOrEqual(Date.now());
    const all = await vep.request('GET', '/mixin/unobserved/', { headers: { accept: 'text/uri-list' } });
    expect(all.text).toContain(path);

    // Deleted at once for everyone (K11), and kept until the site has let go of it.
    expect((await vep.request('DELETE', path)).status).toBe(200);
    expect((await vep.request('GET', path)).status).toBe(404);
    expect(await left(path)).toHaveLength(1);
    await proxy.restore();
    await until(async () => (await left(path)).length === 0);
  });

  it('is told of in a dry run: as a warning where it is named, and where it was left out of a refusal', async () => {
    const path = await made();
    await proxy.refuse();
    await vep.wait('/health/sites', ({ json }) => json.sites[0].up === false, {
      as: 'admin',
      headers: { accept: 'application/json' },
    });
    const rehearse = async (cores: number, ...site: string[]): Promise<JsonBody> => {
      const named = site.map((name) => `eu.contrail-project.ovf.site="${name}"`);
      const headers = { 'content-type': 'application/ovf+xml', 'X-OCCI-Attribute': named };
      const items = item({ id: 'cpu', type: 3, quantity: cores }) + item({ id: 'mem', type: 4, quantity: 1024 });
      const body = envelope(system('m1', { bare: true, items }));
      return (await vep.request('POST', '/appliance/?dry-run', { headers, body })).json;
    };
    const down = expect.objectContaining({
      code: 'site.down',
      severity: 'warning',
      message: expect.stringMatching(/^site away is down since 20\d\d-.*Z; /),
      place: { field: 'away' },
      remedy: expect.any(String),
    });
    const named = await rehearse(1, 'away');
    expect(named).toMatchObject({ deployable: true, site: 'away', unmet: [] });
    expect(named.findings).toContainEqual(down);
    expect(named.sites).toEqual([
      expect.objectContaining({ name: 'away', fits: true, warnings: [down] }),
      expect.objectContaining({ name: 'sim', warnings: [] }),
    ]);
    const elsewhere = await rehearse(1);
    expect(elsewhere).toMatchObject({ deployable: true, site: 'sim' });
    expect(elsewhere.findings).not.toContainEqual(down);
    const refused = await rehearse(17);
    expect(refused.deployable).toBe(false);
    expect(refused.unmet.map(({ code }: { code: string }) => code)).toEqual(['placement.too-large', 'site.down']);
    expect(refused.unmet).toContainEqual(down);
    await proxy.restore();
    expect((await vep.request('DELETE', path)).status).toBe(200);
    await until(async () => (await left(path)).length === 0);
  });

  it('takes the mark away from what is still there when it is back', async () => {
    const path = await made();
    await proxy.refuse();
    await vep.wait(path, marked, { headers: TYPED });
    await proxy.restore();
    const back = (await vep.wait(path, (reply) => !marked(reply), { headers: TYPED })).json;
    expect(back.attributes).not.toHaveProperty('eu.contrail-project.observed.at');
    expect((await vep.request('DELETE', path)).status).toBe(200);
    await until(async () => (await left(path)).length === 0);
  });

  it('has it forgotten by an administrator alone, who is on record', async () => {
    const path = await made();
    const forget = (as: 'user' | 'admin'): Promise<Reply> =>
      vep.request('POST', `/health/entities/${path.slice(9)}/forget`, { as, headers: { accept: 'application/json' } });
    expect((await forget('admin')).json.faults[0].code).toBe('entity.not-leaving');
    await proxy.refuse();
    await vep.wait(path, marked, { headers: TYPED });
    await vep.request('DELETE', path);
    expect((await forget('user')).status).toBe(403);
    expect(await left(path)).toHaveLength(1);
    expect((await forget('admin')).json).toMatchObject({ sites: ['away'], entities: [path.slice(9)] });
    await until(async () => (await left(path)).length === 0);
    expect(await vep.rows("SELECT entity, reason FROM audit_entry WHERE verb = 'forget'")).toEqual([
      { entity: path.slice(9), reason: 'site-down' },
    ]);
    await proxy.restore();
  });

  it('has what was being made there forgotten too, when it can neither be made nor undone', async () => {
    await proxy.refuse();
    const machine = JSON.stringify({ kind: COMPUTE, title: 'never' });
    const single = new URL(
      String((await vep.request('POST', '/compute/', { headers: TYPED, body: machine })).headers.location),
    );
    const ovf = { 'content-type': 'application/ovf+xml', 'X-OCCI-Attribute': 'eu.contrail-project.ovf.site="away"' };
    const sent = await vep.request('POST', '/appliance/', { headers: ovf, body: descriptor({ machines: ['m1'] }) });
    const paths = [single.pathname, new URL(String(sent.headers.location)).pathname];
    const idIn = (path: string): string => path.split('/').at(-1) ?? '';
    for (const id of paths.map(idIn)) {
      const begun = `SELECT id FROM operation WHERE (entity = '${id}' OR appliance = '${id}') AND attempts > 0`;
      await until(async () => (await vep.rows(begun)).length > 0);
    }
    await vep.wait('/health/sites', ({ json }) => json.sites[0].up === false, {
      as: 'admin',
      headers: { accept: 'application/json' },
    });
    for (const path of paths) {
      const rest = `SELECT id FROM entity WHERE id = '${idIn(path)}' OR appliance = '${idIn(path)}'`;
      expect((await vep.request('DELETE', path)).status).toBe(200);
      expect(await vep.rows(rest)).not.toEqual([]);
      const url = `/health/entities/${idIn(path)}/forget`;
      const { json } = await vep.request('POST', url, { as: 'admin', headers: { accept: 'application/json' } });
      expect(json).toMatchObject({ forgotten: idIn(path), sites: ['away'] });
      await until(async () => (await vep.rows(rest)).length === 0);
    }
    expect(await vep.rows('SELECT type, state FROM operation WHERE finished_at IS NULL')).toEqual([]);
    await proxy.restore();
  });

  it('works on the other site while this one hangs', async () => {
    for (let call = 0; call < 20; call += 1) proxy.next({ kind: 'hang' }, () => true);
    const body = descriptor({ machines: ['m1'] });
    const headers = {
      'content-type': 'application/ovf+xml',
      accept: 'application/occi+json',
      'X-OCCI-Attribute': 'eu.contrail-project.ovf.site="sim"',
    };
    const deployed = await vep.request('POST', '/appliance/', { headers, body });
    const path = new URL(String(deployed.headers.location)).pathname;
    const state = 'eu.contrail-project.appliance.state';
    await vep.wait(path, ({ json }) => json.attributes[state] === 'active', { headers: TYPED });
    expect((await vep.request('DELETE', path)).status).toBe(200);
    proxy.clear();
  });
});
