/** An image is what its bytes say: formats are told apart, sizes read, and files that point at other files refused. */

import { createHash } from 'node:crypto';
import { IaasError, type ImageSpec } from '../../src/iaas/adapter.js';
import { readImage } from '../../src/iaas/adapters/simulator/image-format.js';
import { qcow2 } from './simulator-harness.js';

const GIB = 2 ** 30;

function spec(format: string, bytes: Buffer, more: Partial<ImageSpec> = {}): ImageSpec {
  return { id: 'i', name: 'i', format, sizeBytes: bytes.length, open: () => Promise.resolve(chunks(bytes)), ...more };
}

async function* chunks(bytes: Buffer): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}

const vmdk = (): Buffer => {
  const bytes = Buffer.alloc(1024);
  bytes.write('KDMV', 0, 'latin1');
  bytes.writeBigUInt64LE(BigInt((3 * GIB) / 512), 12);
  return bytes;
};
const iso = (): Buffer => {
  const bytes = Buffer.alloc(40_000);
  bytes.write('\u0001CD001', 32768, 'latin1');
  return bytes;
};

describe('reading an image', () => {
  it.each([
    ['qcow2', qcow2(2 * GIB), 2 * GIB],
    ['vmdk', vmdk(), 3 * GIB],
    ['vmdk', Buffer.from('# Disk DescriptorFile\nversion=1\n'), 32],
    ['iso', iso(), 40_000],
    ['raw', Buffer.from('any bytes at all'), 16],
  ])('knows %s and the size of its disk', async (format, bytes, virtualSizeBytes) => {
    expect(await readImage(spec(format, bytes), undefined)).toEqual({ sizeBytes: bytes.length, virtualSizeBytes });
  });

  it.each([
    ['text as qcow2', spec('qcow2', Buffer.from('no image'))],
    ['qcow2 as raw, for raw disks are written by guests', spec('raw', qcow2(GIB))],
    [
      'a qcow2 with a backing file',
      spec(
        'qcow2',
        qcow2(GIB, (header) => header.writeBigUInt64BE(200n, 8)),
      ),
    ],
    [
      'a qcow2 whose data is in another file',
      spec(
        'qcow2',
        qcow2(GIB, (header) => void (header.writeUInt32BE(3, 4), header.writeBigUInt64BE(4n, 72))),
      ),
    ],
    ['a qcow2 header that is cut off', spec('qcow2', qcow2(GIB).subarray(0, 40))],
    ['bytes with another digest', spec('raw', Buffer.from('x'), { sha256: 'ab'.repeat(32) })],
    ['nothing where something was promised', spec('raw', Buffer.alloc(0), { sizeBytes: 1 })],
  ])('refuses %s', async (_what, image) => {
    await expect(readImage(image, undefined)).rejects.toMatchObject({ class: 'invalid' });
  });

  it('takes the right digest, in either case of letters', async () => {
    const bytes = Buffer.from('hello');
    const sha256 = createHash('sha256').update(bytes).digest('hex').toUpperCase();
    await expect(readImage(spec('raw', bytes, { sha256 }), undefined)).resolves.toMatchObject({ sizeBytes: 5 });
  });

  it('stops reading once there is more than was promised', async () => {
    let given = 0;
    async function* endless(): AsyncIterable<Uint8Array> {
      for (;;) {
        given += 1000;
        yield await Promise.resolve(Buffer.alloc(1000));
      }
    }
    const image = spec('raw', Buffer.alloc(0), { sizeBytes: 5000, open: () => Promise.resolve(endless()) });
    await expect(readImage(image, undefined)).rejects.toBeInstanceOf(IaasError);
    expect(given).toBeLessThanOrEqual(6000);
  });
});
