/**
 * The package that the user named, made ready to be sent (K05): a descriptor goes with the files that lie beside it, an
 * archive goes up in pieces first, a URL goes as it is. Only files inside the descriptor's own folder are sent,
 * whatever the descriptor says: it may come from a stranger.
 */

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf } from '../base/errors.js';
import type { PackageFile, UploadSource } from '../client/index.js';
import { safeHref } from '../ovf/envelope/href.js';
import { inspectEnvelope } from '../ovf/index.js';
import { archiveOf, readRange, type ArchiveFile } from './archive.js';
import { UsageError } from './exit-codes.js';
import { isDescriptor, loadSchemas } from './ovf-files.js';
import { documentsBeside, filesBeside, packageAt, type FileBeside } from './package-on-disk.js';
import type { Session } from './session.js';
import { displayText } from './ui/display-text.js';

/** Bytes of files that go along in one request; what is larger goes in pieces. */
const IN_ONE_REQUEST = 64 * 2 ** 20;

export interface ApplianceSource {
  readonly ovf: Uint8Array | { readonly url: string };
  readonly ovfName?: string;
  readonly files: readonly PackageFile[];
  /** The upload that was made for it. */
  readonly upload?: string;
}

export async function applianceSource(session: Session, name: string): Promise<ApplianceSource> {
  if (/^((https?|file):\/\/|upload:)/i.test(name)) return { ovf: { url: name }, files: [] };
  const { path } = await packageAt(resolve(session.terminal.directory, name));
  if (await isDescriptor(path)) return fromDescriptor(session, path);
  return uploaded(await sendFile(session, path));
}

function uploaded(upload: string): ApplianceSource {
  return { ovf: { url: upload }, files: [], upload };
}

async function fromDescriptor(session: Session, path: string): Promise<ApplianceSource> {
  const ovf = await readFile(path);
  const schemas = loadSchemas(session.terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const { envelope } = inspectEnvelope(ovf, { mode: 'lenient', schemas });
  const files: (ArchiveFile & FileBeside)[] = [];
  for (const file of envelope?.references ?? []) {
    if (safeHref(file.href).kind !== 'member') continue;
    const found = await filesBeside(path, file);
    if (found.length === 0)
      session.note(`note: ${displayText(file.href)} is not beside the descriptor and is not sent`);
    for (const each of found) {
      if (!files.some(({ name }) => name === each.name))
        files.push({ ...each, sizeBytes: (await stat(each.path)).size });
    }
  }
  const documents = await documentsBeside(path);
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (total > IN_ONE_REQUEST) return uploaded(await sendArchive(session, path, ovf, documents, files));
  const sent = [...documents.map((each) => ({ href: each, path: join(dirname(path), each) })), ...files];
  return {
    ovf,
    ovfName: basename(path),
    files: sent.map(({ href, path: file }) => ({ href, open: () => createReadStream(file) })),
  };
}

/** A large package goes as an archive in pieces, so that a slow line and a lost connection do no harm. */
async function sendArchive(
  session: Session,
  path: string,
  ovf: Uint8Array,
  documents: readonly string[],
  files: readonly ArchiveFile[],
): Promise<string> {
  const head = [{ name: basename(path), bytes: ovf }];
  for (const name of documents) head.push({ name, bytes: await readFile(join(dirname(path), name)) });
  return send(session, archiveOf(`${basename(path, '.ovf')}.ova`, [...head, ...files]));
}

async function sendFile(session: Session, path: string): Promise<string> {
  const { size } = await stat(path);
  if (size === 0) throw new UsageError(`${path} is empty`);
  return send(session, {
    name: basename(path),
    sizeBytes: size,
    read: (first, length) => readRange(path, first, length),
  });
}

async function send(session: Session, source: UploadSource): Promise<string> {
  let told = 0;
  const progress = (sent: number): void => {
    const percent = Math.floor((100 * sent) / source.sizeBytes);
    if (percent < told + 10 && percent < 100) return;
    told = percent;
    session.note(`${displayText(source.name)}: ${percent} % sent`);
  };
  return session.client.upload(source, { progress });
}

/** The bytes of a file that an option names. @throws UsageError */
export async function readNamed(session: Session, name: string, option: string): Promise<Buffer> {
  try {
    return await readFile(resolve(session.terminal.directory, name));
  } catch (error) {
    throw new UsageError(`the file of ${option} cannot be read: ${messageOf(error)}`);
  }
}
