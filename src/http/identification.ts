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
import { Problem } from '../base/errors.js';

/** Seconds over which the rate is averaged: short bursts pass. */
const WINDOW = 10;

export class Identification {
  readonly #authenticator: Authenticator;
  readonly #certificates: CertificateSignIn | undefined;
  readonly #limiter: RateLimiterMemory;

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
    return principal;
  }

  async #identify(message: IncomingMessage, generation: number | undefined): Promise<Principal | null> {
    const token = message.headers['x-auth-token'];
    const certificate = this.#certificates ? await this.#certificates.identify(message) : undefined;
    const credentials = {
      authorization: message.headers.authorization,
      xAuthToken: Array.isArray(token) ? token[0] : token,
      clientCertificate: certificate,
      remoteAddress: message.socket.remoteAddress ?? '',
    };
    const principal = await this.#authenticator.identify(credentials, generation);
    if (principal) await this.#limit(principal);
    return principal;
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
