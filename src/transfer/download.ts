/**
 * A file from the web through the guarded dialler, whatever becomes of the line: where it breaks, the rest is asked for by
 * range (RFC 9110 §14), as long as the server vouches that it is still the same file.
 */

import { excerpt, Problem, problem } from '../base/errors.js';
import type { DialResponse, GuardedDialler } from '../net/dialler.js';
import { accessTo, type SourceCredentials } from './source-credentials.js';

export interface DownloadOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Patience with the server in milliseconds, where the dialler's own is too long. */
  readonly timeoutMs?: number;
  /** What opens the server; the one that fits is shown to it and to no other. */
  readonly credentials?: SourceCredentials;
}

export interface Download {
  /** As the server announces it. */
  readonly sizeBytes?: number;
  /** To be read to its end or ended. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** How often a line may break without a byte in between. */
const MOST_BREAKS = 3;

/**
 * @throws Problem `unavailable` where trying again later may help, `invalid` where the server refuses for good; also while
 *   the bytes are read
 */
export async function download(dialler: GuardedDialler, url: string, options: DownloadOptions): Promise<Download> {
  const { maxBytes, signal, credentials } = options;
  const answer = await dialler.fetch(url, { maxBytes, signal, ...(await accessTo(url, credentials)) });
  const refused = refusalOf(answer);
  if (refused) {
    answer.discard();
    throw refused;
  }
  const length = answer.headers['content-length'];
  return {
    bytes: resumed(dialler, url, options, answer),
    ...(length !== undefined && { sizeBytes: Number(length) }),
  };
}

async function* resumed(
  dialler: GuardedDialler,
  url: string,
  options: DownloadOptions,
  first: DialResponse,
): AsyncGenerator<Uint8Array> {
  const validator = validatorOf(first);
  let answer = first;
  let at = 0;
  let breaks = 0;
  try {
    for (;;) {
      try {
        for await (const chunk of answer.body) {
          at += chunk.length;
          breaks = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        const again = error instanceof Problem && error.kind === 'unavailable' && at > 0 && ++breaks <= MOST_BREAKS;
        const rest =
          again && validator !== undefined ? await rangeFrom(dialler, url, options, at, validator) : undefined;
        if (rest === undefined) throw error;
        answer = rest;
      }
    }
  } finally {
    answer.discard();
  }
}

/** What tells one version of the file from another; a weak tag cannot (RFC 9110 §13.1.5). */
export function validatorOf({ headers }: DialResponse): string | undefined {
  const tag = headers['etag'];
  return tag !== undefined && !tag.startsWith('W/') ? tag : headers['last-modified'];
}

/**
 * The file from the byte `at` on; undefined where it is no longer the one with that validator, or the server sends it
 * whole.
 */
export async function rangeFrom(
  dialler: GuardedDialler,
  url: string,
  { maxBytes, signal, timeoutMs, credentials }: DownloadOptions,
  at: number,
  validator: string,
): Promise<DialResponse | undefined> {
  const access = await accessTo(url, credentials);
  const { headers } = access;
  const answer = await dialler.fetch(url, {
    ...access,
    maxBytes: Math.max(0, maxBytes - at),
    signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
    headers: { ...headers, range: `bytes=${at}-`, 'if-range': validator },
  });
  const same = validatorOf(answer) === validator || validatorOf(answer) === undefined;
  const continues = answer.headers['content-range']?.startsWith(`bytes ${at}-`) === true;
  if (answer.status === 206 && same && continues) return answer;
  answer.discard();
  return undefined;
}

/** What an answer other than 200 means for the file. */
function refusalOf({ status, headers }: DialResponse): Problem | undefined {
  if (status === 200) {
    const encoding = headers['content-encoding'];
    if (encoding === undefined || encoding === 'identity') return undefined;
    return problem('invalid', 'transfer.encoding', `the server encodes the file as ${excerpt(encoding)}`, {
      remedy: 'have the server send the file as it is',
    });
  }
  const value = `HTTP ${status}`;
  if (status >= 500 || status === 429 || status === 408) {
    const seconds = Number(headers['retry-after']);
    return new Problem(
      'unavailable',
      {
        code: 'transfer.server',
        message: 'the server of the image cannot deliver it now',
        value,
        remedy: 'try again later',
      },
      Number.isFinite(seconds) && seconds >= 0 ? { retryAfter: seconds } : {},
    );
  }
  if (status === 401 || status === 403) {
    return problem('invalid', 'transfer.denied', 'the server of the image refuses access', {
      value,
      remedy: 'give credentials for the image server, or correct them: inputs.credentials',
    });
  }
  return problem('invalid', 'transfer.not-found', 'the server does not have the file', {
    value,
    remedy: 'correct the URL of the image',
  });
}
