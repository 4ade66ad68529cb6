/** Volumes that machines have: how they are copied and grow, and what comes of an attachment whose answer is empty. */

import { newUuid } from '../../src/base/ids.js';
import { methodCall } from '../../src/iaas/adapters/opennebula/xml-rpc.js';
import { openNebulaHarness, type OpenNebulaHarness } from './opennebula-harness.js';

let harness: OpenNebulaHarness;
beforeEach(async () => void (harness = await openNebulaHarness()));
afterEach(() => harness.close());

/** HOTPLUG_EPILOG_POWEROFF. */
const DETACHING = { state: 3, lcm: 34 };

const rest = async (what: 'compute' | 'storage' | 'attachment', ref: string): Promise<void> => {
  while ((await harness.adapter.describe(what, [ref])).get(ref)?.busy !== false) await harness.advance(2);
};

interface Plugged {
  readonly compute: string;
  readonly storage: string;
}

/** A machine and a volume, and the id under which one is plugged into the other. */
async function apart(): Promise<Plugged & { readonly id: string }> {
  const { adapter, image: file } = harness;
  const [image, machine, volume, id] = [newUuid(), newUuid(), newUuid(), newUuid()];
  const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(pieces(file.bytes));
  const spec = { id: image, name: 'base', format: file.format, sizeBytes: file.bytes.byteLength, open };
  const booted = await adapter.importImage(spec, image);
  const compute = await adapter.createCompute(
    { id: machine, name: 'vm', cores: 1, memoryBytes: 2 ** 29, image: booted },
    machine,
  );
  const storage = await adapter.createStorage({ id: volume, name: 'vol', sizeBytes: 2 ** 30 }, volume);
  await rest('storage', storage);
  return { id, compute, storage };
}

async function plugged(): Promise<Plugged> {
  const spec = await apart();
  await rest('attachment', await harness.adapter.attachStorage(spec, spec.id));
  return spec;
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

const copies = (): number =>
  [...harness.fake.world.images.values()].filter(({ name }) => /^vep-(backup|snapshot)-of-/.test(name)).length;

it.each(['backup', 'snapshot'] as const)('%s copies a volume that a machine has, off and running', async (action) => {
  const { compute, storage } = await plugged();
  await harness.adapter.actStorage(storage, action);
  expect(copies()).toBe(1);
  await harness.adapter.actCompute(compute, 'start', undefined);
  await rest('compute', compute);
  await harness.adapter.actStorage(storage, action);
  expect(copies()).toBe(2);
  expect(harness.fake.calls.filter(({ method }) => method === 'one.image.clone')).toEqual([]);
});

it('says when the machine is in no state for that', async () => {
  const { compute, storage } = await plugged();
  const machine = harness.fake.world.machines.get(Number(compute));
  if (machine) machine.state = 4;
  await expect(harness.adapter.actStorage(storage, 'snapshot')).rejects.toMatchObject({ class: 'conflict' });
  if (machine) machine.state = 8;
});

it('does not show a machine at rest that it removes, though oned still shows what it was', async () => {
  await harness.close();
  harness = await openNebulaHarness({ pace: { lagMs: 60, stepMs: 5 } });
  const { compute } = await plugged();
  const { adapter, fake } = harness;
  const machine = fake.world.machines.get(Number(compute));
  const off = machine && [machine.state, machine.lcm];
  Object.assign(machine ?? {}, DETACHING);
  const removed = adapter.delete('compute', compute);
  await harness.advance(100);
  Object.assign(machine ?? {}, { state: off?.[0], lcm: off?.[1] });
  await removed;
  expect((await adapter.describe('compute', [compute])).get(compute)?.busy).not.toBe(false);
});

it('lets a machine be saved later that somebody else has begun to save at the same instant', async () => {
  const { compute } = await apart();
  const { adapter, fake, wire } = harness;
  await adapter.actCompute(compute, 'start', undefined);
  await rest('compute', compute);
  const machine = fake.world.machines.get(Number(compute));
  // Of the other there is no image yet, only the state: HOTPLUG_SAVEAS.
  wire?.proxy.next({ kind: 'empty-answer' }, ({ body }) => {
    if (machine && body.includes('one.vm.disksaveas')) machine.lcm = 26;
    return false;
  });
  const save = (): Promise<string> => adapter.saveCompute(compute, 'saved', undefined, newUuid());
  await expect(save()).rejects.toMatchObject({ class: 'transient' });
  wire?.proxy.clear();
  if (machine) machine.lcm = 3;
  await expect(save()).resolves.toMatch(/^\d+$/);
});

it('is asked again what it has answered with nothing, and nothing twice that changes', async () => {
  const spec = await apart();
  const { adapter, fake } = harness;
  const lose = (method: string): void =>
    harness.wire?.proxy.next({ kind: 'empty-answer' }, ({ body }) => body.includes(`<methodName>${method}<`));
  lose('one.vmpool.infoset');
  expect((await adapter.describe('compute', [spec.compute])).size).toBe(1);
  lose('one.vm.attach');
  await expect(adapter.attachStorage(spec, spec.id)).rejects.toMatchObject({ class: 'transient' });
  await rest('attachment', await adapter.attachStorage(spec, spec.id));
  expect(fake.calls.filter(({ method }) => method === 'one.vm.attach')).toHaveLength(1);
});

const GIB = 2 ** 30;
const sizeOf = async (storage: string): Promise<unknown> => {
  const seen = (await harness.adapter.describe('storage', [storage])).get(storage);
  return seen?.class === 'storage' ? seen.sizeBytes : undefined;
};
const resizes = (): number => harness.fake.calls.filter(({ method }) => method === 'one.vm.diskresize').length;

it('grows with the disk of the machine that has it, running and off, once', async () => {
  const { compute, storage } = await plugged();
  await harness.adapter.resizeStorage(storage, 2 * GIB);
  await harness.adapter.actCompute(compute, 'start', undefined);
  await rest('compute', compute);
  await harness.adapter.resizeStorage(storage, 3 * GIB);
  await harness.adapter.resizeStorage(storage, 3 * GIB);
  expect([await sizeOf(storage), resizes()]).toEqual([3 * GIB, 2]);
  expect((await harness.adapter.describe('compute', [compute])).get(compute)).toMatchObject({ state: 'active' });
  await expect(harness.adapter.resizeStorage(storage, GIB)).rejects.toMatchObject({ class: 'invalid' });
});

it('has grown also where oned learns of it when the disk comes back from the host', async () => {
  harness.fake.world.disksOnHosts = true;
  const { storage, id, compute } = await apart();
  const attached = await harness.adapter.attachStorage({ id, compute, storage }, id);
  await rest('attachment', attached);
  await harness.adapter.resizeStorage(storage, 2 * GIB);
  expect(await sizeOf(storage)).toBe(2 * GIB);
  await harness.adapter.delete('attachment', attached);
  while ((await harness.adapter.describe('attachment', [attached])).size > 0) await harness.advance(2);
  expect(await sizeOf(storage)).toBe(2 * GIB);
});

it('does not grow while no machine has it, one that has it sleeps, the driver fails or the answer is lost', async () => {
  const { adapter, fake, wire } = harness;
  const { compute, storage, id } = await apart();
  await expect(adapter.resizeStorage(storage, 2 * GIB)).rejects.toMatchObject({
    class: 'conflict',
    message: expect.stringContaining('attach it first') as string,
  });
  await rest('attachment', await adapter.attachStorage({ id, compute, storage }, id));
  fake.order('fail-resize');
  await expect(adapter.resizeStorage(storage, 2 * GIB)).rejects.toMatchObject({ class: 'fatal' });
  expect(await sizeOf(storage)).toBe(GIB);
  wire?.proxy.next({ kind: 'lose-answer' }, ({ body }) => body.includes('one.vm.diskresize<'));
  await expect(adapter.resizeStorage(storage, 2 * GIB)).rejects.toMatchObject({ class: 'transient' });
  await adapter.resizeStorage(storage, 2 * GIB);
  expect([await sizeOf(storage), resizes()]).toEqual([2 * GIB, 2]);
  await adapter.actCompute(compute, 'start', undefined);
  await rest('compute', compute);
  await adapter.actCompute(compute, 'suspend', undefined);
  await rest('compute', compute);
  await expect(adapter.resizeStorage(storage, 3 * GIB)).rejects.toMatchObject({ class: 'conflict' });
});

it('keeps copies apart from what they were made of, whose marks oned gives them too', async () => {
  const { adapter, fake } = harness;
  const { storage } = await apart();
  await adapter.actStorage(storage, 'backup');
  expect(copies()).toBe(1);
  const listed: string[] = [];
  for await (const { ref } of adapter.list('storage')) listed.push(ref);
  expect(listed).toEqual([storage]);
  const copy = [...fake.world.images.values()].find(({ name }) => name.startsWith('vep-backup-of-'));
  await expect(adapter.delete('storage', String(copy?.id))).rejects.toMatchObject({ class: 'denied' });
});

it('is copied later, and its machine resized later, where that was seen before it was on its way', async () => {
  const { adapter, fake, wire } = harness;
  const { compute, storage } = await plugged();
  const machine = fake.world.machines.get(Number(compute))!;
  const { state, lcm } = machine;
  const seen = fake.answer(methodCall('one.vmpool.infoset', ['oneadmin:oneadmin-secret', compute, true]));
  const size = { cores: 2, memoryBytes: 2 ** 29 };
  for (const attempt of [() => adapter.resizeCompute(compute, size), () => adapter.actStorage(storage, 'backup')]) {
    Object.assign(machine, DETACHING);
    wire?.proxy.next({ kind: 'answer', status: 200, body: seen }, ({ body }) => body.includes('infoset<'));
    await expect(attempt()).rejects.toMatchObject({ class: 'transient' });
    Object.assign(machine, { state, lcm });
    await attempt();
  }
  expect([machine.template.get('VCPU'), copies()]).toEqual(['2', 1]);
});

it('is removed later while somebody has it or copies it, and once', async () => {
  const { adapter, fake, wire } = harness;
  const { compute, storage } = await plugged();
  const image = String(fake.world.machines.get(Number(compute))?.template.vectors('DISK')[0]?.get('IMAGE_ID'));
  const deletions = (): number => fake.calls.filter(({ method }) => method === 'one.image.delete').length;
  const conflict = { class: 'conflict' };
  for (const [what, ref] of [
    ['storage', storage],
    ['image', image],
  ] as const) {
    await expect(adapter.delete(what, ref)).rejects.toMatchObject(conflict);
    // A machine that began to use it after VEP has looked.
    const idle = await oneInfo(ref);
    wire?.proxy.next({ kind: 'answer', status: 200, body: idle }, ({ body }) => body.includes('one.image.info<'));
    await expect(adapter.delete(what, ref)).rejects.toMatchObject(conflict);
  }
  expect(deletions()).toBe(2);
  await adapter.delete('compute', compute);
  while ((await adapter.describe('compute', [compute])).size > 0) await harness.advance(2);
  fake.world.images.get(Number(storage))!.state = 6;
  await expect(adapter.delete('storage', storage)).rejects.toMatchObject(conflict);
  fake.world.images.get(Number(storage))!.state = 1;
  fake.world.copying = true;
  await adapter.delete('storage', storage);
  await adapter.delete('storage', storage);
  expect(deletions()).toBe(4);
  fake.world.copying = false;

  /** What oned says of it while no machine uses it. */
  function oneInfo(ref: string): Promise<string> {
    const call = methodCall('one.image.info', ['oneadmin:oneadmin-secret', Number(ref)]);
    return Promise.resolve(fake.answer(call).replace(/RUNNING_VMS&gt;\d+/, 'RUNNING_VMS&gt;0'));
  }
});

it('completes a clone that was cut off before it had marks of its own', async () => {
  const { adapter, fake, image: file, wire } = harness;
  const [image, volume] = [newUuid(), newUuid()];
  const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(pieces(file.bytes));
  const spec = { id: image, name: 'base', format: file.format, sizeBytes: file.bytes.byteLength, open };
  const wanted = { id: volume, name: 'boot', sizeBytes: GIB, image: await adapter.importImage(spec, image) };
  wire?.proxy.next({ kind: 'lose-answer' }, ({ body }) => body.includes('one.image.clone<'));
  await expect(adapter.createStorage(wanted, volume)).rejects.toMatchObject({ class: 'transient' });
  let storage: string | undefined;
  while (storage === undefined) storage = await adapter.createStorage(wanted, volume).catch(() => undefined);
  await rest('storage', storage);
  expect((await adapter.describe('storage', [storage])).get(storage)).toMatchObject({ id: volume, state: 'online' });
  expect(fake.world.images.get(Number(storage))).toMatchObject({ persistent: true });
  expect(fake.calls.filter(({ method }) => method === 'one.image.clone')).toHaveLength(1);
});
