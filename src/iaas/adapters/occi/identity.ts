/**
 * As whom VEP shows itself to a server: token, password and client certificate of the options. They end: whoever keeps their files
 * writes new ones, which count as soon as the old ones have ended or were refused.
 */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../../base/clock.js';
import { messageOf, problem } from '../../../base/errors.js';
import type { ClientCertificate } from '../../../net/dialler.js';
import { readSecret } from '../../site-options.js';
import type { OcciOptions } from './options.js';

/** What goes along with a request. */
export interface Shown {
  readonly headers: Readonly<Record<string, string>>;
  readonly certificate?: ClientCertificate;
}

export class Identity {
  readonly #options: OcciOptions;
  readonly #clock: Clock;
  #shown: Shown;
  /** When the certificate ends, in milliseconds since the epoch. */
  #endsAt: number;

  /** @throws Problem `invalid` for a secret or a file of the options that cannot be read */
  constructor(options: OcciOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#shown = shownBy(options);
    this.#endsAt = endOf(this.#shown);
  }

  /** What is shown now. */
  get shown(): Shown {
    if (this.#clock.now() >= this.#endsAt) this.renew(this.#shown);
    return this.#shown;
  }

  /** Reads everything anew after `refused` was; answers whether there is something else to show. */
  renew(refused: Shown): boolean {
    if (this.#shown !== refused) return true;
    let now: Shown;
    try {
      now = shownBy(this.#options);
    } catch {
      // Somebody is writing it.
      return false;
    }
    if (JSON.stringify(now) === JSON.stringify(refused)) return false;
    this.#shown = now;
    this.#endsAt = endOf(now);
    return true;
  }
}

function shownBy(options: OcciOptions): Shown {
  const { certificate } = options;
  return {
    headers: authorization(options),
    ...(certificate && {
      certificate: {
        cert: readPem('certificate.file', certificate.file),
        key: readSecret('certificate.key', certificate.key),
      },
    }),
  };
}

function authorization({ credentials }: OcciOptions): Record<string, string> {
  switch (credentials?.kind) {
    case 'bearer':
      return { authorization: `Bearer ${readSecret('credentials.token', credentials.token)}` };
    case 'keystone':
      return { 'x-auth-token': readSecret('credentials.token', credentials.token) };
    case 'basic': {
      const password = readSecret('credentials.password', credentials.password);
      return { authorization: `Basic ${Buffer.from(`${credentials.user}:${password}`).toString('base64')}` };
    }
    default:
      return {};
  }
}

/** Of the first certificate in the file: that of the proxy, where it is a chain. */
function endOf({ certificate }: Shown): number {
  try {
    return certificate ? Date.parse(new X509Certificate(certificate.cert).validTo) : Infinity;
  } catch {
    // What is no certificate is told by the first connection with it.
    return Infinity;
  }
}

/** @throws Problem `invalid` where there is no such file, or nobody may read it */
export function readPem(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem('invalid', 'config.file-unreadable', `${key} names a file that cannot be read: ${messageOf(error)}`, {
      place: { path: key },
      remedy: 'name a PEM file that the server may read',
    });
  }
}
