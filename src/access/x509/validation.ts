/** What one validation stands on: the trust, the time, the policy about revocation lists, and what it may cost. */

import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.js';
import type { Name } from './name.js';
import { Refusal } from './refusal.js';
import type { TrustAnchors } from './trust-anchors.js';

/** `required`: a fresh list must be there. `optional`: there may be none; one that is there must be fresh all the same. */
export type CrlPolicy = 'required' | 'optional';

export interface ValidationOptions {
  readonly trust: TrustAnchors;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly crl: (issuer: Name) => CrlPolicy;
  /** Names of this host, for attribute certificates that are meant for some hosts only. */
  readonly hosts: readonly string[];
}

/** One thing that was looked at, for `vep access check`. */
export interface Step {
  /** Slash name of what was looked at. */
  readonly subject: string;
  readonly check: string;
  readonly outcome: 'good' | 'refused' | 'dropped';
}

/** More certificates in a path than this, the trust anchor counted, are refused (`spec/federation-auth.md` §4). */
export const MAX_PATH = 10;

/** Signatures that one chain can make this server verify, whatever it contains. */
const MAX_SIGNATURES = 40;

export class Validation {
  readonly options: ValidationOptions;
  readonly steps: Step[] = [];
  readonly #verified = new Map<string, boolean>();

  constructor(options: ValidationOptions) {
    this.options = options;
  }

  get trust(): TrustAnchors {
    return this.options.trust;
  }

  get now(): number {
    return this.options.now;
  }

  good(subject: Certificate | string, check: string): void {
    this.steps.push({ subject: String(subject), check, outcome: 'good' });
  }

  keyOf(certificate: Certificate): KeyObject {
    return certificate.publicKey(this.trust.content.minRsaBits);
  }

  /** Whether `issuer` signed `certificate`. @throws Refusal `too_many`, `algorithm`, `key_size`, `malformed` */
  signed(certificate: Certificate, issuer: Certificate): boolean {
    const pair = `${certificate.fingerprint} ${issuer.fingerprint}`;
    let verdict = this.#verified.get(pair);
    if (verdict === undefined) {
      this.spend();
      this.#verified.set(pair, (verdict = certificate.signedBy(this.keyOf(issuer))));
    }
    return verdict;
  }

  /** Counts a signature that is about to be verified. @throws Refusal `too_many` */
  spend(): void {
    this.#spent += 1;
    if (this.#spent > MAX_SIGNATURES) throw new Refusal('too_many', 'there are too many possible paths');
  }
  #spent = 0;
}
