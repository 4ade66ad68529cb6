/**
 * Which packages a provider takes by who signed them (DSP0243 §5.1, setting `ovf.signatures`): all, those that anybody
 * has signed whose signature is in order, or those alone whose signer the provider trusts.
 */

import type { Fault } from '../../src/base/errors.js';
import type { Signature, SignatureStatus } from '../../src/ovf/package/certificate.js';

export type SignaturePolicy = 'any' | 'signed' | 'trusted';

const TAKEN: Readonly<Record<Exclude<SignaturePolicy, 'any'>, readonly SignatureStatus[]>> = {
  signed: ['trusted', 'untrusted', 'self-signed'],
  trusted: ['trusted'],
};

/** Why a package is not taken; nothing where it is, or where nobody knows yet (`signature` is then absent). */
export function refusedSignature(policy: SignaturePolicy, signature: Signature | undefined): readonly Fault[] {
  if (policy === 'any' || signature === undefined || TAKEN[policy].includes(signature.status)) return [];
  const { status, signer } = signature;
  return [
    {
      code: 'ovf.signature-required',
      message: `the provider takes only packages that are ${WANTED[policy]}; this one is ${status}`,
      rule: 'O-030',
      ...(signer === undefined ? {} : { value: signer }),
      remedy:
        'send the package as a whole (OVA, or all its files) with a manifest and a certificate that the provider takes',
    },
  ];
}

const WANTED = {
  signed: 'signed, by whomever',
  trusted: 'signed by somebody it trusts (ovf.trustedSigners)',
} as const;
