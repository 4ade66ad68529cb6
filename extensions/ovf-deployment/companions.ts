/**
 * Files of a package that no machine needs but people do (DSP0243 §9.5, §10): message bundles, messages in files of their own,
 * icons of products. They stay with the appliance, so that whoever takes it out again has them; one that cannot be had keeps
 * nothing from being deployed, one that is not what the manifest says does.
 */

import { Problem } from '../../src/base/errors.js';
import type { GuardedDialler } from '../../src/net/dialler.js';
import { companionFiles, iconFiles, MAX_BUNDLE, readBundles, type Envelope } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import { download, type DownloadOptions } from '../../src/transfer/download.js';
import { verified } from '../../src/transfer/verified.js';
import { imageOrigins, originOf, sentAs, type FileOrigin, type ImageOrigins, type Package } from './package.js';

/** Bytes of one of them. */
const LARGEST = MAX_BUNDLE;

/**
 * Where they are. Which messages a bundle in a file names is known once it has been read: of what was sent along, every small
 * file may be one.
 */
export function companionOrigins(envelope: Envelope, received: Package): ImageOrigins {
  const origins = imageOrigins() as Record<string, FileOrigin>;
  const named = new Set(companionFiles(envelope));
  for (const file of envelope.references) {
    const sent = sentAs(file.href, received.files);
    const origin = named.has(file) && file.chunkSize === undefined ? originOf(file.href, received) : undefined;
    if (sent && sent.sizeBytes <= LARGEST) origins[file.id] = { sha256: sent.sha256, href: file.href };
    else if (!sent && origin) origins[file.id] = origin;
  }
  return origins;
}

/** Those that the work has yet to bring. */
export function companionsToBring(plan: DeploymentPlan, origins: ImageOrigins): readonly string[] {
  const planned = new Set([...plan.images, ...(plan.files ?? [])].map(({ id }) => id));
  return Object.keys(origins).filter((id) => !planned.has(id) && !('sha256' in (origins[id] as FileOrigin)));
}

/**
 * The origins with those of them that could be had in the blob store, and without the others.
 * @throws Problem where one is not what its manifest says
 */
export async function bringCompanions(
  { dialler, blobs }: { readonly dialler: GuardedDialler; readonly blobs: BlobStore },
  plan: DeploymentPlan,
  origins: ImageOrigins,
  options: Omit<DownloadOptions, 'maxBytes'>,
): Promise<ImageOrigins> {
  const brought = imageOrigins(origins) as Record<string, FileOrigin>;
  for (const id of companionsToBring(plan, origins)) {
    const origin = origins[id] as FileOrigin;
    // Keys are what a stranger wrote, in an object without a prototype.
    Reflect.deleteProperty(brought, id);
    if (!('url' in origin)) continue;
    try {
      const { bytes } = await download(dialler, origin.url, { ...options, maxBytes: LARGEST });
      const expectation = { maxBytes: LARGEST, ...(origin.digest && { digest: origin.digest }) };
      brought[id] = { sha256: (await blobs.put(verified(bytes, expectation), { maxBytes: LARGEST })).sha256 };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof Problem) || error.faults.some(({ code }) => code === 'transfer.digest')) throw error;
    }
  }
  return brought;
}

/** The descriptor with all messages that are here, and its icons as they can be taken along. */
export async function withCompanions(
  blobs: BlobStore,
  envelope: Envelope,
  origins: ImageOrigins,
): Promise<{ readonly envelope: Envelope; readonly icons: readonly (PlannedImage & { readonly blob?: Blob })[] }> {
  const blobOf = async (id: string): Promise<Blob | undefined> => {
    const origin = origins[id];
    const blob = origin && 'sha256' in origin ? await blobs.find(origin.sha256) : undefined;
    return blob && blob.sizeBytes <= LARGEST ? blob : undefined;
  };
  const told = await readBundles(envelope, 'lenient', async ({ id }) => {
    const blob = await blobOf(id);
    return blob && blobs.read(blob.sha256, 0, blob.sizeBytes);
  });
  const icons = await Promise.all(
    iconFiles(envelope).map(async ({ id, href, compression }) => {
      const blob = await blobOf(id);
      return { id, href, compression, ...(blob && { sizeBytes: blob.sizeBytes, blob }) };
    }),
  );
  return { envelope: told.envelope, icons };
}
