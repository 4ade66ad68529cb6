/** What goes to OpenStack and what comes from it of machines, each in a row of a table: pages, versions, sizes, quotas, states. */

import { gunzipSync } from 'node:zlib';
import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, ResourceClass, SiteAdapter } from '../../src/iaas/adapter.js';
import { userDataOf } from '../../src/iaas/adapters/openstack/guest.js';
import { readRef, tokenTag, writeRef } from '../../src/iaas/adapters/openstack/marks.js';
import type { Json } from '../support/fake-openstack/answers.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import type { Flavor, Server } from '../support/fake-openstack/world.js';
import {
  among,
  imageSpec,
  listed,
  machine,
  networkOf,
  OpenStackBench,
  rest,
  volumeOf,
  wished,
  type Seen,
} from './openstack-bench.js';
import { ADMINISTRATOR } from './openstack-harness.js';

const bench = OpenStackBench.forEachTest();
let fake: FakeOpenStack;
beforeEach(() => void (fake = bench.fake));

const GIB = 2 ** 30;
function serverOf(ref: string): Server {
  const tag = tokenTag(readRef(ref)?.key ?? '');
  return [...fake.world.servers.values()].find(({ tags }) => tags.includes(tag)) as Server;
}

describe('lists', () => {
  const make: Readonly<Record<string, (site: SiteAdapter) => Promise<string>>> = {
    compute: (site) => bench.running(site),
    network: networkOf,
    storage: volumeOf,
    image: (site) => site.importImage(imageSpec(), newUuid()),
  };

  // Also where the last page is a full one, and an empty one follows.
  it.each(Object.keys(make).flatMap((what) => [2, 3].map((most) => [what as ResourceClass, most] as const)))(
    'of %s are read to their end, by %i on a page',
    async (what, most) => {
      const site = await bench.site();
      const made: string[] = [];
      for (let count = 0; count < 6; count++) made.push((await make[what]?.(site)) ?? '');
      fake.world.most = most;
      const refs = (await listed(site, what)).map(({ ref }) => ref);
      expect(refs.sort()).toEqual(made.sort());
    },
  );

  it.each([
    ['compute', /\/servers\/detail$/, 'servers'],
    ['network', /\/networks$/, 'networks'],
    ['image', /\/images$/, 'images'],
  ] as const)('of %s that change while they are read are asked for again', async (what, path, kind) => {
    const site = await bench.site();
    for (let count = 0; count < 3; count++) await make[what]?.(site);
    fake.world.most = 2;
    const answer = fake.answer.bind(fake);
    fake.answer = (service, request) => {
      const marker = path.test(request.path) ? request.query.get('marker') : null;
      if (marker !== null) fake.world[kind].delete(marker);
      return answer(service, request);
    };
    await expect(listed(site, what)).rejects.toMatchObject({ class: 'transient' });
  });
});

describe('every request', () => {
  it('names the microversion that VEP was written for', async () => {
    const site = await bench.site(ADMINISTRATOR);
    const seen = bench.watch();
    const ref = await bench.running(site, { hostname: 'web.example.org' });
    await site.actCompute(ref, 'stop', undefined);
    await volumeOf(site);
    await site.inventory();
    const version = ({ headers }: Seen): string => headers['openstack-api-version'] ?? '';
    const of = (service: string): Seen[] =>
      seen.filter((each) => each.service === service && /\d\/./.test(each.path) === (service !== 'placement'));
    const usual = of('compute').filter(({ method, path }) => !(method === 'POST' && path.endsWith('/servers')));
    expect(new Set(usual.map(version))).toEqual(new Set(['compute 2.79']));
    expect(new Set(of('volume').map(version))).toEqual(new Set(['volume 3.59']));
    expect(new Set(of('placement').map(version))).toEqual(new Set(['placement 1.36']));
  });
});

describe('the request for a server', () => {
  it.each<[string, Partial<ComputeSpec>, JsonObject, Json]>([
    ['names a host', { hostname: 'web-1.example.org' }, {}, { hostname: 'web-1' }],
    ['names none of one letter', { hostname: 'w' }, {}, { hostname: undefined }],
    ['has a config drive', {}, {}, { config_drive: true }],
    ['has none where none is wanted', {}, { machines: { configDrive: false } }, { config_drive: undefined }],
    ['names its appliance', { application: 'urn:a 1' }, {}, { metadata: { vep_app: 'b64=dXJuOmEgMQ==' } }],
    ['names who owns it', { owner: { user: 'alice', group: 'biomed' } }, {}, { metadata: { vep_principal: 'alice' } }],
    ['names a zone', { host: 'nova' }, {}, { availability_zone: 'nova', host: undefined }],
    ['names a host', { host: 'fake2' }, ADMINISTRATOR, { availability_zone: undefined, host: 'fake2' }],
  ])('%s: %j', async (_what, spec, options, expected) => {
    const site = await bench.site(options);
    const seen = bench.watch();
    await bench.running(site, spec);
    expect(among(wished(seen, /\/servers$/).server, expected)).toMatchObject(expected);
  });

  it('names no host where Nova takes no name', async () => {
    fake.world.novaMinor = 89;
    const seen = bench.watch();
    await bench.running(await bench.site(), { hostname: 'web-1' });
    expect(wished(seen, /\/servers$/).server.hostname).toBeUndefined();
    expect(fake.world.servers.size).toBe(1);
  });

  it.each([
    ['zone', { zone: 'dark' }, {}],
    ['host', { host: 'fake9' }, ADMINISTRATOR],
  ] as const)('that names a %s which is not to be had finds no room', async (_what, place, options) => {
    fake.world.zones.set('dark', false);
    const [host = ''] = Object.values<string>(place);
    const site = await bench.site(options);
    await expect(bench.running(site, { host })).rejects.toMatchObject({ class: 'capacity' });
  });
});

describe('user data', () => {
  const spec = (userData: string): ComputeSpec => machine({ userData });
  const noise = (length: number): string =>
    Array.from({ length }, (_, index) => String.fromCharCode(0x21 + ((index * index * 7919 + index * 31) % 90))).join(
      '',
    );

  it('go as they are where they fit, and compressed where they do not', () => {
    const plain = Buffer.from(userDataOf(spec('#!/bin/sh\n')) ?? '', 'base64').toString();
    expect(plain).toContain('#!/bin/sh\n');
    const long = userDataOf(spec(`#!/bin/sh\n${'x'.repeat(60_000)}`)) ?? '';
    expect(long.length).toBeLessThan(65_536);
    expect(gunzipSync(Buffer.from(long, 'base64')).toString()).toContain('x'.repeat(60_000));
  });

  it.each([49_000, 49_151])('of %i bytes fit Nova’s limit as they are or compressed', (length) => {
    expect((userDataOf(spec('y'.repeat(length))) ?? '').length).toBeLessThanOrEqual(65_535);
  });

  it('are refused where they are too long all the same, or no text', () => {
    const random = Array.from({ length: 40_000 }, () => newUuid()).join(noise(10));
    expect(() => userDataOf(spec(random))).toThrow(expect.objectContaining({ class: 'invalid' }));
    expect(() => userDataOf(spec('half \ud800'))).toThrow(expect.objectContaining({ class: 'invalid' }));
  });

  it('are none where there is nothing to tell', () => expect(userDataOf(machine())).toBeUndefined());
});

describe('flavors', () => {
  const flavor = (name: string): Flavor =>
    [...fake.world.flavors.values()].find((each) => each.name === name) as Flavor;

  it.each<[string, JsonObject, () => void, string]>([
    ['the smallest', {}, () => undefined, 'm1.tiny'],
    ['none that is disabled', {}, () => (flavor('m1.tiny').disabled = true), 'm1.small'],
    ['one of those that may be used', { flavors: { names: ['m1.medium'] } }, () => undefined, 'm1.medium'],
    [
      'one that somebody else was faster to make',
      ADMINISTRATOR,
      () => bench.before('POST', /\/flavors$/, faster),
      'vep-1x300-1',
    ],
  ])('are chosen: %s', async (_what, options, prepare, name) => {
    const site = await bench.site(options);
    prepare();
    const memoryBytes = options === ADMINISTRATOR ? 300 * 2 ** 20 : 512 * 2 ** 20;
    const id = fake.foreignImage();
    (fake.world.images.get(id) as { body: Json }).body.min_disk = 1;
    const ref = await bench.running(site, { memoryBytes, image: writeRef(fake.project.id, id) });
    expect(serverOf(ref).flavor.name).toBe(name);
    expect(await rest(site, 'compute', ref)).toMatchObject({ memoryBytes });
  });

  function faster(): void {
    fake.world.addFlavor('vep-1x300-1', 1, 300, 1);
  }

  it.each([
    ['disk', { min_disk: 15 }, 'm1.small'],
    ['disk, by its size', { virtual_size: 15 * GIB }, 'm1.small'],
    ['memory', { min_ram: 3000 }, 'm1.medium'],
  ])('have the %s that the image wants', async (_what, more, name) => {
    const id = fake.foreignImage();
    Object.assign((fake.world.images.get(id) as { body: Json }).body, more);
    const ref = await bench.running(await bench.site(), { image: writeRef(fake.project.id, id) });
    expect(serverOf(ref).flavor.name).toBe(name);
  });

  it('have the memory that the image wants of which the boot disk was made, and the disk has its size', async () => {
    const site = await bench.site();
    const id = fake.foreignImage();
    Object.assign((fake.world.images.get(id) as { body: Json }).body, { min_ram: 3000, min_disk: 5 });
    const disk = newUuid();
    const spec = { id: disk, name: 'root', sizeBytes: GIB, image: writeRef(fake.project.id, id) };
    const storage = await site.createStorage(spec, disk);
    expect(await rest(site, 'storage', storage)).toMatchObject({ sizeBytes: 5 * GIB });
    const vm = machine({ volumes: [{ id: newUuid(), storage }] });
    const ref = await site.createCompute(vm, vm.id);
    expect(serverOf(ref).flavor.name).toBe('m1.medium');
    expect(await rest(site, 'compute', ref)).toMatchObject({ memoryBytes: vm.memoryBytes });
  });

  it('with a smaller disk are none for a machine that has a larger one', async () => {
    fake.world.addFlavor('narrow', 2, 4096, 1);
    const site = await bench.site({ flavors: { names: ['m1.small', 'm1.medium', 'narrow'] } });
    const ref = await bench.running(site, { memoryBytes: 600 * 2 ** 20 });
    await site.actCompute(ref, 'stop', undefined);
    await rest(site, 'compute', ref);
    await site.resizeCompute(ref, { cores: 2, memoryBytes: 4 * GIB });
    await rest(site, 'compute', ref);
    expect(serverOf(ref).flavor.name).toBe('m1.medium');
  });
});

describe('quotas of -1', () => {
  it.each(['instances', 'cores', 'ram', 'gigabytes'] as const)('are none: %s', async (name) => {
    const site = await bench.site();
    fake.project.quota = { ...fake.project.quota, [name]: -1 };
    // More than any number that could stand for no limit.
    const [flavor] = fake.world.flavors.values();
    if (flavor) Object.assign(flavor, { vcpus: 1, ram: 2_000_000 });
    if (name === 'ram') await bench.running(site, { memoryBytes: 2_000_000 * 2 ** 20 }).catch(() => undefined);
    expect(await site.check()).toEqual([]);
    const { hosts, storageFreeBytes } = await site.inventory();
    if (name === 'cores') expect(hosts[0]?.freeCores).toBeGreaterThan(1_000_000);
    if (name === 'ram') expect(hosts[0]?.freeMemoryBytes).toBeGreaterThan(2 ** 50);
    if (name === 'gigabytes') expect(storageFreeBytes).toBe(Number.MAX_SAFE_INTEGER);
    await volumeOf(site);
  });
});

describe('availability zones', () => {
  it('are hosts with what is left of the quota, in their countries', async () => {
    fake.world.zones.set('dc2', true).set('dark', false);
    const site = await bench.site({ hosts: { country: 'DE', zones: { dc2: 'FR' } } });
    await bench.running(site, { host: 'dc2' });
    expect([...fake.world.servers.values()].map(({ zone }) => zone)).toEqual(['dc2']);
    const { hosts, quotaIsShared } = await site.inventory();
    const { cores } = fake.project.quota;
    expect(hosts.map(({ name, zone, country, up, freeCores }) => [name, zone, country, up, freeCores])).toEqual([
      ['nova', 'nova', 'DE', true, cores - 1],
      ['dc2', 'dc2', 'FR', true, cores - 1],
      ['dark', 'dark', 'DE', false, cores - 1],
    ]);
    expect(quotaIsShared).toBe(true);
  });
});

describe('hypervisors', () => {
  it('have the room that Placement still gives out', async () => {
    const site = await bench.site(ADMINISTRATOR);
    await bench.running(site, { host: 'fake2', cores: 2 });
    const { hosts, quotaIsShared } = await site.inventory();
    expect(
      hosts.map(({ name, cores, freeCores, freeMemoryBytes }) => [name, cores, freeCores, freeMemoryBytes]),
    ).toEqual([
      ['fake1', 160, 160, 11_520 * 2 ** 20],
      ['fake2', 160, 158, (11_520 - 512) * 2 ** 20],
    ]);
    expect(quotaIsShared).toBeUndefined();
  });
});

describe('neighbours that the scheduler ignores', () => {
  it.each([
    ['apartFrom', 'apart from', 'fake1'],
    ['togetherWith', 'together with', 'fake2'],
  ] as const)('%s: the machine is in error, and says why', async (rule, words, host) => {
    const site = await bench.site();
    const first = machine({ image: writeRef(fake.project.id, fake.foreignImage()) });
    await rest(site, 'compute', await site.createCompute(first, first.id));
    const ref = await bench.running(site, { [rule]: [first.id] });
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'active' });
    serverOf(ref).host = host;
    const message = expect.stringMatching(new RegExp(`not kept it ${words} another machine.*HostFilter`));
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'error', message });
    // A neighbour that has gone keeps nobody away.
    fake.world.servers.delete([...fake.world.servers.keys()][0] ?? '');
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'active' });
  });
});

describe('a status', () => {
  it.each([
    ['ACTIVE', null, 'active', false],
    ['PASSWORD', null, 'active', true],
    ['RESCUE', null, 'inactive', false],
    ['SHELVED_OFFLOADED', null, 'inactive', false],
    ['PAUSED', null, 'suspended', false],
    ['UNKNOWN', null, 'error', false],
    ['FROM_THE_FUTURE', null, 'error', false],
    ['FROM_THE_FUTURE', 'moving-on', 'error', true],
    ['ACTIVE', 'a-new-task', 'active', true],
    ['MIGRATING', 'migrating', 'active', true],
  ])('of a server, %s with the task %s, is %s', async (status, task, state, busy) => {
    const site = await bench.site();
    const ref = await bench.running(site);
    const { moments } = serverOf(ref);
    moments.splice(0, moments.length, { at: 0, status, vm: 'active', task, power: 1 });
    const seen = (await site.describe('compute', [ref])).get(ref);
    expect(seen).toMatchObject({ state, busy });
    if (state === 'error') expect(seen?.message).toBe(`Nova says: ${status}`);
  });

  it.each(['DELETED', 'SOFT_DELETED'])('of a server, %s, is that of one that is gone', async (status) => {
    const site = await bench.site();
    const ref = await bench.running(site);
    const { moments } = serverOf(ref);
    moments.splice(0, moments.length, { at: 0, status, vm: 'deleted', task: null, power: 0 });
    expect((await site.describe('compute', [ref])).size).toBe(0);
    expect(await listed(site, 'compute')).toEqual([]);
  });

  it.each([
    ['available', 'online', false],
    ['maintenance', 'offline', false],
    ['retyping', 'online', true],
    ['backing-up', 'backup', true],
    ['extending', 'resize', true],
    ['error', 'error', false],
    ['error_deleting', 'error', false],
    ['from-the-future', 'error', false],
  ])('of a volume, %s, is %s', async (status, state, busy) => {
    const site = await bench.site();
    const ref = await volumeOf(site);
    for (const { body } of fake.world.volumes.values()) body.status = status;
    const seen = (await site.describe('storage', [ref])).get(ref);
    expect(seen).toMatchObject({ state, busy });
    if (state === 'error') expect(seen?.message).toBe(`Cinder says: ${status}`);
  });
});
