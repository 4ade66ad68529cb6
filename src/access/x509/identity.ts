/**
 * From a judged chain to a principal: who its holder is, for which Virtual Organization they act, and with which roles.
 * One request acts for one VO: that of the primary FQAN unless it names another (`spec/federation-auth.md` §11). A role
 * that a VO gives counts while acting for that VO.
 */

import { createHash } from 'node:crypto';
import type { CertificateIdentity } from '../client-certificate.js';
import { Evidence } from '../evidence.js';
import type { Credential, Principal, Role } from '../principal.js';
import type { AcceptedChain } from './chain.js';
import { Refusal } from './refusal.js';
import type { TrustAnchors } from './trust-anchors.js';

export interface IdentityPolicy {
  /** Whether who belongs to no VO may only read, unless an account says otherwise. */
  readonly requireVo: boolean;
  /** Roles beside `user` that an FQAN carries. */
  readonly roles: readonly { readonly fqan: string; readonly roles: readonly Role[] }[];
  /** IGTF profiles of authorities whose users are let in; none: any. */
  readonly profiles: readonly string[];
}

/** Distinguished names beyond this are no one's: they would not fit the store's indexes. */
const MAX_NAME = 1000;

/** @throws Refusal `name` for names beyond all measure; `assurance` for an authority of a profile that is not let in */
export function identityOfChain(
  chain: AcceptedChain,
  trust: TrustAnchors,
  policy: IdentityPolicy,
): CertificateIdentity {
  const { endEntity, path, vos, sent } = chain;
  const [notBefore, notAfter] = [0, Math.min(chain.notAfter, ...vos.map((each) => each.notAfter))];
  const [subject, anchor] = [endEntity.subject, path.at(-1)?.subject ?? endEntity.issuer];
  const id = `x509:${subject.rfc4514} issued by ${anchor.rfc4514}`;
  if (id.length > MAX_NAME) throw new Refusal('name', 'the names are too long', String(endEntity));
  const profile = path.map((each) => trust.of(each)?.profile).find((each) => each !== undefined);
  if (policy.profiles.length > 0 && !policy.profiles.includes(profile ?? ''))
    throw new Refusal('assurance', `authorities of profile ${profile ?? 'unknown'} are not let in`, String(endEntity));

  const credential: Credential = {
    method: chain.proxies > 0 ? 'proxy' : 'certificate',
    issuer: anchor.toString(),
    assurance: profile === undefined ? 'unknown' : `igtf:${profile}`,
    limited: chain.limited,
    vos: merged(vos),
    evidence: new Evidence({ by: 'chain', chain: sent }, notAfter),
  };
  const own = `x509-${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
  const acting = (vo: string | undefined): Principal => ({
    id,
    name: subject.toString(),
    tier: 'federation',
    roles: rolesIn(vo, credential, policy),
    groups: vo === undefined ? [own] : [vo, own],
    credential,
  });
  return {
    id,
    principal: acting(credential.vos[0]?.vo),
    notBefore,
    notAfter,
    inVo: (vo) => (credential.vos.some((each) => each.vo === vo) ? acting(vo) : undefined),
  };
}

/** Attribute certificates of one VO are one membership. */
function merged(vos: AcceptedChain['vos']): Credential['vos'] {
  const fqans = new Map<string, string[]>();
  for (const each of vos) fqans.set(each.vo, [...(fqans.get(each.vo) ?? []), ...each.fqans]);
  return [...fqans].map(([vo, all]) => ({ vo, fqans: [...new Set(all)] }));
}

function rolesIn(vo: string | undefined, { vos }: Credential, policy: IdentityPolicy): ReadonlySet<Role> {
  if (vo === undefined) return new Set(policy.requireVo ? [] : ['user']);
  const fqans = (vos.find((each) => each.vo === vo)?.fqans ?? []).map(shortFqan);
  const given = policy.roles.filter(({ fqan }) => fqans.includes(shortFqan(fqan)));
  return new Set<Role>(['user', ...given.flatMap(({ roles }) => roles)]);
}

/** `Role=NULL` and `Capability=NULL` say nothing, and capabilities are no longer used. */
export function shortFqan(fqan: string): string {
  return fqan.replace(/\/Capability=[^/]*$/, '').replace(/\/Role=NULL$/, '');
}
