/**
 * An appliance over two sites of which one is a VEP: what goes there goes as an OVF of its own, with images, properties and
 * secrets; it lives, scales and goes as one appliance; and what goes wrong there leaves nothing behind.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import type { JsonObject } from '../../src/base/json.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { siteBeside } from '../infrastructure/site-beside.js';
import { APPLIANCE, MESSAGE, OVF, STATE, actOn, pathOf } from '../integration/appliance-wire.js';
import { twoPartShop } from '../integration/two-part-shop.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { secret } from '../support/run.js';
import { startTestServer, type JsonBody, type Reply, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { CAPACITY } from './occi-harness.js';

const GIB = 2 ** 30;
const IMAGE = 'images/base.qcow2';
const PATIENT = { headers: { accept: JSON_TYPE }, timeoutMs: 180_000 };
const PASSWORD = secret('opensesame-shop', 'a password of an appliance');
const SHOP = twoPartShop({ image: IMAGE, password: true });
const FRONT_THERE = { front: 'partner', back: 'home' };

let back: TestServer;
let proxy: FaultyProxy;
let front: TestServer;
let directory: string;

beforeAll(async () => {
  back = await startTestServer();
  proxy = await FaultyProxy.open(back.url);
  directory = mkdtempSync(join(tmpdir(), 'vep-split-'));
  writeFileSync(join(directory, 'token'), back.tokens.user);
  const hosts = [{ name: 'h1', rack: 'r1', zone: 'z1', country: 'DE', cores: 7, memoryBytes: 64 * GIB }];
  const partner = {
    endpoint: proxy.url,
    credentials: { kind: 'bearer', token: { file: join(directory, 'token') } },
    capacity: { ...CAPACITY, cores: 7 },
    templateless: true,
    patience: { pollMs: 20 },
  };
  front = await startTestServer({
    config: {
      sites: [
        { name: 'home', type: 'simulator', connects: ['public', 'backend'], options: { timeFactor: 1000, hosts } },
        { name: 'partner', type: 'occi', connects: ['public', 'backend'], options: partner },
      ] as never,
    },
  });
});

const beyond = siteBeside(() => back);

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

const itemsAt = async (server: TestServer, path: string): Promise<string[]> =>
  (await all(server, path)).map(({ attributes, title }) => String(attributes[`${OVF}.id`] ?? title)).sort();

const statesAt = async (server: TestServer): Promise<string[]> =>
  (await all(server, '/compute/'))
    .map(({ attributes }) => `${attributes[`${OVF}.id`]} ${attributes['occi.compute.state']}`)
    .sort();

/** Sends the shop with its image; the machines of `front` are to be at the partner. */
async function send(query = '', agreement?: object): Promise<Reply> {
  return sendPackage(SHOP, { properties: { secret: PASSWORD }, sites: FRONT_THERE }, query, agreement);
}

async function sendPackage(ovf: string, inputs: JsonObject, query = '', agreement?: object): Promise<Reply> {
  const entity: JsonObject = { kind: APPLIANCE, attributes: { [`${OVF}.inputs`]: inputs } };
  const form = new FormData();
  form.append('entity', new Blob([JSON.stringify(entity)], { type: JSON_TYPE }), 'entity.json');
  const sla = 'application/vnd.vep.sla+json';
  if (agreement) form.append('sla', new Blob([JSON.stringify(agreement)], { type: sla }), 'sla.json');
  form.append('ovf', new Blob([ovf], { type: 'application/ovf+xml' }), 'shop.ovf');
  form.append('file', new Blob([readFileSync(join(packageRoot, 'examples/web-shop', IMAGE))]), IMAGE);
  const encoded = new Response(form);
  const body = new Uint8Array(await encoded.arrayBuffer());
  const headers = { accept: JSON_TYPE, 'content-type': encoded.headers.get('content-type') ?? '' };
  return front.request('POST', `/appliance/${query}`, { headers, body, timeoutMs: 120_000 });
}

/** Everything that was asked of the front is done. */
async function settled(path: string, state: string): Promise<void> {
  const open = 'SELECT type, state, message FROM operation WHERE finished_at IS NULL';
  await until(
    async () => (await front.rows(open)).length === 0,
    async () => `still at work: ${JSON.stringify(await front.rows(open))}`,
  );
  const { attributes } = (await front.request('GET', path, PATIENT)).json;
  expect([attributes[STATE], attributes[MESSAGE]]).toEqual([state, undefined]);
}

/** Nothing is left in the store of either but agreements that have ended, and no work has given up. */
async function nothingIsLeft(): Promise<void> {
  const entities = "SELECT id, kind, phase FROM entity WHERE kind NOT LIKE '%/sla#%'";
  const work = 'SELECT type, state, step, message, findings FROM operation WHERE finished_at IS NULL';
  for (const server of [front, back]) {
    await until(
      async () => (await server.rows(entities)).length === 0,
      async () => `left behind: ${JSON.stringify([await server.rows(entities), await server.rows(work)])}`,
    );
    expect(await server.rows("SELECT type, findings FROM operation WHERE state = 'dead'")).toEqual([]);
  }
  await roomIsBack();
}

/** The front has seen that what was let go of is free at the partner: within a quarter of a second or so. */
async function roomIsBack(): Promise<void> {
  await until(
    async () => (await send('?dry-run')).json.placement?.length === 2,
    () => 'the partner still seems to be full',
  );
}

it('goes in parts, with images, and lives as one', async () => {
  expect((await send('?dry-run')).json.placement).toEqual([
    { site: 'home', machines: ['db', 'log'] },
    { site: 'partner', machines: ['web', 'cache'] },
  ]);
  const path = pathOf(await send());
  await settled(path, 'active');
  expect(await statesAt(back)).toEqual(['cache active', 'web active']);
  expect(await statesAt(front)).toEqual(['cache active', 'db active', 'log active', 'web active']);
  // One appliance there, on networks that belong to none.
  expect(await all(back, '/appliance/')).toHaveLength(1);
  expect(await itemsAt(back, '/network/')).toEqual(['front-net', 'public']);
  expect(await itemsAt(back, '/storage/')).toEqual(['cache-disk', 'web-disk']);
  const addresses = async (server: TestServer): Promise<unknown[]> =>
    (await all(server, '/networkinterface/')).map(({ attributes }) => attributes['occi.networkinterface.address']);
  expect(await addresses(front)).toEqual(expect.arrayContaining(await addresses(back)));
  // Guests there are told what they would be told here.
  for (const { site_ref } of await back.rows("SELECT site_ref FROM entity WHERE kind LIKE '%#compute'")) {
    const told = (await beyond().guestOf(String(site_ref)))?.ovfEnvironment ?? '';
    expect(told).toContain(`oe:value="${PASSWORD}"`);
    expect(told).toContain('oe:value="hello"');
  }

  // What comes by scaling goes as an OVF of its own, and goes alone.
  for (const [count, names, appliances] of [
    [2, ['cache active', 'web active', 'web-2 active'], 2],
    [1, ['cache active', 'web active'], 1],
  ] as const) {
    expect((await actOn(client(), path, 'scale', { role: 'web', count })).status).toBe(200);
    await settled(path, 'active');
    expect(await statesAt(back)).toEqual(names);
    expect(await all(back, '/appliance/')).toHaveLength(appliances);
  }

  for (const [term, to] of [
    ['stop', 'inactive'],
    ['start', 'active'],
    ['suspend', 'suspended'],
    ['start', 'active'],
  ] as const) {
    expect((await actOn(client(), path, term)).status).toBe(200);
    await settled(path, to);
    expect(await statesAt(back)).toEqual([`cache ${to}`, `web ${to}`]);
  }
  expect((await actOn(client(), path, 'undeploy')).status).toBe(200);
  await settled(path, 'inactive');
  for (const kind of ['/appliance/', '/compute/', '/network/', '/storage/']) expect(await all(back, kind)).toEqual([]);
  await front.wait('/compute/', ({ json }) => (json.resources ?? []).length === 0, PATIENT);
  await roomIsBack();
  expect((await actOn(client(), path, 'start')).status).toBe(200);
  await settled(path, 'active');
  expect(await statesAt(back)).toEqual(['cache active', 'web active']);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft();
});

const arrival = ({ method, path }: { method: string; path: string }): boolean =>
  method === 'POST' && path.endsWith('/appliance/');

it('is undone on both sites where the partner refuses its part, in the words of the partner', async () => {
  const body = JSON.stringify({ faults: [{ code: 'signature.missing', message: 'only signed packages are taken' }] });
  proxy.next({ kind: 'answer', status: 422, headers: { 'content-type': 'application/json' }, body }, arrival);
  const path = pathOf(await send());
  const failed = await front.wait(path, ({ json }) => json.attributes[STATE] === 'error', PATIENT);
  expect(failed.json.attributes[MESSAGE]).toContain('only signed packages are taken');
  expect(await all(front, '/compute/')).toEqual([]);
  for (const kind of ['/appliance/', '/compute/', '/network/']) expect(await all(back, kind)).toEqual([]);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft();
});

it('is made once where the answer is lost, and gone when it is deleted before it is there', async () => {
  proxy.next({ kind: 'lose-answer' }, arrival);
  const path = pathOf(await send());
  await settled(path, 'active');
  expect(await all(back, '/appliance/')).toHaveLength(1);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft();

  proxy.next({ kind: 'lose-answer' }, arrival);
  const early = pathOf(await send());
  await proxy.strikes();
  expect((await front.request('DELETE', early)).status).toBe(200);
  await nothingIsLeft();
});

it('goes there as its agreement has settled it', async () => {
  const path = pathOf(
    await send('', {
      apiVersion: 'vep.sla/v1',
      kind: 'Agreement',
      id: '0b2f31df-07a6-4b10-a791-eca721240db9',
      parties: { customer: { id: 'user' }, provider: { id: 'vep' } },
      services: [{ name: 'shop', items: [{ id: 'web', kind: 'VirtualSystem', ref: 'web' }] }],
      terms: [{ id: 'memory', type: 'resource', scope: ['web'], metric: 'vm.memory', op: 'GE', value: 3, unit: 'GiB' }],
    }),
  );
  await settled(path, 'active');
  const memory = (await all(back, '/compute/')).map(({ attributes }) => [
    attributes[`${OVF}.id`],
    attributes['occi.compute.memory'],
  ]);
  expect(memory.sort()).toEqual([
    ['cache', 1],
    ['web', 3],
  ]);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft();
});

it('takes the shop of the examples apart as it lies there', async () => {
  const shop = readFileSync(join(packageRoot, 'examples/web-shop/web-shop.ovf'), 'utf8');
  const path = pathOf(await sendPackage(shop, { sites: { 'web-tier': 'partner', db: 'home' } }));
  await settled(path, 'active');
  expect(await statesAt(back)).toEqual(['web1 active', 'web2 active']);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await nothingIsLeft();
});
