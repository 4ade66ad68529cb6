/**
 * The keys of a trusted issuer (OpenID Connect Discovery 1.0 §4, RFC 7517), fetched by upkeep and never within a request
 * (K06). They are asked for again every hour, and when a token names a key that is not known, at most once a minute: a
 * client cannot make this server send more than that. Keys that could not be renewed are good for two days.
 */

import { importJWK, type CryptoKey, type JWK } from 'jose';
import type { Clock } from '../../base/clock.js';
import { messageOf, problem } from '../../base/errors.js';
import type { GuardedDialler } from '../../net/dialler.js';

const RENEW_MS = 3_600_000;
const RETRY_MS = 60_000;
const EXPIRE_MS = 2 * 24 * 3_600_000;
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

export interface IssuerKey {
  readonly key: CryptoKey | Uint8Array;
  /** Algorithm that the key is restricted to, if any. */
  readonly algorithm: string | undefined;
}

export class IssuerKeys {
  readonly issuer: string;
  readonly #dialler: GuardedDialler;
  readonly #allow: readonly string[];
  readonly #clock: Clock;
  #keys: ReadonlyMap<string, IssuerKey> = new Map();
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #wanted = false;
  #introspectionEndpoint: string | undefined;

  constructor(issuer: string, dialler: GuardedDialler, allow: readonly string[], clock: Clock) {
    this.issuer = issuer;
    this.#dialler = dialler;
    this.#allow = allow;
    this.#clock = clock;
  }

  /** Whether there are keys that may be used. */
  get known(): boolean {
    return this.#clock.now() - this.#fetchedAt < EXPIRE_MS;
  }

  /** Where the issuer's metadata says that tokens can be asked about. */
  get introspectionEndpoint(): string | undefined {
    return this.#introspectionEndpoint;
  }

  /** The key of this id; one that is not known makes the next {@link refresh} ask for it. */
  find(id: string): IssuerKey | undefined {
    const key = this.known ? this.#keys.get(id) : undefined;
    if (!key) this.#wanted = true;
    return key;
  }

  /** Asks the issuer for its keys, if it is time. @throws Problem when it cannot be reached or answers nonsense */
  async refresh(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const due = this.#wanted || now - this.#fetchedAt >= RENEW_MS;
    if (!due || now - this.#triedAt < RETRY_MS) return;
    this.#triedAt = now;
    this.#wanted = false;
    const metadata = await this.#json(`${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
    if (metadata['issuer'] !== this.issuer) throw unusable(this.issuer, 'its metadata names another issuer');
    const { jwks_uri: jwksUri } = metadata;
    if (typeof jwksUri !== 'string' || !jwksUri.startsWith('https://'))
      throw unusable(this.issuer, 'its metadata names no keys');
    const { introspection_endpoint: endpoint } = metadata;
    if (typeof endpoint === 'string' && endpoint.startsWith('https://')) this.#introspectionEndpoint = endpoint;
    const { keys } = await this.#json(jwksUri, signal);
    if (!Array.isArray(keys)) throw unusable(this.issuer, 'its keys are no list');
    this.#keys = await keysBy(keys.slice(0, MAX_KEYS) as JWK[]);
    this.#fetchedAt = now;
  }

  async #json(url: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const headers = { accept: 'application/json' };
    const answer = await this.#dialler.fetch(url, { headers, maxBytes: MAX_BYTES, signal, allow: this.#allow });
    // Who answers in the issuer's place elsewhere is not the issuer (S-066).
    if (answer.status !== 200 || answer.url !== url) {
      answer.discard();
      throw unusable(this.issuer, `${url} answered ${answer.status}${answer.url === url ? '' : ' from elsewhere'}`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    try {
      const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch (error) {
      throw unusable(this.issuer, messageOf(error));
    }
    throw unusable(this.issuer, 'it answered no object');
  }
}

/** Keys for signatures by their id. Two of one id cannot be told apart: neither counts (S-054). */
async function keysBy(list: readonly JWK[]): Promise<ReadonlyMap<string, IssuerKey>> {
  const keys = new Map<string, IssuerKey>();
  const twice = new Set<string>();
  for (const jwk of list) {
    const { kid, kty, use, alg } = jwk;
    if (typeof kid !== 'string' || (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP')) continue;
    if (use !== undefined && use !== 'sig') continue;
    if (keys.has(kid)) twice.add(kid);
    try {
      const key = await importJWK(jwk, alg ?? defaultAlgorithm(jwk));
      keys.set(kid, { key, algorithm: alg });
    } catch {
      // A key of a kind that is not known here is none of ours.
    }
  }
  for (const kid of twice) keys.delete(kid);
  return keys;
}

function defaultAlgorithm({ kty }: JWK): string {
  return kty === 'RSA' ? 'RS256' : kty === 'EC' ? 'ES256' : 'EdDSA';
}

function unusable(issuer: string, why: string): Error {
  return problem('unavailable', 'access.issuer', `the keys of ${issuer} cannot be had: ${why}`, {
    place: { path: 'access.issuers' },
    remedy: 'see that the issuer is reached under exactly this URL',
  });
}
