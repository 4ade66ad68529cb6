/**
 * What a token says of Virtual Organizations: entitlements in the form of AARC-G069, and groups and scopes of the WLCG
 * profile (v1.3). An issuer speaks for the VOs that the configuration binds to it, each by one exact entitlement or group:
 * nothing is inferred, neither from a subgroup to its parent nor from one authority to another (S-063, S-064).
 */

import type { Role } from '../principal.js';
import type { Verb } from '../policy.js';

export interface VoBinding {
  readonly vo: string;
  /** `urn:mace:egi.eu:group:<vo>:role=vm_operator#aai.egi.eu` */
  readonly entitlement?: string;
  /** `/vo` */
  readonly group?: string;
  /** Roles beside `user` while acting for the VO. */
  readonly roles: readonly Role[];
}

export type Claims = Readonly<Record<string, unknown>>;

/** Lists longer than this are not read: they are work that the sender chooses. */
const MAX_ENTRIES = 2000;

/** The bindings that hold for these claims, in the order of the configuration. */
export function membershipsOf(claims: Claims, bindings: readonly VoBinding[]): readonly VoBinding[] {
  const scopes = capabilitiesOf(claims);
  // A token of capabilities speaks for its issuer's one VO, whatever groups it names beside.
  if (scopes.length > 0) return new Set(bindings.map(({ vo }) => vo)).size === 1 ? bindings.slice(0, 1) : [];
  const entitlements = new Set(
    [...texts(claims['eduperson_entitlement']), ...texts(claims['entitlements'])].map(canonicalEntitlement),
  );
  const groups = new Set(texts(claims['wlcg.groups']));
  return bindings.filter(
    ({ entitlement, group }) =>
      (entitlement !== undefined && entitlements.has(canonicalEntitlement(entitlement))) ||
      (group !== undefined && groups.has(group)),
  );
}

const SCOPE_VERBS: Readonly<Record<string, readonly Verb[]>> = {
  'compute.read': ['read'],
  'compute.create': ['create'],
  'compute.modify': ['update', 'act', 'reveal'],
  'compute.cancel': ['delete'],
};

/** The verbs to which capability scopes restrict a token; undefined: it has none, and its groups count. */
export function verbsOf(claims: Claims): readonly Verb[] | undefined {
  const scopes = capabilitiesOf(claims);
  return scopes.length === 0 ? undefined : scopes.flatMap((scope) => SCOPE_VERBS[scope] ?? []);
}

function capabilitiesOf(claims: Claims): string[] {
  const { scope } = claims;
  if (typeof scope !== 'string') return [];
  return scope.split(' ').filter((each) => /^(?:compute|storage)\./.test(each));
}

/** Parts are taken apart before they are decoded: an encoded colon is part of a name (AARC-G069 §2). */
function canonicalEntitlement(entitlement: string): string {
  const [name = '', ...authority] = entitlement.split('#');
  return JSON.stringify([name.split(':').map(decoded), authority.map(decoded)]);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function texts(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.slice(0, MAX_ENTRIES).filter((each): each is string => typeof each === 'string');
}
