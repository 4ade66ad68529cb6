/** Nimbus through the adapter of EC2: its few operations, what it lacks refused up front, and failures on the way to it. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import type { ComputeSpec, IaasError, SiteAdapter } from '../../src/iaas/adapter.js';
import { CALL_LIMITS, GuardedSite } from '../../src/iaas/guarded-site.js';
import { ACCESS_ID, SECRET, type FakeNimbus } from '../support/fake-nimbus/index.js';
import type { WireFault, WireRequest } from '../support/faulty-proxy.js';
import { nimbusHarness, type NimbusHarness } from './nimbus-harness.js';

const FILE = Buffer.from('an image');
const DIGEST = createHash('sha256').update(FILE).digest('hex');
const GIB = 2 ** 30;

let harness: NimbusHarness;
let fake: FakeNimbus;
let site: SiteAdapter;

beforeAll(async () => {
  harness = await nimbusHarness(DIGEST);
  fake = harness.fake;
  site = new GuardedSite(harness.adapter, systemClock, CALL_LIMITS, () => undefined);
});

afterEach(async () => {
  harness.proxy.clear();
  for await (const machine of site.list('compute')) await site.delete('compute', machine.ref);
  await until(async () => [...(await listed())].length === 0);
});

afterAll(async () => {
  await harness.close();
});

const spec = (id: string, more: Partial<ComputeSpec> = {}): ComputeSpec => ({
  id,
  name: id,
  cores: 1,
  memoryBytes: GIB,
  image: 'base-image',
  ...more,
});

async function listed(): Promise<string[]> {
  const found = [];
  for await (const machine of site.list('compute')) found.push(machine.ref);
  return found;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (await condition()) return;
    await pause(5);
  }
  throw new Error('waited in vain');
}

const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'granted',
    (error: unknown) => (error as IaasError).class,
  );

async function running(made: string): Promise<void> {
  await until(async () => (await site.describe('compute', [made])).get(made)?.state === 'active');
}

it('runs a machine with its key, its user data and what came with it, and takes it away', async () => {
  expect(await site.check()).toEqual([]);
  const boot = { storage: { id: 's-1', name: 'root', sizeBytes: GIB, image: 'base-image' }, attachment: 'a-1' };
  const { image: _image, ...rest } = spec('vm-1', { boot, sshKeys: ['ssh-ed25519 AAAA'], userData: '#!/bin/sh\n' });
  const nics = [{ id: 'n-1', network: 'private' }];
  const made = await site.createCompute({ ...rest, nics }, 'vm-1');
  await running(made);
  const instance = fake.instances.get(made);
  expect(instance).toMatchObject({ image: 'base-image', type: 'm1.small' });
  expect(Buffer.from(instance?.userData ?? '', 'base64').toString()).toBe('#!/bin/sh\n');
  expect([...fake.keys.keys()]).toEqual([instance?.key]);
  const storage = await site.createStorage({ ...boot.storage, bootOf: made }, 's-1');
  const attachment = await site.attachStorage({ id: 'a-1', compute: made, storage }, 'a-1');
  const nic = await site.attachNic({ id: 'n-1', compute: made, network: 'private' }, 'n-1');
  expect((await site.describe('storage', [storage])).get(storage)).toMatchObject({ state: 'online' });
  expect((await site.describe('attachment', [attachment])).get(attachment)).toMatchObject({ state: 'active' });
  const plugged = (await site.describe('nic', [nic])).get(nic);
  expect(plugged).toMatchObject({
    state: 'active',
    interface: 'eth1',
    address: expect.stringMatching(/^10\./) as string,
  });
  expect((await site.inventory()).hosts[0]).toMatchObject({ cores: 64, freeCores: 63 });

  await site.delete('attachment', attachment);
  expect((await site.describe('attachment', [attachment])).size).toBe(0);
  await site.delete('compute', made);
  await until(async () => !(await site.describe('compute', [made])).has(made));
  expect((await site.describe('storage', [storage])).size).toBe(0);
  expect(fake.keys.size).toBe(0);
});

it('makes one machine for one token, in whatever way the answer fails to come', async () => {
  const faults: WireFault[] = [
    { kind: 'reset' },
    { kind: 'lose-answer' },
    { kind: 'cut-answer' },
    { kind: 'answer', status: 503, body: 'later' },
    { kind: 'answer', status: 200, body: '<html></html>' },
    { kind: 'answer', status: 200, body: '' },
  ];
  for (const [index, fault] of faults.entries()) {
    const wanted = spec(`vm-${index}`);
    harness.proxy.next(fault, ({ body }) => body.includes('Action=RunInstances'));
    expect(await refusal(site.createCompute(wanted, wanted.id))).toBe('transient');
    const made = await site.createCompute(wanted, wanted.id);
    expect(await site.createCompute(wanted, wanted.id)).toBe(made);
  }
  expect(await listed()).toHaveLength(faults.length);
  const refs = await Promise.all([1, 2, 3].map(() => site.createCompute(spec('vm-x'), 'vm-x')));
  expect(new Set(refs).size).toBe(1);
});

it('makes another machine for a token whose machine is gone, though it is asked for another image', async () => {
  const first = await site.createCompute(spec('vm-1'), 'vm-1');
  await site.delete('compute', first);
  await until(async () => (await listed()).length === 0);
  const second = await site.createCompute(spec('vm-1', { image: 'debian.gz' }), 'vm-1');
  expect(fake.instances.get(second)).toMatchObject({ image: 'debian.gz' });
  expect(await listed()).toEqual([second]);
});

it('takes a machine for gone that ends while it is told to, and no other that Nimbus refuses to end', async () => {
  const made = await site.createCompute(spec('vm-1'), 'vm-1');
  const isTerminate = ({ body }: WireRequest): boolean => body.includes('Action=TerminateInstances');
  const Message = 'the workspace service said no';
  const body = `<Response><Errors><Error><Code>GeneralError</Code><Message>${Message}</Message></Error></Errors></Response>`;
  harness.proxy.next({ kind: 'answer', status: 400, body }, isTerminate);
  await expect(site.delete('compute', made)).rejects.toMatchObject({
    class: 'fatal',
    message: `Nimbus refuses (GeneralError): ${Message}`,
  });
  const ended = fake.instances.get(made);
  harness.proxy.next({ kind: 'reset' }, (request) => {
    if (isTerminate(request) && ended) ended.goneAt = 0;
    return false;
  });
  await site.delete('compute', made);
  expect([fake.asked.includes('TerminateInstances'), await listed()]).toEqual([true, []]);
});

it('refuses what Nimbus lacks before Nimbus hears of it', async () => {
  const made = await site.createCompute(spec('vm-1'), 'vm-1');
  await running(made);
  const before = fake.asked.length;
  const asked = [
    site.actCompute(made, 'stop', undefined),
    site.actCompute(made, 'suspend', undefined),
    site.resizeCompute(made, { cores: 2, memoryBytes: GIB }),
    site.saveCompute(made, 'x', undefined, 'x'),
    site.createNetwork({ id: 'n', name: 'n' }, 'n'),
    site.createStorage({ id: 's', name: 's', sizeBytes: GIB }, 's'),
    site.metrics([made]),
  ];
  expect(await Promise.all(asked.map(refusal))).toEqual(asked.map(() => 'unsupported'));
  expect(fake.asked).toHaveLength(before);
  await site.actCompute(made, 'restart', 'cold');
  expect(fake.asked.at(-1)).toBe('RebootInstances');
});

it('tells refusals apart, words and all, and never the secret', async () => {
  expect(await refusal(site.createCompute(spec('vm-1', { image: 'none' }), 'vm-1'))).toBe('not-found');
  expect(await refusal(site.createCompute(spec('vm-1', { cores: 99 }), 'vm-1'))).toBe('capacity');
  expect(await refusal(site.createCompute(spec('no id of VEP!'), 'x'))).toBe('invalid');
  fake.limit = 0;
  expect(await refusal(site.createCompute(spec('vm-1'), 'vm-1'))).toBe('quota');
  fake.limit = 100;
  fake.failNext = true;
  const failed = await site.createCompute(spec('vm-2'), 'vm-2');
  await until(async () => (await site.describe('compute', [failed])).get(failed)?.state === 'error');
  expect((await site.describe('compute', [failed])).get(failed)?.message).toContain('propagation failed');
  await site.delete('compute', failed);

  fake.secrets.set(ACCESS_ID, 'another');
  const error = await site.inventory().catch((thrown: unknown) => thrown as IaasError);
  expect(error).toMatchObject({ class: 'denied', said: expect.stringContaining('SignatureDoesNotMatch') as string });
  expect(JSON.stringify(error) + (error as Error).message).not.toContain(SECRET);
  expect((await site.check())[0]).toMatchObject({ code: 'nimbus.endpoint' });
  writeFileSync(join(harness.directory, 'secret'), 'another');
  expect((await site.inventory()).images.map(({ name }) => name)).toEqual(fake.images);
});

it('takes images that are there by the digest of their file, converted or not', async () => {
  const image = { id: 'x', name: 'x', sizeBytes: 8, open: () => Promise.reject(new Error('nobody reads it')) };
  expect(await site.importImage({ ...image, format: 'qcow2', sha256: DIGEST }, 'x')).toBe('base-image');
  const converted = { ...image, format: 'raw', sha256: 'f'.repeat(64), convertedFrom: DIGEST };
  expect(await site.importImage(converted, 'x')).toBe('base-image');
  expect(await refusal(site.importImage({ ...image, format: 'raw', sha256: 'f'.repeat(64) }, 'x'))).toBe('unsupported');
});

it('leaves machines of others alone', async () => {
  const theirs = fake.foreign();
  expect(await listed()).toEqual([]);
  expect(await refusal(site.actCompute(theirs, 'restart', undefined))).toBe('denied');
  expect(await refusal(site.delete('compute', theirs))).toBe('denied');
  expect((await site.describe('compute', [theirs])).get(theirs)?.id).toBeUndefined();
  fake.instances.delete(theirs);
});
