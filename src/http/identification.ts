/**
 * Who sends a request: credentials gathered from its headers and its connection, verified by `access`, and held to the
 * rate that one principal may ask at.
 */

import type { IncomingMessage } from 'node:http';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Authenticator } from '../access/authenticate.js';
import type { CertificateSignIn } from '../access/client-certificate.js';
import { unauthenticated } from '../access/credentials.js';
import type { Principal } from '../access/principal.js';
import { Problem, problem } from '../base/errors.js';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Seconds over which the rate is averaged: short bursts pass. */
const WINDOW = 10;

export class Identification {
  readonly #authenticator: Authenticator;
  readonly #certificates: CertificateSignIn | undefined;
  readonly #limiter: RateLimiterMemory;
  readonly #known = new WeakMap<IncomingMessage, Principal>();

  constructor(authenticator: Authenticator, certificates: CertificateSignIn | undefined, requestsPerSecond: number) {
    this.#authenticator = authenticator;
    this.#certificates = certificates;
    this.#limiter = new RateLimiterMemory({ points: requestsPerSecond * WINDOW, duration: WINDOW });
  }

  /**
   * @param generation where access stands, if that is known
   * @throws Problem `unauthenticated` when there is no valid credential; `too-many-requests`
   */
  async require(message: IncomingMessage, generation?: number): Promise<Principal> {
    const principal = await this.#identify(message, generation);
    if (!principal) throw unauthenticated('none');
    if (!SAFE.has(message.method ?? '')) refuseWrites(principal, isVoNamed(message, principal));
    return principal;
  }

  /**
   * Who asks for a token, or for the projects to choose from: whatever the method, and before any project is chosen.
   * @throws Problem `unauthenticated`; `too-many-requests`
   */
  async forToken(message: IncomingMessage): Promise<Principal> {
    const principal = await this.#identify(message, undefined, true);
    if (!principal) throw unauthenticated('none');
    return principal;
  }

  /** Name and password of a token request's body, held to the same limits as those of a header field. */
  async byPassword(message: IncomingMessage, name: string, password: string): Promise<Principal> {
    const basic = Buffer.from(`${name}:${password}`, 'utf8').toString('base64');
    const remoteAddress = message.socket.remoteAddress ?? '';
    const principal = await this.#authenticator.identify({ authorization: `Basic ${basic}`, remoteAddress });
    if (!principal) throw unauthenticated('password');
    return this.#counted(message, principal);
  }

  /** Whom a token stands for that came in a body. */
  async byToken(message: IncomingMessage, token: string): Promise<Principal> {
    const remoteAddress = message.socket.remoteAddress ?? '';
    const principal = await this.#authenticator.identify({ xAuthToken: token, remoteAddress, unscoped: true });
    if (!principal) throw unauthenticated('token-form');
    return this.#counted(message, principal);
  }

  /**
   * Who sends a request that has been let in before, as of now: it does not count against the rate.
   * @throws Problem `unauthenticated` when its credential is no longer good
   */
  async again(message: IncomingMessage, generation: number): Promise<Principal> {
    const principal = await this.#prove(message, generation);
    if (!principal) throw unauthenticated('none');
    return principal;
  }

  /** Who has been found to send this request; for the audit trail. */
  known(message: IncomingMessage): Principal | undefined {
    return this.#known.get(message);
  }

  async #identify(
    message: IncomingMessage,
    generation: number | undefined,
    unscoped = false,
  ): Promise<Principal | null> {
    const principal = await this.#prove(message, generation, unscoped);
    return principal && this.#counted(message, principal);
  }

  async #counted(message: IncomingMessage, principal: Principal): Promise<Principal> {
    this.#known.set(message, principal);
    await this.#limit(principal);
    return principal;
  }

  async #prove(message: IncomingMessage, generation: number | undefined, unscoped = false): Promise<Principal | null> {
    // Node keeps the first of two and says nothing: whose the request is must not depend on who counts (S-044).
    if (isRepeated(message.rawHeaders, 'authorization')) throw unauthenticated('conflicting-credentials');
    const token = message.headers['x-auth-token'];
    const certificate = this.#certificates ? await this.#certificates.identify(message) : undefined;
    const credentials = {
      authorization: message.headers.authorization,
      xAuthToken: Array.isArray(token) ? token[0] : token,
      clientCertificate: certificate,
      vo: message.headers['x-vep-vo'] as string | undefined,
      unscoped,
      remoteAddress: message.socket.remoteAddress ?? '',
    };
    return this.#authenticator.identify(credentials, generation);
  }

  async #limit(principal: Principal): Promise<void> {
    try {
      await this.#limiter.consume(principal.id);
    } catch (refusal) {
      const seconds = Math.max(1, Math.ceil(((refusal as RateLimiterRes).msBeforeNext ?? 1000) / 1000));
      const remedy = `wait ${seconds} s and try again`;
      const fault = { code: 'http.rate', message: 'too many requests at once', remedy };
      throw new Problem('too-many-requests', fault, { retryAfter: seconds });
    }
  }
}

function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let found = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] ?? '';
    if (field.length !== name.length || field.toLowerCase() !== name) continue;
    if (found) return true;
    found = true;
  }
  return false;
}

/** By `X-VEP-VO`, or by a token of its project. */
function isVoNamed({ headers }: IncomingMessage, { confinedTo }: Principal): boolean {
  return headers['x-vep-vo'] !== undefined || confinedTo !== undefined;
}

/**
 * What a credential of a federation cannot do at all, whatever it is asked of (S-028, S-033, S-036).
 * @throws Problem `forbidden`
 */
function refuseWrites({ credential, roles, groupRoles }: Principal, named: boolean): void {
  if (!credential) return;
  if (credential.limited)
    throw problem('forbidden', 'access.limited-proxy', 'a limited proxy may read and nothing else', {
      remedy: 'make a proxy with full rights',
    });
  // Whom local administration has let into a VO needs nobody else to vouch for them there.
  const hasPlace = roles.size > 0 || [...(groupRoles?.values() ?? [])].some(({ size }) => size > 0);
  if (!hasPlace)
    throw problem('forbidden', 'access.no-vo', 'no Virtual Organization that this server knows vouches for you', {
      remedy: 'make a proxy with the attributes of your VO (voms-proxy-init -voms <vo>)',
    });
  if (credential.vos.length > 1 && !named)
    throw problem('forbidden', 'access.vo-unnamed', 'your credential speaks for several VOs: say for which you act', {
      place: { field: 'X-VEP-VO' },
      remedy: `send X-VEP-VO: ${credential.vos.map(({ vo }) => vo).join(' or ')}`,
    });
}
