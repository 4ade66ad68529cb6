/**
 * Attribute certificates (RFC 5755 §4) as VOMS makes them (`spec/federation-auth.md` §5): what a VOMS server says of the
 * holder of a certificate, carried in an extension of a proxy.
 */

import type { KeyObject } from 'node:crypto';
import { verifySignature } from './algorithms.js';
import {
  Certificate,
  extensionsOf,
  unknownCritical,
  validityOf,
  type Extension,
  type Validity,
} from './certificate.js';
import { Der, TAG, context } from './der.js';
import { onlyDirectoryName } from './general-name.js';
import type { Name } from './name.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';

/** What the extensions beside these say is not known, and matters if it is critical. */
const KNOWN = new Set<string>([
  OID.vomsCertificates,
  OID.vomsGenericAttributes,
  OID.targets,
  OID.noRevAvail,
  OID.authorityKeyIdentifier,
]);
const MAX_FQANS = 500;
const MAX_ISSUERS = 5;

export class AttributeCertificate {
  readonly holderIssuer: Name | undefined;
  readonly holderSerial: string;
  readonly issuer: Name | undefined;
  readonly validity: Validity;
  /** `vo://host:port` of the VOMS server. */
  readonly authority: string;
  /** In the order of the certificate: the first is the primary one. */
  readonly fqans: readonly string[];
  readonly #extensions: ReadonlyMap<string, Extension>;
  readonly #signed: Uint8Array;
  readonly #algorithm: Uint8Array;
  readonly #signature: Uint8Array;

  /** @throws Refusal `malformed`, `critical_extension` */
  constructor(element: Der) {
    const outer = element.fields();
    const signed = outer.take(TAG.sequence);
    this.#signed = signed.raw;
    this.#algorithm = outer.take(TAG.sequence).raw;
    this.#signature = outer.take().bits();
    outer.end();

    const fields = signed.fields();
    if (fields.take().count() !== 1) throw new Refusal('malformed', 'an attribute certificate that is not version 2');
    // baseCertificateID alone: other forms of naming a holder could be met by others.
    const holder = fields.take().fields();
    const base = holder.take(context(0)).fields(context(0));
    holder.end();
    this.holderIssuer = onlyDirectoryName(base.take());
    this.holderSerial = base.take().integerHex();
    this.issuer = onlyDirectoryName(fields.take(context(0)).fields(context(0)).take());
    if (Buffer.compare(fields.take(TAG.sequence).raw, this.#algorithm) !== 0)
      throw new Refusal('malformed', 'the two signature algorithms differ');
    fields.take(TAG.integer);
    this.validity = validityOf(fields.take());
    [this.authority, this.fqans] = attributesOf(fields.take());
    fields.optional(TAG.bitString);
    this.#extensions = extensionsOf(fields.optional(TAG.sequence));
    fields.end();
    const unknown = unknownCritical(this.#extensions, KNOWN);
    if (unknown !== undefined) throw new Refusal('critical_extension', `critical extension ${unknown}`);
  }

  signedBy(key: KeyObject): boolean {
    return verifySignature(this.#algorithm, this.#signed, this.#signature, key);
  }

  /** The VOMS server's certificate and those above it, as far as they came along. */
  get issuers(): readonly Certificate[] {
    const extension = this.#extensions.get(OID.vomsCertificates);
    if (!extension) return [];
    const list = [...Der.of(extension.value).fields().take(TAG.sequence).elements()];
    if (list.length > MAX_ISSUERS) throw new Refusal('too_many', 'an attribute certificate brings too many others');
    return list.map((each) => new Certificate(each.raw));
  }

  /** Hosts it is meant for, as it writes them; undefined: any. */
  get targets(): readonly string[] | undefined {
    const extension = this.#extensions.get(OID.targets);
    return extension && textsIn(Der.of(extension.value), 0);
  }
}

/** The one attribute that VOMS knows: policyAuthority and FQANs. */
function attributesOf(list: Der): [string, string[]] {
  const attributes = [...list.elements()].map((attribute) => {
    const fields = attribute.fields();
    return { type: fields.take().oid(), values: [...fields.take(TAG.set).elements(TAG.set)] };
  });
  const [voms, ...more] = attributes.filter(({ type }) => type === OID.vomsAttributes);
  const [value, ...values] = voms?.values ?? [];
  if (!value || more.length + values.length > 0)
    throw new Refusal('malformed', 'an attribute certificate needs the VOMS attribute, once');
  const fields = value.fields();
  const [authority, ...others] = [...fields.take(context(0)).elements(context(0))];
  if (authority?.tag !== context(6, false) || others.length > 0)
    throw new Refusal('malformed', 'an attribute certificate needs the URI of its server, once');
  const fqans = [...fields.take().elements()].map((each) => latin1(each.expect(TAG.octetString)));
  fields.end();
  if (fqans.length === 0 || fqans.length > MAX_FQANS)
    throw new Refusal('too_many', 'an attribute certificate has no FQAN, or too many');
  return [latin1(authority), fqans];
}

/** DNS names and URIs at whatever depth VOMS and RFC 5755 §4.3.2 put them. */
function textsIn(element: Der, depth: number): string[] {
  if (element.tag === context(2, false) || element.tag === context(6, false)) return [latin1(element)];
  if ((element.tag & 0x20) === 0 || depth > 6) return [];
  return [...element.elements(element.tag)].flatMap((each) => textsIn(each, depth + 1));
}

function latin1(element: Der): string {
  return Buffer.from(element.content).toString('latin1');
}
