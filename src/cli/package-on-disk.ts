/**
 * Packages as they lie on disk (DSP0243 §5.1): an archive, a descriptor with its files beside it, or the folder of one. All
 * are read the way the server reads them, digests of the manifest included, and nothing is kept.
 */

import { createReadStream } from 'node:fs';
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
import type { File } from '../ovf/envelope/model.js';
import { Members } from '../ovf/package/members.js';
import { readOva } from '../ovf/package/ova.js';
import { pieceName, pieceOf } from '../ovf/package/pieces.js';
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
    const read = await readFolder(path, documents, envelope.references, sink, options);
    return await inspected(read, sink, mode, schemas, !folder);
  } catch (error) {
    if (error instanceof Problem) return { findings: error.faults };
    throw error;
  }
}

/** Names of the manifest and the certificate that lie beside a descriptor; more of a kind where it is not clear which one is meant. */
export async function documentsBeside(descriptor: string): Promise<readonly string[]> {
  const all = await readdir(dirname(descriptor)).catch(() => []);
  const names = ['.mf', '.cert'].flatMap((ending) => documentsOf(descriptor, all, ending));
  const found = await Promise.all(names.map((name) => fileBeside(descriptor, name)));
  return names.filter((_, index) => found[index] !== undefined);
}

/** The one with the name of the descriptor, else what has the name of no other descriptor: an archive may hold it under any. */
function documentsOf(descriptor: string, all: readonly string[], ending: string): readonly string[] {
  const stem = (name: string): string => basename(name, extname(name));
  const isA = (wanted: string) => (name: string) => extname(name).toLowerCase() === wanted;
  const documents = all.filter(isA(ending));
  const own = documents.filter((name) => stem(name) === stem(descriptor));
  const others = new Set(all.filter(isA('.ovf')).map(stem));
  return own.length > 0 ? own : documents.filter((name) => !others.has(stem(name)));
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

/** A file of a package, as it lies beside the descriptor. */
export interface FileBeside {
  /** As the descriptor refers to it. */
  readonly href: string;
  /** In the package. */
  readonly name: string;
  readonly path: string;
}

/** The file of a reference, or all of its pieces that are there, by their numbers; nothing where there is none. */
export async function filesBeside(descriptor: string, { href, chunkSize }: File): Promise<readonly FileBeside[]> {
  const found = safeHref(href);
  if (found.kind !== 'member') return [];
  const { path: name } = found;
  const numbers = chunkSize === undefined ? [] : await piecesBeside(descriptor, name);
  const wanted =
    numbers.length === 0
      ? [{ href, name }]
      : numbers.map((number) => ({ href: pieceName(href, number), name: pieceName(name, number) }));
  const files = await Promise.all(
    wanted.map(async (each) => ({
      ...each,
      // Some name their files as the href writes them, escapes and all.
      path: (await fileBeside(descriptor, each.name)) ?? (await fileBeside(descriptor, each.href)),
    })),
  );
  return files.flatMap(({ path, ...each }) => (path === undefined ? [] : [{ ...each, path }]));
}

async function piecesBeside(descriptor: string, relative: string): Promise<readonly number[]> {
  const names = await readdir(join(dirname(descriptor), dirname(relative))).catch(() => []);
  const pieces = names.flatMap((name) => pieceOf(name) ?? []).filter(({ whole }) => whole === basename(relative));
  return pieces.map(({ number }) => number).sort((one, other) => one - other);
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
  const documents = new Members(read.descriptor.name, files);
  const { envelope, findings: told } = await readBundles(written, mode, ({ href }) => {
    const name = safeHref(href);
    return name.kind === 'member' ? documents.get(name.path) : undefined;
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

/** The descriptor, manifest and certificate, and those of the files that are there. */
async function readFolder(
  descriptor: string,
  documents: readonly string[],
  references: Envelope['references'],
  sink: SmallFiles,
  options: PackageOptions,
): Promise<ReadPackage> {
  const reader = new PackageReader(sink, options);
  const taken = new Set<string>();
  const take = async ({ name, path }: Omit<FileBeside, 'href'>): Promise<void> => {
    if (taken.has(name)) return;
    taken.add(name);
    const { size } = await stat(path);
    const accepted = reader.accept(name);
    if (accepted !== undefined) await reader.take(accepted, size, createReadStream(path, READ_SIZE));
  };
  await take({ name: basename(descriptor), path: descriptor });
  for (const name of documents) await take({ name, path: join(dirname(descriptor), name) });
  for (const file of references) for (const each of await filesBeside(descriptor, file)) await take(each);
  return reader.result();
}
