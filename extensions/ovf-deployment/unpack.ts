/** Unpacking an OVA while it streams in: the descriptor is kept in memory, every other member goes to the blob store. */

import { PassThrough } from 'node:stream';
import { readOva, OVA_LIMITS, type Ova } from '../../src/ovf/package/ova.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import type { Fault } from '../../src/base/errors.js';
import type { PackageContents } from '../../src/ovf/index.js';
import type { Package } from './package.js';

/** A package whose archive has been read to its end. */
export class UnpackedPackage implements Package {
  readonly descriptor: Uint8Array;
  readonly files: ReadonlyMap<string, Blob>;
  readonly contents: PackageContents;
  readonly findings: readonly Fault[];

  constructor({ descriptor, members, manifest, findings }: Ova, files: ReadonlyMap<string, Blob>) {
    this.descriptor = descriptor.bytes;
    this.files = files;
    this.contents = { descriptor: descriptor.name, members, ...(manifest ? { manifest } : {}) };
    this.findings = findings;
  }
}

/** @throws Problem with every fault of the archive; what was stored of it is evicted in time, for nothing refers to it */
export async function unpackOva(
  blobs: BlobStore,
  archive: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<UnpackedPackage> {
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
  return new UnpackedPackage(ova, new Map(files));
}

function writeTo(pipe: PassThrough, bytes: Uint8Array): Promise<void> {
  if (pipe.write(bytes)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      pipe.off('drain', settle).off('error', settle);
      if (error) reject(error);
      else resolve();
    };
    pipe.on('drain', settle).on('error', settle);
  });
}
