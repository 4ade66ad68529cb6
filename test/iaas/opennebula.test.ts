/** What bites at an OpenNebula (`spec/opennebula.md` §4 and elsewhere): each was seen on the real one, and each has a test. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, ImageSpec, SiteAdapter } from '../../src/iaas/adapter.js';
import { unkept } from '../../src/iaas/kept-text.js';
import { FakeOned, type FakeOnedOptions } from '../support/fake-oned/index.js';
import type { Machine } from '../support/fake-oned/world.js';
import { OWNER, madeFor, openSite, optionsFor } from './opennebula-harness.js';
import { qcow2 } from './simulator-harness.js';

let directory: string;
let fake: FakeOned;
let sites: SiteAdapter[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vep-one-'));
  sites = [];
});
afterEach(async () => {
  await Promise.all(sites.map((site) => site.close()));
  await fake?.close();
  rmSync(directory, { recursive: true });
});

async function site(more: JsonObject = {}, options: FakeOnedOptions = {}): Promise<SiteAdapter> {
  fake = await FakeOned.start(options);
  return open(more);
}

async function open(more: JsonObject = {}): Promise<SiteAdapter> {
  const adapter = madeFor(await openSite(optionsFor(fake.url, directory, more), directory), OWNER);
  sites.push(adapter);
  return adapter;
}

const bytes = qcow2(64 * 2 ** 20);
const imageSpec: ImageSpec = {
  ...{ id: 'image-1', name: 'base', format: 'qcow2', sizeBytes: bytes.byteLength },
  open: () => Promise.resolve(pieces()),
};
async function* pieces(): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

const spec = (id: string, more: Partial<ComputeSpec> = {}): ComputeSpec => ({
  id,
  name: id,
  cores: 1,
  memoryBytes: 2 ** 29,
  ...more,
});

async function machine(adapter: SiteAdapter, id = 'vm-1', more: Partial<ComputeSpec> = {}): Promise<string> {
  const image = await adapter.importImage(imageSpec, imageSpec.id);
  return adapter.createCompute(spec(id, { image, ...more }), id);
}

const vm = (ref: string): Machine => {
  const found = fake.world.machines.get(Number(ref));
  if (!found) throw new Error(`oned has no machine ${ref}`);
  return found;
};
const called = (method: string): number => fake.calls.filter((call) => call.method === method).length;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(3);
}

async function running(adapter: SiteAdapter, id = 'vm-1'): Promise<string> {
  const ref = await machine(adapter, id);
  await adapter.actCompute(ref, 'start', undefined);
  await until(() => vm(ref).lcm === 3);
  return ref;
}

describe('machines', () => {
  it('keeps everything that people write out of what oned and the guest would expand (S-100)', async () => {
    const adapter = await site();
    const hostile = '$NAME $USER[SSH] `id` "]]> \\ \r\n\t\u202e é\u{1f4a9}';
    const ref = await machine(adapter, `id ${hostile}`, {
      name: hostile,
      userData: hostile,
      ovfEnvironment: hostile,
      application: hostile,
    });
    const context = vm(ref).template.vectors('CONTEXT')[0];
    const decoded = (name: string): string => Buffer.from(context?.get(name) ?? '', 'base64').toString('utf8');
    expect([decoded('USER_DATA'), decoded('OVF_ENV_BASE64')]).toEqual([hostile, hostile]);
    expect([...(context ?? [])].filter(([, value]) => value.includes('$'))).toEqual([]);
    expect(unkept(vm(ref).user.get('VEP_ID') ?? '')).toBe(`id ${hostile}`);
    expect((await adapter.describe('compute', [ref])).get(ref)?.id).toBe(`id ${hostile}`);
    await expect(machine(adapter, 'k', { sshKeys: ['ssh-rsa $(id)'] })).rejects.toMatchObject({ class: 'invalid' });
    await expect(machine(adapter, 'h', { hostname: '$NAME' })).rejects.toMatchObject({ class: 'invalid' });
  });

  it('is apart from others also in the eyes of oned: one VM group for each set of them', async () => {
    const adapter = await site();
    const one = await machine(adapter, 'a', { apartFrom: ['b'] });
    const other = await machine(adapter, 'b', { apartFrom: ['a'] });
    const groups = [one, other].map((ref) => vm(ref).template.vectors('VMGROUP')[0]?.get('VMGROUP_ID'));
    expect([groups[0], fake.world.vmGroups.size]).toEqual([groups[1], 1]);
    expect([...fake.world.vmGroups.values()][0]?.roles[0]?.get('POLICY')).toBe('ANTI_AFFINED');
    expect(vm(one).user.get('VEP_HOST')).not.toBe(vm(other).user.get('VEP_HOST'));
    await adapter.delete('compute', one);
    expect(fake.world.vmGroups.size).toBe(1);
    await adapter.delete('compute', other);
    expect(fake.world.vmGroups.size).toBe(0);
  });

  it('is hibernated by "stop", which frees the host, and shows as suspended', async () => {
    const adapter = await site();
    const ref = await running(adapter);
    await adapter.actCompute(ref, 'suspend', 'hibernate');
    await until(() => vm(ref).state === 4);
    expect((await adapter.describe('compute', [ref])).get(ref)).toMatchObject({ state: 'suspended', busy: false });
    await adapter.actCompute(ref, 'start', undefined);
    await until(() => vm(ref).lcm === 3);
    await adapter.actCompute(ref, 'stop', 'undeploy');
    await until(() => vm(ref).state === 9);
    expect((await adapter.describe('compute', [ref])).get(ref)).toMatchObject({ state: 'inactive' });
  });

  it.each([
    [{}, -1],
    [{ systemDatastore: 100 }, 100],
  ])('is deployed on the system datastore that is configured: %j', async (options, datastore) => {
    await running(await site(options));
    const deployed = fake.calls.filter(({ method }) => method === 'one.vm.deploy');
    expect(deployed.map(({ parameters }) => parameters[4])).toEqual([datastore]);
  });

  it('is started once when its start was accepted and does not show yet', async () => {
    const adapter = await site({}, { pace: { lagMs: 30, stepMs: 10 } });
    const ref = await machine(adapter);
    const [one, other] = [adapter, await open()];
    // Both see it on HOLD, as oned reports the old state for a while.
    await Promise.all([one.actCompute(ref, 'start', undefined), other.actCompute(ref, 'start', undefined)]);
    await until(() => vm(ref).lcm === 3);
  });

  it('is let go of NICs while it sleeps, and unplugged when it wakes', async () => {
    const adapter = await site();
    const ref = await running(adapter);
    const network = await adapter.createNetwork({ id: 'n', name: 'n', cidr: '192.168.9.0/24' }, 'n');
    const nic = await adapter.attachNic({ id: 'nic', compute: ref, network }, 'nic');
    await until(() => vm(ref).lcm === 3);
    await adapter.actCompute(ref, 'suspend', undefined);
    await until(() => vm(ref).state === 5);
    await adapter.delete('nic', nic);
    expect((await adapter.describe('nic', [nic])).size).toBe(0);
    expect(vm(ref).template.vectors('NIC')).toHaveLength(1);
    await adapter.actCompute(ref, 'start', undefined);
    await until(() => vm(ref).lcm === 3);
    await adapter.actCompute(ref, 'start', undefined);
    await until(() => vm(ref).template.vectors('NIC').length === 0);
  });
});

const isReading = (method: string): boolean => /\.(info|infoextended|infoset|version)$/.test(method);

describe('security groups', () => {
  const rules = [{ direction: 'inbound', protocol: 'tcp' }] as const;

  /** A machine that a group guards. */
  async function guarded(): Promise<{ readonly ref: string; readonly group: string }> {
    const adapter = await site({ patience: { pollMs: 2, settleMs: 25_000 } });
    const group = (await adapter.securityGroups?.create({ id: 'g', name: 'g', rules: [] }, 'g')) ?? '';
    const network = await adapter.createNetwork({ id: 'n', name: 'n' }, 'n');
    const nics = [{ id: 'nic', network, securityGroups: [group] }];
    const ref = await machine(adapter, 'vm-1', { nics });
    await adapter.actCompute(ref, 'start', undefined);
    await until(() => vm(ref).lcm === 3);
    return { ref, group };
  }
  const failed = (group: string): number[] => [...(fake.world.securityGroups.get(Number(group))?.failed ?? [])];

  it('reach a machine that was booting or plugged into when their rules changed: oned gives up on it', async () => {
    const { ref, group } = await guarded();
    vm(ref).lcm = 25;
    const again = fake.called('one.secgroup.commit');
    const changing = sites[0]?.securityGroups?.update(group, rules);
    await again;
    expect(failed(group)).toEqual([Number(ref)]);
    vm(ref).lcm = 3;
    await changing;
    expect([called('one.secgroup.update'), failed(group)]).toEqual([1, []]);
  });

  it('say which machines they have not reached, and reach them the next time', async () => {
    const { ref, group } = await guarded();
    const hasty = await open({ patience: { pollMs: 2, settleMs: 10 } });
    const message = async (): Promise<unknown> => (await hasty.describe('securitygroup', [group])).get(group)?.message;
    vm(ref).lcm = 2;
    const told = { class: 'transient', message: `the rules have not reached these machines of OpenNebula: ${ref}` };
    await expect(hasty.securityGroups?.update(group, rules)).rejects.toMatchObject(told);
    expect(await message()).toBe(told.message);
    vm(ref).lcm = 3;
    await hasty.securityGroups?.update(group, rules).catch(() => undefined);
    expect([called('one.secgroup.update'), await message()]).toEqual([1, undefined]);
  });
});

describe('networks', () => {
  it('carry no security group, so that the one that lets everything pass is not united with that of the NIC', async () => {
    const adapter = await site();
    const ref = await running(adapter);
    const network = await adapter.createNetwork(
      { id: 'n', name: 'n', cidr: '192.168.9.0/24', gateway: '192.168.9.100' },
      'n',
    );
    expect(fake.world.networks.get(Number(network))?.template.get('SECURITY_GROUPS')).toBe('');
    await adapter.attachNic({ id: 'nic', compute: ref, network }, 'nic');
    expect(vm(ref).template.vectors('NIC')[0]?.get('SECURITY_GROUPS')).toBe('0');
    // A gateway in the middle is kept from being given away, and released with the network.
    expect(fake.world.networks.get(Number(network))?.leases.some(({ by }) => by === 'held')).toBe(true);
    await adapter.delete('compute', ref);
    await until(() => vm(ref).state === 6);
    await adapter.delete('network', network);
    expect(fake.world.networks.has(Number(network))).toBe(false);
  });

  it('without a wish get a free block each', async () => {
    const adapter = await site();
    const refs = await Promise.all(['a', 'b', 'c'].map((id) => adapter.createNetwork({ id, name: id }, id)));
    const seen = [...(await adapter.describe('network', refs)).values()];
    expect(new Set(seen.map((each) => (each.class === 'network' ? each.cidr : ''))).size).toBe(3);
  });
});

describe('the way to oned', () => {
  it('has never more calls open than oned bears', async () => {
    const adapter = await site({ concurrency: 5 });
    const ref = await machine(adapter);
    fake.answerMs = 5;
    await Promise.all(Array.from({ length: 60 }, () => adapter.describe('compute', [ref])));
    expect(fake.busiest).toBeLessThanOrEqual(5);
    expect(fake.busiest).toBeGreaterThan(1);
  });

  it('changes things over connections of their own alone: one that oned is about to close must swallow nothing', async () => {
    const adapter = await site();
    await adapter.delete('compute', await running(adapter));
    const changing = new Set(fake.closing.map(({ method }) => method));
    expect(changing).toEqual(new Set(fake.calls.map(({ method }) => method).filter((method) => !isReading(method))));
    expect([...changing].sort()).toEqual(expect.arrayContaining(['one.vm.action', 'one.vm.allocate', 'one.vm.deploy']));
  });

  it('is asked once for the NICs, disks and machines of a visit, and again when VEP has changed something', async () => {
    const adapter = await site();
    const ref = await machine(adapter);
    const listed = async (what: 'nic' | 'attachment' | 'compute'): Promise<string[]> => {
      const found = [];
      for await (const observed of adapter.list(what)) found.push(observed.ref);
      return found;
    };
    const before = called('one.vmpool.infoextended');
    expect([await listed('nic'), await listed('attachment'), await listed('compute')]).toEqual([[], [], [ref]]);
    expect(called('one.vmpool.infoextended')).toBe(before + 1);
    await listed('nic');
    const other = await machine(adapter, 'vm-2');
    expect((await listed('compute')).sort()).toEqual([ref, other].sort());
    expect(await listed('compute')).toHaveLength(2);
  });

  it.each([
    ['5.12.0', false],
    ['6.2.1', false],
    ['6.4.0', true],
    ['7.4.0', true],
  ])('has security groups where they can change on a machine: %s', async (version, has) => {
    const adapter = await site({}, { version, lacks: has ? [] : ['one.vm.attachsg', 'one.vm.detachsg'] });
    const group = (): Promise<string> | undefined =>
      adapter.securityGroups?.create({ id: 'g', name: 'g', rules: [] }, 'g');
    if (has) await group();
    else await expect(group()).rejects.toMatchObject({ class: 'unsupported', message: /6\.4/ });
    expect(adapter.capabilities().securityGroups).toBe(has);
    // Whoever looks at the site knows, as it may be another one by now.
    const other = await open();
    await other.inventory();
    expect(other.capabilities().securityGroups).toBe(has);
  });

  it('starts machines with EFI where it is told what that is called', async () => {
    const spec = {
      id: 'efi',
      name: 'efi',
      cores: 1,
      memoryBytes: 2 ** 27,
      architecture: 'x64',
      firmware: 'efi',
    } as const;
    const adapter = await site({ efi: 'UEFI' });
    expect(adapter.capabilities().firmwares).toEqual(new Set(['efi']));
    const ref = await adapter.createCompute({ ...spec, image: await adapter.importImage(imageSpec, 'image') }, 'efi');
    const [os] = fake.world.machines.get(Number(ref))?.template.vectors('OS') ?? [];
    expect([os?.get('ARCH'), os?.get('FIRMWARE')]).toEqual(['x86_64', 'UEFI']);
    expect((await open()).capabilities().firmwares).toBeUndefined();
  });

  it('works with 5.12, which has no backup jobs and may lack calls of later versions', async () => {
    const adapter = await site({}, { version: '5.12.0', lacks: ['one.vmpool.infoset'] });
    expect(await adapter.check()).toEqual([]);
    const ref = await running(adapter);
    expect((await adapter.describe('compute', [ref])).get(ref)).toMatchObject({ state: 'active' });
    expect([...fake.world.rules.values()][0]?.resource).toBe(0x21429400000000n);
  });

  it('hands images over by HTTP too, at an address that is good until oned has them', async () => {
    const adapter = await site({ images: { handover: { listen: '127.0.0.1:0' } } });
    fake.world.copying = true;
    const importing = adapter.importImage(imageSpec, imageSpec.id);
    await until(() => fake.world.images.size > 0);
    const path = [...fake.world.images.values()][0]?.path ?? '';
    const asked = [{ method: 'HEAD' }, {}, { headers: { range: 'bytes=100-' } }].map((options) => fetch(path, options));
    const [head, whole, rest] = await Promise.all(asked);
    expect([head?.status, whole?.status, rest?.status]).toEqual([200, 200, 206]);
    expect(Buffer.from((await whole?.arrayBuffer()) ?? new ArrayBuffer(0)).equals(bytes)).toBe(true);
    expect((await rest?.arrayBuffer())?.byteLength).toBe(bytes.byteLength - 100);
    expect((await fetch(new URL('/guessed/image.qcow2', path))).status).toBe(404);
    fake.world.copying = false;
    await importing;
    expect((await fetch(path)).status).toBe(404);
  });
});

describe('vep sites check', () => {
  const codes = async (adapter: SiteAdapter): Promise<string[]> => (await adapter.check()).map(({ code }) => code);

  it('says what is missing, each with what to do', async () => {
    await site();
    writeFileSync(join(directory, 'wrong'), 'wrong');
    const wrong = { driver: 'server_cipher', password: { file: join(directory, 'wrong') } };
    expect(await codes(await open({ credentials: wrong }))).toEqual(['opennebula.endpoint']);
    expect(await codes(await open({ endpoint: fake.url.replace('RPC2', 'nothing') }))).toEqual([]);
    expect(await codes(await open({ networks: { reserveFrom: ['elsewhere'] } }))).toEqual(['opennebula.networks']);
    expect(await codes(await open({ hosts: { country: 'DE', clusters: ['none'] } }))).toEqual(['opennebula.hosts']);
    const images = { datastore: 'none', handover: { directory: join(directory, 'secret/below') } };
    expect(await codes(await open({ images }))).toEqual(['opennebula.datastore', 'opennebula.handover']);
    fake.world.addUser('joe', 'core', 'joes', [1]);
    writeFileSync(join(directory, 'joe'), 'joes');
    const joe = { driver: 'password', user: 'joe', password: { file: join(directory, 'joe') } };
    expect(await codes(await open({ credentials: joe }))).toEqual(['opennebula.rights', 'opennebula.shared-volumes']);
    for (const { message, remedy } of await (await open({ credentials: joe })).check())
      expect([message, remedy]).not.toContain('');
  });

  it.each([
    ['/var/tmp/vep', '/var/tmp', '/', []],
    ['/srv/vep', '/var/tmp', '/', ['opennebula.safe-dirs']],
    ['/srv/vep', '/var/tmp /srv', '/', []],
    ['/srv/vep', '/var/tmp', '/etc /var', []],
    ['/srv/vep', '', '/srv', ['opennebula.safe-dirs']],
  ])('finds whether a datastore reads from %s with SAFE_DIRS "%s" and RESTRICTED_DIRS "%s"', async (...given) => {
    const [seenAs, safe, restricted, found] = given;
    await site();
    const { template } = fake.world.datastores.get(101)!;
    for (const [name, value] of Object.entries({ DS_MAD: 'fs', SAFE_DIRS: safe, RESTRICTED_DIRS: restricted }))
      template.set(name, value);
    const handover = { directory: join(directory, 'images'), seenAs };
    expect(await codes(await open({ images: { handover } }))).toEqual(found);
    // The driver for trials copies nothing.
    template.set('DS_MAD', 'dummy');
    expect(await codes(await open({ images: { handover } }))).toEqual([]);
  });

  it('calls a version too old', async () => {
    expect(await codes(await site({}, { version: '5.4.1' }))).toEqual(['opennebula.version']);
  });
});

describe('options', () => {
  it('allow no more calls at a time than oned has connections', async () => {
    fake = await FakeOned.start();
    await expect((async () => open({ concurrency: 16 }))()).rejects.toMatchObject({
      faults: [{ place: { path: 'concurrency' } }],
    });
    await open({ concurrency: 15 });
  });

  it('are refused with every fault by its key', async () => {
    const wrong = {
      endpoint: 'nowhere',
      credentials: { driver: 'password' },
      hosts: { country: 'Germany' },
      colour: 1,
    };
    const faults = await Promise.resolve()
      .then(() => openSite(wrong, directory))
      .then(
        () => [],
        (error: { faults: { place: { path: string } }[] }) => error.faults.map((fault) => fault.place.path),
      );
    expect(faults).toEqual(
      expect.arrayContaining(['endpoint', 'credentials', 'hosts.country', 'colour', '(top level)']),
    );
  });
});
