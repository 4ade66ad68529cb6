/**
 * Files that guests find beside their environment document (OVF 2 EnvironmentFilesSection): brought into the blob store by
 * the work on the package, and put together when a machine is handed to its site.
 */

import { gunzipSync } from 'node:zlib';
import { excerpt, messageOf, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import { shownUrl } from '../../src/base/shown-url.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { EnvironmentDocument } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedImage, PlannedMachine } from '../../src/ovf/plan.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import { download, type DownloadOptions } from '../../src/transfer/download.js';
import type { Sources } from '../../src/transfer/sources.js';
import { verified } from '../../src/transfer/verified.js';
import { imageOrigins, type FileOrigin, type ImageOrigins } from './package.js';

/** Bytes of one file, and of all that one guest gets: they travel with the commands that make its machine. */
const LARGEST_FILE = 1024 * 1024;
const LARGEST_SET = 4 * 1024 * 1024;

/** What is known to be too large before anything is deployed. */
export function oversizedFiles(plan: DeploymentPlan | undefined): readonly Fault[] {
  const sizes = new Map((plan?.files ?? []).map(({ id, sizeBytes = 0 }) => [id, sizeBytes]));
  const files = [...sizes].filter(([, size]) => size > LARGEST_FILE).map(([id]) => id);
  const machines = (plan?.machines ?? []).filter(({ environment }) => {
    const all = (environment.files ?? []).reduce((sum, { file }) => sum + (sizes.get(file) ?? 0), 0);
    return all > LARGEST_SET;
  });
  return [
    ...files.map((id) => tooLarge(`the environment file "${excerpt(id)}" has more than ${LARGEST_FILE} bytes`)),
    ...machines.map(({ id }) =>
      tooLarge(`the environment files of "${excerpt(id)}" have more than ${LARGEST_SET} bytes`),
    ),
  ];
}

/** Those that lie at their URLs in pieces, which are not put together. */
export function filesInPieces(plan: DeploymentPlan | undefined, origins: ImageOrigins): readonly Fault[] {
  const pieced = (plan?.files ?? []).filter(({ id, chunkSize }) => {
    const origin = origins[id];
    return chunkSize !== undefined && origin !== undefined && 'url' in origin;
  });
  return pieced.map(({ href }) => ({
    code: 'ovf.O-019',
    message: `the environment file ${excerpt(shownUrl(href))} lies at its URL in pieces`,
    place: { field: excerpt(shownUrl(href)) },
    rule: 'O-019, DSP0243 §7.1',
    remedy: 'leave such small files in one piece',
  }));
}

function tooLarge(message: string): Fault {
  return { code: 'ovf.O-024', message, rule: 'O-024', remedy: 'put large files on a disk' };
}

/** Whether the work has to bring files before the machines can be made. */
export function filesToBring({ files = [] }: DeploymentPlan, origins: ImageOrigins): readonly PlannedImage[] {
  return files.filter(({ id }) => origins[id] !== undefined && !('sha256' in origins[id]));
}

/**
 * The origins with every file of the environments in the blob store. Archives have been unpacked and manifests read by then.
 * @throws Problem where one cannot be had, is too large or is not what its manifest says
 */
export async function bringFiles(
  { sources, blobs }: { readonly sources: Sources; readonly blobs: BlobStore },
  plan: DeploymentPlan,
  origins: ImageOrigins,
  options: Omit<DownloadOptions, 'maxBytes'>,
): Promise<ImageOrigins> {
  const brought = imageOrigins(origins) as Record<string, FileOrigin>;
  throwIfFaulty('invalid', filesInPieces(plan, origins));
  for (const { id, sizeBytes } of filesToBring(plan, origins)) {
    const origin = origins[id];
    if (origin === undefined || !('url' in origin)) continue;
    const { bytes } = await download(sources, origin.url, { ...options, maxBytes: LARGEST_FILE });
    const expectation = {
      maxBytes: LARGEST_FILE,
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(origin.digest && { digest: origin.digest }),
    };
    const { sha256 } = await blobs.put(verified(bytes, expectation), { maxBytes: LARGEST_FILE });
    brought[id] = { sha256 };
  }
  return brought;
}

/** What one machine gets; a file that nobody sent, which only a site without guests allows, is left out. */
export async function environmentDocuments(
  blobs: BlobStore,
  { files = [] }: DeploymentPlan,
  origins: ImageOrigins,
  { environment }: PlannedMachine,
): Promise<readonly EnvironmentDocument[]> {
  const documents: EnvironmentDocument[] = [];
  let total = 0;
  for (const { path, file } of environment.files ?? []) {
    const origin = origins[file];
    const planned = files.find(({ id }) => id === file);
    if (origin === undefined || planned === undefined) continue;
    if (!('sha256' in origin)) throw new IaasError('transient', `the environment file ${file} is not here yet`);
    const blob = await blobs.find(origin.sha256);
    if (!blob) throw new IaasError('invalid', `the environment file ${file} is no longer here`);
    if (blob.sizeBytes > LARGEST_FILE)
      throw new IaasError('invalid', `the environment file ${file} has more than ${LARGEST_FILE} bytes`);
    const bytes = unwrapped(await blobs.read(blob.sha256, 0, blob.sizeBytes), planned);
    total += bytes.byteLength;
    if (total > LARGEST_SET)
      throw new IaasError('invalid', `the environment files of a machine have more than ${LARGEST_SET} bytes`);
    documents.push({ path, base64: Buffer.from(bytes).toString('base64') });
  }
  return documents;
}

function unwrapped(bytes: Uint8Array, { id, compression }: PlannedImage): Uint8Array {
  if (compression === 'identity') return bytes;
  try {
    if (compression === 'gzip') return gunzipSync(bytes, { maxOutputLength: LARGEST_FILE });
  } catch (error) {
    throw new IaasError('invalid', `the environment file ${id} cannot be unpacked: ${messageOf(error)}`);
  }
  throw new IaasError('invalid', `the environment file ${id} is compressed with bzip2, which is not taken`);
}
