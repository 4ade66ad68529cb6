/**
 * Detached signatures of CMS (RFC 5652 §5), as in S/MIME's `application/pkcs7-signature`: who signed these bytes, held to
 * the same trust as people who sign in. One signer, SHA-2, DER; anything else is refused.
 */

import { createHash, verify } from 'node:crypto';
import { verifySignature } from './algorithms.js';
import { Certificate } from './certificate.js';
import { findPath, refuseUnfit } from './certification-path.js';
import { context, Der, TAG } from './der.js';
import { Refusal } from './refusal.js';
import { MAX_PATH, Validation, type ValidationOptions } from './validation.js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const DATA = '1.2.840.113549.1.7.1';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const RSA = '1.2.840.113549.1.1.1';
const HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

interface Signer {
  readonly certificate: Certificate;
  readonly hash: string;
  /** What the signature is over: signed attributes, or the content itself. */
  readonly attributes: Der | undefined;
  readonly algorithm: Der;
  readonly signature: Uint8Array;
}

/**
 * The signer's certificate, whose signature over `content` is good and whose path leads to a trust anchor.
 *
 * @param cms DER of a ContentInfo
 * @throws Refusal `malformed`, `algorithm`, `signature`, and as `findPath`
 */
export function verifyDetached(cms: Uint8Array, content: Uint8Array, options: ValidationOptions): Certificate {
  const { signer, offered } = readSignedData(cms);
  const validation = new Validation(options);
  const { certificate } = signer;
  refuseUnsigned(signer, content, options.trust.content.minRsaBits);
  if (!certificate.permits('digitalSignature'))
    throw new Refusal('key_usage', 'it may not sign documents', String(certificate));
  // An authority that signs itself is its own path.
  if (options.trust.of(certificate)?.anchor === true) refuseUnfit(validation, certificate);
  else findPath(validation, { end: certificate, offered, taken: 0 });
  return certificate;
}

function readSignedData(cms: Uint8Array): { signer: Signer; offered: readonly Certificate[] } {
  const outer = Der.of(cms).fields();
  if (outer.take().oid() !== SIGNED_DATA) throw new Refusal('malformed', 'this is no signed data');
  const fields = outer.take(context(0)).fields(context(0)).take().fields();
  outer.end();
  fields.take(TAG.integer);
  fields.take(TAG.set);
  const encapsulated = fields.take().fields();
  if (encapsulated.take().oid() !== DATA || encapsulated.rest().length > 0)
    throw new Refusal('malformed', 'the signature brings its own content');
  const bag = fields.optional(context(0));
  fields.optional(context(1));
  const signers = [...fields.take(TAG.set).elements(TAG.set)];
  fields.end();
  const certificates = bag ? [...bag.elements(context(0))] : [];
  if (certificates.length > MAX_PATH) throw new Refusal('too_many', `more than ${MAX_PATH} certificates were sent`);
  const offered = certificates.map((each) => new Certificate(each.expect(TAG.sequence).raw));
  const [only, ...others] = signers;
  if (!only || others.length > 0) throw new Refusal('malformed', `there are ${signers.length} signers instead of one`);
  return { signer: readSigner(only, offered), offered };
}

function readSigner(element: Der, offered: readonly Certificate[]): Signer {
  const fields = element.fields();
  fields.take(TAG.integer);
  const identifier = fields.take(TAG.sequence).fields();
  const issuer = Buffer.from(identifier.take().raw);
  const serial = identifier.take().integerHex();
  const hash = HASHES[fields.take().fields().take().oid()];
  if (hash === undefined) throw new Refusal('algorithm', 'the digest algorithm is not accepted');
  const attributes = fields.optional(context(0));
  const algorithm = fields.take(TAG.sequence);
  const signature = fields.take(TAG.octetString).content;
  fields.optional(context(1));
  fields.end();
  const certificate = offered.find((each) => each.serial === serial && issuer.equals(each.issuer.raw));
  if (!certificate) throw new Refusal('no_certificate', 'the certificate of the signer did not come along');
  return { certificate, hash, attributes, algorithm, signature };
}

/** @throws Refusal `signature` */
function refuseUnsigned(signer: Signer, content: Uint8Array, minRsaBits: number): void {
  const { certificate, hash, attributes, algorithm, signature } = signer;
  const key = certificate.publicKey(minRsaBits);
  const signed = attributes ? signedAttributes(attributes, createHash(hash).update(content).digest()) : content;
  const plainRsa = algorithm.fields().take().oid() === RSA;
  // With a plain RSA key the digest algorithm beside it tells the rest of the scheme (RFC 3370 §3.2).
  const good = plainRsa
    ? key.asymmetricKeyType === 'rsa' && verify(hash, signed, key, signature)
    : verifySignature(algorithm.raw, signed, signature, key);
  if (!good) throw new Refusal('signature', 'the signature does not hold', String(certificate));
}

/** The attributes as they were signed: a SET, whatever their tag in the message (RFC 5652 §5.4). */
function signedAttributes(attributes: Der, digest: Uint8Array): Uint8Array {
  const values = new Map<string, Der>();
  for (const element of attributes.elements(context(0))) {
    const fields = element.fields();
    const type = fields.take().oid();
    const [value, ...more] = [...fields.take(TAG.set).elements(TAG.set)];
    fields.end();
    if (!value || more.length > 0 || values.has(type)) throw new Refusal('malformed', 'an attribute has two values');
    values.set(type, value);
  }
  if (values.get(CONTENT_TYPE)?.oid() !== DATA) throw new Refusal('malformed', 'the signature is about something else');
  const stated = values.get(MESSAGE_DIGEST)?.expect(TAG.octetString).content;
  if (!stated || Buffer.compare(stated, digest) !== 0)
    throw new Refusal('signature', 'the content has been changed since it was signed');
  const signed = Buffer.from(attributes.raw);
  signed[0] = TAG.set;
  return signed;
}
