/** How callers show who they are, as the configuration has it: accounts, tokens, certificates, the Keystone façade. */

import { VoMemberships } from '../../extensions/vo/index.js';
import { bearerSignIn, gridSignIn, openTrust, plainSignIn, type Trust } from '../access/configured-sign-in.js';
import { Authenticator, KeystoneTokens, type BearerSignIn, type CertificateSignIn } from '../access/index.js';
import type { Ground } from './ground.js';

export interface SignIn {
  readonly authenticator: Authenticator;
  /** Tokens of issuers, where the configuration names some. */
  readonly bearers: BearerSignIn | undefined;
  /** The trust directory, where certificates are judged by VEP itself. */
  readonly trust: Trust | undefined;
  readonly certificates: CertificateSignIn | undefined;
  readonly keystone: KeystoneTokens | undefined;
}

/** @throws Problem for files of the configuration that cannot be read */
export async function openSignIn({ config, clock, log, closers, store, access, secretKey }: Ground): Promise<SignIn> {
  const bearers = bearerSignIn(config, clock, (close) => closers.add(close));
  const trust = config.access.certificates && (await openTrust(config.access.certificates, clock, log));
  const certificates = trust ? gridSignIn(config, trust, clock) : plainSignIn(config);
  const keystone = config.access.keystone.enabled ? new KeystoneTokens(store, secretKey, clock) : undefined;
  const ways = { bearers, certificates, keystone };
  const authenticator = new Authenticator(store, access, clock, ways, new VoMemberships(store));
  return { authenticator, bearers, trust, certificates, keystone };
}
