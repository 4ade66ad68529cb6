/** Volumes of EBS that several instances have at a time (Multi-Attach): what they are made as, where their machines go, and where EBS ends. */

import type { ComputeSpec, Observed, SiteAdapter } from '../../src/iaas/adapter.js';
import { ZONES, type Volume } from '../support/fake-ec2/world.js';
import { ec2Harness, type Ec2Harness } from './ec2-harness.js';

const [A = '', B = ''] = ZONES;
const GIB = 2 ** 30;

let harness: Ec2Harness;
let adapter: SiteAdapter;

async function begin(more: object = {}): Promise<void> {
  harness = await ec2Harness({ zones: ZONES }, { zones: [], hibernation: false, ...more });
  adapter = harness.adapter;
}
afterEach(() => harness.close());

const make = (id: string, more: Partial<ComputeSpec> = {}): Promise<string> => {
  const size = { cores: 1, memoryBytes: 2 ** 29, image: 'ami-0c0ffee0c0ffee0c0' };
  return adapter.createCompute({ id, name: id, ...size, ...more }, id);
};
const look = async (what: Observed['class'], ref: string): Promise<Observed | undefined> =>
  (await adapter.describe(what, [ref])).get(ref);
const zoneOf = (ref: string): string | undefined => harness.fake.world.instances.get(ref)?.zone;
const made = (ref: string): Volume => harness.fake.world.volumes.get(ref) as Volume;

/** Waits until EC2 shows that it is at rest: there, or gone. */
async function settled(what: Observed['class'], ref: string): Promise<string> {
  for (;;) {
    const seen = await look(what, ref);
    if (!seen?.busy) return ref;
    await harness.advance(5);
  }
}

/** A machine that has a volume, and the link between the two. */
async function holder(id: string, storage: string): Promise<{ readonly compute: string; readonly link: string }> {
  const plug = { id: `link of ${id}`, storage };
  const compute = await settled('compute', await make(id, { volumes: [plug] }));
  return { compute, link: await settled('attachment', await adapter.attachStorage({ ...plug, compute }, plug.id)) };
}

const shared = async (sizeBytes = 8 * GIB, more: object = {}): Promise<string> =>
  settled('storage', await adapter.createStorage({ id: 'q', name: 'q', sizeBytes, shared: true, ...more }, 'q'));

it('are of provisioned IOPS, as many as they can have, and large enough for that', async () => {
  await begin({ volumes: { shared: { type: 'io1', iops: 5000 } } });
  const ref = await shared(GIB);
  expect(made(ref)).toMatchObject({ type: 'io1', size: 4, iops: 200, multiAttach: true });
  expect(await look('storage', ref)).toMatchObject({ state: 'online', sizeBytes: 4 * GIB });
  const own = await adapter.createStorage({ id: 'own', name: 'own', sizeBytes: GIB }, 'own');
  expect(made(own)).toMatchObject({ type: 'gp3', size: 1, multiAttach: false });
});

it('bring their machines to their zone, where the first of them is', async () => {
  await begin();
  const first = await settled('compute', await make('first', { host: B }));
  const storage = await shared(8 * GIB, { madeFor: first });
  const { link } = await holder('second', storage);
  const here = await adapter.attachStorage({ id: 'here', compute: first, storage }, 'here');
  expect([made(storage).zone, made(storage).attachments.map(({ instance }) => zoneOf(instance))]).toEqual([B, [B, B]]);
  for (const ref of [here, link]) expect(await look('attachment', await settled('attachment', ref))).toBeDefined();
  await expect(make('bound', { host: A, volumes: [{ id: 'l', storage }] })).rejects.toMatchObject({
    class: 'conflict',
  });
  const away = await settled('compute', await make('away', { host: A }));
  const refused = adapter.attachStorage({ id: 'away', compute: away, storage }, 'away');
  await expect(refused).rejects.toMatchObject({ class: 'conflict' });
});

it('are let go of by each machine on its own, and forgotten of those that are gone', async () => {
  await begin();
  const storage = await shared();
  const [one, other] = [await holder('one', storage), await holder('other', storage)];
  await adapter.delete('attachment', one.link);
  expect(await look('attachment', await settled('attachment', one.link))).toBeUndefined();
  expect(await look('attachment', other.link)).toMatchObject({ state: 'active' });
  await adapter.delete('compute', other.compute);
  await settled('compute', other.compute);
  while (made(storage).attachments.length > 0) {
    await harness.advance(5);
    harness.fake.world.settle();
  }
  const again = await adapter.attachStorage({ id: 'again', compute: one.compute, storage }, 'again');
  expect(await look('attachment', await settled('attachment', again))).toMatchObject({ id: 'again' });
  const marks = [...made(storage).tags.keys()].filter((key) => key.startsWith('vep:attachment'));
  expect(marks).toEqual([`vep:attachment:${one.compute}`]);
});

it('grow while machines have them, but for those of the type io1', async () => {
  await begin();
  const storage = await shared();
  const { link } = await holder('one', storage);
  await adapter.resizeStorage(storage, 9 * GIB);
  expect(await look('storage', storage)).toMatchObject({ sizeBytes: 9 * GIB });
  expect(await look('attachment', link)).toMatchObject({ state: 'active' });
  await harness.close();

  await begin({ volumes: { shared: { type: 'io1' } } });
  const fixed = await shared();
  await expect(adapter.resizeStorage(fixed, 9 * GIB)).rejects.toMatchObject({ class: 'unsupported' });
  expect(harness.fake.asked).not.toContain('ModifyVolume');
});

it('have sixteen machines at most', async () => {
  await begin();
  const storage = await shared();
  const { compute } = await holder('one', storage);
  const [attachment] = made(storage).attachments;
  made(storage).attachments = Array.from({ length: 16 }, (_, index) => ({
    ...(attachment as Volume['attachments'][number]),
    instance: index === 0 ? compute : `i-${index}`,
  }));
  const next = await settled('compute', await make('next'));
  const refused = adapter.attachStorage({ id: 'next', compute: next, storage }, 'next');
  await expect(refused).rejects.toMatchObject({ class: 'capacity' });
  expect(harness.fake.asked.filter((action) => action === 'AttachVolume')).toHaveLength(1);
});

it('want machines of the Nitro system, which are all that are launched then', async () => {
  const instanceTypes = ['t2.*', 't3.micro'];
  await begin({ instanceTypes });
  expect(harness.fake.world.instances.get(await make('shares'))?.type).toBe('t3.micro');
  await harness.close();
  await begin({ instanceTypes, volumes: {} });
  expect(harness.fake.world.instances.get(await make('shares nothing'))?.type).toBe('t2.micro');
  await harness.close();
  await begin({ instanceTypes: ['t2.*'] });
  expect(await adapter.check()).toEqual([
    expect.objectContaining({ code: 'ec2.instance-types', message: expect.stringContaining('Nitro') as string }),
  ]);
});

it('are offered where they are named, and want one more right there', async () => {
  await begin();
  expect(adapter.capabilities().sharesVolumes).toBe(true);
  harness.fake.denied.add('DeleteTags');
  expect(await adapter.check()).toEqual([
    expect.objectContaining({ code: 'ec2.rights', message: expect.stringContaining('DeleteTags') as string }),
  ]);
  const without = await harness.open({ volumes: {} });
  expect([without.capabilities().sharesVolumes, await without.check()]).toEqual([false, []]);
  const spec = { id: 'q', name: 'q', sizeBytes: GIB, shared: true } as const;
  await expect(without.createStorage(spec, 'q')).rejects.toMatchObject({ class: 'unsupported' });
  await without.close();
});
