/**
 * Who calls: every call of oned begins with a session, `user:secret`. With `server_cipher` VEP is a service that may act
 * for anybody: the session `service:target:group:token` makes `target` the caller and the owner of what is made, and the
 * group (its number) the only one that the caller is in: one user stands for a principal in all of its Virtual
 * Organizations (`UserPool::authenticate_server`, 5.8 to 7.4; without a group it is the user's own). The token is
 * AES-256-CBC over `service:target:expiry`, key and vector cut from the SHA-256 of the service's password; oned keeps
 * what it has once checked, so a token is used until shortly before its end. An x509 login token is `user:expiry`
 * encrypted with the private key, beside the certificates.
 */

import { createCipheriv, createHash, createPrivateKey, privateEncrypt, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../../base/clock.js';
import { messageOf, problem } from '../../../base/errors.js';
import { readSecret } from '../../site-options.js';
import type { CredentialOptions } from './options.js';

/** A user of OpenNebula in one of its groups: what it makes is the user's and the group's. */
export interface Caller {
  readonly user: string;
  readonly group: number;
}

export interface Sessions {
  /** The session of the account that the site is configured with. */
  own(): string;
  /** The session of somebody else; nothing where the account can act for itself only. */
  for(caller: Caller): string | undefined;
  /** Forgets tokens that oned no longer takes. */
  renew(): void;
}

/** Who is in this group may do everything: nobody becomes a member of it by having something there. */
const ADMINISTRATORS = 0;

/** @throws Problem `invalid` where the secret or the certificate cannot be read */
export function openSessions(options: CredentialOptions, clock: Clock): Sessions {
  switch (options.driver) {
    case 'password': {
      const session = `${options.user}:${readSecret('credentials.password', options.password)}`;
      return { own: () => session, for: () => undefined, renew: () => undefined };
    }
    case 'server_cipher': {
      const tokens = new Tokens(
        options.tokenLifetimeMs,
        clock,
        cipherToken(options.user, readSecret('credentials.password', options.password)),
      );
      const target = (user: string, ...group: readonly number[]): string =>
        [options.user, user, ...group, tokens.of(user)].join(':');
      return {
        own: () => target(options.administrator),
        for: ({ user, group }) => (group === ADMINISTRATORS ? target(user) : target(user, group)),
        renew: () => tokens.forget(),
      };
    }
    case 'x509': {
      const { user, certificate } = options;
      const tokens = new Tokens(
        options.tokenLifetimeMs,
        clock,
        x509Token(certificate, readSecret('credentials.key', options.key)),
      );
      return { own: () => `${user}:${tokens.of(user)}`, for: () => undefined, renew: () => tokens.forget() };
    }
  }
}

/** Makes the token of a user that is good until `expiry`, in seconds since the epoch. */
type Mint = (user: string, expiry: number) => string;

/** A token is replaced when a tenth of its life is left. */
class Tokens {
  readonly #lifetimeMs: number;
  readonly #clock: Clock;
  readonly #mint: Mint;
  readonly #known = new Map<string, { readonly token: string; readonly until: number }>();

  constructor(lifetimeMs: number, clock: Clock, mint: Mint) {
    this.#lifetimeMs = lifetimeMs;
    this.#clock = clock;
    this.#mint = mint;
  }

  of(user: string): string {
    const now = this.#clock.now();
    const known = this.#known.get(user);
    if (known && now < known.until - this.#lifetimeMs / 10) return known.token;
    const until = now + this.#lifetimeMs;
    const token = this.#mint(user, Math.floor(until / 1000));
    this.#known.set(user, { token, until });
    return token;
  }

  forget(): void {
    this.#known.clear();
  }
}

export function cipherToken(service: string, password: string): Mint {
  const digest = createHash('sha256').update(password).digest('hex');
  return (user, expiry) => {
    const cipher = createCipheriv('aes-256-cbc', digest.slice(0, 32), digest.slice(0, 16));
    return Buffer.concat([cipher.update(`${service}:${user}:${expiry}`, 'utf8'), cipher.final()]).toString('base64');
  };
}

function x509Token(file: string, keyText: string): Mint {
  const certificates = pemsOf(file);
  const key = rsaKey(keyText);
  return (user, expiry) => {
    const proof = privateEncrypt(key, Buffer.from(`${user}:${expiry}`)).toString('base64');
    return Buffer.from(`${proof}:${certificates.join(':')}`).toString('base64');
  };
}

function pemsOf(file: string): readonly string[] {
  const fault = (message: string): never => {
    throw problem('invalid', 'opennebula.certificate', `credentials.certificate ${message}`, {
      place: { path: 'credentials.certificate' },
      remedy: 'name a PEM file with the certificate and its chain',
    });
  };
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    fault(`cannot be read: ${messageOf(error)}`);
  }
  const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return pems ?? fault('holds no certificate');
}

function rsaKey(text: string): KeyObject {
  const refusal = (message: string): Error =>
    problem('invalid', 'opennebula.key', `credentials.key ${message}`, {
      place: { path: 'credentials.key' },
      remedy: 'refer to a PEM file with the RSA key of the certificate, without a passphrase',
    });
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw refusal('is no private key that can be read');
  }
  if (key.asymmetricKeyType !== 'rsa') throw refusal('is no RSA key; only those can make login tokens of OpenNebula');
  return key;
}
