/** A site of EC2 over several availability zones: where machines, volumes and networks go, and what a full zone leads to. */

import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, Observed, SiteAdapter } from '../../src/iaas/adapter.js';
import type { Instance } from '../support/fake-ec2/world.js';
import { ZONES } from '../support/fake-ec2/world.js';
import { ec2Harness, type Ec2Harness } from './ec2-harness.js';

const [A = '', B = '', C = ''] = ZONES;

let harness: Ec2Harness;
let adapter: SiteAdapter;

async function begin(more: object = {}): Promise<void> {
  harness = await ec2Harness({ zones: ZONES }, { zones: [], hibernation: false, ...more });
  adapter = harness.adapter;
}
afterEach(() => harness.close());

const spec = (id: string, more: Partial<ComputeSpec> = {}): ComputeSpec => ({
  ...{ id, name: id, cores: 1, memoryBytes: 2 ** 29, image: 'ami-0c0ffee0c0ffee0c0' },
  ...more,
});
const make = (id: string, more?: Partial<ComputeSpec>): Promise<string> => adapter.createCompute(spec(id, more), id);
const instance = (ref: string): Instance | undefined => harness.fake.world.instances.get(ref);
const zoneOf = (ref: string): string | undefined => instance(ref)?.zone;
const look = async (what: Observed['class'], ref: string): Promise<Observed | undefined> =>
  (await adapter.describe(what, [ref])).get(ref);
const launches = (): number => harness.fake.asked.filter((action) => action === 'RunInstances').length;
const zonesOfNics = (ref: string): (string | undefined)[] =>
  [...harness.fake.world.interfaces.values()]
    .filter(({ attachment }) => attachment?.instance === ref)
    .map(({ subnet }) => subnet.zone);

/** Waits until EC2 shows that it is there and at rest. */
async function settled(what: Observed['class'], ref: string): Promise<string> {
  while ((await look(what, ref))?.busy !== false) await harness.advance(5);
  return ref;
}

describe('with the zones of the region', () => {
  beforeEach(() => begin());

  it('shows each as a host with the room of the account, and asks for them once', async () => {
    const { hosts } = await adapter.inventory();
    expect(hosts.map(({ name, zone, rack, freeCores }) => [name, zone, rack, freeCores])).toEqual(
      ZONES.map((zone) => [zone, zone, zone, 200]),
    );
    await settled('compute', await make('m'));
    expect((await adapter.inventory()).hosts.map(({ freeCores }) => freeCores)).toEqual([199, 199, 199]);
    expect(harness.fake.asked.filter((action) => action === 'DescribeAvailabilityZones')).toHaveLength(1);
    expect(await adapter.check()).toEqual([]);
  });

  it('launches where placement says, and where it says nothing in the first', async () => {
    expect(zoneOf(await make('anywhere'))).toBe(A);
    expect(zoneOf(await make('there', { host: B }))).toBe(B);
    await expect(make('nowhere', { host: 'mars-1a' })).rejects.toMatchObject({ class: 'not-found' });
  });

  it('goes to the next zone when one is full, begins there for a while, and then tries the first again', async () => {
    const { world } = harness.fake;
    world.full.add(A);
    const one = await make('one');
    expect([zoneOf(one), launches(), zonesOfNics(one)]).toEqual([B, 2, [B]]);
    expect([zoneOf(await make('two')), launches()]).toEqual([B, 3]);
    world.full.add(B).delete(A);
    world.full.add(C);
    // What is remembered puts a zone behind the others, and shuts it to nobody.
    expect(zoneOf(await make('three'))).toBe(A);
  });

  it('counts a type that a zone does not have as no room there', async () => {
    harness.fake.world.unsupported.add(`${A} own.small`);
    expect(zoneOf(await make('m'))).toBe(B);
  });

  it('fills one zone after the other', async () => {
    harness.fake.world.room.set(A, 2).set(B, 1);
    const made = [];
    for (const id of ['1', '2', '3', '4']) made.push(zoneOf(await make(id)));
    expect(made).toEqual([A, A, B, C]);
  });

  it('says that there is no room when all are full, and leaves nothing behind', async () => {
    const { world } = harness.fake;
    for (const zone of ZONES) world.full.add(zone);
    await expect(make('m', { sshKeys: ['ssh-ed25519 AAAA'] })).rejects.toMatchObject({
      class: 'capacity',
      message: expect.stringContaining(`none of the zones ${ZONES.join(', ')} has room`) as string,
      said: expect.stringContaining('InsufficientInstanceCapacity') as string,
    });
    expect([world.live.length, world.interfaces.size, world.keyPairs.size]).toEqual([0, 0, 0]);
  });

  it('leaves the zone that placement has chosen only where that was a wish, for one that is allowed', async () => {
    harness.fake.world.full.add(A);
    await expect(make('bound', { host: A })).rejects.toMatchObject({ class: 'capacity' });
    expect(zoneOf(await make('free', { host: A, hostIsWish: true }))).toBe(B);
    expect(zoneOf(await make('limited', { host: A, hostIsWish: true, zones: [A, C] }))).toBe(C);
    expect(zoneOf(await make('unplaced', { zones: [C] }))).toBe(C);
  });

  it('makes a machine again after one that is gone, with an interface of its own', async () => {
    const first = await settled('compute', await make('again'));
    await adapter.delete('compute', first);
    while (await look('compute', first)) await harness.advance(5);
    const second = await make('again');
    expect([second === first, harness.fake.world.live.map(({ id }) => id)]).toEqual([false, [second]]);
    expect(zonesOfNics(second)).toEqual([A]);
  });

  it('sweeps the interface that a machine has lost which ended without being asked', async () => {
    const { fake } = harness;
    const ref = await settled('compute', await make('m'));
    fake.answer(Object.entries({ Action: 'TerminateInstances', 'InstanceId.1': ref }));
    while (fake.world.interfaces.size > 0) {
      await harness.advance(10);
      fake.world.settle();
      await adapter.tidy?.();
    }
    const nics = [];
    for await (const each of adapter.list('nic')) nics.push(each);
    expect(nics).toEqual([]);
  });
});

describe('volumes', () => {
  beforeEach(() => begin());

  const volume = (id: string, madeFor?: string): Promise<string> =>
    adapter.createStorage({ id, name: id, sizeBytes: 2 ** 30, ...(madeFor === undefined ? {} : { madeFor }) }, id);
  /** One in a zone, of which its machine is gone. */
  const volumeIn = async (zone: string, id: string): Promise<string> => {
    const machine = await settled('compute', await make(`for ${id}`, { host: zone }));
    const made = await settled('storage', await volume(id, machine));
    await adapter.delete('compute', machine);
    return made;
  };
  const zoneOfVolume = (ref: string): string | undefined => harness.fake.world.volumes.get(ref)?.zone;

  it('are made where their machine is, or in the first zone', async () => {
    expect(adapter.capabilities().volumesFollow).toBe(true);
    expect(zoneOfVolume(await volume('early'))).toBe(A);
    // Without a pause: EC2 does not show the machine yet.
    expect(zoneOfVolume(await volume('placed', await make('there', { host: C })))).toBe(C);
  });

  it('bring their machine to their zone, and keep it there when it is full', async () => {
    const storage = await volumeIn(B, 'v');
    const plug = { volumes: [{ id: 'plug', storage }] };
    const ref = await make('m', plug);
    expect(zoneOf(ref)).toBe(B);
    await adapter.delete('compute', ref);
    const other = await volumeIn(B, 'w');
    harness.fake.world.full.add(B);
    const refused = make('n', { volumes: [{ id: 'plug2', storage: other }] });
    await expect(refused).rejects.toMatchObject({ class: 'capacity' });
  });

  it('are refused up front where they cannot come together', async () => {
    const [here, there] = [await volumeIn(A, 'a'), await volumeIn(C, 'c')];
    const both = [
      { id: '1', storage: here },
      { id: '2', storage: there },
    ];
    await expect(make('both', { volumes: both })).rejects.toMatchObject({
      class: 'conflict',
      message: expect.stringContaining(`a volume: ${A}; a volume: ${C}`) as string,
    });
    await expect(make('bound', { host: B, volumes: [both[0] as never] })).rejects.toMatchObject({ class: 'conflict' });
    const compute = await settled('compute', await make('m'));
    await expect(adapter.attachStorage({ id: 'l', compute, storage: there }, 'l')).rejects.toMatchObject({
      class: 'conflict',
      message: expect.stringContaining(`the volume is in ${C} and the machine in ${A}`) as string,
    });
    expect(harness.fake.asked).not.toContain('AttachVolume');
  });
});

describe('networks', () => {
  beforeEach(() => begin());

  const network = (id: string, more: object = {}): Promise<string> =>
    adapter.createNetwork({ id, name: id, ...more }, id);
  const subnets = (): readonly (readonly [string, string])[] =>
    [...harness.fake.world.subnets.values()]
      .filter(({ isDefault }) => !isDefault)
      .map(({ zone, cidr }) => [zone, cidr] as const);

  it('have a part of their range in each zone, of which machines and interfaces take that of their own', async () => {
    const ref = await network('n');
    expect(subnets()).toEqual([
      [A, '192.168.0.0/28'],
      [B, '192.168.0.16/28'],
      [C, '192.168.0.32/28'],
    ]);
    expect(await look('network', ref)).toMatchObject({ id: 'n', cidr: '192.168.0.0/26', gateway: '192.168.0.1' });
    const listed = [];
    for await (const each of adapter.list('network')) listed.push(each.ref);
    expect(listed).toEqual([ref]);
    expect((await adapter.inventory()).networks.filter(({ shared }) => !shared)).toEqual([
      { ref, name: 'n', shared: false, cidr: '192.168.0.0/26' },
    ]);

    const nics = [{ id: 'nic', network: ref }];
    const machine = await settled('compute', await make('m', { host: B, nics }));
    const nic = await adapter.attachNic({ id: 'nic', compute: machine, network: ref }, 'nic');
    expect(await look('nic', nic)).toMatchObject({ id: 'nic', address: '192.168.0.20' });
    const other = await settled('compute', await make('other', { host: C }));
    const later = await adapter.attachNic({ id: 'later', compute: other, network: ref }, 'later');
    expect(await look('nic', later)).toMatchObject({ address: '192.168.0.36' });
  });

  it('do not overlap, and go with all of their parts', async () => {
    const [one, other] = await Promise.all([network('one'), network('other')]);
    const ranges = await Promise.all([one, other].map((ref) => look('network', ref)));
    expect(new Set(ranges.map((each) => (each as { cidr?: string }).cidr))).toEqual(
      new Set(['192.168.0.0/26', '192.168.0.64/26']),
    );
    const before = harness.fake.world.groups.size;
    for (const ref of [one, other]) await adapter.delete('network', ref);
    expect([subnets(), before - harness.fake.world.groups.size]).toEqual([[], 2]);
  });

  it('are in one zone where a range is asked, that of their machines, and bring those there', async () => {
    const ref = await network('n', { cidr: '192.168.7.0/24', host: C });
    expect(subnets()).toEqual([[C, '192.168.7.0/24']]);
    const nics = [{ id: 'nic', network: ref, address: '192.168.7.7' }];
    expect(zoneOf(await make('m', { host: A, hostIsWish: true, nics }))).toBe(C);
    await expect(make('bound', { host: A, nics: [{ id: 'x', network: ref }] })).rejects.toMatchObject({
      class: 'conflict',
    });
    const compute = await settled('compute', await make('elsewhere'));
    await expect(adapter.attachNic({ id: 'y', compute, network: ref }, 'y')).rejects.toMatchObject({
      class: 'conflict',
      message: expect.stringContaining(`this network is in ${C}, and the machine in ${A}`) as string,
    });
  });

  it('are completed by whoever comes back after their first part', async () => {
    const { proxy } = harness.wire ?? {};
    let made = 0;
    const isLater = ({ body }: { readonly body: Buffer }): boolean =>
      body.toString().includes('Action=CreateSubnet') && (made += 1) === 2;
    proxy?.next({ kind: 'reset' }, isLater);
    await expect(network('n')).rejects.toMatchObject({ class: 'transient' });
    expect(subnets()).toHaveLength(1);
    await network('n');
    expect(subnets()).toHaveLength(3);
  });
});

describe('machines apart', () => {
  const apart = (ids: readonly string[], id: string): Partial<ComputeSpec> => ({
    apartFrom: ids.filter((other) => other !== id),
  });

  it('share one spread group over the zones, each of which has room for seven', async () => {
    await begin();
    const all = Array.from({ length: 9 }, (_, index) => `m${index}`);
    const refs = [];
    for (const id of all) refs.push(await settled('compute', await make(id, apart(all, id))));
    expect(refs.map(zoneOf)).toEqual([...Array.from({ length: 7 }, () => A), B, B]);
    expect(new Set(refs.map((ref) => instance(ref)?.group)).size).toBe(1);
  });

  it('are in different zones where there are no placement groups, as placement has chosen them', async () => {
    await begin({ placementGroups: false });
    const ids = ['one', 'other'];
    await settled('compute', await make('one', { ...apart(ids, 'one'), host: A, hostIsWish: true }));
    await expect(make('other', { ...apart(ids, 'other'), host: A })).rejects.toMatchObject({ class: 'capacity' });
    await expect(make('other', apart(ids, 'other'))).rejects.toMatchObject({ class: 'unsupported' });
    harness.fake.world.full.add(B);
    // Nobody knows that the next zone is free of the others too.
    const bound = make('other', { ...apart(ids, 'other'), host: B, hostIsWish: true });
    await expect(bound).rejects.toMatchObject({ class: 'capacity' });
    expect(zoneOf(await make('other', { ...apart(ids, 'other'), host: C }))).toBe(C);
  });

  it('or near each other are so within a zone', async () => {
    await begin({ instanceTypes: ['m5.*'] });
    const large = { memoryBytes: 60 * 2 ** 30, cores: 16 };
    const one = await settled('compute', await make('one', { near: ['two', 'three'], ...large }));
    const two = await settled('compute', await make('two', { near: ['one', 'three'], ...large }));
    const three = await settled('compute', await make('three', { near: ['one', 'two'], ...large, host: C }));
    const group = (ref: string): string | undefined => instance(ref)?.group;
    expect([zoneOf(three), group(two) === group(one), group(three) === group(one)]).toEqual([C, true, false]);
  });
});

describe('with options', () => {
  it('takes of the subnets that are named the one of its only zone', async () => {
    await begin({ zones: [A] });
    const subnets = [...harness.fake.world.subnets.values()].map(({ id }) => id).toReversed();
    const one = await harness.open({ zones: [B], network: { subnets } });
    const ref = await one.createCompute(spec('m'), 'm');
    expect([zoneOf(ref), zonesOfNics(ref)]).toEqual([B, [B]]);
    await one.close();
  });

  it('takes the subnets that are named for machines without a network, and says which are none', async () => {
    await begin({ zones: [A, B] });
    const { world } = harness.fake;
    const asked = { Action: 'CreateSubnet', VpcId: 'vpc-0a1b2c3d4e5f60718', CidrBlock: '192.168.9.0/24' };
    harness.fake.answer(Object.entries({ ...asked, AvailabilityZone: B }));
    const own = [...world.subnets.values()].find(({ cidr }) => cidr === '192.168.9.0/24')?.id ?? '';
    const network = { vpc: 'vpc-0a1b2c3d4e5f60718', subnets: [own, 'subnet-0123456789abcdef0'] };
    const second = await ec2HarnessOn(network);
    await harness.advance(world.pace.lagMs + 1);
    const ref = await second.createCompute(spec('m', { host: B }), 'm');
    expect([...world.interfaces.values()].find(({ attachment }) => attachment?.instance === ref)?.subnet.id).toBe(own);
    expect(await second.check()).toEqual([
      expect.objectContaining({ code: 'ec2.subnets', message: expect.stringContaining('subnet-0123') as string }),
    ]);
    await second.close();
  });

  const ec2HarnessOn = (network: JsonObject): Promise<SiteAdapter> => harness.open({ zones: [A, B], network });
});
