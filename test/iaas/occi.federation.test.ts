/**
 * A VEP whose site is a VEP: an appliance goes there whole, is mirrored here, acted on and taken back whole; what
 * stands alone goes there as single resources.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/base/package-root.js';
import { secret } from '../support/run.js';
import { startTestServer, type JsonBody, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { Client } from '../conformance/client.js';
import { Wire } from '../infrastructure/wire.js';
import { descriptor, pathOf, send } from '../integration/appliance-wire.js';
import { CAPACITY, TEMPLATE, TEMPLATES } from './occi-harness.js';

const SHOP = join(packageRoot, 'examples/web-shop');
const STATE = 'eu.contrail-project.appliance.state';
const OVF = 'eu.contrail-project.ovf';
const PATIENCE = { timeoutMs: 180_000 };
const JSON_TYPE = { accept: 'application/occi+json' };

let back: TestServer;
let front: TestServer;
let directory: string;

beforeAll(async () => {
  const images = { ...TEMPLATES.images, allow: ['127.0.0.1'] };
  back = await startTestServer({ config: { ...TEMPLATES, images } });
  directory = mkdtempSync(join(tmpdir(), 'vep-front-'));
  writeFileSync(join(directory, 'token'), back.tokens.user);
  front = await startTestServer({
    config: { sites: [partner()] as never, images: { fileRoots: [SHOP], allow: ['127.0.0.1'] } },
  });
});

afterAll(async () => {
  await front.close();
  await back.close();
  rmSync(directory, { recursive: true });
});

function partner(): object {
  const options = {
    endpoint: back.url,
    credentials: { kind: 'bearer', token: { file: join(directory, 'token') } },
    capacity: CAPACITY,
    template: TEMPLATE,
    patience: { pollMs: 20 },
  };
  return { name: 'partner', type: 'occi', options };
}

/** The shop as it lies in the examples, deployed as a user would. */
async function deployShop(): Promise<string> {
  const boundary = 'shop';
  const parts: readonly (readonly [string, string, string])[] = [
    ['ovf', 'web-shop.ovf', 'web-shop.ovf'],
    ['file', 'images/base.qcow2', 'images/base.qcow2'],
  ];
  const inputs = readInputs();
  const body = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="entity"; filename="entity.json"\r\n` +
        `Content-Type: application/occi+json\r\n\r\n${JSON.stringify({ kind: `http://schemas.contrail-project.eu/occi/ovf#appliance`, attributes: { [`${OVF}.inputs`]: inputs } })}\r\n`,
    ),
    ...parts.flatMap(([name, filename, file]) => [
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      readFileSync(join(SHOP, file)),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  const headers = { ...JSON_TYPE, 'content-type': `multipart/form-data; boundary=${boundary}` };
  const made = await front.request('POST', '/appliance/', { headers, body, timeoutMs: 120_000 });
  expect([made.status, made.status === 201 ? '' : made.text]).toEqual([201, '']);
  return new URL(String(made.headers.location)).pathname;
}

function readInputs(): object {
  return { properties: {}, networks: {}, eulas: [], credentials: {} };
}

async function all(server: TestServer, path: string): Promise<JsonBody[]> {
  const { json } = await server.request('GET', path, { headers: JSON_TYPE });
  return [...(json.resources ?? []), ...(json.links ?? [])];
}

const shapes = (entities: readonly JsonBody[]): string[] =>
  entities.map(({ attributes }) => JSON.stringify([attributes[`${OVF}.id`], attributes['occi.compute.state']])).sort();

it('sends files along that lie in a folder of its own, where the partner cannot fetch them', async () => {
  const attributes = { [`${OVF}.url`]: pathToFileURL(join(SHOP, 'web-shop.ovf')).href };
  const body = JSON.stringify({ kind: 'http://schemas.contrail-project.eu/occi/ovf#appliance', attributes });
  const headers = { ...JSON_TYPE, 'content-type': 'application/occi+json' };
  const made = await front.request('POST', '/appliance/', { headers, body });
  expect([made.status, made.status === 201 ? '' : made.text]).toEqual([201, '']);
  const path = new URL(String(made.headers.location)).pathname;
  const active = await front.wait(path, ({ json }) => json.attributes[STATE] !== 'inactive', PATIENCE);
  expect([active.json.attributes[STATE], active.json.attributes[`${STATE}.message`]]).toEqual(['active', undefined]);
  const blobs = await back.rows('SELECT images FROM appliance');
  expect(JSON.stringify(blobs)).toMatch(/sha256/);
  expect(JSON.stringify(blobs)).not.toContain('file:');
  expect(readdirSync(join(back.config.data.directory, 'uploads'))).toEqual([]);
  expect((await front.request('DELETE', path)).status).toBe(200);
  await gone(front);
  await gone(back);
});

it('hands presigned URLs over whole, and neither shows nor stores them in clear', async () => {
  const signature = secret('5f0c6a1e9b7d4c23', 'signature of a presigned URL');
  const bucket = http.createServer((request, response) => {
    const open = request.url === `/disk.img?X-Amz-Signature=${signature}`;
    response.writeHead(open ? 200 : 403).end(open ? readFileSync(join(SHOP, 'images/base.qcow2')) : '');
  });
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve));
  const { port } = bucket.address() as AddressInfo;
  try {
    const image = `http://127.0.0.1:${port}/disk.img?X-Amz-Signature=${signature}`;
    const app = pathOf(await send(new Client(front, '1.2'), descriptor({ machines: ['m1'], image })));
    const active = await front.wait(app, ({ json }) => json.attributes[STATE] !== 'inactive', PATIENCE);
    expect([active.json.attributes[STATE], active.json.attributes[`${STATE}.message`]]).toEqual(['active', undefined]);
    for (const server of [front, back]) {
      const rows = await server.rows('SELECT descriptor, plan, images FROM appliance');
      expect(rows).toHaveLength(1);
      expect(JSON.stringify(rows)).toContain(`http://127.0.0.1:${port}/disk.img"`.replaceAll('"', '\\"'));
      expect(JSON.stringify(rows)).not.toContain(signature);
    }
    await front.request('DELETE', app);
    await gone(front);
    await gone(back);
  } finally {
    bucket.close();
  }
});

it('hands the shop over whole, mirrors it, stops, starts and scales it, and takes it back', async () => {
  const shop = await deployShop();
  const active = await front.wait(shop, ({ json }) => json.attributes[STATE] !== 'inactive', PATIENCE);
  expect([active.json.attributes[STATE], active.json.attributes[`${STATE}.message`]]).toEqual(['active', undefined]);

  const [there] = await all(back, '/appliance/');
  expect(await all(back, '/appliance/')).toHaveLength(1);
  expect(there.attributes[STATE]).toBe('active');
  // Everything of it is here as it is there, in the same state and under the same addresses.
  for (const path of ['/compute/', '/network/', '/storage/']) {
    expect(shapes(await all(front, path))).toEqual(shapes(await all(back, path)));
  }
  const addresses = (entities: readonly JsonBody[]): string[] =>
    entities.map(({ attributes }) => String(attributes['occi.networkinterface.address'])).sort();
  expect(addresses(await all(front, '/networkinterface/'))).toEqual(addresses(await all(back, '/networkinterface/')));

  const act = async (term: string, attributes: object = {}): Promise<void> => {
    const body = JSON.stringify({
      action: `http://schemas.contrail-project.eu/occi/ovf/appliance/action#${term}`,
      attributes,
    });
    const headers = { ...JSON_TYPE, 'content-type': 'application/occi+json' };
    const answer = await front.request('POST', `${shop}?action=${term}`, { headers, body });
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
  };
  const settled = (state: string): Promise<unknown> =>
    front.wait(
      shop,
      ({ json }) => json.attributes[STATE] === state && json.attributes[`${STATE}.message`] === undefined,
      PATIENCE,
    );
  await act('stop');
  await settled('inactive');
  expect((await all(back, '/compute/')).map(({ attributes }) => attributes['occi.compute.state'])).toEqual(
    (await all(back, '/compute/')).map(() => 'inactive'),
  );
  expect(shapes(await all(front, '/compute/'))).toEqual(shapes(await all(back, '/compute/')));
  await act('start');
  await settled('active');

  // Scaled there, and mirrored with what came and what went.
  for (const [count, machines] of [
    [3, 5],
    [1, 3],
  ]) {
    await act('scale', { role: 'web1', count });
    await settled('active');
    await back.wait('/compute/', ({ json }) => (json.resources ?? []).length === machines, PATIENCE);
    await front.wait('/compute/', ({ json }) => (json.resources ?? []).length === machines, PATIENCE);
    expect(shapes(await all(front, '/compute/'))).toEqual(shapes(await all(back, '/compute/')));
    expect(shapes(await all(front, '/storage/'))).toEqual(shapes(await all(back, '/storage/')));
  }

  await act('undeploy');
  await front.wait(shop, ({ json }) => json.attributes['eu.contrail-project.appliance.deployed'] === false, PATIENCE);
  expect(await all(back, '/appliance/')).toEqual([]);
  await act('start');
  await settled('active');
  expect(await all(back, '/appliance/')).toHaveLength(1);

  expect((await front.request('DELETE', shop)).status).toBe(200);
  await back.wait('/compute/', ({ json }) => (json.resources ?? []).length === 0, PATIENCE);
  await gone(front);
  await gone(back);
});

async function gone(server: TestServer): Promise<void> {
  const entities = "SELECT id, kind FROM entity WHERE kind NOT LIKE '%template%'";
  const work = 'SELECT type, state, step, message, findings FROM operation WHERE finished_at IS NULL';
  await until(
    async () => (await server.rows(entities)).length === 0,
    async () => `left behind: ${JSON.stringify([await server.rows(entities), await server.rows(work)])}`,
  );
}

it('guards a machine of what was handed over by a group of the front, and lends it an address that outsiders reach', async () => {
  const wire = new Wire(() => front);
  const there = new Wire(() => back);
  const S = 'http://schemas.ogf.org/occi/infrastructure#';
  const client = new Client(front, '1.2');
  const app = pathOf(await send(client, descriptor({ machines: ['m1'] })));
  await front.wait(app, ({ json }) => json.attributes[STATE] === 'active', PATIENCE);
  const [machine] = await all(front, '/compute/');
  const source = { location: `/compute/${String(machine.id).replace('urn:uuid:', '')}` };

  const rules = [{ type: 'outbound', protocol: 'tcp', port: '443', range: '0.0.0.0/0', ipversion: 'ipv4' }];
  const attributes = { 'occi.securitygroup.rules': rules };
  const group = await wire.make('/securitygroup/', { kind: `${S}securitygroup`, attributes });
  const guard = { kind: `${S}securitygrouplink`, source, target: { location: group } };
  const guarding = await wire.make('/securitygrouplink/', guard);
  await front.wait(guarding, ({ json }) => json.attributes['occi.securitygrouplink.state'] === 'active', PATIENCE);
  expect(await all(back, '/securitygrouplink/')).toHaveLength(1);

  const reservation = await wire.make('/ipreservation/', { kind: `${S}ipreservation` });
  await front.wait(reservation, ({ json }) => json.attributes['occi.ipreservation.state'] === 'active', PATIENCE);
  const [reserved] = await all(back, '/ipreservation/');
  const address = String(reserved.attributes['occi.ipreservation.address']);
  expect((await wire.show(reservation)).attributes['occi.ipreservation.address']).toBe(address);
  const plug = { kind: `${S}networkinterface`, source, target: { location: reservation } };
  const lent = await wire.make('/networkinterface/', plug);
  await front.wait(lent, ({ json }) => json.attributes['occi.networkinterface.address'] === address, PATIENCE);
  expect((await there.show(`/ipreservation/${String(reserved.id).replace('urn:uuid:', '')}`)).attributes).toMatchObject(
    {
      'occi.ipreservation.used': true,
    },
  );

  await wire.remove(lent, reservation, guarding, group, app);
  await gone(front);
  await gone(back);
});

it('saves a machine there as a template of its own, which others are made from', async () => {
  const wire = new Wire(() => front);
  const S = 'http://schemas.ogf.org/occi/infrastructure';
  const active = async (path: string): Promise<void> => {
    await wire.act(path, `${S}/compute/action#start`);
    await front.wait(path, ({ json }) => json.attributes['occi.compute.state'] === 'active', PATIENCE);
  };
  const first = await wire.make('/compute/', { kind: `${S}#compute`, title: 'first' });
  await front.wait(first, ({ json }) => json.attributes['occi.compute.state.message'] === undefined, PATIENCE);
  await active(first);
  const action = `${S}/compute/action#save`;
  const saved = await wire.send('POST', `${first}?action=save`, {
    action,
    attributes: { name: 'golden', method: 'hot' },
  });
  const [template] = saved.json.mixins as { scheme: string; term: string }[];
  const mixins = [`${template?.scheme}${template?.term}`];
  const second = await wire.make('/compute/', { kind: `${S}#compute`, mixins, title: 'second' });
  await active(second);
  const [there] = (await all(back, '/compute/')).filter(({ title }) => title === 'second');
  expect(there.mixins).toContainEqual(expect.stringContaining('/os_tpl#golden'));
  await wire.remove(first, second);
  await gone(front);
  await gone(back);
});

it('makes a machine that stands alone as a single resource', async () => {
  const headers = { ...JSON_TYPE, 'content-type': 'application/occi+json' };
  const kind = 'http://schemas.ogf.org/occi/infrastructure#compute';
  const made = await front.request('POST', '/compute/', { headers, body: JSON.stringify({ kind, title: 'alone' }) });
  const path = new URL(String(made.headers.location)).pathname;
  await front.wait('/compute/', () => true);
  const there = await back.wait('/compute/', ({ json }) => (json.resources ?? []).length === 1, PATIENCE);
  expect(there.json.resources[0].title).toBe('alone');
  expect((await front.request('DELETE', path)).status).toBe(200);
  await gone(front);
  await gone(back);
});
