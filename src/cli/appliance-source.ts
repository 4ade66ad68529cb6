/**
 * The package that the user named, made ready to be sent (K05): a descriptor goes with the files that lie beside it, an
 * archive goes up in pieces first, a URL goes as it is. Only files inside the descriptor's own folder are sent,
 * whatever the descriptor says: it may come from a stranger.
 */

import { createReadStream } from 'node:fs';
import { open, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { messageOf } from '../base/errors.js';
import type { PackageFile, UploadSource, VepClient } from '../client/index.js';
import { safeHref } from '../ovf/envelope/href.js';
import { inspectEnvelope } from '../ovf/index.js';
import { UsageError } from './exit-codes.js';
import { isDescriptor, loadSchemas } from './ovf-files.js';
import type { Session } from './session.js';
import { displayText } from './ui/display-text.js';

export interface ApplianceSource {
  readonly ovf: Uint8Array | { readonly url: string };
  readonly files: readonly PackageFile[];
}

export async function applianceSource(session: Session, name: string): Promise<ApplianceSource> {
  if (/^(https?:\/\/|upload:)/i.test(name)) return { ovf: { url: name }, files: [] };
  const path = resolve(session.terminal.directory, name);
  if (await isDescriptor(path)) return fromDescriptor(session, path);
  return { ovf: { url: await uploaded(session.client, session, path) }, files: [] };
}

async function fromDescriptor(session: Session, path: string): Promise<ApplianceSource> {
  const ovf = await readFile(path);
  const schemas = await loadSchemas(session.terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const { envelope } = inspectEnvelope(ovf, { mode: 'lenient', schemas });
  const files: PackageFile[] = [];
  for (const { href } of envelope?.references ?? []) {
    const found = safeHref(href);
    if (found.kind !== 'member') continue;
    const file = await fileBeside(path, found.path);
    if (file === undefined) session.note(`note: ${displayText(href)} is not beside the descriptor and is not sent`);
    else files.push({ href, open: () => createReadStream(file) });
  }
  return { ovf, files };
}

/** The real path of a file in the descriptor's folder; undefined if there is none, or if a link leads out of it. */
async function fileBeside(descriptor: string, relative: string): Promise<string | undefined> {
  try {
    const folder = await realpath(dirname(descriptor));
    const file = await realpath(join(folder, relative));
    return file.startsWith(folder + sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

async function uploaded(client: VepClient, session: Session, path: string): Promise<string> {
  const { size } = await stat(path);
  if (size === 0) throw new UsageError(`${path} is empty`);
  const file = await open(path);
  const source: UploadSource = {
    name: basename(path),
    sizeBytes: size,
    read: async (first, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(length, size - first)), 0, undefined, first);
      return buffer.subarray(0, bytesRead);
    },
  };
  let told = 0;
  const progress = (sent: number): void => {
    const percent = Math.floor((100 * sent) / size);
    if (percent < told + 10 && percent < 100) return;
    told = percent;
    session.note(`${displayText(source.name)}: ${percent} % sent`);
  };
  try {
    return await client.upload(source, { progress });
  } finally {
    await file.close();
  }
}

/** The bytes of a file that an option names. @throws UsageError */
export async function readNamed(session: Session, name: string, option: string): Promise<Buffer> {
  try {
    return await readFile(resolve(session.terminal.directory, name));
  } catch (error) {
    throw new UsageError(`the file of ${option} cannot be read: ${messageOf(error)}`);
  }
}
