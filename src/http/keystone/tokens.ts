/**
 * What the Keystone façade does, whichever version of its API asks (`spec/federation-auth.md` §8): sign-ins become tokens,
 * tokens choose a project, and a project is a group or VO of their principal.
 */

import type { KeystoneToken, KeystoneTokens } from '../../access/keystone-tokens.js';
import { rolesWithin } from '../../access/policy.js';
import type { Principal } from '../../access/principal.js';
import { unauthenticated } from '../../access/credentials.js';
import { digestOfToken } from '../../access/tokens.js';
import type { Clock } from '../../base/clock.js';
import type { Identification } from '../identification.js';

export interface KeystoneServices {
  readonly tokens: KeystoneTokens;
  readonly identification: Identification;
  readonly clock: Clock;
  /** Longest life of a token. */
  readonly tokenSeconds: number;
}

/** A token that has just been made. */
export interface Issued {
  readonly token: string;
  readonly principal: Principal;
  readonly project: string | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Groups that exist for one holder of a certificate or token alone. */
const PRIVATE_GROUP = /^(?:x509|oidc)-[0-9a-f]{32}$/;

/** The projects that a principal may choose: VOs that vouch for it, and groups in which it has a role. */
export function projectsOf(principal: Principal): readonly string[] {
  if (principal.confinedTo !== undefined) return [principal.confinedTo];
  const vos = (principal.credential?.vos ?? []).map(({ vo }) => vo);
  const groups = principal.groups.filter((group) => rolesWithin(principal, group).size > 0);
  const all = [...new Set([...vos, ...groups])];
  const shared = all.filter((group) => !PRIVATE_GROUP.test(group));
  return shared.length > 0 ? shared : all;
}

/**
 * Makes a token for who has been identified; `from` is the token that it comes from, which it does not outlive.
 * @throws Problem `unauthenticated` for a project that is not the principal's
 */
export async function issue(
  { tokens, clock, tokenSeconds }: KeystoneServices,
  principal: Principal,
  project: string | null,
  { requestId, from }: { readonly requestId: string; readonly from?: string | undefined },
): Promise<Issued> {
  if (project !== null && !projectsOf(principal).includes(project)) throw unauthenticated('token-project', project);
  const parent = from === undefined ? undefined : await tokens.find(digestOfToken(from));
  const issuedAt = clock.now();
  const evidence = parent?.evidence ?? principal.credential?.evidence;
  const expiresAt = Math.min(
    issuedAt + tokenSeconds * 1000,
    evidence?.notAfter ?? Number.POSITIVE_INFINITY,
    parent?.expiresAt ?? Number.POSITIVE_INFINITY,
  );
  const token = await tokens.issue({
    subject: principal.id,
    group: principal.groups[0],
    project,
    evidence,
    expiresAt,
    requestId,
  });
  return { token, principal, project, issuedAt, expiresAt };
}

/** The token that a request names as its subject, if it belongs to who asks. */
export async function ownToken(
  { tokens }: KeystoneServices,
  principal: Principal,
  token: string,
): Promise<KeystoneToken | undefined> {
  const found = await tokens.find(digestOfToken(token));
  return found?.subject === principal.id ? found : undefined;
}

/** An id that Keystone's clients take for one: no slashes, no blanks. */
export function userId({ id }: Principal): string {
  return digestOfToken(id);
}
