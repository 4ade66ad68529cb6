/**
 * A certificate (RFC 5280 §4.1) as read from its DER, with the extensions that path validation needs. Reading judges
 * the form only; whom to believe is for the path.
 */

import { createHash, type KeyObject } from 'node:crypto';
import { publicKeyOf, refuseWeakKey, verifySignature } from './algorithms.js';
import { Der, TAG, context } from './der.js';
import { Name } from './name.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';

export interface Extension {
  readonly critical: boolean;
  /** DER of the value. */
  readonly value: Uint8Array;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export type KeyUsage = 'digitalSignature' | 'keyCertSign' | 'cRLSign';
const KEY_USAGE_BITS: Readonly<Record<KeyUsage, number>> = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 };

/** Certificates beyond this are no one's; VOMS proxies of large VOs come to some 20 KiB. */
export const MAX_CERTIFICATE_BYTES = 64 * 1024;

export class Certificate {
  readonly raw: Uint8Array;
  /** SHA-256 of the DER, in hexadecimal. */
  readonly fingerprint: string;
  readonly version: number;
  /** Hexadecimal. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly validity: Validity;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly #signed: Uint8Array;
  readonly #algorithm: Uint8Array;
  readonly #signature: Uint8Array;
  readonly #spki: Uint8Array;
  #key: KeyObject | undefined;
  #strongFor: number | undefined;

  /** @throws Refusal `malformed`, `too_large`, `name` */
  constructor(raw: Uint8Array) {
    if (raw.length > MAX_CERTIFICATE_BYTES) throw new Refusal('too_large', 'a certificate is larger than 64 KiB');
    this.raw = raw;
    this.fingerprint = createHash('sha256').update(raw).digest('hex');
    const outer = Der.of(raw).fields();
    const signed = outer.take(TAG.sequence);
    this.#signed = signed.raw;
    this.#algorithm = outer.take(TAG.sequence).raw;
    this.#signature = outer.take().bits();
    outer.end();

    const fields = signed.fields();
    const version = fields.optional(context(0))?.fields(context(0)).take().count() ?? 0;
    if (version > 2) throw new Refusal('malformed', 'this version of certificates does not exist');
    this.version = version + 1;
    this.serial = fields.take().integerHex();
    if (Buffer.compare(fields.take(TAG.sequence).raw, this.#algorithm) !== 0)
      throw new Refusal('malformed', 'the two signature algorithms differ');
    this.issuer = new Name(fields.take());
    this.validity = validityOf(fields.take());
    this.subject = new Name(fields.take());
    this.#spki = fields.take(TAG.sequence).raw;
    fields.optional(context(1, false));
    fields.optional(context(2, false));
    this.extensions = extensionsOf(fields.optional(context(3))?.fields(context(3)).take());
    fields.end();
    if (this.extensions.size > 0 && this.version !== 3)
      throw new Refusal('malformed', 'extensions in a certificate that is not version 3');
  }

  /** Issuer and subject are one; whether it signed itself is another question. */
  get selfIssued(): boolean {
    return this.issuer.equals(this.subject);
  }

  /** Whether both are the same authority for a path: the same certificate, or the same name with the same key. */
  sameAuthority(other: Certificate): boolean {
    if (this.fingerprint === other.fingerprint) return true;
    return this.subject.equals(other.subject) && Buffer.compare(this.#spki, other.#spki) === 0;
  }

  /** @throws Refusal `algorithm`, `key_size`, `malformed` */
  refuseWeakKey(minRsaBits: number): void {
    if (this.#strongFor === minRsaBits) return;
    refuseWeakKey(this.#spki, minRsaBits);
    this.#strongFor = minRsaBits;
  }

  /** @throws Refusal `algorithm`, `key_size`, `malformed` */
  publicKey(minRsaBits: number): KeyObject {
    this.refuseWeakKey(minRsaBits);
    return (this.#key ??= publicKeyOf(this.#spki));
  }

  /**
   * Whether the key made this certificate's signature.
   * @throws Refusal `algorithm`, `malformed`
   */
  signedBy(key: KeyObject): boolean {
    return verifySignature(this.#algorithm, this.#signed, this.#signature, key);
  }

  /** Whether a keyUsage extension, if there is one, permits this (RFC 5280 §4.2.1.3). */
  permits(usage: KeyUsage): boolean {
    const extension = this.extensions.get(OID.keyUsage);
    return !extension || Der.of(extension.value).namedBits()(KEY_USAGE_BITS[usage]);
  }

  /** Purposes (RFC 5280 §4.2.1.12); undefined: any. */
  get extendedKeyUsage(): readonly string[] | undefined {
    const extension = this.extensions.get(OID.extendedKeyUsage);
    return extension && [...Der.of(extension.value).elements()].map((purpose) => purpose.oid());
  }

  /** RFC 5280 §4.2.1.9; undefined: the extension is not there. */
  get basicConstraints(): { readonly ca: boolean; readonly pathLength: number | undefined } | undefined {
    const extension = this.extensions.get(OID.basicConstraints);
    if (!extension) return undefined;
    const fields = Der.of(extension.value).fields();
    const ca = fields.optional(TAG.boolean)?.boolean() ?? false;
    const pathLength = fields.optional(TAG.integer)?.count();
    fields.end();
    return { ca, pathLength };
  }

  /** Whether it may be above others in a path; a self-issued one of version 1 could not say so. */
  get isAuthority(): boolean {
    return this.version < 3 ? this.selfIssued : this.basicConstraints?.ca === true;
  }

  toString(): string {
    return this.subject.toString();
  }
}

export function validityOf(element: Der): Validity {
  const fields = element.fields();
  const validity = { notBefore: fields.take().time(), notAfter: fields.take().time() };
  fields.end();
  return validity;
}

/** @throws Refusal `malformed` for an extension that is there twice (RFC 5280 §4.2) */
export function extensionsOf(list: Der | undefined): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const element of list?.elements() ?? []) {
    const fields = element.fields();
    const oid = fields.take().oid();
    const critical = fields.optional(TAG.boolean)?.boolean() ?? false;
    const value = fields.take(TAG.octetString).content;
    fields.end();
    if (extensions.has(oid)) throw new Refusal('malformed', `extension ${oid} is there twice`);
    extensions.set(oid, { critical, value });
  }
  return extensions;
}

/** The first critical extension that is not one of these. */
export function unknownCritical(
  extensions: ReadonlyMap<string, Extension>,
  known: ReadonlySet<string>,
): string | undefined {
  for (const [oid, { critical }] of extensions) if (critical && !known.has(oid)) return oid;
  return undefined;
}

/** Clocks differ: what has just been made may seem to be of the near future. Nothing is good beyond its end. */
const SKEW_MS = 5 * 60_000;

/** @throws Refusal `not_yet_valid`, `expired` */
export function refuseOutsideValidity(certificate: Certificate, now: number): void {
  const { notBefore, notAfter } = certificate.validity;
  if (now + SKEW_MS < notBefore)
    throw new Refusal('not_yet_valid', `it is valid from ${new Date(notBefore).toISOString()}`, String(certificate));
  if (now > notAfter)
    throw new Refusal('expired', `it expired on ${new Date(notAfter).toISOString()}`, String(certificate));
}

/** The certificates in a PEM text, or the one that the bytes are in DER. */
export function certificatesIn(bytes: Uint8Array): Certificate[] {
  return derIn(bytes, 'CERTIFICATE').map((der) => new Certificate(der));
}

/** DER of everything of this PEM label in the bytes; bytes that are DER already are one such thing. */
export function derIn(bytes: Uint8Array, label: string): Uint8Array[] {
  if (bytes[0] === TAG.sequence) return [bytes];
  const text = Buffer.from(bytes).toString('latin1');
  const blocks = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, 'g');
  return [...text.matchAll(blocks)].map((match) => Buffer.from(match[1] ?? '', 'base64'));
}
