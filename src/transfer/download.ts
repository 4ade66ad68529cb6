/**
 * A file from wherever it lies, whatever becomes of the line: where it breaks, the rest is asked for by range (RFC 9110 §14), as
 * long as the server vouches that it is still the same file.
 */

import { systemClock, type Clock } from '../base/clock.js';
import { excerpt, Problem, problem } from '../base/errors.js';
import type { DialResponse } from '../net/dialler.js';
import { accessTo, type SourceCredentials } from './source-credentials.js';
import type { Sources } from './sources.js';

export interface DownloadOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Patience with the server in milliseconds, where the dialler's own is too long. */
  readonly timeoutMs?: number;
  /** What opens the server; the one that fits is shown to it and to no other. */
  readonly credentials?: SourceCredentials;
  /** Keeps the pauses after which a broken line is taken up again; the system's where absent. */
  readonly clock?: Clock;
}

export interface Download {
  /** As the server announces it. */
  readonly sizeBytes?: number;
  /** To be read to its end or ended. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** One that the server has begun to answer. */
export interface BegunDownload extends Download {
  /** What tells this version of the file from others. */
  readonly validator?: string;
  /** The server wants nobody to have it who did not ask for it (RFC 9111 §5.2.2). */
  readonly unshared: boolean;
  /** Gives up bytes that nobody will read. */
  discard(): void;
}

/** Pauses in milliseconds after which the rest is asked for, as long as no byte comes: a server that restarts is back by then. */
const PAUSES_MS = [100, 400, 1000, 2000, 4000, 8000, 15_000, 30_000] as const;

/**
 * @throws Problem `unavailable` where trying again later may help, `invalid` where the server refuses for good; also while
 *   the bytes are read
 */
export async function download(sources: Sources, url: string, options: DownloadOptions): Promise<BegunDownload> {
  const { maxBytes, signal, credentials } = options;
  return begun(
    sources,
    url,
    options,
    await sources.fetch(url, { maxBytes, signal, ...(await accessTo(url, credentials)) }),
  );
}

/**
 * The file, unless it is still the version with that validator (RFC 9110 §13.1): undefined then. A server that knows no
 * conditions and sends it all the same is not listened to any further.
 *
 * @throws Problem as {@link download}
 */
export async function downloadUnless(
  validator: string,
  sources: Sources,
  url: string,
  options: DownloadOptions,
): Promise<BegunDownload | undefined> {
  const { maxBytes, signal, credentials } = options;
  const access = await accessTo(url, credentials);
  const isTag = validator.startsWith('"');
  const condition = { [isTag ? 'if-none-match' : 'if-modified-since']: validator };
  const answer = await sources.fetch(url, {
    ...access,
    maxBytes,
    signal,
    headers: { ...access.headers, ...condition },
  });
  const same = answer.status === 304 || (answer.status === 200 && isTag && validatorOf(answer) === validator);
  if (!same) return begun(sources, url, options, answer);
  answer.discard();
  return undefined;
}

function begun(sources: Sources, url: string, options: DownloadOptions, answer: DialResponse): BegunDownload {
  const refused = refusalOf(answer);
  if (refused) {
    answer.discard();
    throw refused;
  }
  const length = answer.headers['content-length'];
  const validator = validatorOf(answer);
  return {
    bytes: resumed(sources, url, options, answer),
    ...(length !== undefined && { sizeBytes: Number(length) }),
    ...(validator !== undefined && { validator }),
    unshared: /\bno-(store|cache)\b/i.test(answer.headers['cache-control'] ?? ''),
    discard: () => answer.discard(),
  };
}

async function* resumed(
  sources: Sources,
  url: string,
  options: DownloadOptions,
  first: DialResponse,
): AsyncGenerator<Uint8Array> {
  const validator = validatorOf(first);
  let answer = first;
  let at = 0;
  let pauses: readonly number[] = PAUSES_MS;
  try {
    for (;;) {
      try {
        for await (const chunk of answer.body) {
          at += chunk.length;
          pauses = PAUSES_MS;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!isPassing(error) || validator === undefined) throw error;
        answer.discard();
        const rest = await restAfter(pauses, options, () => rangeFrom(sources, url, options, at, validator));
        if (rest === undefined) throw error;
        ({ answer, pauses } = rest);
      }
    }
  } finally {
    answer.discard();
  }
}

/** The rest as soon as the server has it, and the pauses that are left; undefined where that does not come about. */
async function restAfter(
  pauses: readonly number[],
  { signal, clock = systemClock }: DownloadOptions,
  rest: () => Promise<DialResponse | undefined>,
): Promise<{ readonly answer: DialResponse; readonly pauses: readonly number[] } | undefined> {
  for (const [index, pause] of pauses.entries()) {
    await clock.sleep(pause, signal);
    signal.throwIfAborted();
    try {
      const answer = await rest();
      return answer && { answer, pauses: pauses.slice(index + 1) };
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }
  return undefined;
}

function isPassing(error: unknown): boolean {
  return error instanceof Problem && error.kind === 'unavailable';
}

/** What tells one version of the file from another; a weak tag cannot (RFC 9110 §13.1.5). */
export function validatorOf({ headers }: DialResponse): string | undefined {
  const tag = headers['etag'];
  return tag !== undefined && !tag.startsWith('W/') ? tag : headers['last-modified'];
}

/**
 * The file from the byte `at` on; undefined where it is no longer the one with that validator, or the server sends it
 * whole and that is not what is asked for.
 *
 * @throws Problem `unavailable` where the server cannot be reached, or cannot deliver it now
 */
export async function rangeFrom(
  sources: Sources,
  url: string,
  { maxBytes, signal, timeoutMs, credentials }: DownloadOptions,
  at: number,
  validator: string,
): Promise<DialResponse | undefined> {
  const access = await accessTo(url, credentials);
  const { headers } = access;
  const answer = await sources.fetch(url, {
    ...access,
    maxBytes: Math.max(0, maxBytes - at),
    signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
    headers: { ...headers, range: `bytes=${at}-`, 'if-range': validator },
  });
  const refused = isOverloaded(answer.status) ? refusalOf(answer) : undefined;
  if (refused) {
    answer.discard();
    throw refused;
  }
  const version = validatorOf(answer);
  const same = version === validator || version === undefined;
  const continues = answer.headers['content-range']?.startsWith(`bytes ${at}-`) === true;
  if (answer.status === 206 && same && continues) return answer;
  if (answer.status === 200 && version === validator && at === 0) return answer;
  answer.discard();
  return undefined;
}

/** Whether the same request may be answered otherwise later. */
function isOverloaded(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
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
  if (isOverloaded(status)) {
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
