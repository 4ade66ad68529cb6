/** Chunks on their way to a file: all of them, in order, and no failure is swallowed. */

import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { WriteBehind } from '../../src/transfer/write-behind.js';
import { removeTemporaryFolders, temporaryFolder } from './support.js';

afterEach(removeTemporaryFolders);

describe('WriteBehind', () => {
  it('writes every chunk once and in order, whatever their sizes', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 3 << 20 })), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const path = join(temporaryFolder(), 'file');
        const file = await open(path, 'w');
        const behind = new WriteBehind(file);
        const chunks = lengths.map((length, index) => Buffer.alloc(length, index + 1));
        for (const chunk of chunks) await behind.write(chunk);
        await behind.end();
        await file.close();
        expect(readFileSync(path).equals(Buffer.concat(chunks))).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('fails with what the file fails of, at the latest at the end', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    const file = await open(path, 'r');
    const small = new WriteBehind(file);
    await small.write(Buffer.alloc(10));
    await expect(small.end()).rejects.toThrow('EBADF');
    const large = new WriteBehind(file);
    const writing = async (): Promise<void> => {
      for (let written = 0; written < 20; written += 1) await large.write(Buffer.alloc(1 << 20));
      await large.end();
    };
    await expect(writing()).rejects.toThrow('EBADF');
    await expect(large.end()).rejects.toThrow('EBADF');
    await file.close();
  });
});
