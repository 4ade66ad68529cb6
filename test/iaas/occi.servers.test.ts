/** What servers of the field do otherwise (`spec/occi.md` §14), each with a server that does only that. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, SiteAdapter } from '../../src/iaas/adapter.js';
import { openOcci } from './occi-harness.js';

const S = 'http://schemas.ogf.org/occi/infrastructure#';
const GIB = 2 ** 30;
const JSON_TYPE = 'application/occi+json';
const SPEC: ComputeSpec = { id: 'm', name: 'm', cores: 1, memoryBytes: 1.5 * GIB, image: 'debian' };

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or lines of text. */
  readonly body?: unknown;
}

type Asked = Pick<http.IncomingMessage, 'method' | 'url' | 'headers'> & { readonly body: string };

const template = (term: string, of: string, attributes: object = {}): object => ({
  term,
  scheme: `http://server.example.org/${of}#`,
  depends: [`${S}${of}`],
  attributes,
});
const sized = (term: string, cores: number, memory: number, more: object = {}): object =>
  template(term, 'resource_tpl', {
    'occi.compute.cores': { default: cores },
    'occi.compute.memory': { default: memory },
    ...more,
  });
const kinds = ['compute', 'network', 'storage', 'networkinterface', 'storagelink'].map((term) => ({
  term,
  scheme: S,
  location: `/${term}/`,
}));
const DEBIAN = template('debian', 'os_tpl');

let directory: string;
let server: http.Server;
let model: { mixins: object[] };
let say: (asked: Asked) => Reply;
let site: SiteAdapter;
const asked: Asked[] = [];

beforeEach(async () => {
  asked.length = 0;
  model = { mixins: [DEBIAN] };
  directory = mkdtempSync(join(tmpdir(), 'vep-occi-servers-'));
  writeFileSync(join(directory, 'token'), 'keystone-token\n');
  server = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body: Buffer.concat(pieces).toString('utf8') };
      asked.push(one);
      const { status = 200, headers: more, body } = url === '/-/' ? { body: { kinds, ...model } } : say(one);
      const type = typeof body === 'string' ? 'text/plain' : JSON_TYPE;
      response.writeHead(status, { 'content-type': type, ...more });
      response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  await site.close();
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

async function open(options: JsonObject = {}): Promise<void> {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  site = await openOcci(
    { endpoint, templateless: false, patience: { pollMs: 1, settleMs: 5000 }, ...options },
    directory,
  );
}

const machine = (attributes: object): object => ({ kind: `${S}compute`, id: '1', mixins: [], attributes });
const nothing = { body: {} };
const created = (): JsonObject[] =>
  asked.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as JsonObject);

describe('resource templates', () => {
  /** As rOCCI-server 2: one template of each sort, whose attributes are left as they are. */
  const strict = ({ method, body }: Asked): Reply => {
    if (method !== 'POST') return nothing;
    const { mixins, attributes } = JSON.parse(body) as { mixins: string[]; attributes: object };
    const size = mixins.filter((each) => each.includes('/resource_tpl#'));
    const set = Object.keys(attributes).filter((name) => /cores|memory|architecture/.test(name));
    if (size.length === 1 && set.length === 0) return { status: 201, body: ['http://h/compute/1'] };
    return { status: 409, body: { status: 'conflict', error: 'Submitted entity is not compliant' } };
  };
  const x64 = { 'occi.compute.architecture': { default: 'x64' } };

  it.each([
    ['the smallest that fits', SPEC, 'medium'],
    ['one of its architecture', { ...SPEC, architecture: 'x86' as const }, 'old'],
    ['a larger one for more cores', { ...SPEC, cores: 3 }, 'large'],
  ])('size a machine: %s', async (_what, spec, term) => {
    say = strict;
    model.mixins = [
      DEBIAN,
      sized('large', 4, 8, x64),
      sized('small', 1, 1, x64),
      sized('old', 2, 4, { 'occi.compute.architecture': { default: 'x86' } }),
      sized('medium', 2, 2, x64),
    ];
    await open();
    expect(await site.createCompute(spec, 'm')).toBe('/compute/1');
    expect(created()[0]?.['mixins']).toEqual([
      'http://server.example.org/os_tpl#debian',
      `http://server.example.org/resource_tpl#${term}`,
    ]);
  });

  it('that are all too small are no capacity', async () => {
    say = strict;
    model.mixins = [DEBIAN, sized('small', 1, 1)];
    await open();
    await expect(site.createCompute(SPEC, 'm')).rejects.toMatchObject({ class: 'capacity' });
    expect(created()).toEqual([]);
  });

  it('of the profile are known by their names', async () => {
    const scheme = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#';
    model.mixins = [
      DEBIAN,
      ...['large', 'small', 'mem_small'].map((term) => ({ term, scheme, depends: [`${S}resource_tpl`] })),
    ];
    say = ({ method }) => (method === 'POST' ? { status: 201, body: ['http://h/compute/1'] } : nothing);
    await open();
    await site.createCompute(SPEC, 'm');
    expect(created()[0]).toMatchObject({ mixins: ['http://server.example.org/os_tpl#debian', `${scheme}mem_small`] });
  });

  it('whose sizes nobody tells are said to an administrator, and machines made of cores and memory', async () => {
    say = ({ method }) => (method === 'POST' ? { status: 201, body: ['http://h/compute/1'] } : nothing);
    model.mixins = [DEBIAN, template('tiny', 'resource_tpl')];
    await open();
    expect((await site.check()).map(({ code }) => code)).toEqual(['occi.sizes']);
    await site.createCompute(SPEC, 'm');
    expect(created()[0]).toMatchObject({ attributes: { 'occi.compute.cores': 1, 'occi.compute.memory': 1.5 } });
  });
});

it('counts memory in MiB where the server does, as ooi', async () => {
  model.mixins = [DEBIAN];
  say = ({ method }) =>
    method === 'POST'
      ? { body: { resources: [machine({})] } }
      : { body: { resources: [machine({ 'occi.compute.cores': 2, 'occi.compute.memory': 2048 })] } };
  await open({ memoryUnit: 'MiB', marks: 'title' });
  expect((await site.inventory()).hosts[0]).toMatchObject({ freeMemoryBytes: 254 * GIB });
  expect(await site.createCompute(SPEC, 'm')).toBe('/compute/1');
  expect(created()[0]).toMatchObject({ attributes: { 'occi.compute.memory': 1536 } });
  model.mixins = [DEBIAN, sized('small', 1, 1024), sized('medium', 1, 2048)];
  await site.inventory();
  await site.createCompute(SPEC, 'other');
  expect(created()[1]?.['mixins']).toContain('http://server.example.org/resource_tpl#medium');
});

describe('a creation answered with a task', () => {
  let looks = 0;
  const tasked =
    (end: Reply): typeof say =>
    ({ method, url }) => {
      if (method === 'POST') return { status: 202, headers: { location: '/tasks/1' } };
      if (url === '/tasks/1') return (looks += 1) > 2 ? end : { status: 202, body: 'still at it' };
      return url === '/compute/1' ? { body: machine({}) } : nothing;
    };
  beforeEach(() => void (looks = 0));

  it('is the machine to which the task leads in the end', async () => {
    say = tasked({ status: 301, headers: { location: '/compute/1' } });
    await open();
    expect(await site.createCompute(SPEC, 'm')).toBe('/compute/1');
    expect(created()).toHaveLength(1);
  });

  it('is not sent again while the task goes on', async () => {
    say = tasked({ status: 202, body: 'still at it' });
    await open({ patience: { pollMs: 1, settleMs: 5 } });
    await expect(site.createCompute(SPEC, 'm')).rejects.toMatchObject({ class: 'transient' });
    looks = 2;
    say = tasked({ status: 301, headers: { location: '/compute/1' } });
    expect(await site.createCompute(SPEC, 'm')).toBe('/compute/1');
    expect(created()).toHaveLength(1);
  });

  it('is asked for less and less often', async () => {
    say = tasked({ status: 202, body: 'still at it' });
    await open({ patience: { pollMs: 1, settleMs: 400 } });
    await expect(site.createCompute(SPEC, 'm')).rejects.toMatchObject({ class: 'transient' });
    // Pauses of 1, 2, 4, 8, 16 and then 20 ms; of 1 ms each there would be hundreds.
    expect(asked.filter(({ url }) => url === '/tasks/1').length).toBeLessThan(30);
  });

  it('has failed where the task has', async () => {
    say = tasked({ status: 403, headers: { 'x-occi-error': 'Quota exceeded for cores' } });
    await open();
    await expect(site.createCompute(SPEC, 'm')).rejects.toMatchObject({ class: 'quota' });
  });

  it('is sent anew once the task is forgotten', async () => {
    say = tasked({ status: 404 });
    await open();
    await expect(site.createCompute(SPEC, 'm')).rejects.toMatchObject({ class: 'transient' });
    await expect(site.createCompute(SPEC, 'm')).rejects.toMatchObject({ class: 'transient' });
    expect(created()).toHaveLength(2);
  });
});

it.each([
  ['is refused, as OCCI has no word for it', {}, 0],
  ['goes to a VEP, which knows of the disk', { 'eu.contrail-project.ovf.appliance': '/appliance/1' }, 1],
])('a volume for reading only %s', async (_what, attributes, links) => {
  const summary = `vep:vep:${'0'.repeat(40)}:m`;
  say = ({ method, url }) => {
    if (method === 'POST') return { status: 201, body: ['http://h/storagelink/1'] };
    return url === '/storagelink/' ? nothing : { body: { ...machine(attributes), summary } };
  };
  await open();
  const plug = { id: 'p', compute: '/compute/1', storage: '/storage/1', readOnly: true };
  await site.attachStorage(plug, 'p').catch((error: unknown) => expect(error).toMatchObject({ class: 'unsupported' }));
  expect(created()).toHaveLength(links);
});

it('sees templates come and go', async () => {
  say = () => nothing;
  await open();
  const images = async (): Promise<string[]> => (await site.inventory()).images.map(({ ref }) => ref);
  expect(await images()).toEqual(['http://server.example.org/os_tpl#debian']);
  model.mixins = [template('ubuntu', 'os_tpl')];
  expect(await images()).toEqual(['http://server.example.org/os_tpl#ubuntu']);
});

it('takes a machine that waits for its cloud for one that is busy, as rOCCI-server says', async () => {
  say = () => ({ body: machine({ 'occi.compute.state': 'waiting' }) });
  await open();
  const found = await site.describe('compute', ['/compute/1']);
  expect(found.get('/compute/1')).toMatchObject({ state: 'inactive', busy: true });
});

it('shows a token of Keystone as servers on OpenStack want it', async () => {
  say = () => nothing;
  await open({ credentials: { kind: 'keystone', token: { file: join(directory, 'token') } } });
  expect(asked.map(({ headers }) => headers['x-auth-token'])).toEqual(['keystone-token']);
});
