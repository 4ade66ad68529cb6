/** Networks that have a wire of their own: the behaviour of all networks, and what is particular about these. */

import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import type { NetworkSpec } from '../../src/iaas/adapter.js';
import { readOpenNebulaOptions } from '../../src/iaas/adapters/opennebula/options.js';
import { describeAdapter } from '../support/adapter-suite.js';
import { describeLifeCycle } from '../support/adapter-suite/life-cycle.js';
import { describePlugs } from '../support/adapter-suite/plugs.js';
import { describeTokens } from '../support/adapter-suite/tokens.js';
import { openNebulaHarness, openSite, optionsFor, type OpenNebulaHarness } from './opennebula-harness.js';

const isolated = (more: JsonObject = {}): JsonObject => ({
  networks: { isolated: { driver: 'vxlan', device: 'eth0', ...more }, publicFrom: ['vep-public'] },
});

describeAdapter('an OpenNebula site with networks of their own', () => openNebulaHarness({}, () => isolated()), [
  describeLifeCycle,
  describeTokens,
  describePlugs,
]);

describe('a network of its own', () => {
  let harness: OpenNebulaHarness;
  const make = async (more: Partial<NetworkSpec> = {}): Promise<string> => {
    const id = newUuid();
    return harness.adapter.createNetwork({ id, name: 'inner', ...more }, id);
  };
  const net = (ref: string) => harness.fake.world.networks.get(Number(ref));
  afterEach(() => harness.close());

  it('has a wire that oned chooses, belongs to the user, and is where the hosts are', async () => {
    harness = await openNebulaHarness({}, () => isolated());
    const [one, other] = [await make({ cidr: '10.9.0.0/24' }), await make({ cidr: '10.9.0.0/24' })];
    expect(net(one)?.vlan).not.toBe(net(other)?.vlan);
    const { world } = harness.fake;
    for (const ref of [one, other]) {
      expect([...(net(ref)?.clusters ?? [])]).toEqual([100]);
      expect(world.users.get(net(ref)?.uid ?? -1)?.name).toMatch(/^vep-local_alice/);
    }
    const seen = await harness.adapter.describe('network', [one]);
    expect(seen.get(one)).toMatchObject({ state: 'active', cidr: '10.9.0.0/24', vlan: net(one)?.vlan });
  });

  it('has a block to itself where none is asked, as a machine may be in several', async () => {
    harness = await openNebulaHarness({}, () => isolated({ range: '192.168.0.0/15' }));
    const refs = [await make({ cidr: '192.168.0.32/28' }), await make(), await make()];
    const seen = await harness.adapter.describe('network', refs);
    // What reservations are cut from has all of 192.168.0.0/16.
    expect(refs.map((ref) => seen.get(ref))).toMatchObject([
      { cidr: '192.168.0.32/28' },
      { cidr: '192.169.0.0/28' },
      { cidr: '192.169.0.16/28' },
    ]);
  });

  it('is made once when two processes ask, and the first has given it to the user already', async () => {
    harness = await openNebulaHarness({}, () => isolated());
    const second = await harness.second?.();
    const [id, { fake }] = [newUuid(), harness];
    const spec = { id, name: 'inner' };
    // The second has seen none, and makes another when that of the first is the user's.
    const seen = fake.called('one.hostpool.info');
    fake.answerMs = 20;
    const late = second?.createNetwork(spec, id);
    await seen;
    const [first, again] = await Promise.all([harness.adapter.createNetwork(spec, id), late]);
    expect(again).toBe(first);
    expect([...fake.world.networks.values()].filter(({ template }) => template.get('VEP_ID') === id)).toHaveLength(1);
    await second?.close();
  });

  it('is spoken of when oned has made it: its gateway is kept from being given away, once', async () => {
    harness = await openNebulaHarness({}, () => isolated());
    const { adapter, fake, wire } = harness;
    const [id, spec] = [newUuid(), { name: 'inner', cidr: '10.9.0.0/24', gateway: '10.9.0.100' }];
    fake.world.wiring = true;
    const looked = fake.called('one.vn.info');
    const making = adapter.createNetwork({ id, ...spec }, id);
    await looked;
    await fake.called('one.vn.info');
    const told = ['one.vn.chown', 'one.vn.hold', 'one.vn.update'];
    expect(fake.calls.filter(({ method }) => told.includes(method))).toEqual([]);
    // What was held, and not marked, is found by the next try.
    wire?.proxy.next({ kind: 'lose-answer' }, ({ body }) => body.includes('one.vn.hold<'));
    fake.world.wiring = false;
    await expect(making).rejects.toMatchObject({ class: 'transient' });
    const ref = await adapter.createNetwork({ id, ...spec }, id);
    expect(net(ref)?.leases).toEqual([{ ip: 10 * 2 ** 24 + 9 * 2 ** 16 + 100, by: 'held' }]);
    expect(fake.calls.filter(({ method }) => method === 'one.vn.hold')).toHaveLength(1);
    await adapter.delete('network', ref);
    expect(net(ref)).toBeUndefined();
  });

  it('is in every cluster whose hosts may be used, and in no other', async () => {
    harness = await openNebulaHarness({}, () => isolated());
    const { world } = harness.fake;
    const [, second, third] = [...world.hosts.values()];
    second!.cluster = 101;
    world.clusters.set(102, { ...world.clusters.get(101)!, name: 'third' });
    const anywhere = await make();
    expect([...(net(anywhere)?.clusters ?? [])]).toEqual([100, 101]);
    third!.cluster = 102;
    const directory = harness.directory;
    const hosts = { country: 'DE', clusters: ['vep-cluster', '102'] };
    const some = await openSite(optionsFor(harness.fake.url, directory, { ...isolated(), hosts }), directory);
    const ref = await some.createNetwork({ id: 'some', name: 'some' }, 'some');
    expect([...(net(ref)?.clusters ?? [])]).toEqual([100, 102]);
    await some.close();
  });

  it('is refused for want of what the administrator has to see to', async () => {
    harness = await openNebulaHarness({}, () => isolated({ range: '10.0.0.0/30' }));
    await expect(make()).rejects.toMatchObject({ class: 'capacity' });
    await expect(make({ vlan: 5 })).rejects.toMatchObject({ class: 'invalid' });
  });

  it('lends no address, as nobody is on its wire', async () => {
    harness = await openNebulaHarness({}, () => ({ networks: { isolated: { driver: 'vxlan', device: 'eth0' } } }));
    await expect(make({ reservation: true })).rejects.toMatchObject({ class: 'unsupported' });
  });
});

describe('options', () => {
  const read = (networks: JsonObject): unknown =>
    readOpenNebulaOptions({
      ...{ endpoint: 'http://one.example.org:2633/RPC2', hosts: { country: 'DE' }, networks },
      credentials: { driver: 'server_cipher', password: { env: 'SECRET' } },
      images: { handover: { directory: '/var/tmp/vep' } },
    });

  it.each<[string, JsonObject, string]>([
    ['no interface', { isolated: { driver: 'vxlan' } }, 'device'],
    ['no bridge', { isolated: { driver: 'ovswitch' } }, 'bridge'],
    ['a driver that keeps nothing apart', { isolated: { driver: 'bridge', device: 'eth0' } }, 'driver'],
    ['a range of nothing', { isolated: { driver: 'vxlan', device: 'eth0', range: '300.0.0.0/8' } }, 'range'],
    ['reservations beside it', { isolated: { driver: 'vxlan', device: 'eth0' }, reserveFrom: ['a'] }, 'reserveFrom'],
  ])('with %s are refused', (_what, networks, place) => {
    expect(() => read(networks)).toThrow(expect.objectContaining({ message: expect.stringContaining(place) }) as Error);
  });
});

it('names a driver that oned has not', async () => {
  const harness = await openNebulaHarness({}, () => ({
    networks: { isolated: { driver: 'ovswitch', bridge: 'br0' } },
  }));
  expect(await harness.adapter.check()).toMatchObject([
    { code: 'opennebula.isolated', message: expect.stringContaining('ovswitch') as string },
  ]);
  await harness.close();
});
