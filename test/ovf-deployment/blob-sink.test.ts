/** Files in pieces (`ovf:chunkSize`, DSP0243 §7.1) on their way into the blob store: whole, in whatever order they come. */

import fc from 'fast-check';
import { join } from 'node:path';
import { BlobSink } from '../../extensions/ovf-deployment/blob-sink.js';
import { systemClock } from '../../src/base/clock.js';
import { pieceName } from '../../src/ovf/package/pieces.js';
import { BlobStore } from '../../src/transfer/blob-store.js';
import { removeTemporaryFolders, temporaryFolder, textOf } from '../transfer/support.js';

afterEach(removeTemporaryFolders);

const openStore = (): Promise<BlobStore> =>
  BlobStore.open({
    directory: join(temporaryFolder(), 'blobs'),
    quotaBytes: 1 << 20,
    clock: systemClock,
    referenced: () => Promise.resolve(new Set()),
  });

async function take(sink: BlobSink, name: string, text: string): Promise<void> {
  const writer = await sink.open(name, text.length);
  if (text !== '') await writer.write(Buffer.from(text));
  await writer.close();
}

const orders = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8], { minLength: 9 });

it('O-019 pieces are joined by number, in whatever order and between whatever others they come', async () => {
  const store = await openStore();
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const sink = new BlobSink(store);
      const expected = { a: 'zero1two', b: '-1b', plain: 'plain' };
      const pieces = [
        ...['zero', '1', '', 'two'].map((text, number) => [pieceName('a', number), text] as const),
        ...['-', '1', 'b', ''].map((text, number) => [pieceName('b', number), text] as const),
        ['plain', 'plain'] as const,
      ];
      for (const index of order) await take(sink, ...pieces[index]!);
      await sink.finish();
      expect(await textOf(await store.open(sink.joined.get('a')!.sha256))).toBe(expected.a);
      expect(await textOf(await store.open(sink.joined.get('b')!.sha256))).toBe(expected.b);
      expect(sink.files.get('plain')?.sizeBytes).toBe(5);
      for (const [name, text] of pieces) expect([name, await textOf(await sink.reread(name))]).toEqual([name, text]);
    }),
    { numRuns: 30 },
  );
});

it('O-019 a file of which a piece is missing is no file', async () => {
  const sink = new BlobSink(await openStore());
  for (const number of [2, 0, 3]) await take(sink, pieceName('a', number), String(number));
  await take(sink, pieceName('b', 1), 'b');
  await sink.finish();
  expect([...sink.joined]).toEqual([]);
  expect(await textOf(await sink.reread(pieceName('a', 3)))).toBe('3');
});

it('a name that only looks like that of a piece is that of a file', async () => {
  const store = await openStore();
  const sink = new BlobSink(store);
  await take(sink, 'backup.000000000', 'kept');
  await sink.finish();
  expect(await textOf(await store.open(sink.files.get('backup.000000000')!.sha256))).toBe('kept');
});
