/** What bites at an OpenNebula (`spec/opennebula.md` §4 and elsewhere): each was seen on the real one, and each has a test. */

import { generateKeyPairSync, publicDecrypt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, ImageSpec, SiteAdapter, SiteEvent } from '../../src/iaas/adapter.js';
import { kept, unkept } from '../../src/iaas/kept-text.js';
import { readDocument } from '../../src/iaas/document.js';
import { observeMachine, readMachine } from '../../src/iaas/adapters/opennebula/machine.js';
import { meaningOf, refusalOf } from '../../src/iaas/adapters/opennebula/one-error.js';
import { onlyOne } from '../../src/iaas/adapters/opennebula/only-one.js';
import { Patience } from '../../src/iaas/adapters/opennebula/patience.js';
import { openSessions } from '../../src/iaas/adapters/opennebula/session.js';
import { machineMeaning } from '../../src/iaas/adapters/opennebula/states.js';
import { templateXml } from '../../src/iaas/adapters/opennebula/template.js';
import { readAnswer } from '../../src/iaas/adapters/opennebula/xml-rpc.js';
import { FakeOned, type FakeOnedOptions } from '../support/fake-oned/index.js';
import type { Machine } from '../support/fake-oned/world.js';
import { OWNER, madeFor, openSite, optionsFor } from './opennebula-harness.js';
import { qcow2 } from './simulator-harness.js';

const recorded = JSON.parse(readFileSync(join(packageRoot, 'test/support/fake-oned/recorded.json'), 'utf8')) as {
  exchanges: { name: string; response: string }[];
  bodies: Record<string, string>;
};

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

describe('tenants', () => {
  it('makes group, rule and user of a VO on first sight, and acts for the user from then on', async () => {
    const adapter = await site();
    const ref = await machine(adapter);
    await machine(adapter, 'vm-2');
    const owner = fake.world.users.get(vm(ref).uid);
    expect(owner?.name).toMatch(/^vep-local_alice-[0-9a-f]{8}$/);
    expect(fake.world.groups.get(vm(ref).gid)?.name).toMatch(/^vep-vo_climate-[0-9a-f]{8}$/);
    expect(owner?.template.get('VEP_PRINCIPAL')).toBe('local:alice');
    // Without the rule the first allocation would be refused: a group made over XML-RPC may create nothing.
    expect([...fake.world.rules.values()][0]).toMatchObject({ resource: 0x121429400000000n, rights: 8 });
    expect([called('one.group.allocate'), called('one.user.allocate')]).toEqual([1, 1]);
    const allocation = fake.calls.find((call) => call.method === 'one.vm.allocate');
    expect(String(allocation?.parameters[0])).toMatch(new RegExp(`^serveradmin:${owner?.name}:`));
  });

  it('lets a group use an image by a rule of its own, and nobody else', async () => {
    const adapter = await site();
    const ref = await machine(adapter);
    const image = Number(vm(ref).template.vectors('DISK')[0]?.get('IMAGE_ID'));
    const uses = [...fake.world.rules.values()].filter((rule) => rule.resource === 0x8100000000n + BigInt(image));
    expect(uses).toMatchObject([{ user: 0x200000000n + BigInt(vm(ref).gid), rights: 1 }]);
    expect(fake.world.images.get(image)?.mode.other).toBe(false);
  });

  it('takes a new group out of the virtual data centre that has everything', async () => {
    const adapter = await site({ tenants: { vdc: 'vdc100' } });
    const { gid } = vm(await machine(adapter));
    expect([fake.world.vdcs.get(100)?.groups.has(gid), fake.world.vdcs.get(0)?.groups.has(gid)]).toEqual([true, false]);
  });

  it('manages machines whose user OpenNebula has let be deleted', async () => {
    const adapter = await site();
    const ref = await running(adapter);
    fake.world.users.delete(vm(ref).uid);
    await adapter.actCompute(ref, 'stop', 'poweroff');
    await until(() => vm(ref).state === 8);
    await adapter.delete('compute', ref);
    await until(() => vm(ref).state === 6);
  });
});

describe('machines', () => {
  it('tells a lock from a missing right, which oned does not', async () => {
    const adapter = await site();
    const ref = await running(adapter);
    vm(ref).locked = true;
    await expect(adapter.actCompute(ref, 'stop', undefined)).rejects.toMatchObject({
      class: 'conflict',
      message: /locked/,
    });
  });

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

  it('is told of changes by the hook manager long before the next poll, and by the poll where there is none', async () => {
    const adapter = await site();
    const eager = await open({ events: { publisher: fake.publishedAt, pollMs: 600_000 } });
    const [stop, seen] = [new AbortController(), [] as SiteEvent[]];
    const following = (async () => {
      for await (const event of eager.events(stop.signal)) seen.push(event);
    })();
    await until(() => fake.publisher.listeners > 0);
    const ref = await running(adapter);
    await until(() => seen.filter((event) => event.ref === ref && event.class === 'compute').length >= 3);
    stop.abort();
    await following;
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
    expect(await codes(await open({ credentials: joe }))).toEqual(['opennebula.rights']);
    for (const { message, remedy } of await (await open({ credentials: joe })).check())
      expect([message, remedy]).not.toContain('');
  });

  it('calls a version too old', async () => {
    expect(await codes(await site({}, { version: '5.4.1' }))).toEqual(['opennebula.version']);
  });
});

describe('options', () => {
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

describe('sessions', () => {
  it('by certificate are the user and the expiry, encrypted with the private key, beside the chain', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
    writeFileSync(join(directory, 'chain.pem'), `${pem}\n${pem}\n`);
    writeFileSync(join(directory, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const certificate = join(directory, 'chain.pem');
    const options = {
      driver: 'x509' as const,
      user: 'dave',
      certificate,
      key: { file: join(directory, 'key.pem') },
      tokenLifetimeMs: 60_000,
    };
    const sessions = openSessions(options, { ...systemClock, now: () => 1_000_000 });
    const [user, token = ''] = sessions.own().split(':');
    const [proof = '', ...chain] = Buffer.from(token, 'base64').toString().split(':');
    expect([user, chain.length]).toEqual(['dave', 2]);
    expect(publicDecrypt(publicKey, Buffer.from(proof, 'base64')).toString()).toBe('dave:1060');
    expect(sessions.for('anyone')).toBeUndefined();
  });

  it('are reused until shortly before their end, as oned checks a new one slowly', () => {
    let now = 0;
    writeFileSync(join(directory, 'secret'), 'pw');
    const options = {
      driver: 'server_cipher' as const,
      user: 'serveradmin',
      administrator: 'oneadmin',
      password: { file: join(directory, 'secret') },
      tokenLifetimeMs: 100_000,
    };
    const sessions = openSessions(options, { ...systemClock, now: () => now });
    const first = sessions.for('alice');
    now = 89_000;
    expect(sessions.for('alice')).toBe(first);
    now = 91_000;
    expect(sessions.for('alice')).not.toBe(first);
  });
});

describe('errors', () => {
  it.each([
    ['error-quota-cpu', 'quota'],
    ['error-resize-quota', 'quota'],
    ['error-restricted-attr', 'invalid'],
    ['error-authorization-create', 'denied'],
    ['error-authentication', 'denied'],
    ['error-no-exists', 'not-found'],
    ['error-allocate-no-image', 'not-found'],
    ['error-attach-no-image', 'not-found'],
    ['error-attachnic-ip-used', 'capacity'],
    ['error-reserve-too-big', 'capacity'],
    ['error-image-ds-full', 'capacity'],
    ['error-image-duplicate', 'conflict'],
    ['error-duplicate-user', 'conflict'],
    ['error-image-in-use', 'conflict'],
    ['error-vn-in-use', 'conflict'],
    ['error-action-done', 'conflict'],
    ['error-terminate-while-boot', 'conflict'],
    ['error-template-syntax', 'invalid'],
    ['error-missing-memory', 'invalid'],
    ['error-resize-negative', 'invalid'],
    ['error-diskresize-shrink', 'invalid'],
    ['error-acl-malformed', 'invalid'],
    ['error-image-system-ds', 'invalid'],
    ['error-vmpool-filter-sqlite', 'unsupported'],
  ])('%s means %s, whatever its code', (name, meaning) => {
    const answer = readAnswer(recorded.exchanges.find((each) => each.name === name)?.response ?? '');
    if (answer.kind !== 'refusal') throw new Error('not a refusal');
    expect(meaningOf(answer.code, answer.said)).toBe(meaning);
  });

  // Two asked for one name at the same instant: nothing but the database stopped the second.
  it.each([
    [8192, 'one.secgroup.allocate', '[one.secgroup.allocate] '],
    [8192, 'one.secgroup.allocate', ''],
    [16384, 'one.image.allocate', '[one.image.allocate] Error allocating a new image.'],
    [16384, 'one.vmgroup.allocate', '[one.vmgroup.allocate] Error allocating a new VM group. '],
  ])('%i without a word means to look who has the name: %s says "%s"', async (code, method, said) => {
    const refusal = refusalOf(method, { kind: 'refusal', code, said });
    expect(refusal.class).toBe('transient');
    expect(refusal.message).toMatch(/^OpenNebula refuses: \w/);
    const refused = (): Promise<number> => Promise.reject(refusal);
    await expect(onlyOne(refused, () => Promise.resolve(7))).resolves.toBe(7);
    await expect(onlyOne(refused, () => Promise.resolve(undefined))).rejects.toBe(refusal);
  });

  it('of other kinds are not taken for a name that is taken', async () => {
    const refusal = refusalOf('one.image.allocate', { kind: 'refusal', code: 8192, said: 'Cannot parse image SIZE' });
    const find = (): Promise<number> => Promise.reject(new Error('nobody has to look'));
    await expect(onlyOne(() => Promise.reject(refusal), find)).rejects.toBe(refusal);
  });
});

describe('patience', () => {
  it('ends with the time of one call, of which the asking is a part', async () => {
    let now = 0;
    const clock: Clock = { now: () => now, sleep: (ms) => Promise.resolve(void (now += ms)) };
    const patience = new Patience(clock, { pollMs: 100, settleMs: 1000 });
    let asked = 0;
    const slow = (): Promise<undefined> => {
      asked += 1;
      now += 400;
      return Promise.resolve(undefined);
    };
    await expect(patience.until({}, 'the network', slow)).rejects.toMatchObject({ class: 'transient' });
    expect([asked, now]).toEqual([3, 1400]);
  });
});

describe('documents', () => {
  const read = (name: string): ReturnType<typeof observeMachine> =>
    observeMachine(readMachine(readDocument(recorded.bodies[name] ?? ''), 'vep'));

  it.each([
    ['one.vm.info-running', 'active', false],
    ['one.vm.info-hold', 'inactive', false],
    ['one.vm.info-pending', 'inactive', true],
    ['one.vm.info-poweroff', 'inactive', false],
    ['one.vm.info-suspended', 'suspended', false],
    ['one.vm.info-boot-failure', 'error', false],
    ['one.vm.info-done', undefined, undefined],
  ])('%s is %s', (name, state, busy) => {
    expect([read(name)?.state, read(name)?.busy]).toEqual([state, busy]);
  });

  it('tell why a machine failed or waits, without the date', () => {
    expect(read('one.vm.info-boot-failure')?.message).toBe('DEPLOY: node2:fail-1:dummy');
    expect(read('one.vm.info-unschedulable')?.message).toMatch(/^Cannot dispatch VM: No host meets capacity/);
  });

  it('of states that nobody knows are errors with their number', () => {
    expect(machineMeaning(3, 999)).toMatchObject({ state: 'error', name: 'STATE 3, LCM_STATE 999' });
    for (let lcm = 0; lcm <= 71; lcm++)
      if (lcm !== 55 && lcm !== 58) expect(machineMeaning(3, lcm)?.name).not.toMatch(/STATE 3/);
  });

  it('come back from a template as they went in, or are refused', () => {
    for (const text of ['a"b', "it's", 'a\\', '[x=1]', '# no comment', '$NAME', 'a\nb\tc', '<&>', 'é\u{1f4a9}', ' x '])
      expect(readDocument(templateXml({ A: text, V: { B: text } })).at('V', 'B')?.text).toBe(text);
    for (const text of ['a]]>b', 'a\u0000', '\ud800']) expect(() => templateXml({ A: text })).toThrow(/cannot hold/);
    for (const text of ['base64:x', '', 'plain', ']]>', ' ', 'a\u0000b']) expect(unkept(kept(text))).toBe(text);
  });

  it.each([
    '',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    'x<a/>',
    '<!DOCTYPE a><a/>',
    '<a>&nope;</a>',
    '<a>&#x110000;</a>',
    `${'<a>'.repeat(100)}`,
  ])('that are none are refused: %j', (text) => expect(() => readDocument(text)).toThrow());
});
