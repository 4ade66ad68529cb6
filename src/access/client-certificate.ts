/**
 * Client certificates, the simple form: where the administrator names certificate authorities, the TLS layer verifies the
 * chain and `passport-client-cert` hands over the certificate. Plain end-entity certificates only; proxies, VOMS and a
 * trust directory are judged by `x509/`.
 *
 * The principal is the pair of subject and issuer in the string form of RFC 4514, never a name that two authorities
 * could both give away.
 */

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import passport from 'passport';
import { Strategy } from 'passport-client-cert';
import { messageOf, Problem, type Fault } from '../base/errors.js';
import { unauthenticated } from './credentials.js';
import { Evidence } from './evidence.js';
import type { Principal } from './principal.js';

/** A certificate that the TLS layer has verified. */
export interface CertificateIdentity {
  /** Id of its holder. */
  readonly id: string;
  /** Its holder as long as no account says otherwise: a user in a group of their own. */
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Its holder acting for this VO; undefined where the certificate says nothing of it. */
  readonly inVo?: (vo: string) => Principal | undefined;
}

export interface CertificateSignIn {
  /** Authorities in PEM, for the TLS server to name to clients. A connection with whatever certificate is let in. */
  readonly authorities: readonly string[];
  /** Called when {@link authorities} have changed. */
  onChange(listener: () => void): void;
  /**
   * The verified certificate of the request; undefined when there is none.
   * @throws Problem `unauthenticated` for a chain that was judged and is not good
   */
  identify(request: IncomingMessage): Promise<CertificateIdentity | undefined>;
  /**
   * The verdict of now on a chain that was let in before; its key has been shown then.
   * @throws Problem `unauthenticated`
   */
  judge(chain: readonly Uint8Array[]): CertificateIdentity;
}

/** Distinguished names beyond this are no one's: they would not fit the store's indexes. */
const MAX_NAME = 1000;

/**
 * Sets sign-in by certificate up for the authorities in `caFiles` (PEM).
 * @throws Problem `invalid` with a fault for every file that cannot be read or holds no certificate.
 */
export function certificateStrategy(caFiles: readonly string[]): CertificateSignIn {
  const strategy = new Strategy((certificate, done) =>
    done(null, identityOf(new X509Certificate(certificate.raw as Buffer))),
  );
  const authenticator = new passport.Passport();
  return {
    authorities: readAuthorities(caFiles),
    onChange: () => undefined,
    identify: (request) =>
      new Promise((resolve, reject) => {
        const answer = (error: unknown, user?: unknown): void => {
          if (error) reject(error instanceof Error ? error : new Error(messageOf(error)));
          else resolve(user ? (user as CertificateIdentity) : undefined);
        };
        const middleware = authenticator.authenticate(strategy, { session: false }, answer) as (
          request: IncomingMessage,
          response: object,
          next: (error?: unknown) => void,
        ) => void;
        middleware(request, {}, (error) => answer(error));
      }),
    judge: ([leaf = new Uint8Array()]) => {
      const identity = identityOf(new X509Certificate(leaf));
      if (!identity) throw unauthenticated('certificate');
      return identity;
    },
  };
}

/** What a certificate says of its holder; nothing when it has no subject, or one beyond all measure. */
export function identityOf(certificate: X509Certificate): CertificateIdentity | undefined {
  const subject = distinguishedName(certificate.subject);
  const issuer = distinguishedName(certificate.issuer);
  if (subject === '' || subject.length + issuer.length > MAX_NAME) return undefined;
  const id = `x509:${subject} issued by ${issuer}`;
  const [notBefore, notAfter] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const principal: Principal = {
    id,
    name: subject,
    tier: 'federation',
    roles: new Set(['user']),
    groups: [`x509-${createHash('sha256').update(id).digest('hex').slice(0, 32)}`],
    credential: {
      method: 'certificate',
      issuer,
      assurance: 'unknown',
      limited: false,
      vos: [],
      evidence: new Evidence({ by: 'chain', chain: [certificate.raw] }, notAfter),
    },
  };
  return { id, principal, notBefore, notAfter };
}

/** RFC 4514 §2.1: last RDN first, joined by commas. Node gives one escaped RDN to a line, in the order of the DER. */
function distinguishedName(lines: string | undefined): string {
  return (lines ?? '').split('\n').reverse().join(',');
}

function readAuthorities(files: readonly string[]): string[] {
  const faults: Fault[] = [];
  const authorities = files.map((file) => {
    try {
      const text = readFileSync(file, 'utf8');
      for (const pem of text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? ['']) {
        new X509Certificate(pem);
      }
      return text;
    } catch (error) {
      faults.push({
        code: 'tls.client-ca',
        message: `the certificate authority ${file} cannot be read: ${messageOf(error)}`,
        place: { path: 'server.tls.clientCa' },
        remedy: 'name a readable file with certificates in PEM',
      });
      return '';
    }
  });
  if (faults.length > 0) throw new Problem('invalid', faults);
  return authorities;
}
