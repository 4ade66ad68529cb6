/**
 * The certificate of a package (DSP0243 §5.1): one line with the signature of the manifest, `SHA1(name.mf)= hex`, then the
 * signer's X.509 certificate in PEM, with the chain of its issuers if the author was kind. Says what the signature is
 * worth, and to whom: the five cases that a reader must be able to tell apart (O-030), each with the signer's name.
 */

import { publicDecrypt, verify, X509Certificate, constants, createHash } from 'node:crypto';
import { excerpt } from '../../base/errors.js';
import type { Findings } from '../envelope/findings.js';
import { parseDigestLine } from './manifest.js';

/**
 * - `unsigned`: there is no certificate
 * - `trusted`: signed, and the chain ends at a certificate that the provider trusts
 * - `untrusted`: signed, but nobody the provider trusts stands behind the signer
 * - `self-signed`: signed by a key that only vouches for itself
 * - `expired`, `not-yet-valid`: signed, but outside the time for which the certificate or one above it was made
 * - `altered`: the signature is genuine, but the manifest is no longer the one that was signed
 * - `forged`: the signature was not made by the key of the certificate
 * - `unreadable`: the file holds no signature or no certificate
 */
export type SignatureStatus =
  | 'unsigned'
  | 'trusted'
  | 'untrusted'
  | 'self-signed'
  | 'expired'
  | 'not-yet-valid'
  | 'altered'
  | 'forged'
  | 'unreadable';

export interface Signature {
  readonly status: SignatureStatus;
  /** Subject of the certificate, on one line. */
  readonly signer?: string;
  readonly issuer?: string;
  /** Milliseconds since the epoch. */
  readonly validUntil?: number;
  /** Digest that was signed. */
  readonly algorithm?: string;
}

/** Whom to trust, at what time. */
export interface Trust {
  /** Certificates (PEM) of signers, or of authorities that vouch for them. */
  readonly anchors: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export const UNSIGNED: Signature = { status: 'unsigned' };

const MAX_CHAIN = 10;

interface Document {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Judges the certificate of a package; what speaks against the signature is reported as O-030. */
export function judgeCertificate(
  certificate: Document,
  manifest: Document,
  trust: Trust,
  findings: Findings,
): Signature {
  const signature = judge(certificate, manifest, trust);
  const at = { field: certificate.name };
  const { status, signer } = signature;
  const by = signer === undefined ? '' : ` by ${excerpt(signer)}`;
  if (status === 'altered' || status === 'forged' || status === 'unreadable') {
    findings.error('O-030', at, REASONS[status]);
  } else if (status !== 'trusted' && status !== 'unsigned') {
    findings.deviation('O-030', at, `the package is signed${by}, but ${REASONS[status]}`, 'taken as if unsigned');
  } else {
    findings.note('O-030', at, `the package is signed${by}, whom the provider trusts`);
  }
  return signature;
}

const REASONS = {
  untrusted: 'nobody that the provider trusts vouches for the signer',
  'self-signed': 'the certificate vouches only for itself',
  expired: 'a certificate of the chain has expired',
  'not-yet-valid': 'a certificate of the chain is not valid yet',
  altered: 'the manifest is not the one that was signed',
  forged: 'the signature was not made with the key of the certificate',
  unreadable: 'the file holds no line with the signature of the manifest, or no certificate after it',
} as const;

function judge(certificate: Document, manifest: Document, trust: Trust): Signature {
  const text = Buffer.from(certificate.bytes).toString('latin1');
  const line = parseDigestLine(text.slice(0, text.search(/[\r\n]|$/)));
  const [leaf, ...issuers] = readCertificates(text);
  if (!line?.algorithm || leaf === undefined) return { status: 'unreadable' };
  const said = {
    signer: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    validUntil: Date.parse(leaf.validTo),
    algorithm: line.algorithm,
  };
  const forged = faultOfSignature(leaf, manifest.bytes, line.algorithm, Buffer.from(line.hex, 'hex'));
  return { status: forged ?? statusOfChain(leaf, issuers, trust), ...said };
}

function readCertificates(text: string, most = MAX_CHAIN): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.slice(0, most).map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function oneLine(name: string): string {
  return name.split('\n').join(', ');
}

/* --- signature ------------------------------------------------------------------------------------------------- */

function faultOfSignature(
  leaf: X509Certificate,
  manifest: Uint8Array,
  algorithm: string,
  signature: Buffer,
): 'altered' | 'forged' | undefined {
  const { publicKey } = leaf;
  try {
    if (verify(algorithm, manifest, publicKey, signature)) return undefined;
    if (publicKey.asymmetricKeyType !== 'rsa') return 'forged';
    // What the key's owner signed, in PKCS #1 (RFC 8017 §9.2): a digest of the same kind, of something else.
    const signed = publicDecrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature);
    const digest = createHash(algorithm).update(manifest).digest();
    return signed.length > digest.length && signed[0] === 0x30 ? 'altered' : 'forged';
  } catch {
    return 'forged';
  }
}

/* --- chain ----------------------------------------------------------------------------------------------------- */

function statusOfChain(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  { anchors, now }: Trust,
): 'trusted' | 'untrusted' | 'self-signed' | 'expired' | 'not-yet-valid' {
  const trusted = anchors.flatMap((anchor) => readCertificates(anchor, Number.POSITIVE_INFINITY));
  const known = new Set(trusted.map(({ fingerprint256 }) => fingerprint256));
  const chain = [leaf];
  for (let last = leaf; !known.has(last.fingerprint256) && chain.length <= MAX_CHAIN;) {
    // What the provider trusts goes before what came along under the same name.
    const issuer = [...trusted, ...sent].find(
      (candidate) => !chain.includes(candidate) && candidate.ca && isIssuedBy(last, candidate),
    );
    if (issuer === undefined) break;
    chain.push(issuer);
    last = issuer;
  }
  if (chain.some(({ validTo }) => Date.parse(validTo) < now)) return 'expired';
  if (chain.some(({ validFrom }) => Date.parse(validFrom) > now)) return 'not-yet-valid';
  if (chain.some(({ fingerprint256 }) => known.has(fingerprint256))) return 'trusted';
  return isIssuedBy(leaf, leaf) ? 'self-signed' : 'untrusted';
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}
