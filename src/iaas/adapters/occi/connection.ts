/** The way to the server: every request through the guarded dialler, with the account's credentials, bounded in size. */

import { readFileSync } from 'node:fs';
import type { Clock } from '../../../base/clock.js';
import { messageOf, problem } from '../../../base/errors.js';
import type { OcciSend } from '../../../client/occi-client.js';
import { GuardedDialler } from '../../../net/dialler.js';
import { readSecret } from '../../site-options.js';
import type { OcciOptions } from './options.js';

/** A list of 10,000 entities takes some 10 MB. */
const MAX_ANSWER = 128 * 2 ** 20;

export interface Connection {
  readonly send: OcciSend;
  close(): Promise<void>;
}

/** @throws Problem `invalid` for a secret or a file of the options that cannot be read */
export function connectionOf(options: OcciOptions, clock: Clock): Connection {
  const url = new URL(options.endpoint);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const ca = options.certificateAuthorities.map((file) => readPem('certificateAuthorities', file));
  const certificate = options.certificate && {
    cert: readPem('certificate.file', options.certificate.file),
    key: readSecret('certificate.key', options.certificate.key),
  };
  const dialler = new GuardedDialler({
    allow: [`${url.hostname}:${port}`],
    clock,
    ...(ca.length > 0 ? { ca } : {}),
  });
  const account = authorization(options);
  return {
    send: async ({ method, path, headers, body, signal }) => {
      signal?.throwIfAborted();
      const answer = await dialler.fetch(url.origin + path, {
        method,
        headers: { ...account, ...headers },
        maxBytes: MAX_ANSWER,
        ...(certificate ? { certificate } : {}),
        ...(body === undefined ? {} : { body }),
        ...(signal ? { signal } : {}),
      });
      const pieces: Uint8Array[] = [];
      for await (const piece of answer.body) pieces.push(piece);
      return { status: answer.status, headers: answer.headers, text: Buffer.concat(pieces).toString('utf8') };
    },
    close: () => dialler.close(),
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

function readPem(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw problem('invalid', 'config.file-unreadable', `${key} names a file that cannot be read: ${messageOf(error)}`, {
      place: { path: key },
      remedy: 'name a PEM file that the server may read',
    });
  }
}
