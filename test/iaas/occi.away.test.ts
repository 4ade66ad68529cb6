/**
 * An appliance that was handed over to a VEP which goes away, forgets whose it is, or is never seen again: what is here tells how
 * old it is, nothing is made twice, and nothing stays behind on either side.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UNOBSERVED } from '../../extensions/infrastructure/unobserved.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { MESSAGE, STATE, actOn, descriptor, pathOf, send } from '../integration/appliance-wire.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { startTestServer, type JsonBody, type Reply, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { CAPACITY } from './occi-harness.js';

const PATIENT = { headers: { accept: JSON_TYPE }, timeoutMs: 180_000 };
const AS_ADMIN = { as: 'admin', headers: { accept: 'application/json' } } as const;

let back: TestServer;
let proxy: FaultyProxy;
let front: TestServer;
let directory: string;

beforeAll(async () => {
  back = await startTestServer();
  proxy = await FaultyProxy.open(back.url);
  directory = mkdtempSync(join(tmpdir(), 'vep-away-'));
  writeFileSync(join(directory, 'token'), back.tokens.user);
  const options = {
    endpoint: proxy.url,
    credentials: { kind: 'bearer', token: { file: join(directory, 'token') } },
    capacity: CAPACITY,
    templateless: true,
    patience: { pollMs: 20 },
  };
  front = await startTestServer({ config: { sites: [{ name: 'partner', type: 'occi', options }] as never } });
});

afterAll(async () => {
  await front.close();
  await proxy.close();
  await back.close();
  rmSync(directory, { recursive: true });
});

const client = (): Client => new Client(front, '1.2');

async function all(server: TestServer, path: string): Promise<JsonBody[]> {
  const { json } = await server.request('GET', path, { headers: { accept: JSON_TYPE } });
  return [...(json.resources ?? []), ...(json.links ?? [])];
}

const settled = (path: string, state: string): Promise<Reply> =>
  front.wait(path, ({ json }) => json.attributes[STATE] === state && json.attributes[MESSAGE] === undefined, PATIENT);

async function deployed(): Promise<string> {
  const path = pathOf(await send(client(), descriptor()));
  await settled(path, 'active');
  return path;
}

const isDown = (down: boolean): Promise<Reply> =>
  front.wait('/health/sites', ({ json }) => json.sites[0].up !== down, { ...AS_ADMIN, timeoutMs: 180_000 });

async function nothingIsLeft(server: TestServer): Promise<void> {
  const entities = "SELECT id, kind, phase FROM entity WHERE kind NOT LIKE '%template%'";
  const work = 'SELECT type, state, message, findings FROM operation WHERE finished_at IS NULL';
  await until(
    async () => (await server.rows(entities)).length === 0,
    async () => `left behind: ${JSON.stringify([await server.rows(entities), await server.rows(work)])}`,
  );
  expect(await server.rows("SELECT type, findings FROM operation WHERE state = 'dead'")).toEqual([]);
}

const arrival = ({ method, path }: { method: string; path: string }): boolean =>
  method === 'POST' && path.endsWith('/appliance/');

it('shows how old the components are while the partner is silent, and no longer when it is back', async () => {
  const path = await deployed();
  await proxy.refuse();
  const marked = ({ json }: Reply): boolean => (json.mixins ?? []).includes(UNOBSERVED);
  await front.wait(path, marked, PATIENT);
  await front.wait(
    '/mixin/unobserved/',
    ({ text }) => text.split('\n').filter((line) => /\/(compute|network|storage|appliance)\//.test(line)).length === 6,
    { headers: { accept: 'text/uri-list' }, timeoutMs: 180_000 },
  );
  for (const compute of await all(front, '/compute/')) expect(compute.attributes['occi.compute.state']).toBe('active');
  await proxy.restore();
  await front.wait(path, (reply) => !marked(reply), PATIENT);
  await front.wait('/mixin/unobserved/', ({ text }) => text.trim() === '', {
    headers: { accept: 'text/uri-list' },
    timeoutMs: 180_000,
  });
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft(front);
  await nothingIsLeft(back);
});

it('is forgotten while the partner is away, and taken back when that is there again', async () => {
  const path = await deployed();
  await proxy.refuse();
  await isDown(true);
  expect((await front.request('DELETE', path)).status).toBe(200);
  const id = path.slice(path.lastIndexOf('/') + 1);
  const forgotten = await front.request('POST', `/health/entities/${id}/forget`, AS_ADMIN);
  expect([forgotten.status, forgotten.json.sites]).toEqual([200, ['partner']]);
  await nothingIsLeft(front);
  expect(await all(back, '/appliance/')).toHaveLength(1);
  await proxy.restore();
  await nothingIsLeft(back);
});

it('is deployed anew after it was undeployed and forgotten, and the old one goes', async () => {
  const path = await deployed();
  await proxy.refuse();
  await isDown(true);
  expect((await actOn(client(), path, 'undeploy')).status).toBe(200);
  const id = path.slice(path.lastIndexOf('/') + 1);
  expect((await front.request('POST', `/health/entities/${id}/forget`, AS_ADMIN)).status).toBe(200);
  await settled(path, 'inactive');
  const [old] = (await all(back, '/appliance/')).map((appliance) => String(appliance.id));
  await proxy.restore();
  await back.wait('/appliance/', ({ json }) => (json.resources ?? []).length === 0, PATIENT);
  expect((await actOn(client(), path, 'start')).status).toBe(200);
  await settled(path, 'active');
  expect((await all(back, '/appliance/')).map((appliance) => appliance.id)).not.toContain(old);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft(front);
  await nothingIsLeft(back);
});

it('is made once, or gone, though the front starts again while the partner is away', async () => {
  for (const end of ['active', 'gone']) {
    proxy.next({ kind: 'lose-answer' }, arrival);
    const path = pathOf(await send(client(), descriptor()));
    await proxy.strikes();
    await proxy.refuse();
    await front.restart();
    await isDown(true);
    if (end === 'gone') expect((await front.request('DELETE', path)).status).toBe(200);
    await proxy.restore();
    if (end === 'active') {
      await settled(path, 'active');
      expect(await all(back, '/appliance/')).toHaveLength(1);
      expect((await front.request('DELETE', path)).status).toBe(200);
    }
    await nothingIsLeft(front);
    await nothingIsLeft(back);
  }
});

it('keeps its name here whatever it is called there, and is left alone there once its mark is gone', async () => {
  const path = await deployed();
  const [there] = await all(back, '/appliance/');
  const at = `/appliance/${String(there.id).replace('urn:uuid:', '')}`;
  const change = (body: object): Promise<Reply> =>
    back.request('POST', at, {
      headers: { accept: JSON_TYPE, 'content-type': JSON_TYPE },
      body: JSON.stringify({ attributes: {}, ...body }),
    });
  const { title } = (await front.request('GET', path, PATIENT)).json;
  expect((await change({ title: 'renamed' })).status).toBe(200);
  expect((await actOn(client(), path, 'stop')).status).toBe(200);
  expect((await settled(path, 'inactive')).json.title).toBe(title);

  // Whose it is nobody can tell any more: it is not taken away, and tried again until somebody can.
  expect((await change({ summary: 'mine' })).status).toBe(200);
  expect((await front.request('DELETE', path)).status).toBe(200);
  const tried =
    "SELECT message FROM operation WHERE type = 'appliance.take-back' AND attempts > 0 AND finished_at IS NULL";
  await until(async () => (await front.rows(tried)).length > 0);
  expect(JSON.stringify(await front.rows(tried))).toContain('not one that VEP has handed over');
  expect(await all(back, '/compute/')).toHaveLength(2);
  expect((await change({ summary: there.summary })).status).toBe(200);
  await nothingIsLeft(front);
  await nothingIsLeft(back);
});
