/**
 * What sources turned out to be, so that an image is not transferred again and again: by the source with all that opens it,
 * for knowing a digest is no right to read (`docs/decisions/0008-digest-is-no-right.md`).
 */

import type { Clock } from '../base/clock.js';
import type { Blob, BlobStore } from './blob-store.js';

export interface KnownImage extends Blob {
  /** What tells its version from others at the source (RFC 9110 §8.8). */
  readonly validator?: string;
  /** Nobody has to be asked whether it is still the same. */
  readonly isFresh: boolean;
}

interface Known {
  readonly sha256: string;
  readonly validator?: string;
  readonly freshUntil: number;
}

/** How many sources are remembered. */
const MOST = 1000;

/** For how long what comes without a validator is taken for the same, in milliseconds: many may ask for it one after the other. */
const FRESH_MS = 30_000;

export class KnownImages {
  readonly #blobs: BlobStore;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(blobs: BlobStore, clock: Clock) {
    this.#blobs = blobs;
    this.#clock = clock;
  }

  /** Nothing where it has gone from the blob store. */
  async find(source: string): Promise<KnownImage | undefined> {
    const known = this.#known.get(source);
    const blob = known && (await this.#blobs.find(known.sha256));
    if (!blob) return undefined;
    const { validator, freshUntil } = known;
    return { ...blob, isFresh: this.#clock.now() < freshUntil, ...(validator !== undefined && { validator }) };
  }

  /** @param how `always` what a digest holds it to; else by its validator, or for a while where it has none */
  remember(source: string, { sha256 }: Blob, how: 'always' | { readonly validator?: string }): void {
    const validated = how !== 'always' && how.validator !== undefined;
    const freshUntil = how === 'always' ? Number.POSITIVE_INFINITY : validated ? 0 : this.#clock.now() + FRESH_MS;
    this.#known.delete(source);
    this.#known.set(source, { sha256, freshUntil, ...(validated && { validator: how.validator }) });
    const oldest = this.#known.keys().next();
    if (this.#known.size > MOST && !oldest.done) this.#known.delete(oldest.value);
  }
}
