/** A sink that keeps the small files of a package in memory, such as message bundles, and lets go of all others. */

import type { MemberSink, MemberWriter } from './reader.js';

/** Bytes of one file, and of all that are kept. */
export interface SmallFileLimits {
  readonly each: number;
  readonly all: number;
}

export class SmallFiles implements MemberSink {
  /** By their names in the package. */
  readonly files = new Map<string, Uint8Array>();
  readonly #limits: SmallFileLimits;
  #kept = 0;

  constructor(limits: SmallFileLimits) {
    this.#limits = limits;
  }

  open(name: string, size = 0): Promise<MemberWriter> {
    let chunks: Uint8Array[] | undefined = this.fits(size) ? [] : undefined;
    let length = 0;
    return Promise.resolve({
      write: (bytes: Uint8Array) => {
        length += bytes.byteLength;
        if (!this.fits(length)) chunks = undefined;
        // A source may use its buffer again.
        chunks?.push(Buffer.from(bytes));
        return Promise.resolve();
      },
      close: () => {
        if (chunks) {
          this.files.set(name, Buffer.concat(chunks));
          this.#kept += length;
        }
        return Promise.resolve({});
      },
      abort: () => Promise.resolve(),
    });
  }

  /** Whether a file of so many bytes would be kept. */
  fits(size: number): boolean {
    return size <= this.#limits.each && this.#kept + size <= this.#limits.all;
  }
}
