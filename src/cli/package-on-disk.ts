/**
 * Packages as they lie on disk (DSP0243 §5.1): an archive, a descriptor with its files beside it, or the folder of one. All
 * are read the way the server reads them, digests of the manifest included, and nothing is kept.
 */

import { createReadStream, type Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import { Problem, type Fault } from '../base/errors.js';
import {
  checkCompleteness,
  inspectEnvelope,
  MAX_BUNDLE,
  readBundles,
  type Envelope,
  type OvfSchemas,
  type ReadOptions,
} from '../ovf/index.js';
import { safeHref } from '../ovf/envelope/href.js';
import { readOva } from '../ovf/package/ova.js';
import { PackageReader, type PackageOptions, type ReadPackage } from '../ovf/package/reader.js';
import { SmallFiles } from '../ovf/package/small-files.js';
import { UsageError } from './exit-codes.js';
import { isDescriptor, readBytes } from './ovf-files.js';

type Mode = ReadOptions['mode'];

/** The descriptor of a folder, or the path itself. @throws UsageError for a folder that does not hold exactly one */
export async function packageAt(path: string): Promise<{ readonly path: string; readonly folder: boolean }> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return { path, folder: false };
  const names = (await readdir(path)).filter((name) => extname(name).toLowerCase() === '.ovf');
  const [name] = names;
  if (names.length === 1 && name !== undefined) return { path: join(path, name), folder: true };
  throw new UsageError(`${path} holds ${names.length === 0 ? 'no descriptor' : 'more than one descriptor'} (.ovf)`);
}

/** What is known of a package: as much of it as can be read, and everything that is wrong with it. */
export interface InspectedPackage {
  readonly descriptor?: Uint8Array;
  readonly envelope?: Envelope;
  readonly findings: readonly Fault[];
}

/**
 * A package with every finding about it. Of a descriptor alone only what is there is judged; a folder must hold all of it.
 * `signers` are certificates (PEM) of those whose signature is believed.
 * @throws UsageError for what cannot be read
 */
export async function inspectPackage(
  named: string,
  mode: Mode,
  schemas: OvfSchemas,
  signers: readonly string[] = [],
): Promise<InspectedPackage> {
  const { path, folder } = await packageAt(named);
  const options = { mode, trust: { anchors: signers, now: Date.now() } };
  try {
    const sink = new SmallFiles(BUNDLES);
    if (!(await isDescriptor(path)))
      return await inspected(
        await readOva(createReadStream(path, READ_SIZE), sink, options),
        sink,
        mode,
        schemas,
        false,
      );
    const bytes = await readBytes(path);
    const { envelope, findings } = inspectEnvelope(bytes, { mode, schemas });
    const documents = await documentsBeside(path);
    if (!envelope) return { descriptor: bytes, findings };
    if (!folder && documents.length === 0) return await withMessages(bytes, envelope, findings, path, mode);
    const references = envelope.references.flatMap(({ href }) => safeHref(href));
    const names = references.flatMap((href) => (href.kind === 'member' ? [href.path] : []));
    const read = await readFolder(path, [...documents, ...names], sink, options);
    return await inspected(read, sink, mode, schemas, !folder);
  } catch (error) {
    if (error instanceof Problem) return { findings: error.faults };
    throw error;
  }
}

/** Names of the manifest and the certificate that lie beside a descriptor. */
export async function documentsBeside(descriptor: string): Promise<readonly string[]> {
  const stem = basename(descriptor, extname(descriptor));
  const names = [`${stem}.mf`, `${stem}.cert`];
  const found = await Promise.all(names.map((name) => fileBeside(descriptor, name)));
  return names.filter((_, index) => found[index] !== undefined);
}

/** The real path of a file in the descriptor's folder; undefined if there is none, or if a link leads out of it. */
export async function fileBeside(descriptor: string, relative: string): Promise<string | undefined> {
  try {
    const folder = await realpath(dirname(descriptor));
    const file = await realpath(join(folder, relative));
    return file.startsWith(folder + sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

const READ_SIZE = { highWaterMark: 1 << 20 };

/** Bytes of message bundles, the only files whose contents are looked at: of one, and of all. */
const BUNDLES = { each: MAX_BUNDLE, all: 16 * MAX_BUNDLE };

async function inspected(
  read: ReadPackage,
  { files }: SmallFiles,
  mode: Mode,
  schemas: OvfSchemas,
  partial: boolean,
): Promise<InspectedPackage> {
  const { envelope: written, findings } = inspectEnvelope(read.descriptor.bytes, { mode, schemas });
  const contents = {
    descriptor: read.descriptor.name,
    members: read.members,
    ...(read.manifest ? { manifest: read.manifest } : {}),
    ...(partial ? { partial } : {}),
  };
  if (!written) return { descriptor: read.descriptor.bytes, findings: [...read.findings, ...findings] };
  const { envelope, findings: told } = await readBundles(written, mode, ({ href }) => {
    const name = safeHref(href);
    return name.kind === 'member' ? files.get(name.path) : undefined;
  });
  const complete = checkCompleteness(envelope, contents, mode);
  return {
    descriptor: read.descriptor.bytes,
    envelope,
    findings: [...read.findings, ...findings, ...complete, ...told],
  };
}

/** A descriptor with those of its message bundles that lie beside it. */
async function withMessages(
  descriptor: Uint8Array,
  written: Envelope,
  findings: readonly Fault[],
  path: string,
  mode: Mode,
): Promise<InspectedPackage> {
  const { envelope, findings: told } = await readBundles(written, mode, async ({ href }) => {
    const name = safeHref(href);
    const file = name.kind === 'member' ? await fileBeside(path, name.path) : undefined;
    return file !== undefined && (await stat(file)).size <= MAX_BUNDLE ? readBytes(file) : undefined;
  });
  return { descriptor, envelope, findings: [...findings, ...told] };
}

/** The descriptor and those of the named files that are there; a file in pieces with all its pieces. */
async function readFolder(
  descriptor: string,
  names: readonly string[],
  sink: SmallFiles,
  options: PackageOptions,
): Promise<ReadPackage> {
  const reader = new PackageReader(sink, options);
  const take = async (name: string, path: string, { size }: Pick<Stats, 'size'>): Promise<void> => {
    const accepted = reader.accept(name);
    if (accepted !== undefined) await reader.take(accepted, size, createReadStream(path, READ_SIZE));
  };
  await take(basename(descriptor), descriptor, await stat(descriptor));
  for (const name of new Set(names)) {
    const whole = await fileBeside(descriptor, name);
    if (whole !== undefined) await take(name, whole, await stat(whole));
    for (let index = 0; whole === undefined; index += 1) {
      const piece = `${name}.${String(index).padStart(9, '0')}`;
      const path = await fileBeside(descriptor, piece);
      if (path === undefined) break;
      await take(piece, path, await stat(path));
    }
  }
  return reader.result();
}
