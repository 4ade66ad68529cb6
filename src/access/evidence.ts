/**
 * What a sign-in of a federation rested on: the chain of certificates or the token itself, and until when it is good. It
 * is kept for as long as something that it permitted goes on, to be judged again (`spec/federation-auth.md` §10). It shows
 * itself in no log, audit entry or rendering.
 */

import { createHash } from 'node:crypto';

export type Proof =
  { readonly by: 'chain'; readonly chain: readonly Uint8Array[] } | { readonly by: 'token'; readonly token: string };

export class Evidence {
  readonly #proof: Proof;
  readonly #notAfter: number;

  /** @param notAfter milliseconds since the epoch */
  constructor(proof: Proof, notAfter: number) {
    this.#proof = proof;
    this.#notAfter = notAfter;
  }

  get proof(): Proof {
    return this.#proof;
  }

  get notAfter(): number {
    return this.#notAfter;
  }

  /** Tells one piece of evidence from another, and nothing else. */
  get fingerprint(): string {
    return createHash('sha256').update(this.serialize()).digest('base64url');
  }

  /** For a sealed secret alone. */
  serialize(): string {
    const proof = this.#proof;
    const kept = proof.by === 'token' ? proof.token : proof.chain.map((each) => Buffer.from(each).toString('base64'));
    return JSON.stringify({ by: proof.by, kept, notAfter: this.#notAfter });
  }

  /** What {@link serialize} wrote. */
  static parse(text: string): Evidence {
    const { by, kept, notAfter } = JSON.parse(text) as
      { by: 'token'; kept: string; notAfter: number } | { by: 'chain'; kept: string[]; notAfter: number };
    if (by === 'token') return new Evidence({ by, token: kept }, notAfter);
    return new Evidence({ by, chain: kept.map((each) => Buffer.from(each, 'base64')) }, notAfter);
  }

  toJSON(): undefined {
    return undefined;
  }
}
