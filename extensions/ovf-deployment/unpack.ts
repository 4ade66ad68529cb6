/**
 * Packages on their way into the blob store: descriptor, manifest and certificate are kept in memory, every other file is
 * written as its bytes arrive.
 */

import type { Fault } from '../../src/base/errors.js';
import type { PackageContents } from '../../src/ovf/index.js';
import type { Signature, Trust } from '../../src/ovf/package/certificate.js';
import { Members } from '../../src/ovf/package/members.js';
import { readOva } from '../../src/ovf/package/ova.js';
import { PACKAGE_LIMITS, type PackageOptions, type ReadPackage } from '../../src/ovf/package/reader.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import { BlobSink } from './blob-sink.js';
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
  readonly files: Members<Blob>;
  readonly joined: Members<Blob>;
  readonly contents: PackageContents;
  readonly signature: Signature;
  readonly findings: readonly Fault[];

  /** @param partial whether what is missing may lie elsewhere, and what is there have come under its bare name */
  constructor(read: ReadPackage, { files, joined }: Pick<BlobSink, 'files' | 'joined'>, partial = false) {
    const { descriptor, members, manifest, signature, findings } = read;
    this.descriptor = descriptor.bytes;
    this.files = new Members(descriptor.name, files, partial);
    this.joined = new Members(descriptor.name, joined, partial);
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
    return new UnpackedPackage(await readOva(archive, sink, options), sink);
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

export function intakeOptions({ maxBytes, trust }: Pick<IntakeServices, 'maxBytes' | 'trust'>): PackageOptions {
  return { mode: 'lenient', limits: { ...PACKAGE_LIMITS, bytes: maxBytes }, trust: trust() };
}
