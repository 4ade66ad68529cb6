/**
 * Which signatures and keys count (`spec/federation-auth.md` §4): SHA-2 with RSA (PKCS #1 1.5 and PSS), ECDSA or EdDSA;
 * RSA from 2048 to 8192 bits, the curves P-256, P-384 and P-521. Everything else is refused before OpenSSL sees it:
 * a chain cannot choose how much work it is.
 */

import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { Der, TAG, context } from './der.js';
import { Refusal } from './refusal.js';

type KeyKind = 'rsa' | 'ec' | 'ed25519' | 'ed448';

interface SignatureScheme {
  readonly key: KeyKind;
  readonly hash: string | null;
  readonly pss?: number;
}

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
  '1.3.101.112': { key: 'ed25519', hash: null },
  '1.3.101.113': { key: 'ed448', hash: null },
};
const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const HASHES: Readonly<Record<string, readonly [string, number]>> = {
  '2.16.840.1.101.3.4.2.1': ['sha256', 32],
  '2.16.840.1.101.3.4.2.2': ['sha384', 48],
  '2.16.840.1.101.3.4.2.3': ['sha512', 64],
};

const RSA_KEY = '1.2.840.113549.1.1.1';
const EC_KEY = '1.2.840.10045.2.1';
/** Named curves by OID; explicit parameters are no curve. */
const CURVES = new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);
const MAX_RSA_BITS = 8192;

/** Whether `signature` over `data` was made by `key` under this AlgorithmIdentifier. */
export function verifySignature(
  algorithm: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
  key: KeyObject,
): boolean {
  const scheme = schemeOf(algorithm);
  const kind = key.asymmetricKeyType;
  if (kind !== scheme.key) return false;
  try {
    if (scheme.pss === undefined) return verify(scheme.hash, data, key, signature);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify(scheme.hash, data, { key, padding, saltLength: scheme.pss }, signature);
  } catch {
    return false;
  }
}

/** @throws Refusal `algorithm` */
function schemeOf(algorithm: Uint8Array): SignatureScheme {
  const fields = Der.of(algorithm).fields();
  const oid = fields.take().oid();
  if (oid === RSA_PSS) return pssOf(fields.take());
  const scheme = SCHEMES[oid];
  if (!scheme) throw new Refusal('algorithm', `signature algorithm ${oid} is not accepted`);
  const [parameters, ...more] = fields.rest();
  const absent = parameters === undefined || (parameters.tag === TAG.null && parameters.content.length === 0);
  if (!absent || more.length > 0) throw new Refusal('malformed', 'the signature algorithm has parameters');
  return scheme;
}

/** RFC 4055 §3.1: the same hash twice, and a salt of its length. */
function pssOf(parameters: Der): SignatureScheme {
  const fields = parameters.fields();
  const hashOf = (element: Der | undefined): readonly [string, number] | undefined =>
    element && HASHES[element.fields().take().oid()];
  const hash = hashOf(fields.optional(context(0))?.fields(context(0)).take());
  const mask = fields.optional(context(1))?.fields(context(1)).take().fields();
  const maskHash = mask?.take().oid() === MGF1 ? hashOf(mask.take()) : undefined;
  const salt = fields.optional(context(2))?.fields(context(2)).take().count();
  const good = hash && maskHash?.[0] === hash[0] && salt === hash[1];
  if (!good) throw new Refusal('algorithm', 'RSA-PSS with these parameters is not accepted');
  return { key: 'rsa', hash: hash[0], pss: salt };
}

/**
 * Judges a key by its encoding alone (RFC 3279 §2.3): most keys of a chain verify nothing, and are dear to load.
 * @throws Refusal `algorithm`, `key_size`, `malformed`
 */
export function refuseWeakKey(spki: Uint8Array, minRsaBits: number): void {
  const fields = Der.of(spki).fields();
  const algorithm = fields.take().fields();
  const oid = algorithm.take().oid();
  const key = fields.take().bits();
  fields.end();
  if (oid === RSA_KEY) return refuseWeakRsa(key, minRsaBits);
  if (oid !== EC_KEY) {
    if (SCHEMES[oid]?.hash !== null) throw new Refusal('algorithm', `keys of algorithm ${oid} are not accepted`);
    return;
  }
  const parameters = algorithm.take();
  const curve = parameters.tag === TAG.oid ? parameters.oid() : 'explicit parameters';
  if (!CURVES.has(curve)) throw new Refusal('algorithm', `the curve ${curve} is not accepted`);
}

function refuseWeakRsa(key: Uint8Array, minBits: number): void {
  const fields = Der.of(key).fields();
  const modulus = fields.take().integerHex().replace(/^00/, '');
  const exponent = fields.take().integerHex();
  fields.end();
  const bits = modulus.length * 4 - Math.clz32(parseInt(modulus.slice(0, 8), 16));
  if (bits < minBits || bits > MAX_RSA_BITS)
    throw new Refusal('key_size', `RSA with ${bits} bits; ${minBits} to ${MAX_RSA_BITS} are accepted`);
  const odd = parseInt(exponent.slice(-1), 16) % 2 === 1;
  if (exponent === '01' || !odd || exponent.length > 8 || parseInt(exponent.slice(0, 2), 16) >= 0x80)
    throw new Refusal('key_size', 'RSA with this exponent is not accepted');
}

/** The key to verify with. RSA keys go in as PKCS #1, which OpenSSL loads thirty times faster. @throws Refusal `malformed` */
export function publicKeyOf(spki: Uint8Array): KeyObject {
  try {
    const fields = Der.of(spki).fields();
    const rsa = fields.take().fields().take().oid() === RSA_KEY;
    const key = (rsa ? fields.take().bits() : spki) as Buffer;
    return createPublicKey({ key, format: 'der', type: rsa ? 'pkcs1' : 'spki' });
  } catch {
    throw new Refusal('malformed', 'the public key cannot be read');
  }
}
