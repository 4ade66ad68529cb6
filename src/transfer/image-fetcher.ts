/**
 * Brings the images of an appliance into the blob store: from the web through the guarded dialler, from folders the
 * operator opened, from sites that hand them out, from uploads and from packages that were unpacked before; checked against
 * the manifest, decompressed
 * (`ovf:compression`, `ovf:chunkSize`, DSP0243 §7.1), and probed for what they really are. Whoever asks for the same
 * image at the same time shares one transfer.
 */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson, type JsonObject } from '../base/json.js';
import { excerpt, problem } from '../base/errors.js';
import type { GuardedDialler } from '../net/dialler.js';
import type { Blob, BlobStore } from './blob-store.js';
import { diskInArchive } from './disk-in-archive.js';
import { download, type Download } from './download.js';
import { Flights, type FlightOptions } from './flights.js';
import { gunzip } from './gunzip.js';
import { probeImage, type ImageProbe } from './image-probe.js';
import type { SourceCredentials } from './source-credentials.js';
import type { Uploads } from './uploads.js';
import { verified, type Digest } from './verified.js';

export interface ImageFetcherOptions {
  readonly dialler: GuardedDialler;
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  /** Folders that `file:` URLs may name. */
  readonly fileRoots: readonly string[];
  readonly siteImages: SiteImageLookup;
  /** Largest image, in bytes, decompressed. */
  readonly maxBytes: number;
}

/** Finds an image that a site holds; `transfer` itself knows no sites. */
export type SiteImageLookup = (site: string, image: string, signal: AbortSignal) => Promise<HeldImage>;

export interface HeldImage {
  readonly sizeBytes: number;
  readonly digest?: Digest;
  open(options: { readonly signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>;
}

export interface ImageSource {
  /**
   * An `http:`, `https:` or `file:` URL, or `upload:<id>`; the digest of a file in the blob store; or an image that a site
   * holds, by the site's own name for it. The last two must never come from a client: knowing them is no right to read.
   */
  readonly from:
    | { readonly url: string; readonly credentials?: SourceCredentials }
    | { readonly sha256: string }
    | { readonly site: string; readonly image: string };
  /** On whose behalf: the principal whose uploads can be named. */
  readonly owner: string;
  readonly compression?: 'identity' | 'gzip' | 'bzip2';
  /** The file is an OVA round one disk, which is what is wanted. */
  readonly archive?: 'ova';
  /** Bytes per piece of a file that lies in pieces `<url>.000000000`, `<url>.000000001`, …; needs `sizeBytes`. */
  readonly chunkSize?: number;
  /** Size and digest of the file as it lies there, before decompression. */
  readonly sizeBytes?: number;
  readonly digest?: Digest;
  /** Digests of the pieces, of which a manifest lists each by itself. */
  readonly pieceDigests?: readonly Digest[];
}

export interface Progress {
  readonly receivedBytes: number;
  readonly totalBytes?: number;
}

export type FetchOptions = FlightOptions<Progress>;

/** An image that is in the blob store. */
export interface FetchedImage extends Blob, ImageProbe {}

/** How many finished transfers are remembered. */
const REMEMBERED = 1000;

export class ImageFetcher {
  readonly #options: ImageFetcherOptions;
  readonly #flights = new Flights<FetchedImage, Progress>();
  /** What each source with an announced digest turned out to be. */
  readonly #known = new Map<string, string>();

  constructor(options: ImageFetcherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the image is stored, verified and probed.
   *
   * @throws Problem `invalid` or `too-large` where the image or its source is refused for good, `unavailable` where
   *   trying again may help, `not-found` for an upload that is not the owner's; whatever {@link SiteImageLookup} throws.
   */
  fetch(source: ImageSource, options: FetchOptions = {}): Promise<FetchedImage> {
    const key = keyOf(source);
    return this.#flights.join(key, (signal, report) => this.#bring(source, signal, report), options);
  }

  async #bring(wanted: ImageSource, signal: AbortSignal, report: (progress: Progress) => void): Promise<FetchedImage> {
    const { blobs, siteImages } = this.#options;
    const { from } = wanted;
    const held = 'site' in from ? await siteImages(from.site, from.image, signal) : undefined;
    const source: ImageSource = { ...announcedBy(held), ...wanted };
    const downloads = held ? heldDownload(held, signal) : this.#downloads(source, signal);
    const key = keyOf(source);
    const known = source.digest && this.#known.get(key);
    const here = known === undefined ? undefined : await blobs.find(known);
    const blob = here ?? (await this.#unwrapped(source, await this.#transfer(source, downloads, signal, report)));
    if (source.digest) remember(this.#known, key, blob.sha256);
    const probe = await probeImage({
      sizeBytes: blob.sizeBytes,
      read: (offset, length) => blobs.read(blob.sha256, offset, length),
    });
    return { ...blob, ...probe };
  }

  #unwrapped({ archive }: ImageSource, blob: Blob): Promise<Blob> | Blob {
    return archive === undefined ? blob : diskInArchive(this.#options.blobs, blob, this.#options.maxBytes);
  }

  async #transfer(
    source: ImageSource,
    downloads: AsyncIterable<Download>,
    signal: AbortSignal,
    report: (progress: Progress) => void,
  ): Promise<Blob> {
    const { blobs, maxBytes } = this.#options;
    const local = await this.#local(source);
    const { compression = 'identity', sizeBytes, digest } = source;
    if (local && compression === 'identity' && !digest && (sizeBytes ?? local.sizeBytes) === local.sizeBytes)
      return local;
    if (compression === 'bzip2') {
      throw problem('invalid', 'transfer.compression', 'files compressed with bzip2 are not taken', {
        remedy: 'compress the file with gzip, or send it plain',
      });
    }
    const stored = local ? await blobs.open(local.sha256) : this.#remote(source, downloads, signal, report);
    const checked = verified(stored, {
      maxBytes,
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(digest && { digest }),
    });
    if (compression === 'gzip') return blobs.put(gunzip(checked, maxBytes), { maxBytes });
    return blobs.put(checked, { maxBytes, ...(sizeBytes !== undefined && { sizeBytes }) });
  }

  /** The file, if it is in the blob store already. */
  async #local(source: ImageSource): Promise<Blob | undefined> {
    const { blobs, uploads } = this.#options;
    if ('url' in source.from) {
      const upload = /^upload:(.*)$/.exec(source.from.url);
      return upload ? uploads.resolve(upload[1] ?? '', source.owner) : undefined;
    }
    if ('site' in source.from) return undefined;
    const blob = await blobs.find(source.from.sha256);
    if (!blob)
      throw problem('unavailable', 'transfer.gone', 'the file of the package is no longer here', {
        remedy: 'send the package again',
      });
    return blob;
  }

  async *#remote(
    source: ImageSource,
    downloads: AsyncIterable<Download>,
    signal: AbortSignal,
    report: (progress: Progress) => void,
  ): AsyncGenerator<Uint8Array> {
    let receivedBytes = 0;
    let piece = 0;
    for await (const { bytes, sizeBytes } of downloads) {
      const totalBytes = source.sizeBytes ?? sizeBytes;
      const digest = source.pieceDigests?.[piece++];
      for await (const chunk of digest ? verified(bytes, { maxBytes: this.#options.maxBytes, digest }) : bytes) {
        signal.throwIfAborted();
        receivedBytes += chunk.length;
        report({ receivedBytes, ...(totalBytes !== undefined && { totalBytes }) });
        yield chunk;
      }
    }
  }

  /** The file, or its pieces in turn, each opened when its turn comes. */
  async *#downloads(source: ImageSource, signal: AbortSignal): AsyncGenerator<Download> {
    for (const url of pieces(source)) yield await this.#open(url, source, signal);
  }

  async #open(url: string, source: ImageSource, signal: AbortSignal): Promise<Download> {
    if (/^file:/i.test(url)) return openFile(url, this.#options.fileRoots);
    const credentials = 'url' in source.from ? source.from.credentials : undefined;
    const maxBytes = Math.min(this.#options.maxBytes, source.chunkSize ?? Number.POSITIVE_INFINITY);
    return download(this.#options.dialler, url, { maxBytes, signal, ...(credentials && { credentials }) });
  }
}

/** The same for sources that bring the same bytes to whoever has the same rights; a digest, because credentials are part of it. */
function keyOf(source: ImageSource): string {
  const { from } = source;
  const shared =
    'site' in from || ('url' in from && !from.url.startsWith('upload:')) ? { ...source, owner: '' } : source;
  return createHash('sha256')
    .update(canonicalJson(shared as unknown as JsonObject))
    .digest('hex');
}

/** What a site says of its image, which whoever asks for it may say otherwise. */
function announcedBy(held: HeldImage | undefined): Pick<ImageSource, 'sizeBytes' | 'digest'> {
  return held ? { sizeBytes: held.sizeBytes, ...(held.digest && { digest: held.digest }) } : {};
}

async function* heldDownload(held: HeldImage, signal: AbortSignal): AsyncGenerator<Download> {
  yield { bytes: await held.open({ signal }), sizeBytes: held.sizeBytes };
}

function* pieces(source: ImageSource): Generator<string> {
  if (!('url' in source.from)) return;
  const { url } = source.from;
  if (source.chunkSize === undefined) {
    yield url;
    return;
  }
  const count = Math.ceil((source.sizeBytes ?? Number.NaN) / source.chunkSize);
  if (!(count >= 1 && count <= 1_000_000)) {
    throw problem('invalid', 'transfer.chunks', 'a file in pieces needs its whole size and a piece size that fits it', {
      rule: 'DSP0243 §7.1',
      remedy: 'give ovf:size and ovf:chunkSize on the File element',
    });
  }
  for (let piece = 0; piece < count; piece += 1) yield `${url}.${String(piece).padStart(9, '0')}`;
}

/** Opens a regular file inside one of the roots, after all symbolic links have been followed. */
async function openFile(url: string, roots: readonly string[]): Promise<Download> {
  try {
    const path = await realpath(fileURLToPath(url));
    const real = await Promise.all(roots.map((root) => realpath(root)));
    if (!real.some((root) => path.startsWith(root.endsWith(sep) ? root : root + sep))) throw new Error('outside');
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    if (found.isFile()) return { bytes: file.createReadStream({ highWaterMark: 1 << 18 }), sizeBytes: found.size };
    await file.close();
  } catch {
    // Which of the reasons it was would tell what lies on this machine.
  }
  throw problem('invalid', 'transfer.file', 'the file is not in a folder that images may come from', {
    value: excerpt(url),
    remedy: 'upload the file, or ask the operator to open its folder under images.fileRoots',
  });
}

function remember(known: Map<string, string>, key: string, sha256: string): void {
  known.delete(key);
  known.set(key, sha256);
  const oldest = known.keys().next();
  if (known.size > REMEMBERED && !oldest.done) known.delete(oldest.value);
}
