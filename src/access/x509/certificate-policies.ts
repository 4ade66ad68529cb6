/**
 * Certificate policies (RFC 5280 §6.1) without mappings: they matter only where an authority demands an explicit policy.
 * Then at least one policy must be named by every certificate below the trust anchor, `anyPolicy` standing for all.
 * Mappings are not followed: a path that has any and needs a policy is refused.
 */

import type { Certificate } from './certificate.js';
import { Der, context } from './der.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';

/** @param path from the certificate below the trust anchor down to the end entity. @throws Refusal `certificate_policy` */
export function refuseWithoutPolicy(path: readonly Certificate[]): void {
  let explicitAfter = Number.POSITIVE_INFINITY;
  let anyUntil = Number.POSITIVE_INFINITY;
  let mapped = false;
  let valid: ReadonlySet<string> | 'any' = 'any';
  for (const [index, certificate] of path.entries()) {
    const last = index === path.length - 1;
    valid = intersection(valid, policiesOf(certificate, anyUntil > 0 || (certificate.selfIssued && !last)));
    if (explicitAfter === 0 && valid !== 'any' && valid.size === 0) throw refusal(certificate);
    if (!certificate.selfIssued) {
      explicitAfter = Math.max(0, explicitAfter - 1);
      anyUntil = Math.max(0, anyUntil - 1);
    }
    explicitAfter = Math.min(explicitAfter, requireExplicit(certificate, last));
    anyUntil = Math.min(anyUntil, inhibitAny(certificate));
    mapped ||= certificate.extensions.has(OID.policyMappings);
  }
  const [end] = path.slice(-1);
  if (end && explicitAfter === 0 && (mapped || (valid !== 'any' && valid.size === 0))) throw refusal(end);
}

function refusal(certificate: Certificate): Refusal {
  const message = 'an authority demands a certificate policy, and there is none that all name';
  return new Refusal('certificate_policy', message, String(certificate));
}

function policiesOf(certificate: Certificate, anyCounts: boolean): ReadonlySet<string> | 'any' {
  const extension = certificate.extensions.get(OID.certificatePolicies);
  if (!extension) return new Set();
  const policies = new Set([...Der.of(extension.value).elements()].map((policy) => policy.fields().take().oid()));
  if (policies.has(OID.anyPolicy) && anyCounts) return 'any';
  policies.delete(OID.anyPolicy);
  return policies;
}

function intersection(
  left: ReadonlySet<string> | 'any',
  right: ReadonlySet<string> | 'any',
): ReadonlySet<string> | 'any' {
  if (left === 'any') return right;
  if (right === 'any') return left;
  return new Set([...left].filter((policy) => right.has(policy)));
}

function requireExplicit(certificate: Certificate, last: boolean): number {
  const extension = certificate.extensions.get(OID.policyConstraints);
  if (!extension) return Number.POSITIVE_INFINITY;
  const skip = Der.of(extension.value).fields().optional(context(0, false))?.count(context(0, false));
  if (skip === undefined) return Number.POSITIVE_INFINITY;
  // In the last certificate only zero has a meaning (RFC 5280 §6.1.5 b).
  return last && skip > 0 ? Number.POSITIVE_INFINITY : skip;
}

function inhibitAny(certificate: Certificate): number {
  const extension = certificate.extensions.get(OID.inhibitAnyPolicy);
  return extension ? Der.of(extension.value).count() : Number.POSITIVE_INFINITY;
}
