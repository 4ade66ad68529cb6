/**
 * Files of a package that no machine needs but people do (DSP0243 §9.5, §10): message bundles, messages in files of their own,
 * icons of products. They stay with the appliance, so that whoever takes it out again has them; one that cannot be had is
 * told and keeps nothing from being deployed, one that is not what the manifest says does.
 */

import { excerpt, Problem, type Fault } from '../../src/base/errors.js';
import { shownUrl } from '../../src/base/shown-url.js';
import type { Log } from '../../src/base/log.js';
import { companionFiles, iconFiles, MAX_BUNDLE, readBundles, type Envelope } from '../../src/ovf/index.js';
import type { File } from '../../src/ovf/envelope/model.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import { download, type DownloadOptions } from '../../src/transfer/download.js';
import type { Sources } from '../../src/transfer/sources.js';
import { verified } from '../../src/transfer/verified.js';
import { imageOrigins, originOf, sentAs, type FileOrigin, type ImageOrigins, type Package } from './package.js';

/**
 * Where they are, and why those are not that nobody can bring. Which messages a bundle in a file names is known once it has
 * been read: of what was sent along, every small file may be one.
 * @param planned files that machines need too: what becomes of them is not decided here
 */
export function companionOrigins(
  envelope: Envelope,
  received: Package,
  planned: readonly PlannedImage[],
): ImageOrigins {
  const origins = imageOrigins() as Record<string, FileOrigin>;
  const named = new Set(companionFiles(envelope));
  const needed = new Set(planned.map(({ id }) => id));
  for (const file of envelope.references.filter(({ id }) => !needed.has(id))) {
    const origin = companionOrigin(file, received);
    if (named.has(file) || 'sha256' in origin) origins[file.id] = origin;
  }
  return origins;
}

/** Where one of them is, or why it is not. */
export function companionOrigin(file: File, received: Package): FileOrigin {
  const { href, chunkSize } = file;
  const sent = sentAs(file, received);
  if (sent && sent.sizeBytes <= MAX_BUNDLE) return { sha256: sent.sha256, href };
  if (sent) return unavailable(href, TOO_LARGE);
  if (chunkSize !== undefined) return unavailable(href, 'it lies there in pieces');
  return originOf(file, received) ?? unavailable(href, 'it was not sent');
}

const TOO_LARGE = `it has more than ${MAX_BUNDLE} bytes`;

/** The bare name alone: a URL may hold what opens it. */
function unavailable(href: string, why: string): FileOrigin {
  return { name: excerpt(/[^/]*$/.exec(shownUrl(href))?.[0] ?? ''), unavailable: why };
}

/** What is known within the request of those that cannot be had. */
export function companionFindings(envelope: Envelope, origins: ImageOrigins): readonly Fault[] {
  return companionFiles(envelope).flatMap((file) => {
    const origin = origins[file.id];
    return origin && 'unavailable' in origin ? [leftOut(envelope, file, origin.unavailable)] : [];
  });
}

/** An icon or a bundle that is left out, and why. */
export function leftOut(envelope: Envelope, file: File, why: string): Fault {
  const [what, rule, section] = iconFiles(envelope).includes(file)
    ? ['icon', 'O-013', '§7.1']
    : ['message file', 'O-073', '§10'];
  return {
    code: `ovf.${rule}`,
    severity: 'warning',
    message: `the ${what} ${excerpt(shownUrl(file.href))} is left out: ${why}`,
    place: file.at,
    rule: `${rule}, DSP0243 ${section}`,
    remedy: `send it with the descriptor, in one piece of at most ${MAX_BUNDLE} bytes, in an archive right behind it`,
  };
}

/** What an appliance that runs has to do without, in words; undefined where that is nothing. */
export function withoutCompanions(origins: ImageOrigins): string | undefined {
  const left = Object.values(origins).flatMap((origin) =>
    'unavailable' in origin ? [`${origin.name} (${origin.unavailable})`] : [],
  );
  const more = left.length > MOST_TOLD ? ` and ${left.length - MOST_TOLD} more` : '';
  return left.length === 0 ? undefined : `files left out: ${left.slice(0, MOST_TOLD).join(', ')}${more}`;
}

const MOST_TOLD = 5;

/** Those that the work has yet to bring. */
export function companionsToBring(plan: DeploymentPlan, origins: ImageOrigins): readonly string[] {
  const planned = new Set([...plan.images, ...(plan.files ?? [])].map(({ id }) => id));
  return Object.entries(origins).flatMap(([id, origin]) =>
    planned.has(id) || 'sha256' in origin || 'unavailable' in origin ? [] : [id],
  );
}

/**
 * The origins with those of them that could be had in the blob store, and why the others could not.
 * @throws Problem where one is not what its manifest says
 */
export async function bringCompanions(
  { sources, blobs }: { readonly sources: Sources; readonly blobs: BlobStore },
  plan: DeploymentPlan,
  origins: ImageOrigins,
  { log, ...options }: Omit<DownloadOptions, 'maxBytes'> & { readonly log: Log },
): Promise<ImageOrigins> {
  const brought = imageOrigins(origins) as Record<string, FileOrigin>;
  for (const id of companionsToBring(plan, origins)) {
    const origin = origins[id] as FileOrigin;
    if (!('url' in origin)) continue;
    try {
      const { bytes } = await download(sources, origin.url, { ...options, maxBytes: MAX_BUNDLE });
      const expectation = { maxBytes: MAX_BUNDLE, ...(origin.digest && { digest: origin.digest }) };
      brought[id] = { sha256: (await blobs.put(verified(bytes, expectation), { maxBytes: MAX_BUNDLE })).sha256 };
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof Problem) || error.faults.some(({ code }) => code === 'transfer.digest')) throw error;
      const why = error.faults[0]?.message ?? error.message;
      log.warn({ file: id, why }, 'an icon or message file is left out');
      brought[id] = unavailable(origin.url, why);
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
    return blob && blob.sizeBytes <= MAX_BUNDLE ? blob : undefined;
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
