/** The ways of signing in that a configuration asks for, made from its words: certificates, the trust behind them, and tokens. */

import { readFileSync } from 'node:fs';
import type { Clock } from '../base/clock.js';
import type { CertificatesConfig, Config, IssuerConfig } from '../base/config.js';
import { messageOf, problem } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { GuardedDialler } from '../net/dialler.js';
import { certificateStrategy, type CertificateSignIn } from './client-certificate.js';
import { BearerSignIn } from './oidc/bearer-sign-in.js';
import type { IntrospectionSettings } from './oidc/introspection.js';
import { crlPolicyFor, GridSignIn } from './x509/grid-sign-in.js';
import type { Name } from './x509/name.js';
import { TrustDirectory } from './x509/trust-directory.js';
import { trustReport, type TrustReport } from './x509/trust-report.js';
import type { CrlPolicy, ValidationOptions } from './x509/validation.js';

/** Sign-in with certificates that TLS itself verifies: no proxies, no VOs. */
export function plainSignIn({ server }: Config): CertificateSignIn | undefined {
  return server.tls && server.tls.clientCa.length > 0 ? certificateStrategy(server.tls.clientCa) : undefined;
}

export interface Trust {
  readonly directory: TrustDirectory;
  readonly everyMs: number;
  readonly refresh: () => Promise<void>;
  readonly report: () => TrustReport;
}

/** The trust directory; what cannot be used of it is logged once, and again after every change. */
export async function openTrust(config: CertificatesConfig, clock: Clock, log: Log): Promise<Trust> {
  const directory = await TrustDirectory.open(config, clock);
  const logged = (): void => {
    const { authorities, warnings } = directory.anchors.content;
    for (const { file, message } of warnings) log.warn({ file, reason: message }, 'not usable as trust');
    log.info({ authorities: authorities.length, warnings: warnings.length }, 'the trust directory is read');
  };
  logged();
  directory.onReload(logged);
  return {
    directory,
    everyMs: config.reloadMs,
    refresh: async () => void (await directory.refresh()),
    report: () => trustReport(directory.anchors, clock.now(), (issuer) => crlPolicyFor(config, issuer)),
  };
}

/** How signatures on image lists are judged: like people who sign in with certificates. */
export function validationBy({ access }: Config, trust: Trust | undefined, clock: Clock): ValidationOptions {
  const { certificates } = access;
  if (!trust || !certificates)
    throw problem('internal', 'image-list.no-trust', 'there is nobody to believe the signature of a list');
  const crl = (issuer: Name): CrlPolicy => crlPolicyFor(certificates, issuer);
  return { trust: trust.directory.anchors, now: clock.now(), crl, hosts: [] };
}

export function gridSignIn(
  { access, server }: Config,
  { directory }: Trust,
  clock: Clock,
): CertificateSignIn | undefined {
  const { certificates } = access;
  if (!certificates) return undefined;
  const hosts = [server.host, ...server.allowedHosts].map((host) => host.toLowerCase().replace(/:\d+$/, ''));
  return new GridSignIn(directory, { ...certificates, trustedPeers: server.trustedPeers, hosts }, clock);
}

/** Sign-in with tokens of the configured issuers, each reached by its own authorities. */
export function bearerSignIn(
  { access }: Config,
  clock: Clock,
  onClose: (close: () => Promise<void>) => void,
): BearerSignIn | undefined {
  if (access.issuers.length === 0) return undefined;
  const settings = access.issuers.map((issuer) => {
    const dialler = new GuardedDialler({
      clock,
      ...(issuer.ca === undefined ? {} : { ca: [readAuthority(issuer.ca)] }),
    });
    onClose(() => dialler.close());
    const { introspection, ...rest } = issuer;
    return { ...rest, dialler, ...(introspection ? { introspection: introspectionOf(introspection) } : {}) };
  });
  return new BearerSignIn(settings, clock);
}

/** @throws Problem for a file with the secret that cannot be read */
function introspectionOf(config: NonNullable<IssuerConfig['introspection']>): IntrospectionSettings {
  const { clientId, clientSecretFile, tokens, cacheSeconds, endpoint } = config;
  const more = endpoint === undefined ? {} : { endpoint };
  try {
    const clientSecret = readFileSync(clientSecretFile, 'utf8').trim();
    return { clientId, clientSecret, all: tokens === 'all', cacheSeconds, ...more };
  } catch (error) {
    throw problem('invalid', 'config.issuer-secret', `the client's secret cannot be read: ${messageOf(error)}`, {
      place: { path: 'access.issuers' },
      remedy: 'name a readable file under introspection.clientSecretFile',
    });
  }
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem('invalid', 'config.issuer-ca', `the authorities ${file} cannot be read: ${messageOf(error)}`, {
      place: { path: 'access.issuers' },
      remedy: 'name a readable PEM file',
    });
  }
}
