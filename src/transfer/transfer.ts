/** Everything that images and uploads pass through, opened together: they share one store of blobs below the data directory. */

import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Config } from '../base/config.js';
import type { GuardedDialler } from '../net/dialler.js';
import { BlobStore } from './blob-store.js';
import { ImageConverter } from './image-converter.js';
import { ImageFetcher, type SiteImageLookup } from './image-fetcher.js';
import { FilesAndWeb, type Sources } from './sources.js';
import { Uploads } from './uploads.js';

/** How long an upload waits for the rest of it, or for whoever names it. */
export const UPLOAD_LIFETIME_MS = 24 * 3600 * 1000;

/** Part of the image cache that the uploads of one principal may take. */
const UPLOAD_SHARE = 2 / 3;

export interface Transfer {
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  readonly sources: Sources;
  readonly fetcher: ImageFetcher;
  /** Absent: images are never converted. */
  readonly converter: ImageConverter | undefined;
}

/** `referenced` are the blobs that somebody else still needs, besides unfinished uploads. */
export async function openTransfer({
  config: { data, limits, images },
  clock,
  dialler,
  siteImages,
  referenced,
}: {
  readonly config: Pick<Config, 'data' | 'limits' | 'images'>;
  readonly clock: Clock;
  readonly dialler: GuardedDialler;
  readonly siteImages: SiteImageLookup;
  readonly referenced: () => Promise<Iterable<string>>;
}): Promise<Transfer> {
  const { directory } = data;
  const { uploadBytes: maxBytes, imageCacheBytes: quotaBytes } = limits;
  let converter: ImageConverter | undefined;
  const blobs = await BlobStore.open({
    directory: join(directory, 'blobs'),
    quotaBytes,
    clock,
    referenced: async () => new Set([...(await uploads.held()), ...(await referenced())]),
    promised: async () => (await uploads.promised()) + ((await converter?.underWay()) ?? 0),
  });
  const lifetimeMs = UPLOAD_LIFETIME_MS;
  const uploads: Uploads = await Uploads.open({
    directory: join(directory, 'uploads'),
    blobs,
    clock,
    maxBytes,
    ownerBytes: Math.floor(quotaBytes * UPLOAD_SHARE),
    lifetimeMs,
  });
  const sources = new FilesAndWeb(dialler, images.fileRoots);
  const fetcher = new ImageFetcher({ sources, blobs, uploads, siteImages, maxBytes, clock });
  const command = images.converter;
  const converted = { blobs, directory: join(directory, 'converted'), maxBytes, command };
  if (command !== '') converter = await ImageConverter.find(converted);
  return { blobs, uploads, sources, fetcher, converter };
}
