/**
 * What is known of the images of a plan before the work begins, so that what must fail is refused with the request: an image
 * that came along is looked at, one that lies elsewhere is not (K06).
 */

import { excerpt, Problem, type Fault } from '../../src/base/errors.js';
import { shownUrl } from '../../src/base/shown-url.js';
import type { Envelope } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import { gunzip } from '../../src/transfer/gunzip.js';
import { pieceCount } from '../../src/transfer/image-fetcher.js';
import { probeImage } from '../../src/transfer/image-probe.js';
import type { ImageOrigins } from './package.js';

export interface SeenImages {
  /** Bytes of the disk in an image, by file id; those of compressed ones show when they are unpacked. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
}

export async function seenImages(
  blobs: BlobStore,
  plan: DeploymentPlan | undefined,
  { references }: Envelope,
  origins: ImageOrigins,
): Promise<SeenImages> {
  const sizes = new Map<string, number>();
  const faults: Fault[] = [];
  for (const image of plan?.images ?? []) {
    try {
      const size = await sizeOf(blobs, image, origins);
      if (size !== undefined) sizes.set(image.id, size);
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== 'invalid') throw error;
      const at = references.find(({ id }) => id === image.id)?.at;
      faults.push(...error.faults.map((fault) => ofImage(image, fault, at)));
    }
  }
  return { sizes, faults };
}

/** @throws Problem `invalid` for an image that cannot be taken */
async function sizeOf(blobs: BlobStore, image: PlannedImage, origins: ImageOrigins): Promise<number | undefined> {
  const origin = origins[image.id];
  if (origin && 'url' in origin) pieceCount(image);
  const blob = origin && 'sha256' in origin ? await blobs.find(origin.sha256) : undefined;
  if (!blob) return undefined;
  const { sizeBytes, sha256 } = blob;
  if (image.compression === 'gzip') return begin(blobs, blob);
  const read = (offset: number, length: number): Promise<Uint8Array> => blobs.read(sha256, offset, length);
  return (await probeImage({ sizeBytes, read })).virtualSizeBytes;
}

/** Whether it can be unpacked at all; all of it would take too long within a request. */
async function begin(blobs: BlobStore, { sha256 }: Blob): Promise<undefined> {
  for await (const _first of gunzip(await blobs.open(sha256), Number.MAX_SAFE_INTEGER)) return;
}

function ofImage({ href }: PlannedImage, fault: Fault, place: Fault['place']): Fault {
  return {
    rule: fault.code.startsWith('image.') ? 'O-038, DSP0243 §9.1' : 'O-018, DSP0243 §7.1',
    ...fault,
    severity: 'error',
    message: `the file "${excerpt(shownUrl(href))}" cannot be taken: ${fault.message}`,
    place: place ?? { field: excerpt(shownUrl(href)) },
  };
}
