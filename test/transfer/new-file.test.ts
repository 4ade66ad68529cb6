/** New files, small and large: every chunk arrives once and in order, whichever way they are written. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DirectWriter } from '../../src/transfer/direct-writer.js';
import { newFile } from '../../src/transfer/new-file.js';
import { borrowBuffers, giveBackBuffers, type BufferPair } from '../../src/transfer/page-buffers.js';
import { removeTemporaryFolders, temporaryFolder } from './support.js';

afterEach(removeTemporaryFolders);

const LARGE = 16 << 20;

describe('a new file', () => {
  it.each([
    ['small', 0],
    ['large', LARGE],
  ])('has every chunk once and in order where it is said to be %s, whatever comes', async (_, announced) => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 3 << 20 })), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const path = join(temporaryFolder(), 'file');
        const { handle, chunks } = await newFile(path, announced);
        const all = lengths.map((length, index) => Buffer.alloc(length, index + 1));
        for (const chunk of all) await chunks.write(chunk);
        await chunks.end();
        await handle.close();
        expect(readFileSync(path).equals(Buffer.concat(all))).toBe(true);
        expect(statSync(path).mode & 0o777).toBe(0o600);
      }),
      { numRuns: 10 },
    );
  });

  it('is written as small ones are while too many large ones are, and buffers come back', async () => {
    const taken: BufferPair[] = [];
    for (let pair = borrowBuffers(); pair; pair = borrowBuffers()) taken.push(pair);
    expect(taken).toHaveLength(8);
    const folder = temporaryFolder();
    const crowded = await newFile(join(folder, 'crowded'), LARGE);
    expect(crowded.chunks).not.toBeInstanceOf(DirectWriter);
    await crowded.handle.close();
    taken.forEach(giveBackBuffers);
    for (let round = 0; round < 9; round += 1) {
      const { handle, chunks } = await newFile(join(folder, `${round}`), LARGE);
      await chunks.end();
      await handle.close();
      expect(statSync(join(folder, `${round}`)).size).toBe(0);
    }
    const again = borrowBuffers();
    expect(again).toBeDefined();
    if (again) giveBackBuffers(again);
  });

  it.each([0, LARGE])('is never one that is there already (%d bytes announced)', async (announced) => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'kept');
    await expect(newFile(path, announced)).rejects.toThrow('EEXIST');
    expect(existsSync(path) && readFileSync(path, 'utf8')).toBe('kept');
  });

  it('tells what the file fails of, at the latest at the end', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    const file = await open(path, 'r');
    const buffers = borrowBuffers();
    if (!buffers) throw new Error('all buffers are in use');
    const writer = new DirectWriter(file, buffers);
    await writer.write(Buffer.alloc(10));
    await expect(writer.end()).rejects.toThrow('EBADF');
    await writer.end();
    await expect(writer.write(Buffer.alloc(1))).rejects.toThrow('written already');
    await file.close();
  });
});

describe('on a file system that knows no O_DIRECT', () => {
  // ramfs is one, and leaves a file behind where it refuses to open it so; only root may mount it.
  const folder = mkdtempSync(join(tmpdir(), 'vep-ramfs-'));
  const mounted = spawnSync('mount', ['-t', 'ramfs', 'ramfs', folder]).status === 0;
  if (!mounted) console.log('skipped: a ramfs to write to can only be mounted by root');
  afterAll(() => {
    if (mounted) spawnSync('umount', [folder]);
    rmdirSync(folder);
  });

  (mounted ? it : it.skip)('a large file is written as small ones are, as often as one likes', async () => {
    for (let round = 0; round < 9; round += 1) {
      const path = join(folder, `${round}`);
      const { handle, chunks } = await newFile(path, LARGE);
      expect(chunks).not.toBeInstanceOf(DirectWriter);
      await chunks.write(Buffer.alloc(3 << 20, round));
      await chunks.end();
      await handle.close();
      expect(readFileSync(path).equals(Buffer.alloc(3 << 20, round))).toBe(true);
    }
    const buffers = borrowBuffers();
    expect(buffers).toBeDefined();
    if (buffers) giveBackBuffers(buffers);
  });
});
