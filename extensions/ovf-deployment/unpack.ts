/** Unpacking an OVA while it streams in: the descriptor is kept in memory, every other member goes to the blob store. */

import { PassThrough } from 'node:stream';
import { readOva, OVA_LIMITS } from '../../src/ovf/package/ova.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import type { Package } from './package.js';

/** @throws Problem with every fault of the archive; what was stored of it is evicted in time, for nothing refers to it */
export async function unpackOva(
  blobs: BlobStore,
  archive: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Package> {
  const stored = new Map<string, Promise<Blob>>();
  const sink = {
    open: (name: string, size: number) => {
      const pipe = new PassThrough();
      const blob = blobs.put(pipe, { sizeBytes: size, maxBytes: Math.max(size, 1) });
      // Awaited when the member ends; a failure before that must not count as unhandled.
      blob.catch(() => undefined);
      stored.set(name, blob);
      return Promise.resolve({
        write: (bytes: Uint8Array) => writeTo(pipe, bytes),
        close: async () => {
          pipe.end();
          await blob;
        },
        abort: () => {
          pipe.destroy(new Error('the package was refused'));
          return Promise.resolve();
        },
      });
    },
  };
  const ova = await readOva(archive, sink, { mode: 'lenient', limits: { ...OVA_LIMITS, bytes: maxBytes } });
  const files = await Promise.all([...stored].map(async ([name, blob]) => [name, await blob] as const));
  return { descriptor: ova.descriptor.bytes, files: new Map(files), findings: ova.findings };
}

function writeTo(pipe: PassThrough, bytes: Uint8Array): Promise<void> {
  if (pipe.write(bytes)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    pipe.once('drain', resolve);
    pipe.once('error', reject);
  });
}
