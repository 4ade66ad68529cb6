/**
 * Reads an OVA: an OVF package as one tar stream (DSP0243 §5.3), possibly gzipped. The stream is read once and nothing but
 * descriptor, manifest and certificate is kept. Members are plain files, the descriptor comes first (O-021, O-023).
 */

import { Problem } from '../../base/errors.js';
import { gunzipped } from './gunzip.js';
import {
  PACKAGE_LIMITS,
  PackageReader,
  tooLarge,
  type MemberSink,
  type PackageLimits,
  type PackageOptions,
  type ReadPackage,
} from './reader.js';
import { SmallFiles } from './small-files.js';
import { readTar, type TarEntry } from './tar.js';

/** Bytes that are still looked at for further faults once a package is refused. */
const AFTER_REFUSAL = 1024 * 1024;

/**
 * Reads the archive to its end, or until nothing more can be learnt of one that is refused. When it throws, whatever the
 * sink has received is worthless.
 * @throws Problem `malformed` with every fault of the archive, `too-large` at the first limit that is passed; errors of
 *   the source and of the sink as they are
 */
export async function readOva(
  source: AsyncIterable<Uint8Array>,
  sink: MemberSink,
  options: PackageOptions,
): Promise<ReadPackage> {
  const reader = new PackageReader(sink, options);
  try {
    let refusedAt: number | undefined;
    for await (const entry of readTar(unpacked(source, reader.limits))) {
      if (refusedAt !== undefined && entry.at - refusedAt > AFTER_REFUSAL) break;
      await member(reader, entry);
      if (reader.findings.errors > 0) refusedAt ??= entry.at;
    }
  } catch (error) {
    // What was found before the archive turned out to be broken is told with it.
    const found = reader.findings.list().filter((fault) => fault.severity === 'error');
    if (!(error instanceof Problem) || error.kind !== 'malformed' || error === reader.sinkError) throw error;
    throw new Problem('malformed', [...found, ...error.faults]);
  }
  return reader.result();
}

/** What stands at the beginning of an archive. */
export interface OvaHead extends ReadPackage {
  /** Small files that follow the descriptor, by name: message bundles stand there (DSP0243 §10). */
  readonly documents: ReadonlyMap<string, Uint8Array>;
}

/** A large file stands before the descriptor; whoever can, goes on reading at the next header. */
export interface LateDescriptor {
  /** Offset of that header from where this reading began. */
  readonly nextHeader: number;
}

export interface HeadOptions extends PackageOptions {
  /** Bytes that are read through in search of the descriptor. */
  readonly patience: number;
  /** The caller can go on elsewhere in the archive: a large file is not read through. */
  readonly seekable: boolean;
  /** The small files behind the descriptor are wanted too. */
  readonly documents: boolean;
}

/** Bytes of one of the small files, and of all of them. */
const DOCUMENTS = { each: 1024 * 1024, all: 4 * 1024 * 1024 };

/**
 * Reads only as far as the descriptor, manifest and certificate where they are met on the way or follow it, and on request
 * the small files behind. The source is given up after that.
 * @throws Problem as {@link readOva}; also where no descriptor is found within the caller's patience
 */
export async function readOvaHead(
  source: AsyncIterable<Uint8Array>,
  options: HeadOptions,
): Promise<OvaHead | LateDescriptor> {
  const sink = new SmallFiles(DOCUMENTS);
  const reader = new PackageReader(sink, options);
  let found = false;
  for await (const { name, size, type, at, bytes } of readTar(unpacked(source, reader.limits))) {
    const document = type === 'file' && /\.(ovf|mf|cert)$/i.test(name);
    const wanted = document || (found && options.documents && type === 'file' && sink.fits(size));
    if (found && !wanted) break;
    if (wanted) {
      const accepted = reader.accept(name);
      if (accepted === undefined) break;
      await reader.take(accepted, size, bytes);
      found ||= /\.ovf$/i.test(name);
      continue;
    }
    const nextHeader = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (options.seekable && size > SKIPPED) return { nextHeader };
    if (nextHeader > options.patience) {
      reader.findings.error('O-021', { field: name }, LATE);
      throw new Problem('malformed', reader.findings.list());
    }
  }
  return { ...(await reader.result()), documents: sink.files };
}

const BLOCK = 512;
/** Files up to this size are read through rather than skipped by another request. */
const SKIPPED = 256 * 1024;
const LATE = 'large files stand before the descriptor, and the archive can only be read from its beginning';

/** The archive without gzip, up to the limit and not a byte further. */
export async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  limits: PackageLimits = PACKAGE_LIMITS,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of await gunzipped(source, limits.gzipRatio)) {
    bytes += chunk.byteLength;
    if (bytes > limits.bytes) throw tooLarge(`the package has more than ${limits.bytes} bytes`);
    yield chunk;
  }
}

async function member(reader: PackageReader, { name: written, size, type, bytes }: TarEntry): Promise<void> {
  const name = type === 'directory' && /^\.\/?$/.test(written) ? written : reader.accept(written);
  if (name === undefined) return;
  const place = { field: written };
  if (type === 'directory') {
    reader.findings.deviation('O-023', place, 'the member is a directory', 'skipped', written);
  } else if (type !== 'file') {
    const what = type === 'unknown' ? 'something unknown' : `a ${type}`;
    reader.findings.error('O-023', place, `the member is no plain file but ${what}`, written);
  } else {
    if (reader.size === 0 && !/\.ovf$/i.test(name)) {
      reader.findings.deviation('O-021', place, 'the descriptor is not the first member', 'read all the same', written);
    }
    await reader.take(name, size, bytes);
  }
}
