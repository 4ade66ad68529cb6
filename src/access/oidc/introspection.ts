/**
 * Token introspection (RFC 7662) as the resource server: the issuer is asked whether a token is good, where the token
 * itself cannot say so (opaque ones) or may have been revoked since. This happens within the request, the one thing
 * beside descriptors that does (`docs/decisions/`), so it is bounded: one question a token at a time, a few at once, a rate,
 * a short patience; answers are remembered for seconds (S-062).
 */

import { RateLimiterMemory } from 'rate-limiter-flexible';
import { Problem } from '../../base/errors.js';
import type { GuardedDialler } from '../../net/dialler.js';
import type { Claims } from './memberships.js';

export interface IntrospectionSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Also of JWTs whose signature is good. */
  readonly all: boolean;
  /** How long an answer is believed. */
  readonly cacheSeconds: number;
  /** URL of the endpoint; absent: the one that the issuer's metadata names. */
  readonly endpoint?: string;
}

const MAX_BYTES = 256 * 1024;
const PATIENCE_MS = 4000;
/** Questions under way at one issuer. */
const MOST_AT_ONCE = 16;
const QUESTIONS_PER_SECOND = 50;

export class Introspection {
  readonly settings: IntrospectionSettings;
  readonly #issuer: string;
  readonly #dialler: GuardedDialler;
  readonly #allow: readonly string[];
  readonly #endpoint: () => string | undefined;
  readonly #rate = new RateLimiterMemory({ points: QUESTIONS_PER_SECOND, duration: 1 });
  readonly #asking = new Map<string, Promise<Claims | undefined>>();

  /** @param discovered the endpoint that the issuer's metadata names, as far as it is known */
  constructor(
    issuer: string,
    settings: IntrospectionSettings,
    line: { readonly dialler: GuardedDialler; readonly allow: readonly string[] },
    discovered: () => string | undefined,
  ) {
    this.#issuer = issuer;
    this.settings = settings;
    this.#dialler = line.dialler;
    this.#allow = line.allow;
    this.#endpoint = () => settings.endpoint ?? discovered();
  }

  /**
   * What the issuer says of the token; undefined: that it is not active, which may mean anything (RFC 7662 §2.2).
   * @throws Problem `unavailable` when it cannot be asked
   */
  async ask(token: string): Promise<Claims | undefined> {
    const underWay = this.#asking.get(token);
    if (underWay) return underWay;
    if (this.#asking.size >= MOST_AT_ONCE) throw unavailable(this.#issuer, 'too many tokens are being asked about');
    const asking = this.#ask(token).finally(() => this.#asking.delete(token));
    this.#asking.set(token, asking);
    return asking;
  }

  async #ask(token: string): Promise<Claims | undefined> {
    const endpoint = this.#endpoint();
    if (endpoint === undefined) throw unavailable(this.#issuer, 'its introspection endpoint is not known yet');
    try {
      await this.#rate.consume('all');
    } catch {
      throw unavailable(this.#issuer, 'too many tokens have been asked about');
    }
    const claims = await this.#post(endpoint, token);
    if (claims['active'] !== true) return undefined;
    const { token_type: type } = claims;
    // Tokens that are bound to a key of their holder are worth nothing without a proof of it.
    if (type !== undefined && (typeof type !== 'string' || type.toLowerCase() !== 'bearer')) return undefined;
    return claims;
  }

  async #post(endpoint: string, token: string): Promise<Claims> {
    const { clientId, clientSecret } = this.settings;
    const credentials = [clientId, clientSecret].map(encodeURIComponent).join(':');
    const answer = await this.#dialler
      .fetch(endpoint, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          authorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
        maxBytes: MAX_BYTES,
        timeoutMs: PATIENCE_MS,
        allow: this.#allow,
        confidential: true,
      })
      .catch((error: unknown) => {
        throw unavailable(this.#issuer, error);
      });
    if (answer.status !== 200) {
      answer.discard();
      throw unavailable(this.#issuer, `introspection answered ${answer.status}`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    try {
      const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
    } catch {
      // Told below, without the answer: it may hold what nobody should read.
    }
    throw unavailable(this.#issuer, 'introspection answered no JSON object');
  }
}

function unavailable(issuer: string, why: unknown): Problem {
  const message = 'the issuer of this token cannot be asked about it at present';
  const remedy = 'try again in a few seconds; if it persists, tell the provider';
  const fault = { code: 'access.issuer-unavailable', message, remedy };
  const reason = why instanceof Problem ? (why.faults[0]?.code ?? 'unreachable') : String(why);
  return new Problem('unavailable', fault, { retryAfter: 5, cause: `${issuer}: ${reason}` });
}
