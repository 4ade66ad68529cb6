/** Digests of a stream of bytes by several algorithms at once (FIPS 180-4), for manifests that come after the files. */

import { createHash } from 'node:crypto';

import type { DigestAlgorithm } from './manifest.js';

export type Digests = Readonly<Partial<Record<DigestAlgorithm, string>>>;

export class Digester {
  readonly #hashes;

  constructor(algorithms: readonly DigestAlgorithm[]) {
    this.#hashes = algorithms.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }));
  }

  update(bytes: Uint8Array): void {
    for (const { hash } of this.#hashes) hash.update(bytes);
  }

  /** Lower-case hexadecimal by algorithm. To be called once. */
  digests(): Digests {
    return Object.fromEntries(this.#hashes.map(({ algorithm, hash }) => [algorithm, hash.digest('hex')]));
  }
}
