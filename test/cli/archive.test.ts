import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { archiveOf, type ArchiveMember } from '../../src/cli/archive.js';
import { readOva } from '../../src/ovf/package/ova.js';
import type { UploadSource } from '../../src/client/index.js';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'vep-archive-'))));
afterAll(() => rmSync(folder, { recursive: true }));

async function* pieces(source: UploadSource, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.sizeBytes; at += size) yield source.read(at, size);
}

async function read(source: UploadSource, size: number): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const sink = {
    open: (name: string) =>
      Promise.resolve({
        write: (bytes: Uint8Array) =>
          Promise.resolve(void files.set(name, (files.get(name) ?? '') + Buffer.from(bytes).toString())),
        close: () => Promise.resolve({}),
        abort: () => Promise.resolve(),
      }),
  };
  const ova = await readOva(pieces(source, size), sink, { mode: 'strict' });
  return files.set(ova.descriptor.name, Buffer.from(ova.descriptor.bytes).toString());
}

describe('an archive that is never written', () => {
  it('is an OVA, read in pieces of any size', async () => {
    const disk = join(folder, 'disk');
    writeFileSync(disk, 'd'.repeat(1500));
    const long = `${'folder/'.repeat(15)}disk.vmdk`;
    const members: ArchiveMember[] = [
      { name: 'a.ovf', bytes: Buffer.from('<Envelope/>') },
      { name: 'images/disk.vmdk', path: disk, sizeBytes: 1500 },
      { name: long, path: disk, sizeBytes: 1500 },
    ];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6000 }), async (size) => {
        const files = await read(archiveOf('a.ova', members), size);
        expect([...files]).toEqual([
          ['images/disk.vmdk', 'd'.repeat(1500)],
          [long, 'd'.repeat(1500)],
          ['a.ovf', '<Envelope/>'],
        ]);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a file that got shorter, and names that no header can hold', async () => {
    const disk = join(folder, 'short');
    writeFileSync(disk, 'd');
    const source = archiveOf('a.ova', [{ name: 'x', path: disk, sizeBytes: 2 }]);
    await expect(source.read(0, 4096)).rejects.toThrow('changed while it was being sent');
    expect(() => archiveOf('a.ova', [{ name: 'x'.repeat(300), bytes: Buffer.alloc(0) }])).toThrow('too long');
  });

  it('says sizes beyond 8 GiB as tar does', async () => {
    const source = archiveOf('a.ova', [{ name: 'x', path: '/nonexistent', sizeBytes: 9 * 2 ** 30 }]);
    const head = Buffer.from(await source.read(0, 512));
    expect(head.readUInt8(124)).toBe(0x80);
    expect(head.readBigUInt64BE(128)).toBe(BigInt(9 * 2 ** 30));
    expect(source.sizeBytes).toBe(9 * 2 ** 30 + 3 * 512);
  });
});
