/** What the behaviour suite does not ask of OpenStack: signing in, what fails late, what is left behind, what others do. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import type { Observed } from '../../src/iaas/adapter.js';
import { BETWEEN_LOOKS_MS } from '../../src/iaas/counters.js';
import { Catalog } from '../../src/iaas/adapters/openstack/catalog.js';
import { described, describing, kept, readRef, unkept, writeRef } from '../../src/iaas/adapters/openstack/marks.js';
import { meaningOf, refusalOf } from '../../src/iaas/adapters/openstack/stack-error.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import { machine, OpenStackBench, rest, volumeOf } from './openstack-bench.js';
import { ADMINISTRATOR, fakeHarness } from './openstack-harness.js';

const bench = OpenStackBench.forEachTest();
let fake: FakeOpenStack;
beforeEach(() => void (fake = bench.fake));

describe('signing in', () => {
  it('asks for one token for many calls, and for another one when a service no longer takes it', async () => {
    const site = await bench.site();
    await Promise.all([site.inventory(), site.inventory(), site.describe('compute', [])]);
    expect(fake.world.grants.size).toBe(1);
    fake.revokeTokens();
    await site.inventory();
    expect(fake.world.grants.size).toBe(1);
  });

  it('renews a token before its end', async () => {
    fake.keystone.tokenSeconds = 59;
    const site = await bench.site();
    await site.inventory();
    const before = fake.world.grants.size;
    await site.inventory();
    expect(fake.world.grants.size).toBeGreaterThan(before);
  });

  it('takes application credentials, and tells wrong ones without quoting them', async () => {
    const { world, user, project } = fake;
    world.credentials.set('cred', { secret: 'app-secret', user, project });
    const secret = join(bench.directory, 'app');
    writeFileSync(secret, 'app-secret');
    const credentials = { method: 'application_credential', id: 'cred', secret: { file: secret } };
    expect(await (await bench.site({ credentials })).check()).toEqual([]);
    writeFileSync(secret, 'wrong-secret');
    const [finding] = await (await bench.site({ credentials })).check();
    expect(finding).toMatchObject({ code: 'openstack.sign-in' });
    expect(JSON.stringify(finding)).not.toContain('wrong-secret');
  });

  it.each([
    ['https://cloud:8774/v2.1', 'compute', 'https://cloud:8774/v2.1'],
    ['https://cloud:9292', 'image', 'https://cloud:9292/v2'],
    ['https://cloud:9696/', 'network', 'https://cloud:9696/v2.0'],
    ['https://cloud/network/v2.0', 'network', 'https://cloud/network/v2.0'],
    ['https://cloud/volume/v3/p', 'block-store', 'https://cloud/volume/v3/p'],
  ])('finds %s in the catalog', (url, type, expected) => {
    const endpoints = [
      { interface: 'internal', region: 'one', url: 'https://inside' },
      { interface: 'public', region: 'two', url: 'https://elsewhere' },
      { interface: 'public', region: 'one', url },
    ];
    const catalog = new Catalog([{ type, endpoints }]);
    const service = type === 'block-store' ? 'volume' : (type as 'compute');
    expect(catalog.url(service, 'p', { endpoints: {}, region: 'one', interface: 'public' })).toBe(expected);
    expect(catalog.url(service, 'p', { endpoints: {}, region: 'three', interface: 'public' })).toBeUndefined();
  });
});

describe('what refusals mean', () => {
  it.each([
    [403, 'forbidden Quota exceeded for cores, ram: Requested 64', 'quota'],
    [403, "forbidden Policy doesn't allow os_compute_api:os-hypervisors:list-detail to be performed.", 'denied'],
    [403, "forbidden Policy doesn't allow os_compute_api:os-quota-sets:update to be performed.", 'denied'],
    [
      413,
      "overLimit VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota 'volumes'.",
      'quota',
    ],
    [413, 'overLimit This request was rate-limited.', 'transient'],
    [409, "OverQuota Quota exceeded for resources: ['floatingip'].", 'quota'],
    [409, 'NetworkInUse Unable to complete operation', 'conflict'],
    [409, 'IpAddressGenerationFailure No more IP addresses available on network n.', 'capacity'],
    [400, 'badRequest Invalid volume: Volume status must be available or error', 'conflict'],
    [400, 'badRequest Can not find requested image', 'not-found'],
    [400, 'badRequest Instance group 0ca87e1c-0000-475d-b317-d3210aca508a could not be found.', 'transient'],
    [404, 'ExternalGatewayForFloatingIPNotFound External network is not reachable from subnet', 'conflict'],
    [404, 'NetworkNotFound Network could not be found.', 'not-found'],
    [500, 'No valid host was found. There are not enough hosts available.', 'capacity'],
    [500, 'Unexpected API Error.', 'transient'],
    [400, 'InvalidIpForNetwork IP address 10.9.0.1 is not a valid IP', 'invalid'],
    [429, 'overLimit slow down', 'transient'],
    [503, '', 'transient'],
  ])('%i %s', (status, said, meaning) => expect(meaningOf(status, said)).toBe(meaning));

  it.each([
    ['7', 'slow down (again in 7 s)'],
    // Of Cinder, with a quota: it means nothing.
    ['0', 'slow down'],
  ])('say when to come again: %s', (wait, said) => {
    const body = '{"overLimit": {"code": 429, "message": "slow down"}}';
    expect(refusalOf('compute', 429, body, { 'retry-after': wait }).said).toBe(said);
  });

  it('are read from every service, with the id of the request', () => {
    const page =
      '<html><body><h1>409 Conflict</h1>\n Image status transition from &#x27;active&#x27; is not allowed<br /><br /></body></html>';
    expect(refusalOf('image', 409, page, {}).said).toBe("Image status transition from 'active' is not allowed");
    const neutron = '{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded", "detail": ""}}';
    const refusal = refusalOf('network', 409, neutron, { 'x-openstack-request-id': 'req-1' });
    expect(refusal).toMatchObject({ class: 'quota', fault: 'OverQuota', said: 'Quota exceeded (req-1)' });
  });
});

describe('marks', () => {
  it.each(['plain', '', 'two words', 'ü', 'b64=x', 'a;b=c'])('keep %s', (text) => {
    expect(unkept(kept(text))).toBe(text);
    expect(unkept(described(describing(text, { compute: 'c' }, 'A title; with = everything'))['id'] ?? '')).toBe(text);
  });

  it('are no references where they are none', () => {
    for (const text of ['', 'x', 'p:short', `p:${'0'.repeat(40)}:x`, `../p:${'0'.repeat(40)}`])
      expect(readRef(text)).toBeUndefined();
  });
});

describe('machines', () => {
  it('boot from their first bootable volume, or make one so, and give it back', async () => {
    const site = await bench.site();
    const volumes = [await volumeOf(site), await volumeOf(site)];
    const plugs = volumes.map((storage) => ({ id: newUuid(), storage }));
    const spec = machine({ volumes: plugs });
    const ref = await site.createCompute(spec, spec.id);
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'active' });
    const [root, data] = [...fake.world.volumes.values()];
    expect(root?.body.bootable).toBe('true');
    const links = [];
    for (const plug of plugs) links.push(await site.attachStorage({ ...plug, compute: ref }, plug.id));
    // The root disk leaves with the server only, and counts as gone before.
    for (const link of links) {
      await site.delete('attachment', link);
      expect(await rest(site, 'attachment', link)).toBeUndefined();
    }
    expect(root?.body.status).toBe('in-use');
    expect(data?.body.status).toBe('available');
    await site.delete('compute', ref);
    expect(await rest(site, 'compute', ref)).toBeUndefined();
    for (const volume of volumes) await site.delete('storage', volume);
    for (const volume of volumes) expect(await rest(site, 'storage', volume)).toBeUndefined();
    expect(fake.contents()).toEqual({});
  });

  it('leave no port behind when Nova refuses them', async () => {
    const site = await bench.site();
    const id = newUuid();
    const network = await site.createNetwork({ id, name: 'net', cidr: '10.1.0.0/24' }, id);
    const storage = await volumeOf(site);
    fake.project.quota = { ...fake.project.quota, cores: 0 };
    const spec = machine({ nics: [{ id: newUuid(), network }], volumes: [{ id: newUuid(), storage }] });
    await expect(site.createCompute(spec, spec.id)).rejects.toMatchObject({ class: 'quota' });
    expect(fake.world.ports.size).toBe(0);
  });

  it('keep their ports and volumes while Nova is still at work on a try whose answer was lost', async () => {
    const site = await bench.site();
    const id = newUuid();
    const network = await site.createNetwork({ id, name: 'net', cidr: '10.1.0.0/24' }, id);
    const storage = await volumeOf(site);
    const spec = machine({ nics: [{ id: newUuid(), network }], volumes: [{ id: newUuid(), storage }] });
    fake.order('slow-create');
    const stop = new AbortController();
    const asked = fake.called('POST', /\/servers$/);
    const first = site.createCompute(spec, spec.id, { signal: stop.signal }).catch((error: unknown) => error);
    await asked;
    stop.abort();
    expect(await first).toMatchObject({ class: 'transient' });

    await expect(site.createCompute(spec, spec.id)).rejects.toMatchObject({ class: 'transient' });
    expect(fake.contents()['ports']).toHaveLength(1);
    fake.hurry();
    const ref = await site.createCompute(spec, spec.id);
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'active' });
    expect([fake.contents()['servers'], fake.contents()['ports']]).toMatchObject([['vm'], [expect.any(String)]]);
    expect([...fake.world.ports.values()].map(({ body }) => body.device_owner)).toEqual(['compute:nova']);
  });

  it('get the smallest flavor that covers them, and show what was asked until somebody else resizes them', async () => {
    const site = await bench.site();
    const storage = await volumeOf(site);
    const spec = machine({ memoryBytes: 600 * 2 ** 20, volumes: [{ id: newUuid(), storage }] });
    const ref = await site.createCompute(spec, spec.id);
    expect(await rest(site, 'compute', ref)).toMatchObject({ cores: 1, memoryBytes: 600 * 2 ** 20 });
    const [server] = fake.world.servers.values();
    expect(server?.flavor.name).toBe('m1.small');
    const medium = [...fake.world.flavors.values()].find(({ name }) => name === 'm1.medium');
    if (server && medium) server.flavor = medium;
    expect(await rest(site, 'compute', ref)).toMatchObject({ cores: 2, memoryBytes: 2 ** 32 });
  });

  it('are who they are when somebody renames them in OpenStack', async () => {
    const site = await bench.site();
    const spec = machine({ image: writeRef(fake.project.id, fake.foreignImage()) });
    const ref = await site.createCompute(spec, spec.id);
    for (const server of fake.world.servers.values()) server.name = 'somebody-elses-name';
    expect(await rest(site, 'compute', ref)).toMatchObject({ id: spec.id, state: 'active' });
    await site.delete('compute', ref);
    expect(await rest(site, 'compute', ref)).toBeUndefined();
  });

  it('say why when Nova took an order and failed to carry it out', async () => {
    const site = await bench.site();
    const storage = await volumeOf(site);
    const spec = machine({ volumes: [{ id: newUuid(), storage }] });
    const ref = await site.createCompute(spec, spec.id);
    await rest(site, 'compute', ref);
    fake.order('ignore-action');
    await site.actCompute(ref, 'stop', undefined);
    const seen = await rest(site, 'compute', ref);
    expect(seen).toMatchObject({ state: 'active', message: expect.stringMatching(/failed to carry it out \(req-/) });
    await site.actCompute(ref, 'stop', 'shelve');
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'inactive' });
    await site.actCompute(ref, 'start', undefined);
    expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'active' });
  });

  it('are saved as snapshots of their volumes, which go with the image', async () => {
    const site = await bench.site();
    const storage = await volumeOf(site);
    const spec = machine({ volumes: [{ id: newUuid(), storage }] });
    const ref = await site.createCompute(spec, spec.id);
    await rest(site, 'compute', ref);
    const image = await site.saveCompute(ref, 'golden', undefined, newUuid());
    expect(await rest(site, 'image', image)).toMatchObject({ state: 'active' });
    await site.delete('compute', ref);
    await rest(site, 'compute', ref);
    await expect(site.delete('storage', storage)).rejects.toMatchObject({ class: 'conflict' });
    await site.delete('image', image);
    await site.delete('storage', storage);
    expect(await rest(site, 'storage', storage)).toBeUndefined();
    expect(fake.contents()).toEqual({});
  });

  it('share a server group when they name each other, which goes with the last', async () => {
    const site = await bench.site(ADMINISTRATOR);
    const [one, other] = [newUuid(), newUuid()];
    const refs: string[] = [];
    for (const [id, apart] of [
      [one, other],
      [other, one],
    ] as const) {
      const spec = machine({ id, apartFrom: [apart], volumes: [{ id: newUuid(), storage: await volumeOf(site) }] });
      refs.push(await site.createCompute(spec, id));
    }
    expect(fake.world.groups.size).toBe(1);
    const hosts = [...fake.world.servers.values()].map(({ host }) => host);
    expect(new Set(hosts).size).toBe(2);
    for (const ref of refs) {
      await site.delete('compute', ref);
      await rest(site, 'compute', ref);
    }
    expect([fake.world.servers.size, fake.world.groups.size]).toEqual([0, 0]);
  });
});

describe('what somebody else renames', () => {
  it('is known by its description, shows its new name, and goes when it is asked to', async () => {
    const site = await bench.site();
    const [network, storage] = [newUuid(), newUuid()];
    const refs = [
      ['network', network, await site.createNetwork({ id: network, name: 'net', cidr: '10.1.0.0/24' }, network)],
      ['storage', storage, await site.createStorage({ id: storage, name: 'disk', sizeBytes: 2 ** 30 }, storage)],
    ] as const;
    for (const [what, , ref] of refs) await rest(site, what, ref);
    for (const { body } of [...fake.world.networks.values(), ...fake.world.volumes.values()])
      if (body.name.startsWith('vep-')) body.name = 'theirs';
    for (const [what, id, ref] of refs) {
      expect((await site.describe(what, [ref])).get(ref)).toMatchObject({ ref, id, name: 'theirs' });
      const listed: Observed[] = [];
      for await (const each of site.list(what)) listed.push(each);
      expect(listed.map((each) => [each.ref, each.id])).toEqual([[ref, id]]);
    }
    // Asked for once more it is found, and not made a second time.
    expect(await site.createStorage({ id: storage, name: 'disk', sizeBytes: 2 ** 30 }, storage)).toBe(refs[1][2]);
    for (const [what, , ref] of refs) {
      await site.delete(what, ref);
      await rest(site, what, ref);
    }
    expect(fake.contents()).toEqual({});
  });

  it('stays the one of the VEP whose realm it names', async () => {
    const [site, other] = [await bench.site(), await bench.site({ realm: 'other' })];
    const id = newUuid();
    await site.createNetwork({ id, name: 'net', cidr: '10.1.0.0/24' }, id);
    for (const { body } of fake.world.networks.values()) if (body.name.startsWith('vep-')) body.name = 'theirs';
    const listed = [];
    for await (const each of other.list('network')) listed.push(each);
    expect(listed).toEqual([]);
  });
});

describe('networks', () => {
  it('go with their legs of a router that is highly available', async () => {
    const more = { networks: { ...fake.leadOut() } };
    for (const { body } of fake.world.routers.values()) body.ha = true;
    const site = await bench.site(more);
    const id = newUuid();
    const ref = await site.createNetwork({ id, name: 'net' }, id);
    const legs = [...fake.world.ports.values()].map(({ body }) => body.device_owner);
    expect(legs).toEqual(['network:ha_router_replicated_interface']);
    await site.delete('network', ref);
    expect(fake.world.ports.size).toBe(0);
    expect(await rest(site, 'network', ref)).toBeUndefined();
  });

  it('without a router lend no address, which the check says too', async () => {
    const { external } = fake.leadOut();
    const site = await bench.site({ networks: { external } });
    const message = expect.stringContaining('no router joins it');
    expect(await site.check()).toEqual([expect.objectContaining({ code: 'openstack.networks', message })]);
    const [net, ip, nic, link] = [newUuid(), newUuid(), newUuid(), newUuid()];
    const network = await site.createNetwork({ id: net, name: 'net', cidr: '10.1.0.0/24' }, net);
    const address = await site.createNetwork({ id: ip, name: 'ip', reservation: true }, ip);
    const compute = await bench.running(site, { nics: [{ id: nic, network }] });
    const lent = site.attachNic({ id: link, compute, network: address }, link);
    await expect(lent).rejects.toMatchObject({ class: 'conflict', message: expect.stringContaining('not reachable') });
  });

  it('are shared with another process that was faster with the leg of the router, and go when nobody has made it', async () => {
    const { adapter: site, wire, close } = await fakeHarness('member', { leadsOut: true });
    const message = 'IP address 192.168.0.1 already allocated in subnet 22d2890d-fbf1-49e5-9c0c-2e9a45820d5a';
    const body = JSON.stringify({ NeutronError: { type: 'IpAddressAlreadyAllocated', message, detail: '' } });
    const refused = { kind: 'answer', status: 409, headers: { 'content-type': 'application/json' }, body } as const;
    const refuseLeg = (): void => wire?.proxy.next(refused, ({ path }) => path.endsWith('/add_router_interface'));
    const [id, other] = [newUuid(), newUuid()];
    const ref = await site.createNetwork({ id, name: 'net' }, id);
    refuseLeg();
    expect(await site.createNetwork({ id, name: 'net' }, id)).toBe(ref);
    refuseLeg();
    await expect(site.createNetwork({ id: other, name: 'net' }, other)).rejects.toMatchObject({ class: 'conflict' });
    await site.delete('network', ref);
    await close();
  });
});

describe('measurements', () => {
  /** Between two looks the hypervisor counts so much more. */
  function countingClock(): Clock {
    let at = Date.now();
    const sleep: Clock['sleep'] = (ms, signal) => {
      if (ms !== BETWEEN_LOOKS_MS) return systemClock.sleep(ms, signal);
      const { cpuNanoseconds, readBytes, writeBytes, receivedOctets, sentOctets } = fake.world.counters;
      at += ms;
      fake.world.counters = {
        ...{ cpuNanoseconds: cpuNanoseconds + ms * 500_000, readBytes: readBytes + 3 * ms },
        ...{ writeBytes: writeBytes + 5 * ms, receivedOctets: receivedOctets + 7 * ms, sentOctets },
      };
      return Promise.resolve();
    };
    return { now: () => at, sleep };
  }

  it('are the rates of what the hypervisor counts of machines that run', async () => {
    const site = await bench.site(ADMINISTRATOR, countingClock());
    const image = writeRef(fake.project.id, fake.foreignImage());
    const [on, off] = [machine({ image, cores: 2, memoryBytes: 2 ** 32 }), machine({ image })];
    const [running, stopped] = [await site.createCompute(on, on.id), await site.createCompute(off, off.id)];
    await rest(site, 'compute', running);
    await rest(site, 'compute', stopped);
    await site.actCompute(stopped, 'stop', undefined);
    await rest(site, 'compute', stopped);
    const samples = await site.metrics([running, stopped]);
    expect(samples.map(({ ref, metric, value }) => [ref, metric, value])).toEqual([
      [running, 'vm.cpu.utilization', 0.25],
      [running, 'vm.cpu.load', 0.5],
      [running, 'vm.disk.io', 8000],
      [running, 'vm.network.io', 7000],
    ]);
    expect(await site.check()).toEqual([]);
  });

  it('need a right of their own, and the check says which', async () => {
    fake.user.roles.set(fake.project.id, ['member']);
    const silent = await bench.site();
    await expect(silent.metrics([])).rejects.toMatchObject({ class: 'unsupported' });
    const site = await bench.site({ metrics: { diagnostics: true } });
    const missing = expect.objectContaining({
      code: 'openstack.metrics',
      remedy: expect.stringContaining('role admin'),
    });
    expect(await site.check()).toEqual([missing]);
    const spec = machine({ image: writeRef(fake.project.id, fake.foreignImage()) });
    const ref = await site.createCompute(spec, spec.id);
    await rest(site, 'compute', ref);
    expect(await site.check()).toEqual([missing]);
    await expect(site.metrics([ref])).rejects.toMatchObject({ class: 'denied' });
  });
});

describe('the check of a site', () => {
  it('says exactly what is missing', async () => {
    fake.user.roles.set(fake.project.id, ['reader']);
    fake.project.quota = { ...fake.project.quota, instances: 0, gigabytes: 0 };
    const site = await bench.site({
      hosts: { country: 'DE', choose: true },
      flavors: { names: ['nope'] },
      networks: { router: 'outside', securityGroups: ['strict'] },
      volumes: { type: 'fast' },
      tenants: { others: 'create' },
    });
    const findings = await site.check();
    expect(findings.map(({ code }) => code).sort()).toEqual([
      'openstack.flavors',
      'openstack.flavors',
      'openstack.hosts',
      'openstack.metrics',
      'openstack.networks',
      'openstack.networks',
      'openstack.quota',
      'openstack.quota',
      'openstack.role',
      'openstack.tenant',
      'openstack.volume-type',
    ]);
    for (const { message, remedy } of findings) expect([message, remedy]).not.toContain('');
  });

  it('names the services and the region that the catalog lacks', async () => {
    const findings = await (await bench.site({ region: 'RegionTwo' })).check();
    expect(findings.map(({ code }) => code)).toEqual(['openstack.region', ...Array(4).fill('openstack.service')]);
  });
});
