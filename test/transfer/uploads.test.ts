/** Resumable uploads: pieces, status, completion, owners and expiry. */

import { jest } from '@jest/globals';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Problem } from '../../src/base/errors.js';
import { BlobStore } from '../../src/transfer/blob-store.js';
import { Uploads, parseContentRange, type Upload } from '../../src/transfer/uploads.js';
import { FakeClock } from '../net/fake-clock.js';
import { broken, refusal, removeTemporaryFolders, sha256, stream, temporaryFolder, textOf } from './support.js';

afterEach(removeTemporaryFolders);

const text = 'the quick brown fox';

async function opened(): Promise<{
  uploads: Uploads;
  blobs: BlobStore;
  clock: FakeClock;
  directory: string;
  reopen: () => Promise<Uploads>;
}> {
  const folder = temporaryFolder();
  const clock = new FakeClock();
  let uploads = undefined as Uploads | undefined;
  const blobs = await BlobStore.open({
    directory: join(folder, 'blobs'),
    quotaBytes: 1000,
    clock,
    referenced: async () => (await uploads?.held()) ?? new Set(),
    promised: async () => (await uploads?.promised()) ?? 0,
  });
  const directory = join(folder, 'uploads');
  const reopen = (): Promise<Uploads> =>
    Uploads.open({ directory, blobs, clock, maxBytes: 500, ownerBytes: 600, lifetimeMs: 60_000 });
  uploads = await reopen();
  return { uploads, blobs, clock, directory, reopen };
}

function announce(uploads: Uploads, more: object = {}): Promise<Upload> {
  return uploads.create({ owner: 'alice', name: 'disk.raw', sizeBytes: text.length, ...more });
}

it('takes a file in pieces, across a restart, and hands it to the blob store', async () => {
  const { uploads, blobs, reopen } = await opened();
  const { id, receivedBytes } = await announce(uploads, { digest: { algorithm: 'sha256', hex: sha256(text) } });
  expect(receivedBytes).toBe(0);
  const half = await uploads.append(id, 'alice', { first: 0, last: 8 }, stream(text.slice(0, 9)));
  expect(half.receivedBytes).toBe(9);
  expect(half.blob).toBeUndefined();
  expect(await refusal(uploads.resolve(id, 'alice'))).toBe('upload.unfinished');
  const later = await reopen();
  expect((await later.status(id, 'alice')).receivedBytes).toBe(9);
  const done = await later.append(id, 'alice', { first: 9, last: 18, total: 19 }, stream(text.slice(9)));
  expect(done.blob).toEqual({ sha256: sha256(text), sizeBytes: 19 });
  expect(await textOf(await blobs.open(sha256(text)))).toBe(text);
  expect(await later.resolve(id, 'alice')).toEqual(done.blob);
  expect(await later.held()).toEqual(new Set([sha256(text)]));
  // A repeated last piece, whose answer was lost, does no harm.
  expect(await later.append(id, 'alice', { first: 9, last: 18 }, stream(text.slice(9)))).toEqual(done);
});

it('keeps what has arrived when the line breaks', async () => {
  const { uploads } = await opened();
  const { id } = await announce(uploads);
  await expect(uploads.append(id, 'alice', { first: 0, last: 18 }, broken('the '))).rejects.toThrow('the line broke');
  expect((await uploads.status(id, 'alice')).receivedBytes).toBe(4);
  expect((await uploads.append(id, 'alice', { first: 4, last: 18 }, stream(text.slice(4)))).blob?.sha256).toBe(
    sha256(text),
  );
});

it('does not exist for anybody but its owner', async () => {
  const { uploads } = await opened();
  const { id } = await announce(uploads);
  expect(await refusal(uploads.status(id, 'mallory'))).toBe('not-found');
  expect(await refusal(uploads.append(id, 'mallory', { first: 0, last: 0 }, stream('x')))).toBe('not-found');
  expect(await refusal(uploads.resolve(id, 'mallory'))).toBe('not-found');
  expect(await refusal(uploads.remove(id, 'mallory'))).toBe('not-found');
  for (const name of ['', '..', '../blobs', id.toUpperCase(), '00000000-0000-7000-8000-000000000000']) {
    expect(await refusal(uploads.status(name, 'alice'))).toBe('not-found');
  }
});

it.each([
  ['a gap', { first: 1, last: 2 }, 'xx', 'upload.offset'],
  ['another size', { first: 0, last: 2, total: 18 }, 'xxx', 'upload.range'],
  ['a piece past the end', { first: 0, last: 19 }, 'x'.repeat(20), 'upload.range'],
  ['more bytes than the range', { first: 0, last: 1 }, 'xxx', 'upload.piece'],
  ['fewer bytes than the range', { first: 0, last: 5 }, 'xxx', 'upload.piece'],
])('refuses %s', async (_what, range, bytes, code) => {
  const { uploads } = await opened();
  const { id } = await announce(uploads);
  expect(await refusal(uploads.append(id, 'alice', range, stream(bytes)))).toBe(code);
});

it('refuses a second request for the same upload while the first one is sending', async () => {
  const { uploads } = await opened();
  const { id } = await announce(uploads);
  let proceed = (): void => undefined;
  const gate = new Promise<void>((resolve) => (proceed = resolve));
  let begun = (): void => undefined;
  const underway = new Promise<void>((resolve) => (begun = resolve));
  async function* slow(): AsyncGenerator<Uint8Array> {
    begun();
    await gate;
    yield Buffer.from(text);
  }
  const first = uploads.append(id, 'alice', { first: 0, last: 18 }, slow());
  await underway;
  const second = refusal(uploads.append(id, 'alice', { first: 0, last: 18 }, stream(text)));
  expect(await second).toBe('upload.busy');
  proceed();
  expect((await first).blob).toBeDefined();
});

it('discards a file that is not what was announced', async () => {
  const { uploads, directory } = await opened();
  const { id } = await announce(uploads, { digest: { algorithm: 'sha256', hex: sha256('another file') } });
  expect(await refusal(uploads.append(id, 'alice', { first: 0, last: 18 }, stream(text)))).toBe('transfer.digest');
  expect(await refusal(uploads.status(id, 'alice'))).toBe('not-found');
  expect(readdirSync(directory)).toEqual([]);
});

it('refuses sizes that are none, or too large, and too many at once', async () => {
  const { uploads } = await opened();
  for (const sizeBytes of [0, -1, 1.5, Number.NaN, 2 ** 60])
    expect(await refusal(announce(uploads, { sizeBytes }))).toBe('upload.size');
  expect(await refusal(announce(uploads, { sizeBytes: 501 }))).toBe('transfer.too-large');
  const codes = await Promise.all(
    Array.from({ length: 60 }, () =>
      announce(uploads).then(
        () => '',
        (error: unknown) => (error as Problem).faults[0]?.code,
      ),
    ),
  );
  expect(codes.filter((code) => code === 'upload.too-many')).toHaveLength(44);
  expect((await announce(uploads, { owner: 'bob' })).id).toBeDefined();
});

it('never lets a principal have more than 16 by asking two processes', async () => {
  const { uploads, reopen, directory } = await opened();
  const other = await reopen();
  await Promise.all(
    Array.from({ length: 40 }, (_each, index) => announce(index % 2 === 0 ? uploads : other).catch(() => undefined)),
  );
  expect(readdirSync(directory).length).toBeLessThanOrEqual(16);
});

it('keeps room for what was announced, and lets nobody announce all of it', async () => {
  const { uploads, blobs } = await opened();
  const first = await announce(uploads, { sizeBytes: 400 });
  expect(await refusal(announce(uploads, { sizeBytes: 300 }))).toBe('upload.too-much');
  await announce(uploads, { sizeBytes: 450, owner: 'bob' });
  expect(await refusal(announce(uploads, { sizeBytes: 151, owner: 'carol' }))).toBe('transfer.no-room');
  expect(await refusal(blobs.put(stream('x'), { maxBytes: 500, sizeBytes: 151 }))).toBe('transfer.no-room');
  await uploads.append(first.id, 'alice', { first: 0, last: 399 }, stream('x'.repeat(400)));
  expect(await refusal(announce(uploads, { sizeBytes: 300 }))).toBe('upload.too-much');
  await uploads.remove(first.id, 'alice');
  expect(await refusal(announce(uploads, { sizeBytes: 501 }))).toBe('transfer.too-large');
});

it('verifies after a restart what had arrived before it, whoever asks first', async () => {
  for (const ask of [
    (uploads: Uploads, id: string) => uploads.status(id, 'alice').then(({ blob }) => blob),
    (uploads: Uploads, id: string) => uploads.resolve(id, 'alice'),
    async (uploads: Uploads, id: string) =>
      (await uploads.append(id, 'alice', { first: 18, last: 18 }, stream('x'))).blob,
  ]) {
    for (const name of ['bytes', 'whole']) {
      const { uploads, directory, reopen, blobs } = await opened();
      const { id } = await announce(uploads);
      rmSync(join(directory, id, 'bytes'));
      writeFileSync(join(directory, id, name), text);
      expect((await ask(await reopen(), id))?.sha256).toBe(sha256(text));
      expect(await textOf(await blobs.open(sha256(text)))).toBe(text);
    }
  }
});

it('keeps what has arrived when it cannot be taken in now', async () => {
  const { uploads, blobs } = await opened();
  const { id } = await announce(uploads);
  const full = jest.spyOn(blobs, 'measure').mockRejectedValueOnce(new Error('the disk is full'));
  const sent = uploads.append(id, 'alice', { first: 0, last: 18 }, stream(text));
  await expect(sent).rejects.toThrow('the disk is full');
  full.mockRestore();
  expect((await uploads.status(id, 'alice')).blob?.sha256).toBe(sha256(text));
});

it('is not changed any more by a piece that another process is still taking', async () => {
  const { uploads, blobs, reopen } = await opened();
  const other = await reopen();
  const { id } = await announce(uploads);
  let proceed = (): void => undefined;
  const gate = new Promise<void>((resolve) => (proceed = resolve));
  let begun = (): void => undefined;
  const underway = new Promise<void>((resolve) => (begun = resolve));
  async function* late(): AsyncGenerator<Uint8Array> {
    begun();
    await gate;
    yield Buffer.from('z'.repeat(19));
  }
  const first = uploads.append(id, 'alice', { first: 0, last: 18 }, late());
  await underway;
  const done = await other.append(id, 'alice', { first: 0, last: 18 }, stream(text));
  expect(done.blob?.sha256).toBe(sha256(text));
  proceed();
  expect(await first).toMatchObject({ blob: done.blob });
  expect(await textOf(await blobs.open(sha256(text)))).toBe(text);
});

it('expires what lies unchanged, finished or not', async () => {
  const { uploads, clock, directory } = await opened();
  const idle = await announce(uploads);
  const busy = await announce(uploads);
  clock.advance(40_000);
  await uploads.append(busy.id, 'alice', { first: 0, last: 0 }, stream('t'));
  clock.advance(20_000);
  expect(await refusal(uploads.status(idle.id, 'alice'))).toBe('not-found');
  await uploads.expire();
  expect(readdirSync(directory)).toEqual([busy.id]);
  await uploads.remove(busy.id, 'alice');
  expect(readdirSync(directory)).toEqual([]);
});

describe('parseContentRange', () => {
  it.each([
    ['bytes 0-0/1', { first: 0, last: 0, total: 1 }],
    ['bytes 5-9/*', { first: 5, last: 9 }],
    [' bytes 5-9/10 ', { first: 5, last: 9, total: 10 }],
  ])('reads %j', (field, expected) => {
    expect(parseContentRange(field)).toEqual(expected);
  });

  it('refuses everything else with a Problem', async () => {
    for (const field of [
      '',
      'bytes 9-5/10',
      'bytes */10',
      'items 0-1/2',
      'bytes 0-1',
      'bytes -1-2/3',
      'bytes 0-99999999999999999/*',
    ]) {
      expect(await refusal(Promise.resolve().then(() => parseContentRange(field)))).toBe('upload.content-range');
    }
    await fc.assert(
      fc.asyncProperty(fc.string(), async (field) => {
        const code = await refusal(Promise.resolve().then(() => parseContentRange(field)));
        expect(code).toBe('upload.content-range');
      }),
    );
  });
});
