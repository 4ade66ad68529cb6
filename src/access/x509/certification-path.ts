/**
 * Certification paths (RFC 5280 §6, RFC 4158): from an end entity to a trust anchor of the directory, through authorities
 * of the directory or of the chain that was sent. Depth, signatures and repetitions are bounded, so that cross-signed
 * authorities cost no more than others. Beside the RFC's rules stand those of the IGTF: who may name whom, and fresh
 * revocation lists.
 */

import { refuseWithoutPolicy } from './certificate-policies.js';
import { refuseOutsideValidity, unknownCritical, type Certificate } from './certificate.js';
import type { RevocationList } from './crl.js';
import { refuseUnconstrained } from './name-constraints.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';
import { MAX_PATH, type Validation } from './validation.js';

/** Critical extensions that are acted upon here or in `proxy.ts`. */
const KNOWN = new Set<string>([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectAltName,
  OID.nameConstraints,
  OID.certificatePolicies,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
  OID.policyMappings,
]);

export interface PathRequest {
  readonly end: Certificate;
  /** Certificates that came along. */
  readonly offered: readonly Certificate[];
  /** Room that others, proxies, take of the longest path. */
  readonly taken: number;
  /** Extended key usage that authorities must not exclude. */
  readonly purpose?: string;
}

/** A valid path, from the end entity to the trust anchor. @throws Refusal for the path that came furthest */
export function findPath(validation: Validation, request: PathRequest): readonly Certificate[] {
  const search = new Search(validation, request);
  const found = search.from([request.end]);
  if (found) return found;
  throw search.refusal ?? new Refusal('issuer_unknown', 'no trusted authority issued it', String(request.end));
}

class Search {
  readonly #validation: Validation;
  readonly #request: PathRequest;
  /** Why the first whole path was refused, or else the first step of one. */
  refusal: Refusal | undefined;
  #whole = false;

  constructor(validation: Validation, request: PathRequest) {
    this.#validation = validation;
    this.#request = request;
  }

  from(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const last = path.at(-1) as Certificate;
    for (const issuer of this.#issuersOf(last, path)) {
      if (!this.#signed(last, issuer)) continue;
      const longer = [...path, issuer];
      const anchored = this.#validation.trust.of(issuer)?.anchor === true;
      const found = anchored ? this.#judged(longer) : this.from(longer);
      if (found) return found;
    }
    return undefined;
  }

  #issuersOf(certificate: Certificate, path: readonly Certificate[]): Certificate[] {
    const { trust } = this.#validation;
    if (path.length + this.#request.taken >= MAX_PATH) {
      this.#note(new Refusal('path_too_long', `more than ${MAX_PATH} certificates`, String(certificate)));
      return [];
    }
    const known = trust.named(certificate.issuer).map((authority) => authority.certificate);
    const sent = this.#request.offered.filter((offered) => offered.subject.equals(certificate.issuer));
    const fresh = [...known, ...sent].filter((each) => !path.some((other) => other.sameAuthority(each)));
    return fresh.filter((issuer, index) => {
      if (fresh.findIndex((other) => other.fingerprint === issuer.fingerprint) !== index) return false;
      if (issuer.isAuthority) return true;
      this.#note(new Refusal('not_ca', `${String(issuer)} is no authority`, String(certificate)));
      return false;
    });
  }

  #signed(certificate: Certificate, issuer: Certificate): boolean {
    try {
      if (this.#validation.signed(certificate, issuer)) return true;
      this.#note(new Refusal('issuer_unknown', `no trusted authority signed it`, String(certificate)));
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason === 'too_many') throw error;
      this.#note(new Refusal(error.reason, error.message, error.subject ?? String(certificate)));
    }
    return false;
  }

  #judged(path: readonly Certificate[]): readonly Certificate[] | undefined {
    try {
      judge(this.#validation, path, this.#request.purpose);
      return path;
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason === 'too_many') throw error;
      this.#note(error, true);
      return undefined;
    }
  }

  #note(refusal: Refusal, whole = false): void {
    if (this.refusal === undefined || (whole && !this.#whole)) this.refusal = refusal;
    this.#whole ||= whole;
  }
}

/** Holds a path whose signatures are good to every other rule, from the trust anchor downwards. */
function judge(validation: Validation, path: readonly Certificate[], purpose: string | undefined): void {
  const steps = validation.steps.length;
  try {
    let room = Number.POSITIVE_INFINITY;
    for (let at = path.length - 1; at >= 0; at--) {
      const certificate = path[at] as Certificate;
      refuseUnfit(validation, certificate);
      if (at > 0) room = refuseAsAuthority(certificate, room, at === path.length - 1, purpose);
      const above = path.slice(at + 1);
      if (above.length > 0) refuseAsIssued(validation, certificate, above, at > 0);
    }
    refuseWithoutPolicy(path.slice(0, -1).reverse());
  } catch (error) {
    validation.steps.length = steps;
    throw error;
  }
}

/** What every certificate must be, whatever its place. */
export function refuseUnfit(validation: Validation, certificate: Certificate, known = KNOWN): void {
  const unknown = unknownCritical(certificate.extensions, known);
  if (unknown !== undefined)
    throw new Refusal('critical_extension', `critical extension ${unknown} is not known`, String(certificate));
  refuseOutsideValidity(certificate, validation.now);
  try {
    certificate.refuseWeakKey(validation.trust.content.minRsaBits);
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(error.reason, error.message, String(certificate));
    throw error;
  }
}

/** RFC 5280 §6.1.4 k–n. Answers how many authorities may still follow below. */
function refuseAsAuthority(
  certificate: Certificate,
  room: number,
  anchor: boolean,
  purpose: string | undefined,
): number {
  const subject = String(certificate);
  // Version 1 knows no authorities: only the administrator can make one of it, by putting it into the directory.
  if (!(anchor ? certificate.isAuthority : certificate.basicConstraints?.ca === true))
    throw new Refusal('not_ca', 'it is no authority', subject);
  if (!certificate.permits('keyCertSign')) throw new Refusal('key_usage', 'it may not sign certificates', subject);
  const purposes = certificate.extendedKeyUsage;
  const fitting = [purpose, OID.anyExtendedKeyUsage];
  if (purpose !== undefined && purposes && !purposes.some((each) => fitting.includes(each)))
    throw new Refusal('eku', 'it is an authority for other purposes', subject);
  const counts = !anchor && !certificate.selfIssued;
  if (counts && room <= 0) throw new Refusal('ca_pathlen', 'an authority above allows none below it here', subject);
  const left = counts ? room - 1 : room;
  return Math.min(left, certificate.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY);
}

function refuseAsIssued(
  validation: Validation,
  certificate: Certificate,
  above: readonly Certificate[],
  authority: boolean,
): void {
  const issuer = above[0] as Certificate;
  // Self-issued authorities are renewals of a key: constraints are about names that are new (RFC 5280 §6.1.3 b).
  if (!(authority && certificate.selfIssued)) {
    for (const each of above) refuseUnconstrained(certificate, each);
  }
  refuseUnnamed(validation, certificate, above);
  refuseRevoked(validation, certificate, issuer);
  validation.good(certificate, `issued by ${String(issuer)}: signature, validity, names and revocation`);
}

/**
 * An authority of the directory has rules of its own about the names it may give, or gives none. One that came with the
 * chain is held to the rules of the nearest authority above it that has some.
 */
function refuseUnnamed(validation: Validation, certificate: Certificate, above: readonly Certificate[]): void {
  for (const issuer of above) {
    const permitted = validation.trust.mayName(issuer.subject, certificate.subject);
    if (permitted === true) return;
    if (permitted === false)
      throw new Refusal('signing_policy', `${String(issuer)} may not give this name`, String(certificate));
    if (validation.trust.of(issuer)) break;
  }
  throw new Refusal('no_policy', 'there are no rules about the names its issuer may give', String(certificate));
}

function refuseRevoked(validation: Validation, certificate: Certificate, issuer: Certificate): void {
  const subject = String(certificate);
  const list = revocationListOf(validation, issuer);
  if (list?.covers(certificate) !== true || list.thisUpdate > validation.now + LIST_SKEW_MS) {
    if (validation.options.crl(issuer.subject) === 'optional' && list === undefined) return;
    throw new Refusal('crl_missing', `no revocation list of ${String(issuer)} is about it`, subject);
  }
  if (list.revokes(certificate)) throw new Refusal('revoked', `${String(issuer)} has revoked it`, subject);
  if (list.nextUpdate < validation.now)
    throw new Refusal('crl_expired', `the revocation list of ${String(issuer)} is out of date`, subject);
}

const LIST_SKEW_MS = 5 * 60_000;

function revocationListOf(validation: Validation, issuer: Certificate): RevocationList | undefined {
  const { trust } = validation;
  const authority = trust.of(issuer);
  if (authority) return authority.crl;
  return trust.content.looseLists.find((list) => {
    if (!list.issuer.equals(issuer.subject)) return false;
    validation.spend();
    return list.signedBy(issuer, trust.content.minRsaBits);
  });
}
