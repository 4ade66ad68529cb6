/** Volumes that several machines of OpenNebula have at a time: shareable images, and what hypervisors and datastores must do for them. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Observed, SiteAdapter } from '../../src/iaas/adapter.js';
import type { Image } from '../support/fake-oned/world.js';
import { openNebulaHarness, type OpenNebulaHarness } from './opennebula-harness.js';

const GIB = 2 ** 30;

let harness: OpenNebulaHarness;
let adapter: SiteAdapter;

beforeEach(async () => {
  harness = await openNebulaHarness();
  adapter = harness.adapter;
});
afterEach(() => harness.close());

async function rest(what: Observed['class'], ref: string): Promise<Observed | undefined> {
  for (;;) {
    const seen = (await adapter.describe(what, [ref])).get(ref);
    if (!seen?.busy) return seen;
    await pause(2);
  }
}
const shared = async (): Promise<string> => {
  const ref = await adapter.createStorage({ id: 'q', name: 'q', sizeBytes: GIB, shared: true }, 'q');
  await rest('storage', ref);
  return ref;
};
const holder = async (id: string, storage: string, own: string): Promise<{ compute: string; link: string }> => {
  const plugs = [
    { id: `own of ${id}`, storage: own },
    { id: `link of ${id}`, storage },
  ];
  const compute = await adapter.createCompute({ id, name: id, cores: 1, memoryBytes: 2 ** 29, volumes: plugs }, id);
  const link = await adapter.attachStorage({ id: `link of ${id}`, compute, storage }, `link of ${id}`);
  await rest('compute', compute);
  return { compute, link };
};
const own = async (id: string): Promise<string> => {
  const ref = await adapter.createStorage({ id, name: id, sizeBytes: GIB }, id);
  await rest('storage', ref);
  return ref;
};
const imageOf = (ref: string): Image => harness.fake.world.images.get(Number(ref)) as Image;

it('are shareable persistent images, which oned gives to all of their machines', async () => {
  const storage = await shared();
  expect([imageOf(storage).persistent, imageOf(storage).template.get('PERSISTENT_TYPE')]).toEqual([true, 'SHAREABLE']);
  const [a, b] = [await own('a'), await own('b')];
  expect(imageOf(a).template.get('PERSISTENT_TYPE')).toBeUndefined();
  const [one, other] = [await holder('one', storage, a), await holder('other', storage, b)];
  for (const { compute } of [one, other]) await adapter.actCompute(compute, 'start', undefined);
  for (const { compute, link } of [one, other]) {
    expect(await rest('compute', compute)).toMatchObject({ state: 'active' });
    expect(await rest('attachment', link)).toMatchObject({ state: 'active' });
  }
  expect(imageOf(storage).state).toBe(8);
  await adapter.delete('attachment', one.link);
  expect(await rest('attachment', one.link)).toBeUndefined();
  expect(await rest('attachment', other.link)).toMatchObject({ state: 'active' });
  expect(imageOf(storage).state).toBe(8);
});

it('grow while one machine alone has them, and are copied for all', async () => {
  const storage = await shared();
  const [one, other] = [await holder('one', storage, await own('a')), await holder('other', storage, await own('b'))];
  await expect(adapter.resizeStorage(storage, 2 * GIB)).rejects.toMatchObject({ class: 'conflict' });
  await adapter.delete('attachment', one.link);
  await rest('attachment', one.link);
  await adapter.actCompute(other.compute, 'start', undefined);
  await rest('compute', other.compute);
  await adapter.resizeStorage(storage, 2 * GIB);
  expect(await rest('storage', storage)).toMatchObject({ sizeBytes: 2 * GIB });
});

it('are made from images in raw alone: of others QEMU gives a disk to one machine', async () => {
  const { bytes, virtualSizeBytes } = harness.image;
  const made = async (format: string): Promise<string> => {
    async function* open(): AsyncIterable<Uint8Array> {
      yield* await Promise.resolve([bytes]);
    }
    const spec = { id: format, name: format, format, sizeBytes: bytes.byteLength, virtualSizeBytes };
    const ref = await adapter.importImage({ ...spec, open: () => Promise.resolve(open()) }, format);
    await rest('image', ref);
    return ref;
  };
  const of = (image: string): Promise<string> =>
    adapter.createStorage({ id: image, name: 'q', sizeBytes: GIB, shared: true, image }, image);
  await expect(of(await made('qcow2'))).rejects.toMatchObject({ class: 'unsupported' });
  const image = await made('raw');
  let ref: string | undefined;
  while (ref === undefined) ref = await of(image).catch(() => pause(5, undefined));
  expect([imageOf(ref).persistent, imageOf(ref).template.get('PERSISTENT_TYPE')]).toEqual([true, 'SHAREABLE']);
});

it('are refused in words of oned by a hypervisor that cannot share, which a check tells before', async () => {
  const storage = await shared();
  const { compute } = await holder('one', storage, await own('a'));
  expect(await adapter.check()).toEqual([]);
  harness.fake.world.sharesDisks = false;
  expect(await adapter.check()).toEqual([expect.objectContaining({ code: 'opennebula.shared-volumes' })]);
  await expect(adapter.actCompute(compute, 'start', undefined)).rejects.toThrow(/doesn't support shareable disks/);
});
