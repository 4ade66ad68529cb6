/**
 * Signing in with a certificate of a federation: the chain that came with the TLS handshake, or in the header fields of a
 * configured proxy, judged against the trust directory. TLS lets every certificate in, because Node refuses proxies; the
 * judgement is here alone, and whatever is not accepted by it is refused (`spec/federation-auth.md` §3).
 */

import { createHash, type X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.js';
import { isWithin } from '../addresses.js';
import type { CertificateIdentity, CertificateSignIn } from '../client-certificate.js';
import { unauthenticated } from '../credentials.js';
import { neverBack } from '../never-back.js';
import { Recent } from '../recent.js';
import { validateChain, type ChainVerdict } from './chain.js';
import { headerChain, type HeaderScheme } from './header-certificates.js';
import { identityOfChain, type IdentityPolicy } from './identity.js';
import { normalSlash, type Name } from './name.js';
import { Refusal } from './refusal.js';
import type { TrustAnchors } from './trust-anchors.js';
import type { TrustDirectory } from './trust-directory.js';
import { MAX_PATH, type CrlPolicy } from './validation.js';

export interface GridPolicy extends IdentityPolicy {
  readonly crl: CrlPolicy;
  /** Authorities, by slash name, that need not have a revocation list. */
  readonly crlOptional: readonly string[];
  /** How certificates come from proxies; absent: they do not. */
  readonly header?: HeaderScheme;
  readonly trustedPeers: readonly string[];
  /** Names of this host. */
  readonly hosts: readonly string[];
}

/** How long a verdict is remembered; a reload of the trust directory forgets all at once. */
const ACCEPTED_MS = 60_000;
const REFUSED_MS = 10_000;
const MAX_REMEMBERED = 5000;

interface Remembered {
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly outcome: CertificateIdentity | Refusal;
}

export class GridSignIn implements CertificateSignIn {
  readonly #trust: TrustDirectory;
  readonly #policy: GridPolicy;
  readonly #now: () => number;
  readonly #remembered = new Recent<Remembered>(MAX_REMEMBERED);
  readonly #chains = new WeakMap<TLSSocket, readonly Uint8Array[]>();

  constructor(trust: TrustDirectory, policy: GridPolicy, clock: Clock) {
    this.#trust = trust;
    this.#policy = policy;
    this.#now = neverBack(clock);
  }

  get authorities(): readonly string[] {
    return this.#trust.anchors.content.authorities.map(
      ({ certificate }) =>
        `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate.raw).toString('base64')}\n-----END CERTIFICATE-----\n`,
    );
  }

  onChange(listener: () => void): void {
    this.#trust.onReload(listener);
  }

  identify(request: IncomingMessage): Promise<CertificateIdentity | undefined> {
    // Everything below is synchronous; a refusal still has to arrive as a rejection.
    return new Promise((resolve) => resolve(this.#identify(request)));
  }

  judge(chain: readonly Uint8Array[]): CertificateIdentity {
    return orUnauthenticated(() => this.#judged(chain));
  }

  #identify(request: IncomingMessage): CertificateIdentity | undefined {
    return orUnauthenticated(() => {
      const chain = this.#chainOf(request);
      return chain && this.#judged(chain);
    });
  }

  /** Behind a proxy that passes certificates on, the proxy's own certificate is nobody's. */
  #chainOf(request: IncomingMessage): readonly Uint8Array[] | undefined {
    const { header, trustedPeers } = this.#policy;
    if (header !== undefined && isWithin(request.socket.remoteAddress ?? '', trustedPeers))
      return headerChain(request.headers, header);
    const { socket } = request;
    if (!(socket instanceof TLSSocket)) return undefined;
    let chain = this.#chains.get(socket);
    if (!chain) this.#chains.set(socket, (chain = sentChain(socket)));
    return chain.length > 0 ? chain : undefined;
  }

  /** @throws Refusal */
  #judged(chain: readonly Uint8Array[]): CertificateIdentity {
    const key = fingerprintOf(chain);
    const now = this.#now();
    let remembered = this.#remembered.get(key);
    if (remembered?.generation !== this.#trust.generation || now >= remembered.until) {
      remembered = this.#judge(chain, now);
      this.#remembered.set(key, remembered);
    }
    if (remembered.outcome instanceof Refusal) throw remembered.outcome;
    return remembered.outcome;
  }

  #judge(chain: readonly Uint8Array[], now: number): Remembered {
    const { generation, anchors } = this.#trust;
    const verdict = judgeChain(chain, anchors, this.#policy, now);
    const refused = (outcome: Refusal): Remembered => ({ generation, until: now + REFUSED_MS, outcome });
    if (verdict.verdict === 'refused') return refused(verdict.refusal);
    try {
      const outcome = identityOfChain(verdict, anchors, this.#policy);
      return { generation, until: Math.min(now + ACCEPTED_MS, outcome.notAfter), outcome };
    } catch (error) {
      if (error instanceof Refusal) return refused(error);
      throw error;
    }
  }
}

/** Turns a refusal into the one answer that a client gets. */
function orUnauthenticated<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    if (error instanceof Refusal) throw unauthenticated(error.reason, error.subject);
    throw error;
  }
}

/** The verdict on a chain under this policy: for the server, and for `vep access check`. */
export function judgeChain(
  chain: readonly Uint8Array[],
  trust: TrustAnchors,
  policy: Pick<GridPolicy, 'crl' | 'crlOptional' | 'hosts'>,
  now: number,
): ChainVerdict {
  const crl = (issuer: Name): CrlPolicy => crlPolicyFor(policy, issuer);
  return validateChain(chain, { trust, now, crl, hosts: policy.hosts });
}

/** Whether an authority needs a revocation list. */
export function crlPolicyFor({ crl, crlOptional }: Pick<GridPolicy, 'crl' | 'crlOptional'>, issuer: Name): CrlPolicy {
  const name = normalSlash(issuer.slash);
  return crlOptional.some((each) => normalSlash(each) === name) ? 'optional' : crl;
}

/** The certificates as the client sent them; one more than may be, so that too many are noticed. */
function sentChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (certificate && chain.length <= MAX_PATH) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function fingerprintOf(chain: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const each of chain) hash.update(`${each.length}:`).update(each);
  return hash.digest('base64');
}
