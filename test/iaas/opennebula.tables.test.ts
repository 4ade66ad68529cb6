/** What numbers and attributes of OpenNebula mean to VEP, each in a row of a table. */

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observed } from '../../src/iaas/adapter.js';
import { meaningOf, refusalOf } from '../../src/iaas/adapters/opennebula/one-error.js';
import { machineMeaning } from '../../src/iaas/adapters/opennebula/states.js';
import { datastore } from '../support/fake-oned/world.js';
import { openNebulaHarness, openSite, optionsFor, type OpenNebulaHarness } from './opennebula-harness.js';

describe('a machine that is ACTIVE', () => {
  it.each([
    [9, 'suspended', 'active'],
    [16, 'error', undefined],
    [22, 'suspended', 'active'],
    [29, 'active', 'inactive'],
    [31, 'inactive', 'active'],
    [39, 'error', undefined],
    [42, 'error', undefined],
    [43, 'inactive', 'inactive'],
    [51, 'inactive', 'inactive'],
    [60, 'active', 'active'],
    [69, 'active', 'active'],
    [70, 'inactive', 'inactive'],
  ])('with LCM_STATE %i is %s, on its way to %s', (lcm, state, heading) => {
    const meaning = machineMeaning(3, lcm);
    expect([meaning?.state, meaning?.heading, meaning?.busy]).toEqual([
      state,
      heading,
      heading === undefined ? undefined : true,
    ]);
  });
});

describe('a refusal', () => {
  it.each([
    [0x1000, 'a parameter out of its range', 'invalid'],
    [0x2000, 'SQL command was: INSERT, database is locked', 'transient'],
    [0x8000, 'The resource is kept', 'conflict'],
    [0x10000, 'not the leader', 'transient'],
    [0x200, 'User [0] : VM is locked. [2]', 'conflict'],
    [0x200000, 'of no code that is known', 'fatal'],
  ])('%i "%s" means %s', (code, said, meaning) => expect(meaningOf(code, said)).toBe(meaning));

  it.each([
    [-506, 'unsupported'],
    [-501, 'fatal'],
  ])('of the library, %i, means %s', (code, meaning) =>
    expect(refusalOf('one.vm.x', { kind: 'fault', code, said: 'words' }).class).toBe(meaning),
  );
});

describe('at a site', () => {
  let harness: OpenNebulaHarness;
  beforeEach(async () => void (harness = await openNebulaHarness()));
  afterEach(() => harness.close());

  /** The datastore that a volume was made in last. */
  const used = (): unknown =>
    harness.fake.calls.findLast(({ method }) => method === 'one.image.allocate')?.parameters[2];

  it.each([
    ['the one with the most room', { freeMb: 600_000 }, 102],
    ['not one with less room', { freeMb: 400_000 }, 101],
    ['not one that is disabled', { freeMb: 600_000, state: 1 }, 101],
    ['not one for what runs', { freeMb: 600_000, type: 1 }, 101],
  ])('volumes are made in a datastore, %s', async (_which, more, id) => {
    harness.fake.world.datastores.set(102, { ...datastore('other', 0), ...more });
    await harness.adapter.createStorage({ id: 'v', name: 'v', sizeBytes: 2 ** 30 }, 'v');
    expect(used()).toBe(id);
  });

  it('a system datastore without room is told', async () => {
    const system = harness.fake.world.datastores.get(100)!;
    system.freeMb = 0;
    expect((await harness.adapter.check()).map(({ code }) => code)).toEqual(['opennebula.system-datastore']);
    // Where disks lie on the hosts, the datastore itself has none.
    system.template.set('SHARED', 'NO');
    expect((await harness.adapter.check()).map(({ code }) => code)).not.toContain('opennebula.system-datastore');
  });

  it('hosts tell their place, and whether they are up', async () => {
    const [first, second, third] = [...harness.fake.world.hosts.values()];
    for (const [name, value] of Object.entries({ COUNTRY: 'FR', ZONE: 'z', RACK: 'r', TRAITS: 'gpu, ssd' }))
      first!.template.set(name, value);
    second!.template.set('COUNTRY', 'France');
    third!.state = 4;
    const hosts = new Map((await harness.adapter.inventory()).hosts.map((host) => [host.name, host]));
    expect(hosts.get('node1')).toMatchObject({ country: 'FR', zone: 'z', rack: 'r', traits: ['gpu', 'ssd'], up: true });
    expect(hosts.get('node2')).toMatchObject({ country: 'DE', zone: 'vep-cluster', traits: [], up: true });
    expect(hosts.get('node3')?.up).toBe(false);
  });

  it('hosts have the place of their cluster where they say none of their own', async () => {
    const { adapter, fake } = harness;
    const cluster = fake.world.clusters.get(100)!;
    for (const [name, value] of Object.entries({ COUNTRY: 'FR', ZONE: 'z', RACK: 'r', TRAITS: 'gpu' }))
      cluster.template.set(name, value);
    const [first, second, third] = [...fake.world.hosts.values()];
    for (const host of [first!, second!]) host.template.remove('RACK');
    for (const [name, value] of Object.entries({ COUNTRY: 'IT', ZONE: 'y', RACK: 'q', TRAITS: 'ssd' }))
      second!.template.set(name, value);
    third!.cluster = 101;
    third!.template.remove('RACK');
    const hosts = new Map((await adapter.inventory()).hosts.map((host) => [host.name, host]));
    expect(hosts.get('node1')).toMatchObject({ country: 'FR', zone: 'z', rack: 'r', traits: ['gpu'] });
    expect(hosts.get('node2')).toMatchObject({ country: 'IT', zone: 'y', rack: 'q', traits: ['ssd'] });
    expect(hosts.get('node3')).toMatchObject({ country: 'DE', zone: 'empty', rack: 'node3', traits: [] });
  });

  it('volumes are switched on and off once', async () => {
    const { adapter, fake } = harness;
    fake.world.copying = true;
    const ref = await adapter.createStorage({ id: 'v', name: 'v', sizeBytes: 2 ** 30 }, 'v');
    const image = fake.world.images.get(Number(ref))!;
    await expect(adapter.actStorage(ref, 'offline')).rejects.toMatchObject({ class: 'transient' });
    fake.world.copying = false;
    while (image.state === 4) await harness.advance(2);
    const switched = (): unknown[] =>
      fake.calls.filter(({ method }) => method === 'one.image.enable').map(({ parameters }) => parameters[2]);
    for (const action of ['online', 'offline', 'offline', 'online', 'online'] as const)
      await adapter.actStorage(ref, action);
    expect(switched()).toEqual([false, true]);
  });

  it.each(['outdated', 'updating'] as const)('rules that are %s on a host are on their way', async (list) => {
    const { adapter, fake } = harness;
    const ref = (await adapter.securityGroups?.create({ id: 'g', name: 'g', rules: [] }, 'g')) ?? '';
    const seen = async (): Promise<Observed | undefined> => (await adapter.describe('securitygroup', [ref])).get(ref);
    expect(await seen()).toMatchObject({ id: 'g', busy: false });
    fake.world.securityGroups.get(Number(ref))?.[list].add(5);
    expect(await seen()).toMatchObject({ id: 'g', busy: true });
  });

  it('networks that are done are none', async () => {
    const ref = await harness.adapter.createNetwork({ id: 'n', name: 'n' }, 'n');
    const names = async (): Promise<string[]> => (await harness.adapter.inventory()).networks.map((each) => each.ref);
    expect(await names()).toContain(ref);
    harness.fake.world.networks.get(Number(ref))!.state = 4;
    expect(await names()).not.toContain(ref);
  });

  it('machines are listed to the last page', async () => {
    const { adapter, fake } = harness;
    const volumes = [
      { id: 'd', storage: await adapter.createStorage({ id: 'v', name: 'v', sizeBytes: 2 ** 30 }, 'v') },
    ];
    const ref = await adapter.createCompute({ id: 'm', name: 'm', cores: 1, memoryBytes: 2 ** 29, volumes }, 'm');
    const made = fake.world.machines.get(Number(ref))!;
    for (let id = 1000; id < 1250; id++) fake.world.machines.set(id, { ...made, id });
    const seen: Observed[] = [];
    for await (const each of adapter.list('compute')) seen.push(each);
    expect(new Set(seen.map((each) => each.ref)).size).toBe(251);
  });

  it('a login token is made with an RSA key alone', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { directory, fake } = harness;
    const [certificate, key] = ['chain.pem', 'key.pem'].map((name) => join(directory, name)) as [string, string];
    writeFileSync(certificate, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const credentials = { driver: 'x509', user: 'dave', certificate, key: { file: key } };
    const opening = (async () => openSite(optionsFor(fake.url, directory, { credentials }), directory))();
    await expect(opening).rejects.toMatchObject({ faults: [{ code: 'opennebula.key' }] });
  });
});
