/** What goes to OpenStack and what comes from it, each in a row of a table: pages, versions, sizes, quotas, marks, states. */

import { gunzipSync } from 'node:zlib';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, ResourceClass, SiteAdapter } from '../../src/iaas/adapter.js';
import { userDataOf } from '../../src/iaas/adapters/openstack/guest.js';
import { digestOf, readRef, tokenTag, uniqueName, writeRef } from '../../src/iaas/adapters/openstack/marks.js';
import type { Json } from '../support/fake-openstack/answers.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import type { Flavor, Server } from '../support/fake-openstack/world.js';
import { listed, machine, OpenStackBench, rest, volumeOf, type Seen } from './openstack-bench.js';
import { ADMINISTRATOR } from './openstack-harness.js';
import { qcow2 } from './simulator-harness.js';

const bench = OpenStackBench.forEachTest();
let fake: FakeOpenStack;
beforeEach(() => void (fake = bench.fake));

const GIB = 2 ** 30;
const network = (site: SiteAdapter, id = newUuid()): Promise<string> => site.createNetwork({ id, name: 'net' }, id);
const bytes = qcow2(2 ** 20);
const image = (id = newUuid()): Parameters<SiteAdapter['importImage']>[0] => ({
  ...{ id, name: 'image', format: 'qcow2', sizeBytes: bytes.length },
  open: () => Promise.resolve(only(bytes)),
});

async function* only(piece: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(piece);
}

function serverOf(ref: string): Server {
  const tag = tokenTag(readRef(ref)?.key ?? '');
  return [...fake.world.servers.values()].find(({ tags }) => tags.includes(tag)) as Server;
}

/** Members of the request that makes a thing. */
const wished = (seen: readonly Seen[], path: RegExp): Json => {
  const request = seen.find((each) => each.method === 'POST' && path.test(each.path));
  return JSON.parse(request?.body.toString() ?? '{}');
};

/** Those members that are spoken of, also where they are absent. */
const among = (found: Json, expected: Json): Json =>
  Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]]));

describe('lists', () => {
  const make: Readonly<Record<string, (site: SiteAdapter) => Promise<string>>> = {
    compute: (site) => bench.running(site),
    network,
    storage: volumeOf,
    image: (site) => site.importImage(image(), newUuid()),
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

describe('images', () => {
  it.each([
    ['with other bytes', (body: Json) => Object.assign(body, { os_hash_value: 'ab'.repeat(64) })],
    ['with fewer bytes', (body: Json) => Object.assign(body, { size: 1 })],
  ])('that arrive %s are not kept', async (_what, spoil) => {
    const site = await bench.site();
    const answer = fake.answer.bind(fake);
    fake.answer = (service, request) => {
      const answered = answer(service, request);
      if (request.method === 'PUT') for (const { body } of fake.world.images.values()) spoil(body);
      return answered;
    };
    await expect(site.importImage(image(), newUuid())).rejects.toMatchObject({
      class: 'transient',
      message: 'the image has not arrived at Glance as it was sent',
    });
    expect(fake.world.images.size).toBe(0);
  });

  it('that another process brings in with the same token are waited for', async () => {
    const site = await bench.site();
    const id = newUuid();
    const name = uniqueName('vep', digestOf('vep', id));
    // Its upload has begun.
    const theirs = { name, vep_id: id, status: 'saving', size: null, owner: fake.project.id, id: newUuid() };
    fake.world.images.set(theirs.id, { id: theirs.id, project: fake.project.id, body: theirs });
    bench.before('GET', new RegExp(`/images/${theirs.id}$`), () =>
      Object.assign(theirs, { status: 'active', size: bytes.length }),
    );
    const ref = await site.importImage(image(id), id);
    expect(await rest(site, 'image', ref)).toMatchObject({ state: 'active', id });
    expect(fake.world.images.size).toBe(1);
  });

  it.each(['brought in', 'saved'])(
    'that were %s are used in the projects that need them, again and again',
    async (how) => {
      const site = await bench.site({ tenants: { others: 'create' } });
      const brought = await site.importImage(image(), newUuid());
      let ref = brought;
      if (how === 'saved') {
        const saved = await bench.running(site, { image: brought });
        ref = await site.saveCompute(saved, 'golden', undefined, newUuid());
        await rest(site, 'image', ref);
      }
      const owner = { user: 'alice', group: 'biomed' };
      const seen = bench.watch();
      for (let count = 0; count < 2; count++) {
        const vm = await bench.running(site, { image: ref, owner });
        expect(await rest(site, 'compute', vm)).toMatchObject({ state: 'active' });
        expect(readRef(vm)?.project).not.toBe(fake.project.id);
      }
      const asked = seen.filter(({ path }) => path.endsWith('/members'));
      expect(asked.map(({ body }) => JSON.parse(body.toString()))).toEqual(
        [1, 2].map(() => ({ member: [...fake.world.servers.values()].at(-1)?.project })),
      );
    },
  );
});

describe('snapshots of a volume', () => {
  it('that are asked for again at once are the same one, and later another', async () => {
    let later = 0;
    const clock: Clock = { now: () => Date.now() + later, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
    const site = await bench.site({}, clock);
    const [ref, other] = [await volumeOf(site), await volumeOf(site)];
    for (let count = 0; count < 2; count++) await site.actStorage(ref, 'snapshot');
    expect(fake.world.snapshots.size).toBe(1);
    await site.actStorage(other, 'snapshot');
    expect(fake.world.snapshots.size).toBe(2);
    // Past the time in which it is the same, on the slowest of machines too.
    later = 3_600_000;
    await site.actStorage(ref, 'snapshot');
    expect(fake.world.snapshots.size).toBe(3);
    for (const each of [ref, other]) await site.delete('storage', each);
    await rest(site, 'storage', ref);
    await rest(site, 'storage', other);
    expect(fake.contents()).toEqual({});
  });

  it('of somebody else are none of VEP’s, and keep the volume', async () => {
    const site = await bench.site();
    const ref = await volumeOf(site);
    const [volume = ''] = [...fake.world.volumes.keys()];
    const theirs = {
      id: newUuid(),
      volume_id: volume,
      name: 'theirs',
      created_at: new Date().toISOString().slice(0, -1),
    };
    fake.world.snapshots.set(theirs.id, { id: theirs.id, project: fake.project.id, body: theirs });
    await site.actStorage(ref, 'snapshot');
    expect(fake.world.snapshots.size).toBe(2);
    await expect(site.delete('storage', ref)).rejects.toMatchObject({ class: 'conflict' });
  });
});

describe('networks', () => {
  it.each<[string, JsonObject, object, Json]>([
    ['name servers for guests', { nameservers: ['9.9.9.9'] }, {}, { dns_nameservers: ['9.9.9.9'] }],
    ['no name servers where none are named', {}, {}, { dns_nameservers: undefined }],
    ['no gateway where they lead nowhere', {}, {}, { gateway_ip: null }],
    ['the gateway that is asked for', {}, { cidr: '10.1.0.0/24', gateway: '10.1.0.9' }, { gateway_ip: '10.1.0.9' }],
    ['a range of the pool', { pool: '10.9.0.0/16', prefix: 28 }, {}, { cidr: '10.9.0.0/28', ip_version: 4 }],
    ['six for IPv6', {}, { cidr: 'fd00::/64', gateway: 'fd00::1' }, { ip_version: 6, cidr: 'fd00::/64' }],
  ])('have %s', async (_what, networks, more, expected) => {
    const site = await bench.site({ networks });
    const [id, seen] = [newUuid(), bench.watch()];
    await site.createNetwork({ id, name: 'net', ...more }, id);
    expect(among(wished(seen, /\/subnets$/).subnet, expected)).toEqual(expected);
  });

  it('have ranges that no other has, as long as the pool lasts', async () => {
    const site = await bench.site({ networks: { pool: '10.9.0.0/27', prefix: 28 } });
    const ids = [newUuid(), newUuid()];
    for (const id of ids) await network(site, id);
    expect([...fake.world.subnets.values()].map(({ body }) => body.cidr)).toEqual(['10.9.0.0/28', '10.9.0.16/28']);
    await expect(network(site)).rejects.toMatchObject({ class: 'capacity' });
    expect(fake.world.networks.size).toBe(2);
  });
});

describe('addresses that outsiders reach', () => {
  it.each([
    ['the one that is asked for', { cidr: '203.0.113.77/32' }, '203.0.113.77/32'],
    ['any', {}, '203.0.113.2/32'],
  ])('are %s, of the network that is named', async (_what, more, cidr) => {
    const site = await bench.site({ networks: { ...fake.leadOut() } });
    const [id, seen] = [newUuid(), bench.watch()];
    const ref = await site.createNetwork({ id, name: 'ip', reservation: true, ...more }, id);
    expect(await rest(site, 'network', ref)).toMatchObject({ id, cidr, state: 'active' });
    expect(wished(seen, /\/floatingips$/).floatingip).toMatchObject({
      floating_network_id: [...fake.world.networks.values()].find(({ body }) => body.name === 'public')?.id,
    });
    await expect(site.actNetwork(ref, 'down')).rejects.toMatchObject({ class: 'unsupported' });
    await site.delete('network', ref);
    expect(fake.world.floatingIps.size).toBe(0);
  });

  it('of others are left alone, and a second of one token is given back', async () => {
    const { external, router } = fake.leadOut();
    const site = await bench.site({ networks: { external, router } });
    const id = newUuid();
    const theirs = { id: newUuid(), description: '', project_id: fake.project.id, floating_ip_address: '203.0.113.9' };
    fake.world.floatingIps.set(theirs.id, { id: theirs.id, project: fake.project.id, body: theirs });
    bench.before('POST', /\/floatingips$/, () => {
      // Another process has one of the same token already, which is older.
      const description = `vep id=${id} realm=vep key=${digestOf('vep', id)}; unnamed`;
      const first = { ...theirs, id: newUuid(), description, created_at: '2020-01-01T00:00:00Z' };
      fake.world.floatingIps.set(first.id, {
        id: first.id,
        project: fake.project.id,
        body: { ...first, floating_ip_address: '203.0.113.10' },
      });
    });
    const ref = await site.createNetwork({ id, name: 'ip', reservation: true }, id);
    expect(await rest(site, 'network', ref)).toMatchObject({ cidr: '203.0.113.10/32' });
    expect(fake.world.floatingIps.size).toBe(2);
    expect((await listed(site, 'network')).map((each) => each.ref)).toEqual([ref]);
    await site.delete('network', ref);
    expect([...fake.world.floatingIps.keys()]).toEqual([theirs.id]);
  });

  it('come from a network that is there', async () => {
    const { router } = fake.leadOut();
    const site = await bench.site({ networks: { external: 'elsewhere', router } });
    const id = newUuid();
    const asked = site.createNetwork({ id, name: 'ip', reservation: true }, id);
    await expect(asked).rejects.toMatchObject({ class: 'fatal', message: expect.stringContaining('elsewhere') });
    expect(await site.check()).toEqual([expect.objectContaining({ code: 'openstack.networks' })]);
  });

  it('are joined with the first port of a machine', async () => {
    const site = await bench.site({ networks: { ...fake.leadOut() } });
    const nics = [];
    for (let count = 0; count < 2; count++) nics.push({ id: newUuid(), network: await network(site) });
    const compute = await bench.running(site, { nics });
    const [first] = [...fake.world.ports.values()].filter(({ body }) => body.device_owner === 'compute:nova');
    // Neutron tells of ports in no order.
    Object.assign(first?.body ?? {}, { created_at: '2020-01-01T00:00:00Z' });
    const [id, link] = [newUuid(), newUuid()];
    const address = await site.createNetwork({ id, name: 'ip', reservation: true }, id);
    await site.attachNic({ id: link, compute, network: address }, link);
    expect([...fake.world.floatingIps.values()].map(({ body }) => body.port_id)).toEqual([first?.id]);
  });
});
