/**
 * Brings the images of an appliance into the blob store: from the web through the guarded dialler, from folders the
 * operator opened, from sites that hand them out, from uploads and from packages that were unpacked before; checked against
 * the manifest, decompressed
 * (`ovf:compression`, `ovf:chunkSize`, DSP0243 §7.1), and probed for what they really are. Whoever asks for the same
 * image at the same time shares one transfer.
 */

import { createHash } from 'node:crypto';
import { systemClock, type Clock } from '../base/clock.js';
import { canonicalJson, type JsonObject } from '../base/json.js';
import { problem, type Problem } from '../base/errors.js';
import { pieceName } from '../ovf/package/pieces.js';
import type { Blob, BlobStore } from './blob-store.js';
import { diskInArchive } from './disk-in-archive.js';
import { download, downloadUnless, type BegunDownload, type Download, type DownloadOptions } from './download.js';
import { Flights, type FlightOptions } from '../base/flights.js';
import { gunzip } from './gunzip.js';
import { probeImage, type ImageProbe } from './image-probe.js';
import { KnownImages } from './known-images.js';
import type { SourceCredentials } from './source-credentials.js';
import type { Sources } from './sources.js';
import type { Uploads } from './uploads.js';
import { verified, type Digest } from './verified.js';

export interface ImageFetcherOptions {
  readonly sources: Sources;
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  readonly siteImages: SiteImageLookup;
  /** Largest image, in bytes, decompressed. */
  readonly maxBytes: number;
  readonly clock?: Clock;
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
  readonly pieceDigests?: PieceDigests;
}

/** By the numbers of the pieces, from zero. */
export type PieceDigests = Readonly<Record<number, Digest>>;

export interface Progress {
  readonly receivedBytes: number;
  readonly totalBytes?: number;
}

export type FetchOptions = FlightOptions<Progress>;

/** An image that is in the blob store. */
export interface FetchedImage extends Blob, ImageProbe {}

type Report = (progress: Progress) => void;

export class ImageFetcher {
  readonly #options: ImageFetcherOptions;
  readonly #flights = new Flights<FetchedImage, Progress>();
  readonly #known: KnownImages;

  constructor(options: ImageFetcherOptions) {
    this.#options = options;
    this.#known = new KnownImages(options.blobs, options.clock ?? systemClock);
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

  async #bring(wanted: ImageSource, signal: AbortSignal, report: Report): Promise<FetchedImage> {
    const { siteImages } = this.#options;
    const { from } = wanted;
    const held = 'site' in from ? await siteImages(from.site, from.image, signal) : undefined;
    const source: ImageSource = { ...announcedBy(held), ...wanted };
    if (source.compression === 'bzip2') throw bzip2Refused();
    const key = keyOf(source);
    const known = await this.#known.find(key);
    if (known?.isFresh) return this.#probed(known);
    if (held || source.digest || !isOneFile(source)) {
      const downloads = held ? heldDownload(held, signal) : this.#downloads(source, signal);
      const blob = await this.#transferred(source, downloads, signal, report);
      if (source.digest) this.#known.remember(key, blob, 'always');
      return this.#probed(blob);
    }
    const { sources } = this.#options;
    const { url } = source.from;
    const reading = this.#reading(source, signal);
    const validator = known?.validator;
    const changed = await (validator === undefined
      ? download(sources, url, reading)
      : downloadUnless(validator, sources, url, reading));
    return this.#probed(changed ? await this.#shared(key, source, changed, signal, report) : (known as Blob));
  }

  /** Takes in what no digest holds to anything, so that whoever asks next is answered with it. */
  async #shared(
    key: string,
    source: ImageSource,
    download: BegunDownload,
    signal: AbortSignal,
    report: Report,
  ): Promise<Blob> {
    const { validator, unshared } = download;
    try {
      const blob = await this.#transferred(source, only(download), signal, report);
      if (validator !== undefined) this.#known.remember(key, blob, { validator });
      else if (!unshared) this.#known.remember(key, blob, {});
      return blob;
    } finally {
      download.discard();
    }
  }

  async #probed({ sha256, sizeBytes }: Blob): Promise<FetchedImage> {
    const { blobs } = this.#options;
    const probe = await probeImage({ sizeBytes, read: (offset, length) => blobs.read(sha256, offset, length) });
    return { sha256, sizeBytes, ...probe };
  }

  async #transferred(
    source: ImageSource,
    downloads: AsyncIterable<Download>,
    signal: AbortSignal,
    report: Report,
  ): Promise<Blob> {
    return this.#unwrapped(source, await this.#transfer(source, downloads, signal, report));
  }

  #unwrapped({ archive }: ImageSource, blob: Blob): Promise<Blob> | Blob {
    return archive === undefined ? blob : diskInArchive(this.#options.blobs, blob, this.#options.maxBytes);
  }

  async #transfer(
    source: ImageSource,
    downloads: AsyncIterable<Download>,
    signal: AbortSignal,
    report: Report,
  ): Promise<Blob> {
    const { blobs, maxBytes } = this.#options;
    const local = await this.#local(source);
    const { compression = 'identity', sizeBytes, digest } = source;
    if (local && compression === 'identity' && !digest && (sizeBytes ?? local.sizeBytes) === local.sizeBytes)
      return local;
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
    report: Report,
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
    for (const url of pieces(source)) yield await download(this.#options.sources, url, this.#reading(source, signal));
  }

  #reading(source: ImageSource, signal: AbortSignal): DownloadOptions {
    const credentials = 'url' in source.from ? source.from.credentials : undefined;
    const maxBytes = Math.min(this.#options.maxBytes, source.chunkSize ?? Number.POSITIVE_INFINITY);
    const { clock } = this.#options;
    return { maxBytes, signal, ...(credentials && { credentials }), ...(clock && { clock }) };
  }
}

/** One file that lies at a URL: not one in pieces, and nothing that is here. */
function isOneFile(source: ImageSource): source is ImageSource & { readonly from: { readonly url: string } } {
  return 'url' in source.from && !source.from.url.startsWith('upload:') && source.chunkSize === undefined;
}

function bzip2Refused(): Problem {
  return problem('invalid', 'transfer.compression', 'files compressed with bzip2 are not taken', {
    remedy: 'compress the file with gzip, or send it plain',
  });
}

async function* only<T>(each: T): AsyncGenerator<T> {
  yield await Promise.resolve(each);
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
  const count = pieceCount(source);
  if (count === undefined) yield url;
  for (let piece = 0; piece < (count ?? 0); piece += 1) yield pieceName(url, piece);
}

/**
 * In how many pieces a file lies; undefined for one that is whole.
 * @throws Problem `invalid` (`transfer.chunks`) where its sizes do not tell
 */
export function pieceCount(source: Pick<ImageSource, 'chunkSize' | 'sizeBytes'>): number | undefined {
  if (source.chunkSize === undefined) return undefined;
  const count = Math.ceil((source.sizeBytes ?? Number.NaN) / source.chunkSize);
  if (!(count >= 1 && count <= 1_000_000)) {
    throw problem('invalid', 'transfer.chunks', 'a file in pieces needs its whole size and a piece size that fits it', {
      rule: 'DSP0243 §7.1',
      remedy: 'give ovf:size and ovf:chunkSize on the File element',
    });
  }
  return count;
}
