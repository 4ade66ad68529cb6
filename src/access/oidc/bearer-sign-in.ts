/**
 * Signing in with an access token of an OpenID Connect issuer (RFC 9068, the WLCG profile v1.3, EGI Check-in). The issuer is
 * chosen by the exact `iss` among those configured, before anything else is believed; then algorithm, key id, signature,
 * audience and times must hold (`spec/federation-auth.md` §7, S-051 … S-066).
 */

import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Clock } from '../../base/clock.js';
import { Problem } from '../../base/errors.js';
import type { GuardedDialler } from '../../net/dialler.js';
import type { CertificateIdentity } from '../client-certificate.js';
import { unauthenticated } from '../credentials.js';
import { Evidence } from '../evidence.js';
import { neverBack } from '../never-back.js';
import type { Credential, Principal, Role } from '../principal.js';
import { Recent } from '../recent.js';
import { Introspection, type IntrospectionSettings } from './introspection.js';
import { IssuerKeys } from './issuer-keys.js';
import { membershipsOf, verbsOf, type Claims, type VoBinding } from './memberships.js';

export interface IssuerSettings {
  /** Exactly as it stands in tokens. */
  readonly issuer: string;
  /** What tokens must be meant for; any one of these. */
  readonly audience: readonly string[];
  readonly vos: readonly VoBinding[];
  /** Longest life of a token. */
  readonly maxLifetimeSeconds: number;
  /** Whoever belongs to no VO may read and nothing else. */
  readonly requireVo: boolean;
  /** Hosts of the issuer that may be reached although they are not public. */
  readonly allow: readonly string[];
  readonly dialler: GuardedDialler;
  /** How tokens are asked about at the issuer; absent: they speak for themselves, and opaque ones are refused. */
  readonly introspection?: IntrospectionSettings;
}

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** RFC 7515 §7.1, with a signature or, for what is refused then, without one. */
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const SKEW_SECONDS = 60;
const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 5000;
const MAX_ID = 1000;

interface Issuer extends Omit<IssuerSettings, 'introspection'> {
  readonly keys: IssuerKeys;
  readonly introspection: Introspection | undefined;
}

interface Remembered {
  readonly until: number;
  readonly identity: CertificateIdentity;
}

export class BearerSignIn {
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #now: () => number;
  readonly #remembered = new Recent<Remembered>(MAX_REMEMBERED);
  /** Until when it is remembered that the issuer does not stand by a token. */
  readonly #inactive = new Recent<number>(MAX_REMEMBERED);

  constructor(settings: readonly IssuerSettings[], clock: Clock) {
    this.#issuers = new Map(
      settings.map((each) => {
        const keys = new IssuerKeys(each.issuer, each.dialler, each.allow, clock);
        const introspection =
          each.introspection &&
          new Introspection(each.issuer, each.introspection, each, () => keys.introspectionEndpoint);
        return [each.issuer, { ...each, keys, introspection }];
      }),
    );
    this.#now = neverBack(clock);
  }

  /** Upkeep: asks the issuers whose time it is for their keys. @throws the first failure, after all were asked */
  async refresh(signal: AbortSignal): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#issuers.values()].map(({ keys }) => keys.refresh(signal)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * @throws Problem `unauthenticated` with the reason as its cause; `unavailable` while nothing is known of the issuer's keys
   */
  async identify(token: string): Promise<CertificateIdentity> {
    const key = createHash('sha256').update(token).digest('base64');
    const remembered = this.#remembered.get(key);
    if (remembered && this.#now() < remembered.until) return remembered.identity;
    if (this.#now() < (this.#inactive.get(key) ?? 0)) throw unauthenticated('token-inactive');
    const { identity, rememberMs } = await this.#judged(token, key);
    this.#remembered.set(key, { identity, until: Math.min(this.#now() + rememberMs, identity.notAfter) });
    return identity;
  }

  /** What is believed of the token, and for how long it may be believed without asking again. */
  async #judged(token: string, key: string): Promise<{ identity: CertificateIdentity; rememberMs: number }> {
    if (!JWT.test(token)) return this.#askAll(token, key);
    const { issuer, identity } = await this.#verify(token);
    const { introspection } = issuer;
    if (introspection?.settings.all !== true) return { identity, rememberMs: REMEMBER_MS };
    if (!(await introspection.ask(token))) throw this.#notActive(key, introspection, issuer.issuer);
    return { identity, rememberMs: introspection.settings.cacheSeconds * 1000 };
  }

  /** An opaque token does not say whose it is: those issuers are asked that are configured to be, one after the other. */
  async #askAll(token: string, key: string): Promise<{ identity: CertificateIdentity; rememberMs: number }> {
    const issuers = [...this.#issuers.values()].filter(({ introspection }) => introspection);
    let last: Introspection | undefined;
    for (const issuer of issuers) {
      const { introspection } = issuer;
      const claims = await introspection?.ask(token);
      last = introspection;
      if (!claims || !introspection) continue;
      const identity = introspectedIdentity(claims, token, issuer, this.#now());
      return { identity, rememberMs: introspection.settings.cacheSeconds * 1000 };
    }
    if (!last) throw unauthenticated('token-form');
    throw this.#notActive(key, last);
  }

  /** Remembered as well: who sends a bad token again and again makes no work at the issuer. */
  #notActive(key: string, { settings }: Introspection, issuer?: string): Problem {
    this.#inactive.set(key, this.#now() + settings.cacheSeconds * 1000);
    this.#remembered.delete(key);
    return unauthenticated('token-inactive', issuer);
  }

  async #verify(token: string): Promise<{ issuer: Issuer; identity: CertificateIdentity }> {
    const { issuer, kid, algorithm } = this.#read(token);
    if (!issuer.keys.known) throw noKeysYet(issuer.keys);
    const known = issuer.keys.find(kid);
    if (!known) throw unauthenticated('token-key', issuer.issuer);
    if (known.algorithm !== undefined && known.algorithm !== algorithm) throw unauthenticated('token-algorithm');
    const now = this.#now();
    try {
      const { payload } = await jwtVerify(token, known.key, {
        algorithms: [...ALGORITHMS],
        issuer: issuer.issuer,
        audience: [...issuer.audience],
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(now),
        requiredClaims: ['exp', 'iat', 'sub', 'jti', 'aud'],
      });
      return { issuer, identity: identityOf(payload, token, issuer, now) };
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw unauthenticated('token-expired', issuer.issuer);
      if (error instanceof errors.JWTClaimValidationFailed)
        throw unauthenticated(`token-${error.claim}`, issuer.issuer);
      if (error instanceof errors.JOSEError) throw unauthenticated('token-signature', issuer.issuer);
      throw error;
    }
  }

  /** What is needed to know by whom it claims to be. Nothing of it is believed yet. */
  #read(token: string): { issuer: Issuer; kid: string; algorithm: string } {
    let header: ReturnType<typeof decodeProtectedHeader>;
    let claims: Claims;
    try {
      header = decodeProtectedHeader(token);
      claims = decodeJwt(token);
      refuseDoubledClaims(token);
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw unauthenticated('token-form');
    }
    const { alg, kid, typ } = header;
    const issuer = typeof claims['iss'] === 'string' ? this.#issuers.get(claims['iss']) : undefined;
    if (!issuer) throw unauthenticated('token-issuer');
    if (alg === undefined || !ALGORITHMS.includes(alg)) throw unauthenticated('token-algorithm', issuer.issuer);
    if (typeof kid !== 'string' || kid === '') throw unauthenticated('token-key', issuer.issuer);
    if (typ !== undefined && !/^(?:application\/)?(?:at\+jwt|jwt)$/i.test(typ))
      throw unauthenticated('token-type', issuer.issuer);
    return { issuer, kid, algorithm: alg };
  }
}

/** RFC 7662 §2.2: what an issuer says of an opaque token is held to what a JWT is held to, as far as it can be. */
function introspectedIdentity(claims: Claims, token: string, issuer: Issuer, now: number): CertificateIdentity {
  const { iss, aud, exp, iat, nbf, jti } = claims;
  const refuse = (reason: string): Problem => unauthenticated(reason, issuer.issuer);
  if (iss !== undefined && iss !== issuer.issuer) throw refuse('token-issuer');
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((each) => typeof each === 'string' && issuer.audience.includes(each))) throw refuse('token-aud');
  const seconds = Math.floor(now / 1000);
  const ends = exp ?? seconds + issuer.maxLifetimeSeconds;
  if (!isTime(ends) || ends + SKEW_SECONDS < seconds) throw refuse('token-expired');
  if (nbf !== undefined && (!isTime(nbf) || nbf - SKEW_SECONDS > seconds)) throw refuse('token-nbf');
  return identityOf({ ...claims, exp: ends, iat: iat ?? seconds, jti: jti ?? '' }, token, issuer, now);
}

/** JSON keeps the last of two members of one name, others may keep the first (RFC 8725 §2.4): neither is believed. */
function refuseDoubledClaims(token: string): void {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  const names = new Set<string>();
  let depth = 0;
  for (const [piece, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (piece === '{' || piece === '[') depth += 1;
    else if (piece === '}' || piece === ']') depth -= 1;
    else if (name !== undefined && depth === 1) {
      const decoded = JSON.parse(name) as string;
      if (names.has(decoded)) throw unauthenticated('token-form');
      names.add(decoded);
    }
  }
}

function identityOf(claims: Claims, token: string, issuer: Issuer, now: number): CertificateIdentity {
  const { sub, exp, iat, jti } = claims;
  const refuse = (reason: string): Problem => unauthenticated(reason, issuer.issuer);
  if (!isTime(exp) || !isTime(iat) || typeof jti !== 'string') throw refuse('token-form');
  if (iat * 1000 > now + SKEW_SECONDS * 1000) throw refuse('token-iat');
  if (exp - iat > issuer.maxLifetimeSeconds) throw refuse('token-lifetime');
  // What only identity tokens have: they are for the client that asked for them, and for nobody else (S-061).
  if (['at_hash', 'c_hash', 'nonce'].some((claim) => claim in claims) || claims['typ'] === 'ID')
    throw refuse('token-type');
  // Bound to a key of its holder (RFC 8705, RFC 9449), which is not asked for here: a copy must be worth nothing.
  if ('cnf' in claims) throw refuse('token-bound');
  const id = `oidc:${issuer.issuer} ${String(sub)}`;
  // eslint-disable-next-line no-control-regex -- names of people forge no lines of logs
  if (typeof sub !== 'string' || sub === '' || id.length > MAX_ID || /[\u0000-\u001f\u007f]/.test(sub))
    throw refuse('token-sub');
  const notAfter = (exp + SKEW_SECONDS) * 1000;
  const bindings = membershipsOf(claims, issuer.vos);
  const verbs = verbsOf(claims);
  const credential: Credential = {
    method: 'token',
    issuer: issuer.issuer,
    assurance: assuranceOf(claims),
    limited: false,
    vos: [...new Set(bindings.map(({ vo }) => vo))].map((vo) => ({ vo, fqans: namesIn(vo, bindings) })),
    evidence: new Evidence({ by: 'token', token }, notAfter),
    ...(verbs === undefined ? {} : { verbs }),
  };
  const own = `oidc-${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
  const acting = (vo: string | undefined): Principal => ({
    id,
    name: sub,
    tier: 'federation',
    roles: rolesIn(vo, bindings, issuer.requireVo),
    groups: vo === undefined ? [own] : [vo, own],
    credential,
  });
  return {
    id,
    principal: acting(bindings[0]?.vo),
    notBefore: 0,
    notAfter,
    inVo: (vo) => (bindings.some((each) => each.vo === vo) ? acting(vo) : undefined),
  };
}

function rolesIn(vo: string | undefined, bindings: readonly VoBinding[], requireVo: boolean): ReadonlySet<Role> {
  if (vo === undefined) return new Set(requireVo ? [] : ['user']);
  const given = bindings.filter((each) => each.vo === vo).flatMap(({ roles }) => roles);
  return new Set<Role>(['user', ...given]);
}

/** The entitlements and groups that bind to a VO: several of them are one membership. */
function namesIn(vo: string, bindings: readonly VoBinding[]): string[] {
  return bindings.filter((each) => each.vo === vo).map(({ entitlement, group }) => entitlement ?? group ?? '');
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** REFEDS Assurance Framework: how well the issuer knows whom it names. */
function assuranceOf(claims: Claims): string {
  const said = claims['eduperson_assurance'];
  const levels = ['high', 'medium', 'low'];
  const found = levels.find(
    (level) => Array.isArray(said) && said.includes(`https://refeds.org/assurance/IAP/${level}`),
  );
  return found === undefined ? 'unknown' : `refeds:${found}`;
}

function noKeysYet({ issuer }: IssuerKeys): Problem {
  const message = 'the keys of the issuer of this token are not known at present';
  const remedy = 'try again in a few seconds; if it persists, tell the provider';
  const fault = { code: 'access.issuer-unavailable', message, remedy };
  return new Problem('unavailable', fault, { retryAfter: 5, cause: issuer });
}
