/** The way to the server: every request through the guarded dialler, with the account's credentials, bounded in size. */

import type { Clock } from '../../../base/clock.js';
import type { OcciSend } from '../../../client/occi-client.js';
import { GuardedDialler } from '../../../net/dialler.js';
import { Identity, readPem, type Shown } from './identity.js';
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
  const dialler = new GuardedDialler({
    allow: [`${url.hostname}:${port}`],
    clock,
    ...(ca.length > 0 ? { ca } : {}),
  });
  const identity = new Identity(options, clock);
  const sendAs = async (shown: Shown, request: Parameters<OcciSend>[0]): ReturnType<OcciSend> => {
    const { method, path, headers, body, signal } = request;
    signal?.throwIfAborted();
    const asked = new URL(url.origin + path).href;
    const answer = await dialler.fetch(asked, {
      method,
      headers: { ...shown.headers, ...headers },
      maxBytes: MAX_ANSWER,
      ...(shown.certificate ? { certificate: shown.certificate } : {}),
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of answer.body) pieces.push(piece);
    return {
      status: answer.status,
      headers: answer.headers,
      text: Buffer.concat(pieces).toString('utf8'),
      ...(answer.url === asked ? {} : { from: new URL(answer.url).pathname }),
    };
  };
  return {
    send: async (request) => {
      const { shown } = identity;
      const answer = await sendAs(shown, request);
      // Refused before anything was done.
      return answer.status === 401 && identity.renew(shown) ? sendAs(identity.shown, request) : answer;
    },
    close: () => dialler.close(),
  };
}
