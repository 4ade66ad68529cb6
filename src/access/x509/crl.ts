/**
 * Certificate revocation lists (RFC 5280 §5, §6.3). One list counts for an authority if its key signed it; delta lists,
 * indirect ones and lists of some reasons only are refused whole, because what they leave out could be what matters.
 */

import { verifySignature } from './algorithms.js';
import type { Certificate, Extension } from './certificate.js';
import { extensionsOf, unknownCritical } from './certificate.js';
import { Der, TAG, context } from './der.js';
import { generalNames } from './general-name.js';
import { Name } from './name.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';

const KNOWN = new Set<string>([OID.authorityKeyIdentifier, OID.crlNumber, OID.issuingDistributionPoint]);

/** What a list says of itself to be about. */
interface Coverage {
  readonly users: boolean;
  readonly authorities: boolean;
  /** URIs of the one distribution point it is for; undefined: for all. */
  readonly points: readonly string[] | undefined;
}

export class RevocationList {
  readonly issuer: Name;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly #revoked = new Set<string>();
  readonly #covers: Coverage;
  readonly #signed: Uint8Array;
  readonly #algorithm: Uint8Array;
  readonly #signature: Uint8Array;

  /** @throws Refusal `malformed`, `critical_extension` */
  constructor(raw: Uint8Array) {
    const outer = Der.of(raw).fields();
    const signed = outer.take(TAG.sequence);
    this.#signed = signed.raw;
    this.#algorithm = outer.take(TAG.sequence).raw;
    this.#signature = outer.take().bits();
    outer.end();

    const fields = signed.fields();
    fields.optional(TAG.integer);
    if (Buffer.compare(fields.take(TAG.sequence).raw, this.#algorithm) !== 0)
      throw new Refusal('malformed', 'the two signature algorithms differ');
    this.issuer = new Name(fields.take());
    this.thisUpdate = fields.take().time();
    // A list that never says when the next one comes is never fresh.
    this.nextUpdate = fields.optional(TAG.utcTime, TAG.generalizedTime)?.time() ?? 0;
    for (const entry of fields.optional(TAG.sequence)?.elements() ?? []) this.#add(entry);
    const extensions = extensionsOf(fields.optional(context(0))?.fields(context(0)).take());
    fields.end();
    const unknown = unknownCritical(extensions, KNOWN);
    if (unknown !== undefined) throw new Refusal('critical_extension', `critical extension ${unknown}`);
    this.#covers = coverageOf(extensions.get(OID.issuingDistributionPoint));
  }

  get size(): number {
    return this.#revoked.size;
  }

  signedBy(authority: Certificate, minRsaBits: number): boolean {
    return (
      authority.subject.equals(this.issuer) &&
      authority.permits('cRLSign') &&
      verifySignature(this.#algorithm, this.#signed, this.#signature, authority.publicKey(minRsaBits))
    );
  }

  /** Whether certificates like this one are what the list is about. */
  covers(certificate: Certificate): boolean {
    const { users, authorities, points } = this.#covers;
    if (!(certificate.isAuthority ? authorities : users)) return false;
    return points === undefined || distributionPointsOf(certificate).some((uri) => points.includes(uri));
  }

  revokes(certificate: Certificate): boolean {
    return this.#revoked.has(certificate.serial);
  }

  #add(entry: Der): void {
    const fields = entry.fields();
    this.#revoked.add(fields.take().integerHex());
    fields.take(); // since when: a certificate that will be revoked is not trusted either
    for (const extension of fields.optional(TAG.sequence)?.elements() ?? []) {
      const members = extension.fields();
      const oid = members.take().oid();
      if (members.optional(TAG.boolean)?.boolean())
        throw new Refusal('critical_extension', `an entry has the critical extension ${oid}`);
    }
    fields.end();
  }
}

/** RFC 5280 §5.2.5. */
function coverageOf(extension: Extension | undefined): Coverage {
  const coverage = { users: true, authorities: true, points: undefined as readonly string[] | undefined };
  if (!extension) return coverage;
  for (const field of Der.of(extension.value).elements()) {
    if (field.tag === context(0)) coverage.points = urisOf(field);
    else if (field.content[0] === 0) continue;
    else if (field.tag === context(1, false)) coverage.authorities = false;
    else if (field.tag === context(2, false)) coverage.users = false;
    else throw new Refusal('critical_extension', 'the list is indirect, or of some reasons only');
  }
  return coverage;
}

/** URIs in a DistributionPointName that has full names; others match nothing. */
function urisOf(pointName: Der): string[] {
  const names = pointName.fields(context(0)).take();
  if (names.tag !== context(0)) return [];
  return generalNames(names, context(0)).flatMap((name) => (name.kind === 'uri' ? [name.text] : []));
}

function distributionPointsOf(certificate: Certificate): string[] {
  const extension = certificate.extensions.get(OID.crlDistributionPoints);
  if (!extension) return [];
  return [...Der.of(extension.value).elements()].flatMap((point) => {
    const name = point.fields().optional(context(0));
    return name ? urisOf(name) : [];
  });
}
