/** Images as files for sites: what stays of them, who may read it, and what a stream leaves that breaks or is another one. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeImageFile } from '../../src/iaas/image-file.js';
import type { ImageSpec } from '../../src/iaas/adapter.js';

const BYTES = randomBytes(100_000);
const SHA256 = createHash('sha256').update(BYTES).digest('hex');

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vep-image-file-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const path = (): string => join(folder, 'images', 'image');
const modeOf = (file: string): number => statSync(file).mode & 0o777;

function spec(told: Partial<ImageSpec> = {}, breaks = false): ImageSpec {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield BYTES.subarray(0, 60_000);
    await Promise.resolve();
    if (breaks) throw new Error('cut off');
    yield BYTES.subarray(60_000);
  }
  const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(bytes());
  return { id: 'i', name: 'image', format: 'raw', sizeBytes: BYTES.length, sha256: SHA256, ...told, open };
}

it.each([
  [false, 0o600, 0o700],
  [true, 0o644, 0o755],
])('holds the bytes, readable by others: %s', async (readable, file, directory) => {
  await writeImageFile(path(), spec({ sha256: SHA256.toUpperCase() }), { signal: undefined, readable });
  expect(readFileSync(path()).equals(BYTES)).toBe(true);
  expect([modeOf(path()), modeOf(dirname(path()))]).toEqual([file, directory]);
});

it.each([
  ['breaks', 'transient', spec({}, true)],
  ['is longer', 'invalid', spec({ sizeBytes: BYTES.length - 1 })],
  ['is shorter', 'invalid', spec({ sizeBytes: BYTES.length + 1 })],
  ['has another digest', 'invalid', spec({ sha256: '0'.repeat(64) })],
])('leaves nothing of a stream that %s', async (_, kind, image) => {
  await expect(writeImageFile(path(), image, { signal: undefined })).rejects.toMatchObject({ class: kind });
  expect(readdirSync(dirname(path()))).toEqual([]);
});

it('leaves nothing where it is given up', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(writeImageFile(path(), spec(), { signal })).rejects.toMatchObject({ class: 'transient' });
  expect(readdirSync(dirname(path()))).toEqual([]);
});
