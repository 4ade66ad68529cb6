/**
 * Images on sites: what a machine or disk is made from. VEP fetches and verifies the bytes once, then registers them
 * with the site under a token, so that asking again finds what is there (K06: always by the work, never by a request).
 */

import { createHash } from 'node:crypto';
import type { Sites } from '../../src/iaas/sites.js';
import type { SiteRef } from '../../src/iaas/adapter.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import { ImageConverter } from '../../src/transfer/image-converter.js';
import type { FetchedImage, ImageFetcher, ImageSource, Progress } from '../../src/transfer/image-fetcher.js';
import type { ImageProbe } from '../../src/transfer/image-probe.js';

export interface WantedImage {
  /** What makes two wishes the same image on the site, e.g. `os_tpl debian12` or `<appliance> <file id>`. */
  readonly key: string;
  readonly name: string;
  readonly source: ImageSource;
}

export class SiteImages {
  readonly #sites: Sites;
  readonly #fetcher: ImageFetcher;
  readonly #blobs: BlobStore;
  readonly #converter: ImageConverter | undefined;

  constructor(sites: Sites, fetcher: ImageFetcher, blobs: BlobStore, converter: ImageConverter | undefined) {
    this.#sites = sites;
    this.#fetcher = fetcher;
    this.#blobs = blobs;
    this.#converter = converter;
  }

  /** Whether images of the format can be brought to the site, converted if need be. */
  takes(site: string, format: ImageProbe['format']): boolean {
    const { imageFormats } = this.#sites.adapter(site).capabilities();
    if (imageFormats.includes(format)) return true;
    return this.#converter !== undefined && ImageConverter.target(format, imageFormats) !== undefined;
  }

  /** The image, where the site is the one that holds it: it is used as it is, and is nobody's to delete. */
  heldAt(site: string, { from }: ImageSource): SiteRef | undefined {
    return 'site' in from && from.site === site ? from.image : undefined;
  }

  /** Whether what a site holds can be brought to others. */
  handsOut(site: string): boolean {
    return this.#sites.has(site) && this.#sites.adapter(site).capabilities().exportsImages === true;
  }

  /** Sees to it that the site has the image; resolves with its reference there. */
  async ensure(
    site: string,
    wanted: WantedImage,
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<SiteRef> {
    const held = this.heldAt(site, wanted.source);
    if (held !== undefined) return held;
    const fetched = await this.#fetcher.fetch(wanted.source, { signal, ...(onProgress ? { onProgress } : {}) });
    const image = await this.#converted(site, fetched, signal);
    const token = tokenOf(wanted.key);
    const spec = {
      id: token,
      name: wanted.name,
      format: image.format,
      sizeBytes: image.sizeBytes,
      virtualSizeBytes: image.virtualSizeBytes,
      sha256: image.sha256,
      ...(image.sha256 === fetched.sha256 ? {} : { convertedFrom: fetched.sha256 }),
      open: () => this.#blobs.open(image.sha256),
    };
    return this.#sites.adapter(site).importImage(spec, token, { signal });
  }

  /** The image in a format that the site takes; as it is where nothing can be done about it, for the site to refuse. */
  #converted(site: string, image: FetchedImage, signal: AbortSignal): Promise<FetchedImage> | FetchedImage {
    const to = ImageConverter.target(image.format, this.#sites.adapter(site).capabilities().imageFormats);
    return to && this.#converter ? this.#converter.convert(image, to, { signal }) : image;
  }

  /** What the site has under a key, for whoever does not know whether {@link ensure} came to its end. */
  async find(site: string, key: string, signal: AbortSignal): Promise<SiteRef | undefined> {
    const token = tokenOf(key);
    for await (const image of this.#sites.adapter(site).list('image', { signal })) {
      if (image.id === token) return image.ref;
    }
    return undefined;
  }
}

function tokenOf(key: string): string {
  return `image-${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
}
