/**
 * Packages on their way into the blob store: descriptor, manifest and certificate are kept in memory, every other file is
 * written once, as its bytes arrive.
 */

import type { Fault } from '../../src/base/errors.js';
import type { PackageContents } from '../../src/ovf/index.js';
import type { Signature, Trust } from '../../src/ovf/package/certificate.js';
import { readOva } from '../../src/ovf/package/ova.js';
import {
  PACKAGE_LIMITS,
  type MemberSink,
  type MemberWriter,
  type PackageOptions,
  type ReadPackage,
} from '../../src/ovf/package/reader.js';
import type { Blob, BlobStore, BlobWriter } from '../../src/transfer/blob-store.js';
import type { Package } from './package.js';
import type { SignaturePolicy } from './signature-policy.js';

export interface IntakeServices {
  readonly blobs: BlobStore;
  /** Most bytes of a package, unpacked. */
  readonly maxBytes: number;
  /** Whom to believe the signature of a package, now. */
  readonly trust: () => Trust;
  /** Who must have signed what is deployed. */
  readonly signatures: SignaturePolicy;
}

/** A package whose files have been read to their end. */
export class UnpackedPackage implements Package {
  readonly descriptor: Uint8Array;
  readonly files: ReadonlyMap<string, Blob>;
  readonly contents: PackageContents;
  readonly signature: Signature;
  readonly findings: readonly Fault[];

  /** @param partial whether what is missing may lie elsewhere */
  constructor(read: ReadPackage, files: ReadonlyMap<string, Blob>, partial = false) {
    const { descriptor, members, manifest, signature, findings } = read;
    this.descriptor = descriptor.bytes;
    this.files = files;
    this.contents = {
      descriptor: descriptor.name,
      members,
      ...(manifest ? { manifest } : {}),
      ...(partial ? { partial } : {}),
    };
    this.signature = signature;
    this.findings = findings;
  }
}

/**
 * @param descriptorDigest SHA-256 of the descriptor that is expected
 * @throws Problem with every fault of the archive; what was stored of it is evicted in time, for nothing refers to
 *   it
 */
export async function unpackOva(
  services: IntakeServices,
  archive: AsyncIterable<Uint8Array>,
  descriptorDigest?: string,
): Promise<UnpackedPackage> {
  const sink = new BlobSink(services.blobs);
  const options = { ...intakeOptions(services), ...(descriptorDigest === undefined ? {} : { descriptorDigest }) };
  try {
    return new UnpackedPackage(await readOva(archive, sink, options), sink.files);
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

export function intakeOptions({ maxBytes, trust }: Pick<IntakeServices, 'maxBytes' | 'trust'>): PackageOptions {
  return { mode: 'lenient', limits: { ...PACKAGE_LIMITS, bytes: maxBytes }, trust: trust() };
}

/** Bytes after which the files before are used again, so that they outlast the coming of the rest. */
const FRESHEN_BYTES = 2 ** 30;

/** A file in pieces that come one after the other: it becomes one file of the store. */
interface Joined {
  readonly name: string;
  readonly writer: BlobWriter;
  pieces: number;
  sizeBytes: number;
}

interface Piece {
  readonly whole: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export class BlobSink implements MemberSink {
  /** By name; a file that came in pieces (DSP0243 §7.1) under the name that its pieces share. */
  readonly files = new Map<string, Blob>();
  readonly #pieces = new Map<string, Piece>();
  readonly #blobs: BlobStore;
  #joined: Joined | undefined;
  #sinceFreshened = 0;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  async open(name: string, size: number | undefined): Promise<MemberWriter> {
    const [, whole, digits] = /^(.+)\.(\d{9})$/.exec(name) ?? [];
    if (whole !== undefined && Number(digits) === (this.#joined?.name === whole ? this.#joined.pieces : 0))
      return this.#piece(name, whole);
    await this.finish();
    const writer = await this.#blobs.write(size);
    return {
      digests: ['sha256'],
      write: (bytes) => this.#write(writer, bytes),
      close: async () => {
        const blob = await writer.close();
        this.files.set(name, blob);
        return { sha256: blob.sha256 };
      },
      abort: () => writer.abort(),
    };
  }

  async reread(name: string): Promise<AsyncIterable<Uint8Array>> {
    const { whole = name, offset = 0, sizeBytes } = this.#pieces.get(name) ?? {};
    return this.#blobs.open(this.files.get(whole)?.sha256 ?? '', offset, sizeBytes);
  }

  /** The last file in pieces is whole. */
  async finish(): Promise<void> {
    const joined = this.#joined;
    this.#joined = undefined;
    if (joined) this.files.set(joined.name, await joined.writer.close());
  }

  async abort(): Promise<void> {
    await this.#joined?.writer.abort();
    this.#joined = undefined;
  }

  async #piece(name: string, whole: string): Promise<MemberWriter> {
    if (this.#joined?.name !== whole) {
      await this.finish();
      this.#joined = { name: whole, writer: await this.#blobs.write(), pieces: 0, sizeBytes: 0 };
    }
    const joined = this.#joined;
    const offset = joined.sizeBytes;
    return {
      write: (bytes) => {
        joined.sizeBytes += bytes.byteLength;
        return this.#write(joined.writer, bytes);
      },
      close: () => {
        joined.pieces += 1;
        this.#pieces.set(name, { whole, offset, sizeBytes: joined.sizeBytes - offset });
        return Promise.resolve({});
      },
      abort: () => this.abort(),
    };
  }

  async #write(writer: BlobWriter, bytes: Uint8Array): Promise<void> {
    await writer.write(bytes);
    this.#sinceFreshened += bytes.byteLength;
    if (this.#sinceFreshened <= FRESHEN_BYTES) return;
    this.#sinceFreshened = 0;
    for (const { sha256 } of this.files.values()) await this.#blobs.find(sha256);
  }
}
