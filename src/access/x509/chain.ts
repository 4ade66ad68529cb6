/**
 * The verdict on a chain of certificates, however it came (TLS or a header): who it is, with limited rights or not, what
 * VOMS says of them, and until when. Every chain costs a bounded time: its size, its certificates, its depth and the
 * signatures it can make this server verify are limited.
 */

import { Certificate } from './certificate.js';
import { findPath } from './certification-path.js';
import { OID } from './oids.js';
import { proxyChainOf, refuseUsage } from './proxy.js';
import { Refusal } from './refusal.js';
import { MAX_PATH, Validation, type Step, type ValidationOptions } from './validation.js';
import { vomsAttributes, type VoAttributes } from './voms.js';

export interface AcceptedChain {
  readonly verdict: 'accepted';
  readonly endEntity: Certificate;
  /** From the end entity to the trust anchor. */
  readonly path: readonly Certificate[];
  /** How many proxies stand before the end entity. */
  readonly proxies: number;
  /** Authenticated, but by a proxy that may not start or change anything. */
  readonly limited: boolean;
  readonly vos: readonly VoAttributes[];
  /** DER of the certificates as they came. */
  readonly sent: readonly Uint8Array[];
  /** Why attribute certificates were left out. */
  readonly dropped: readonly Refusal[];
  /** The earliest end of all certificates; milliseconds since the epoch. */
  readonly notAfter: number;
  readonly steps: readonly Step[];
}

export interface RefusedChain {
  readonly verdict: 'refused';
  readonly refusal: Refusal;
  readonly steps: readonly Step[];
}

export type ChainVerdict = AcceptedChain | RefusedChain;

/** All certificates of a chain together. */
const MAX_CHAIN_BYTES = 128 * 1024;

/** @param sent DER of the certificates, the one whose key the sender has shown first */
export function validateChain(sent: readonly Uint8Array[], options: ValidationOptions): ChainVerdict {
  const validation = new Validation(options);
  try {
    return judged(validation, readChain(sent));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const subject = error.subject ?? 'the chain';
    validation.steps.push({ subject, check: `${error.reason}: ${error.message}`, outcome: 'refused' });
    return { verdict: 'refused', refusal: error, steps: validation.steps };
  }
}

function readChain(sent: readonly Uint8Array[]): Certificate[] {
  if (sent.length === 0) throw new Refusal('no_certificate', 'there is no certificate');
  if (sent.length > MAX_PATH) throw new Refusal('too_many', `more than ${MAX_PATH} certificates were sent`);
  if (sent.reduce((sum, each) => sum + each.length, 0) > MAX_CHAIN_BYTES)
    throw new Refusal('too_large', `the chain is larger than ${MAX_CHAIN_BYTES / 1024} KiB`);
  return sent.map((der) => new Certificate(der));
}

function judged(validation: Validation, chain: readonly Certificate[]): AcceptedChain {
  const [leaf, ...offered] = chain as [Certificate, ...Certificate[]];
  const { proxies, endEntity, limited } = proxyChainOf(validation, leaf, offered);
  refuseAsEndEntity(endEntity);
  const path = findPath(validation, { end: endEntity, offered, taken: proxies.length, purpose: OID.clientAuth });
  const { attributes, dropped } = vomsAttributes(validation, proxies, endEntity, path[1] as Certificate);
  const all = [...proxies, ...path];
  return {
    verdict: 'accepted',
    endEntity,
    path,
    proxies: proxies.length,
    limited,
    vos: attributes,
    sent: chain.map((each) => each.raw),
    dropped,
    notAfter: Math.min(...all.map((each) => each.validity.notAfter)),
    steps: validation.steps,
  };
}

function refuseAsEndEntity(certificate: Certificate): void {
  const subject = String(certificate);
  if (certificate.subject.empty) throw new Refusal('end_entity', 'it has no subject', subject);
  if (certificate.basicConstraints?.ca === true || certificate.isAuthority)
    throw new Refusal('end_entity', 'it is an authority', subject);
  if (certificate.extensions.has(OID.vomsExtension))
    throw new Refusal('end_entity', 'attribute certificates belong into proxies', subject);
  refuseUsage(certificate);
}
