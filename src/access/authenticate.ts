/**
 * Authentication: from credentials to a principal. Every credential of a request must be good and name the same
 * principal; what was verified is remembered for a short while and forgotten at once when accounts, tokens or
 * passwords change anywhere (K24, K32).
 */

import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { problem } from '../base/errors.js';
import { generationOf } from '../store/generations.js';
import type { Store } from '../store/sql.js';
import type { Access } from './access.js';
import { findAccount, localId } from './accounts.js';
import type { CertificateIdentity, CertificateSignIn } from './client-certificate.js';
import { claimsOf, unauthenticated, type Claim, type Credentials } from './credentials.js';
import type { Evidence, Proof } from './evidence.js';
import type { KeystoneToken, KeystoneTokens } from './keystone-tokens.js';
import type { BearerSignIn } from './oidc/bearer-sign-in.js';
import type { MembershipSource } from './memberships.js';
import { neverBack } from './never-back.js';
import { PasswordFailures } from './password-failures.js';
import { verifyPassword } from './passwords.js';
import type { Principal } from './principal.js';
import { Recent } from './recent.js';
import { digestOfToken, findToken, noteTokenUse } from './tokens.js';

const PASSWORD_MEMORY = 60_000;
const MAX_REMEMBERED = 10_000;
/** A token's last use is noted to within this many milliseconds. */
const USE_RESOLUTION = 300_000;

/** A credential that was good while accounts stood at `generation`. */
interface Verified {
  readonly principal: Principal;
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface FederationSignIn {
  readonly bearers?: BearerSignIn | undefined;
  readonly certificates?: CertificateSignIn | undefined;
  /** Absent: there is no Keystone façade. */
  readonly keystone?: KeystoneTokens | undefined;
}

export class Authenticator {
  readonly #store: Store;
  readonly #access: Access;
  readonly #bearers: BearerSignIn | undefined;
  readonly #memberships: MembershipSource | undefined;
  readonly #certificates: CertificateSignIn | undefined;
  readonly #keystone: KeystoneTokens | undefined;
  readonly #now: () => number;
  /** Lives as long as the process: what is remembered of a password is worth nothing elsewhere. */
  readonly #processKey = randomBytes(32);
  readonly #failures = new PasswordFailures();
  readonly #tokens = new Recent<Verified>(MAX_REMEMBERED);
  readonly #passwords = new Recent<Verified>(MAX_REMEMBERED);
  /** Verifications under way, so that a client's parallel requests hash its password once. */
  readonly #verifying = new Map<string, Promise<Principal>>();
  readonly #notedUses = new Recent<number>(MAX_REMEMBERED);
  #uses = new Map<string, number>();

  /**
   * @param federation how users of a federation sign in; what is absent is refused
   * @param memberships absent: nobody belongs to a VO but by credential or account
   */
  constructor(
    store: Store,
    access: Access,
    clock: Clock,
    federation: FederationSignIn = {},
    memberships?: MembershipSource,
  ) {
    this.#bearers = federation.bearers;
    this.#certificates = federation.certificates;
    this.#keystone = federation.keystone;
    this.#memberships = memberships;
    this.#store = store;
    this.#access = access;
    this.#now = neverBack(clock);
  }

  /**
   * Who sends this request: null when it carries no credential at all.
   * @param generation where access stands, if that is known.
   * @throws Problem `unauthenticated`, with the reason for the audit trail as its cause (S-001 …); `too-many-requests`.
   */
  async identify(credentials: Credentials, generation?: number): Promise<Principal | null> {
    const claims = claimsOf(credentials);
    const [first, ...others] = claims;
    if (first === undefined) return null;
    const current = generation ?? (await generationOf(this.#store, 'access'));
    const proven = await this.#prove(first, credentials, current);
    for (const claim of others) {
      const other = await this.#prove(claim, credentials, current);
      if (other.id !== proven.id) throw unauthenticated('conflicting-credentials');
    }
    if (first.by === 'keystone') {
      const scoped = proven.confinedTo !== undefined && (credentials.vo ?? proven.confinedTo) === proven.confinedTo;
      if (!scoped && credentials.unscoped !== true) throw unauthenticated('token-unscoped');
      await this.#access.prepare(proven, current);
      return proven;
    }
    const joined = (await this.#memberships?.join(proven, current)) ?? proven;
    const principal = credentials.vo === undefined ? joined : actingFor(joined, credentials.vo);
    await this.#access.prepare(principal, current);
    return principal;
  }

  /**
   * Judges again what a sign-in rested on: its principal as of now, acting for `vo`.
   * @throws Problem `unauthenticated` when it is no longer good; `unavailable` when that cannot be found out
   */
  async rejudge({ proof }: Evidence, vo?: string): Promise<Principal> {
    const principal = await this.#reprove(proof, vo);
    return (await this.#memberships?.join(principal, await generationOf(this.#store, 'access'))) ?? principal;
  }

  #reprove(proof: Proof, vo: string | undefined): Promise<Principal> {
    if (proof.by === 'token') return this.#proveBearer(proof.token, vo);
    if (!this.#certificates) throw unauthenticated('certificate');
    return this.#proveHolder(this.#certificates.judge(proof.chain), vo);
  }

  /** Writes down when tokens were used last; upkeep, not needed for any decision. */
  async flushTokenUse(): Promise<void> {
    if (this.#uses.size === 0) return;
    const uses = this.#uses;
    this.#uses = new Map();
    await this.#store.write((tx) => noteTokenUse(tx, uses));
  }

  #prove(claim: Claim, { remoteAddress, vo }: Credentials, generation: number): Promise<Principal> {
    switch (claim.by) {
      case 'token':
        return this.#proveToken(claim.token, claim.name, generation);
      case 'password':
        return this.#provePassword(claim.name, claim.password, remoteAddress, generation);
      case 'keystone':
        return this.#proveKeystone(claim.token, generation);
      case 'bearer':
        return this.#proveBearer(claim.token, vo);
      case 'certificate':
        return this.#proveHolder(claim.identity, vo);
    }
  }

  async #proveToken(token: string, name: string | undefined, generation: number): Promise<Principal> {
    const sha256 = digestOfToken(token);
    let verified = this.#tokens.get(sha256);
    if (verified?.generation !== generation) {
      const [principal, until] = await this.#lookUpToken(sha256);
      verified = { principal, generation, until };
      this.#tokens.set(sha256, verified);
    }
    if (this.#now() >= verified.until) throw unauthenticated('token-expired');
    if (name !== undefined && name !== verified.principal.name) throw unauthenticated('conflicting-credentials');
    this.#noteUse(sha256);
    return verified.principal;
  }

  async #lookUpToken(sha256: string): Promise<[Principal, number]> {
    const token = await findToken(this.#store, sha256);
    if (!token) throw unauthenticated('token-unknown');
    const account = await findAccount(this.#store, token.principal);
    if (!account || account.disabled) throw unauthenticated('account-disabled');
    return [account.principal, token.expiresAt ?? Number.POSITIVE_INFINITY];
  }

  /** The token says who and for what; whether that still holds is judged by what the sign-in rested on. */
  async #proveKeystone(token: string, generation: number): Promise<Principal> {
    const found = await this.#keystone?.find(digestOfToken(token));
    if (!found) throw unauthenticated('token-unknown');
    if (this.#now() >= found.expiresAt) throw unauthenticated('token-expired');
    const principal = await this.#standing(found);
    const joined = (await this.#memberships?.join(principal, generation)) ?? principal;
    const { project } = found;
    if (project === null) return joined;
    if (!joined.groups.includes(project)) throw unauthenticated('token-project', project);
    const groupRoles = joined.groupRoles?.get(project);
    const held = { ...joined, groups: [project] as const, confinedTo: project };
    return groupRoles ? { ...held, groupRoles: new Map([[project, groupRoles]]) } : held;
  }

  async #standing({ subject, evidence, project }: KeystoneToken): Promise<Principal> {
    if (evidence) return this.#reprove(evidence.proof, project ?? undefined);
    const account = await findAccount(this.#store, subject);
    if (!account || account.disabled) throw unauthenticated('account-disabled');
    return account.principal;
  }

  async #provePassword(name: string, password: string, address: string, generation: number): Promise<Principal> {
    const key = createHmac('sha256', this.#processKey).update(`${name}\0${password}`).digest('base64');
    const verified = this.#passwords.get(key);
    if (verified?.generation === generation && this.#now() < verified.until) return verified.principal;
    const underWay = `${key} ${generation} ${address}`;
    let verification = this.#verifying.get(underWay);
    if (!verification) {
      verification = this.#verifyPassword(name, password, address).finally(() => this.#verifying.delete(underWay));
      this.#verifying.set(underWay, verification);
    }
    const principal = await verification;
    this.#passwords.set(key, { principal, generation, until: this.#now() + PASSWORD_MEMORY });
    return principal;
  }

  async #verifyPassword(name: string, password: string, address: string): Promise<Principal> {
    const id = localId(name);
    const succeeded = await this.#failures.attempt(id, address);
    const account = await findAccount(this.#store, id);
    const good = await verifyPassword(password, account?.password);
    if (!good || !account) throw unauthenticated('password');
    if (account.disabled) throw unauthenticated('account-disabled');
    await succeeded();
    return account.principal;
  }

  async #proveBearer(token: string, vo: string | undefined): Promise<Principal> {
    if (!this.#bearers) throw unauthenticated('token-form');
    return this.#proveHolder(await this.#bearers.identify(token), vo);
  }

  /**
   * The chain, or the token, has been verified; here its holder is looked up, and its end is watched on long connections. What an
   * administrator has given the holder goes before what a VO says, unless the request acts for that VO by name.
   */
  async #proveHolder(identity: CertificateIdentity, vo: string | undefined): Promise<Principal> {
    const now = this.#now();
    if (now < identity.notBefore || now > identity.notAfter) throw unauthenticated('certificate-expired');
    const account = await findAccount(this.#store, identity.id);
    if (account?.disabled === true) throw unauthenticated('account-disabled');
    const named = vo === undefined ? undefined : identity.inVo?.(vo);
    if (!account || (named && !account.principal.groups.includes(named.groups[0]))) return named ?? identity.principal;
    const { credential } = identity.principal;
    return credential ? { ...account.principal, credential } : account.principal;
  }

  #noteUse(sha256: string): void {
    const now = this.#now();
    if (now - (this.#notedUses.get(sha256) ?? 0) < USE_RESOLUTION) return;
    this.#notedUses.set(sha256, now);
    this.#uses.set(sha256, now);
  }
}

/** The same principal with the VO that it names in the first place (S-086). @throws Problem `forbidden` (`access.vo`) */
function actingFor(principal: Principal, vo: string): Principal {
  const others = principal.groups.filter((group) => group !== vo);
  if (others.length < principal.groups.length) return { ...principal, groups: [vo, ...others] };
  throw problem('forbidden', 'access.vo', 'your credential does not speak for the VO that you name', {
    place: { field: 'X-VEP-VO' },
    remedy: 'leave the field out, or sign in with a credential of that VO',
  });
}
