/**
 * What this server believes, as one immutable value: authorities with their revocation lists and the rules about the
 * names they may give away, and whose attribute certificates count. A reload makes a new value; whoever validates holds
 * on to one from beginning to end.
 */

import type { Certificate } from './certificate.js';
import type { RevocationList } from './crl.js';
import type { IssuingRule, RuleFile } from './issuing-rules.js';
import { normalSlash, type Name } from './name.js';
import type { VomsTrust } from './vomsdir.js';

/** An authority from the directory, with the name of the file for people. */
export interface Authority {
  readonly certificate: Certificate;
  readonly file: string;
  /** It ends paths: it signed itself. Others only help to build them. */
  readonly anchor: boolean;
  readonly crl: RevocationList | undefined;
  /** Where the list came from. */
  readonly crlFile: string | undefined;
  /** The IGTF profile under which it is accredited (`classic`, `iota` …), by its `.info` file. */
  readonly profile: string | undefined;
}

export interface TrustWarning {
  readonly file: string;
  readonly message: string;
}

export interface TrustContent {
  readonly authorities: readonly Authority[];
  readonly rules: readonly RuleFile[];
  /** Revocation lists whose issuer is not in the directory: it may come with a chain. */
  readonly looseLists: readonly RevocationList[];
  readonly vomsdir: VomsTrust;
  readonly warnings: readonly TrustWarning[];
  /** RSA keys below this are not believed, wherever they are. */
  readonly minRsaBits: number;
}

export class TrustAnchors {
  readonly content: TrustContent;
  readonly #bySubject = new Map<string, Authority[]>();
  readonly #byFingerprint = new Map<string, Authority>();
  readonly #rules = new Map<string, IssuingRule[][]>();

  constructor(content: TrustContent) {
    this.content = content;
    for (const authority of content.authorities) {
      const { subject, fingerprint } = authority.certificate;
      this.#byFingerprint.set(fingerprint, authority);
      this.#bySubject.set(subject.key, [...(this.#bySubject.get(subject.key) ?? []), authority]);
    }
    for (const { rules } of content.rules) {
      for (const issuer of new Set(rules.map((rule) => rule.issuer))) {
        const about = rules.filter((rule) => rule.issuer === issuer);
        this.#rules.set(issuer, [...(this.#rules.get(issuer) ?? []), about]);
      }
    }
  }

  /**
   * Whether the rules let `issuer` name `subject`; undefined when none is about this issuer. Every file that is about it
   * must permit, and what any denies is denied.
   */
  mayName(issuer: Name, subject: Name): boolean | undefined {
    return this.#rules.get(normalSlash(issuer.slash))?.every((rules) => {
      const matching = rules.filter((rule) => rule.subject(subject.slash));
      return matching.length > 0 && matching.every((rule) => rule.effect === 'permit');
    });
  }

  /** Authorities of this name; more than one where keys were renewed. */
  named(name: Name): readonly Authority[] {
    return this.#bySubject.get(name.key) ?? [];
  }

  /** The authority that this very certificate is. */
  of(certificate: Certificate): Authority | undefined {
    return this.#byFingerprint.get(certificate.fingerprint);
  }
}

export const noTrust = new TrustAnchors({
  authorities: [],
  rules: [],
  looseLists: [],
  vomsdir: new Map(),
  warnings: [],
  minRsaBits: 2048,
});
