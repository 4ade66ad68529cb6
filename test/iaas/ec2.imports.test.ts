/** What an image passes through on its way to EC2 stays for as long as an import may read it, and not for ever. */

import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../src/base/clock.js';
import type { ImageSpec, SiteAdapter } from '../../src/iaas/adapter.js';
import { ec2Harness, type Ec2Harness } from './ec2-harness.js';

const DAY = 24 * 3_600_000;
const BYTES = Buffer.alloc(4096, 'vep');

let harness: Ec2Harness;
beforeEach(async () => void (harness = await ec2Harness()));
afterEach(() => harness.close());

const spec = (id: string): ImageSpec => ({
  ...{ id, name: id, format: 'raw', sizeBytes: BYTES.byteLength },
  open: () =>
    Promise.resolve(
      (async function* () {
        yield await Promise.resolve(BYTES);
      })(),
    ),
});
const asking =
  (action: string) =>
  ({ body }: { readonly body: Buffer }) =>
    body.toString('latin1').includes(`Action=${action}&`);
const objects = (): string[] => [...harness.fake.world.objects.keys()];
const files = (): string[] => readdirSync(join(harness.directory, 'handover', 'cloud'));

/** An import that was cut off while EC2 was at it. */
async function cutOff(adapter: SiteAdapter, id: string): Promise<void> {
  const { fake } = harness;
  fake.world.importing = true;
  const stop = new AbortController();
  const told = fake.called('DescribeImportSnapshotTasks').then(() => fake.called('DescribeImportSnapshotTasks'));
  const importing = adapter.importImage(spec(id), id, { signal: stop.signal });
  await told;
  stop.abort();
  await expect(importing).rejects.toMatchObject({ class: 'transient' });
}

/** Another process, a day later. */
function later(): Promise<SiteAdapter> {
  for (const name of objects()) harness.fake.world.putAt.set(name, Date.now() - DAY - 1000);
  return harness.open();
}

it.each([
  ['a look at the import fails', 'DescribeImportSnapshotTasks', { kind: 'answer', status: 503, body: '' }],
  ['the answer to the import is lost', 'ImportSnapshot', { kind: 'lose-answer' }],
] as const)('stays where %s, and is imported by the next try', async (_what, action, fault) => {
  const { adapter, fake, wire } = harness;
  fake.world.importing = true;
  // The first look is for imports of an earlier try.
  let looks = action === 'ImportSnapshot' ? 1 : 0;
  wire?.proxy.next(fault, (request) => asking(action)(request) && (looks += 1) > 1, 20);
  await expect(adapter.importImage(spec('a'), 'a')).rejects.toMatchObject({ class: 'transient' });
  wire?.proxy.clear();
  expect([fake.world.tasks.size, objects().length, files()]).toEqual([1, 1, []]);
  fake.world.importing = false;
  await adapter.importImage(spec('a'), 'a');
  expect([fake.world.tasks.size, objects()]).toEqual([1, []]);
});

it('is looked at less and less often', async () => {
  const { fake } = harness;
  fake.world.importing = true;
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => {
      // Other waits are of other lengths.
      if (ms % 7 === 0 && ms <= 140) slept.push(ms);
      if (slept.length === 7) fake.world.importing = false;
      return systemClock.sleep(ms, signal);
    },
  };
  const site = await harness.open({ patience: { pollMs: 7, settleMs: 2000 } }, clock);
  await site.importImage(spec('a'), 'a');
  await site.close();
  expect(slept.slice(0, 7)).toEqual([7, 14, 28, 56, 112, 140, 140]);
});

it('goes where EC2 will not import it, or could not', async () => {
  const { adapter, fake } = harness;
  fake.denied.add('ImportSnapshot');
  await expect(adapter.importImage(spec('a'), 'a')).rejects.toMatchObject({ class: 'denied' });
  expect(objects()).toEqual([]);
  fake.denied.clear();
  const vhd = { ...spec('b'), format: 'vhd' };
  await expect(adapter.importImage(vhd, 'b')).rejects.toMatchObject({ class: 'invalid' });
  expect(objects()).toEqual([]);
});

it('goes up again where an import that was found had nothing to read, or its snapshot is gone', async () => {
  const { adapter, fake } = harness;
  await cutOff(adapter, 'a');
  fake.world.objects.clear();
  fake.world.importing = false;
  const ref = await adapter.importImage(spec('a'), 'a');
  expect([...fake.world.tasks.values()].map((task) => fake.world.state(task))).toEqual(['deleted', 'completed']);
  await adapter.delete('image', ref);
  await adapter.importImage(spec('a'), 'a');
  expect([fake.world.tasks.size, objects()]).toEqual([3, []]);
});

it('is swept after a day where nobody came back for it, with the snapshot, but not under an import', async () => {
  const { adapter, fake } = harness;
  const before = fake.world.snapshots.size;
  await cutOff(adapter, 'a');
  expect([await adapter.tidy?.(), objects().length]).toEqual([1, 1]);
  const others = ['vep-images/vep/theirs.raw', `vep-images/vep/other-${'0'.repeat(40)}.raw`];
  for (const name of [...others, `vep-images/vep/vep-${'0'.repeat(40)}.raw`]) fake.world.objects.set(name, BYTES);
  const back = await later();
  expect(await back.tidy?.()).toBe(1);
  expect(objects()).toHaveLength(3);
  fake.world.importing = false;
  // EC2 has done with it, and there is a snapshot that nobody asks for any more.
  await harness.advance(50);
  expect(await back.tidy?.()).toBe(0);
  expect([objects(), fake.world.snapshots.size]).toEqual([others, before]);
  await back.close();
});

it('leaves neither parts of uploads nor files of a process that was killed', async () => {
  const { fake, directory } = harness;
  const old = new Date(Date.now() - DAY - 1000);
  const begun = { name: `vep-images/vep/vep-${'1'.repeat(40)}.raw`, parts: new Map<number, Buffer>() };
  fake.begun.set('old', { ...begun, at: old.getTime() }).set('new', { ...begun, at: Date.now() });
  const scratch = join(directory, 'handover', 'cloud');
  mkdirSync(scratch, { recursive: true });
  const [dead, fresh] = [`image-${'a'.repeat(24)}`, `image-${'b'.repeat(24)}`];
  for (const name of [dead, fresh, 'else']) writeFileSync(join(scratch, name), 'half');
  for (const name of [dead, 'else']) utimesSync(join(scratch, name), old, old);
  const back = await later();
  expect(await back.tidy?.()).toBe(1);
  expect([[...fake.begun.keys()], files().sort()]).toEqual([['new'], ['else', fresh]]);
  await back.close();
});
