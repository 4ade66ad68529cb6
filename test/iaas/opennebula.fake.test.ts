/**
 * The fake oned answers as the real one was recorded to answer: byte for byte where it refuses, and element for element in
 * its documents. What the adapter passes on the one, it passes on the other.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { readDocument, type Branch } from '../../src/iaas/document.js';
import { methodCall, readAnswer, type Parameter } from '../../src/iaas/adapters/opennebula/xml-rpc.js';
import { FakeOned } from '../support/fake-oned/index.js';
import { Template } from '../support/fake-oned/template.js';
import type { Image, Machine } from '../support/fake-oned/world.js';

interface Recorded {
  readonly exchanges: readonly {
    readonly name: string;
    readonly method: string;
    readonly request: string;
    readonly response: string;
  }[];
  readonly bodies: Readonly<Record<string, string>>;
}

const recorded = JSON.parse(
  readFileSync(join(packageRoot, 'test/support/fake-oned/recorded.json'), 'utf8'),
) as Recorded;

let fake: FakeOned;
beforeEach(async () => void (fake = await FakeOned.start({ bare: true })));
afterEach(() => fake.close());

/** The state of machine 2 when an exchange was recorded; it ran unless something is said here. */
const STATES: Readonly<Record<string, readonly [number, number]>> = {
  'error-action-poweroff-suspended': [5, 0],
  'error-action-reboot-suspended': [5, 0],
  'error-action-suspend-suspended': [5, 0],
};

/** The world in which the exchanges were recorded: alice and bob with their VOs, images, a network and machines. */
function recordedWorld(name: string): void {
  const { world } = fake;
  const oneadmin = world.named('oneadmin');
  if (!oneadmin) throw new Error('no oneadmin');
  oneadmin.password = 'oneadminpw';
  const [climate, physics] = [world.addGroup('vo-climate'), world.addGroup('vo-physics')];
  world.addUser('alice', 'core', 'alicepw', [climate]);
  world.addUser('bob', 'core', 'bobpw', [physics]);
  const alice = world.named('alice');
  if (alice) alice.cpuQuota = 12;
  if (name !== 'error-authorization-create')
    world.rules.set(0, { id: 0, user: 0x200000064n, resource: 0x121429400000000n, rights: 8 });
  fake.addParent('vep-net', '10.10.0.10', 50);
  const image: Image = {
    ...world.thing(world.images, oneadmin, 'debian12', new Template()),
    ...{ state: 2, type: 0, persistent: false, sizeMb: 1024, path: '', format: 'qcow2', registered: 0 },
    mode: { other: true },
  };
  world.images.set(0, image);
  for (const id of [0, 1, 2, 3, 4, 5, 6, 7, 8]) world.machines.set(id, machine(id, STATES[name] ?? [3, 3]));
  const net = world.networks.get(0);
  net?.leases.push({ ip: 10 * 2 ** 24 + 10 * 2 ** 16 + 40, by: { vm: 2 } });
}

function machine(id: number, second: readonly [number, number]): Machine {
  const states: Readonly<Record<number, readonly [number, number]>> = {
    0: [6, 0],
    2: second,
    5: [1, 0],
    6: [3, 36],
    7: [3, 2],
  };
  const [state, lcm] = states[id] ?? [3, 3];
  const disk = id < 5 && id > 0 ? '\nDISK=[IMAGE_ID="0",DISK_ID="0"]\nDISK=[DISK_ID="1",SIZE="64"]' : '';
  return {
    ...{ id, uid: 2, gid: 100, name: `vm${id}`, mode: { other: false }, user: new Template() },
    template: Template.parse(`CPU="1"\nMEMORY="64"${disk}`),
    ...{
      state,
      lcm,
      previous: [state, lcm],
      started: 0,
      ended: 0,
      host: undefined,
      history: [],
      lock: 0,
      turn: 0,
    },
  };
}

describe('what it refuses', () => {
  const done = recorded.exchanges.filter(({ name }) => name.startsWith('error-') || name.startsWith('fault-'));

  it.each(done.map(({ name }) => name))('%s', (name) => {
    recordedWorld(name);
    const { method, request, response } = done.find((each) => each.name === name) ?? done[0]!;
    // Calls that VEP never makes are left out of the fake, and say so.
    if (!fake.knows(method)) return expect(fake.answer(request)).toContain('<fault>');
    if (name === 'error-locked') fake.world.machines.get(2)!.lock = 2;
    expect(fake.answer(request)).toBe(response);
  });

  it('is most of what was recorded', () => {
    const known = done.filter(({ method }) => fake.knows(method));
    expect(known.length / done.length).toBeGreaterThan(0.7);
  });

  it('checks every call against what oned declares', () => {
    const call = (...parameters: readonly Parameter[]): string =>
      fake.answer(methodCall('one.vm.action', ['oneadmin:oneadmin-secret', ...parameters]));
    expect(readAnswer(call(1, 'stop'))).toMatchObject({ kind: 'fault', code: -501 });
    expect(readAnswer(call('stop'))).toMatchObject({ kind: 'fault', said: 'Not enough parameters' });
    expect(fake.violations).toHaveLength(2);
  });
});

describe('quotas', () => {
  const body = (name: string): Branch => readDocument(recorded.bodies[name] ?? '');
  const info = (group: number): Branch => {
    const answer = readAnswer(fake.answer(methodCall('one.group.info', ['oneadmin:oneadminpw', group])));
    if (answer.kind !== 'value') throw new Error(answer.said);
    return readDocument(answer.value);
  };
  const names = (branch: Branch | undefined): readonly string[] => (branch?.children ?? []).map(({ name }) => name);

  it('are taken as oned takes them, and shown as it shows them', () => {
    recordedWorld('one.group.quota');
    expect(names(info(100))).toEqual(names(body('one.group.info')));
    expect(names(info(100).child('VM_QUOTA'))).toEqual([]);
    const { request, response } = recorded.exchanges.find(({ name }) => name === 'one.group.quota') ?? {};
    expect(fake.answer(request ?? '')).toBe(response);
    const template = 'DATASTORE=[ID="101",IMAGES="4"]';
    fake.answer(methodCall('one.group.quota', ['oneadmin:oneadminpw', 100, template]));
    const theirs = body('one.group.info-quota-used');
    for (const [quota, vector] of [
      ['VM_QUOTA', 'VM'],
      ['DATASTORE_QUOTA', 'DATASTORE'],
    ] as const)
      expect(names(info(100).at(quota, vector))).toEqual(names(theirs.at(quota, vector)));
    for (const name of ['VMS', 'CPU', 'MEMORY'])
      expect(info(100).value('VM_QUOTA', 'VM', name)).toBe(theirs.value('VM_QUOTA', 'VM', name));
  });

  it('of virtual data centres have hosts as oned lists what is in them', () => {
    fake.world.vdcs.get(100)?.hosts.add(1);
    const answer = readAnswer(fake.answer(methodCall('one.vdcpool.info', ['oneadmin:oneadmin-secret'])));
    const [mine] = readDocument(answer.kind === 'value' ? answer.value : '')
      .all('VDC')
      .filter((each) => each.value('ID') === '100');
    const theirs = body('one.vdcpool.info').child('VDC');
    expect(names(mine)).toEqual(names(theirs));
    expect(names(mine?.at('HOSTS', 'HOST'))).toEqual(['ZONE_ID', 'HOST_ID']);
    expect(names(theirs?.at('CLUSTERS', 'CLUSTER'))).toEqual(['ZONE_ID', 'CLUSTER_ID']);
  });
});

describe('what it tells', () => {
  /** Names of elements below one, in their order, each once; those that hold what somebody wrote, not further. */
  function shape(branch: Branch | undefined): string {
    const open = new Set(['TEMPLATE', 'USER_TEMPLATE', 'HOST_SHARE', 'MONITORING', 'VMS']);
    const below = (branch?.children ?? []).map((child) => (open.has(child.name) ? child.name : shape(child)));
    return below.length === 0 ? (branch?.name ?? '') : `${branch?.name}(${[...new Set(below)].join(' ')})`;
  }

  const ask = (method: string, ...parameters: readonly Parameter[]): Branch => {
    const answer = readAnswer(fake.answer(methodCall(method, ['oneadmin:oneadmin-secret', ...parameters])));
    if (answer.kind !== 'value') throw new Error(answer.said);
    return readDocument(answer.value);
  };
  const recordedShape = (name: string): string => shape(readDocument(recorded.bodies[name] ?? ''));

  beforeEach(() => {
    fake.addParent('vep-net', '10.10.0.10', 50);
    ask('one.user.info', -1);
    const make = (method: string, template: string, ...rest: readonly Parameter[]): string =>
      fake.answer(methodCall(method, ['oneadmin:oneadmin-secret', template, ...rest]));
    make('one.image.allocate', 'NAME="debian12"\nPATH="/x"', 101, false);
    make(
      'one.vm.allocate',
      'NAME="web"\nCPU="1"\nVCPU="1"\nMEMORY="64"\nDISK=[IMAGE_ID="0"]\nNIC=[NETWORK_ID="0"]\nCONTEXT=[NETWORK="YES"]',
      true,
    );
  });

  it.each([
    ['one.vm.info', 'one.vm.info-hold'],
    ['one.image.info', 'one.image.info'],
    ['one.vn.info', 'one.vn.info'],
  ])('%s has the elements of oned in its order', (method, body) => {
    const told = shape(ask(method, 0));
    // The network was recorded with another one's leases.
    expect(told.replaceAll('VM)', 'VNET)')).toBe(recordedShape(body));
  });

  it('a machine has its attributes in the order of the alphabet, and its disks and NICs with what oned adds', () => {
    const names = ask('one.vm.info', 0)
      .child('TEMPLATE')!
      .children.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    const vm = readDocument(recorded.bodies['one.vm.info-hold'] ?? '');
    for (const vector of ['DISK', 'NIC']) {
      const added = ask('one.vm.info', 0)
        .at('TEMPLATE', vector)!
        .children.map(({ name }) => name);
      const theirs = vm.at('TEMPLATE', vector)!.children.map(({ name }) => name);
      expect(theirs).toEqual(expect.arrayContaining(added.filter((name) => name !== 'GATEWAY')));
    }
  });

  it('the short form of the pool tells nothing of what others write into a machine', () => {
    fake.answer(methodCall('one.vm.update', ['oneadmin:oneadmin-secret', 0, 'VEP_ID="x"', 1]));
    expect(ask('one.vmpool.info', -2, -1, -1, -1, '').at('VM', 'USER_TEMPLATE')?.value('VEP_ID')).toBeUndefined();
    expect(ask('one.vmpool.infoextended', -2, -1, -1, -1, '').at('VM', 'USER_TEMPLATE')?.value('VEP_ID')).toBe('x');
    const recordedNames = readDocument(recorded.bodies['one.vmpool.info'] ?? '')
      .child('VM')!
      .children.map(({ name }) => name);
    expect(
      ask('one.vmpool.info', -2, -1, -1, -1, '')
        .child('VM')!
        .children.map(({ name }) => name),
    ).toEqual(recordedNames);
  });
});
