/** Networks at OpenStack and the addresses that outsiders reach, each of their turns in a row of a table. */

import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import { digestOf } from '../../src/iaas/adapters/openstack/marks.js';
import type { Json } from '../support/fake-openstack/answers.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import { among, listed, networkOf, OpenStackBench, rest, wished } from './openstack-bench.js';

const bench = OpenStackBench.forEachTest();
let fake: FakeOpenStack;
beforeEach(() => void (fake = bench.fake));

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
    for (const id of ids) await networkOf(site, id);
    expect([...fake.world.subnets.values()].map(({ body }) => body.cidr)).toEqual(['10.9.0.0/28', '10.9.0.16/28']);
    await expect(networkOf(site)).rejects.toMatchObject({ class: 'capacity' });
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
    for (let count = 0; count < 2; count++) nics.push({ id: newUuid(), network: await networkOf(site) });
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
