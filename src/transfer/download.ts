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
  const sizeBytes = sizeOf(answer);
  const validator = validatorOf(answer);
  return {
    bytes: resumed(sources, url, options, wholeOf(answer)),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(validator !== undefined && { validator }),
    unshared: /\bno-(store|cache)\b/i.test(answer.headers['cache-control'] ?? ''),
    discard: () => answer.discard(),
  };
}

/** What an answer brings of the file. */
export interface Stretch {
  readonly answer: DialResponse;
  /** The byte after its last one. */
  readonly until: number;
  /** Of the whole file, as far as the server tells. */
  readonly sizeBytes: number | undefined;
}

async function* resumed(
  sources: Sources,
  url: string,
  options: DownloadOptions,
  first: Stretch,
): AsyncGenerator<Uint8Array> {
  const validator = validatorOf(first.answer);
  let stretch = first;
  let at = 0;
  let pauses: readonly number[] = PAUSES_MS;
  try {
    for (;;) {
      const { answer, sizeBytes } = stretch;
      try {
        for await (const chunk of asAnnounced(stretch, at)) {
          at += chunk.length;
          pauses = PAUSES_MS;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (at === sizeBytes) return;
        if (validator === undefined) throw error;
        answer.discard();
        const rest = await restAfter(pauses, options, () =>
          rangeFrom(sources, url, options, at, { validator, sizeBytes }),
        );
        if (rest === undefined) throw error;
        ({ stretch, pauses } = rest);
      }
    }
  } finally {
    stretch.answer.discard();
  }
}

/**
 * The bytes of a stretch that begins at `at`.
 *
 * @throws Problem `invalid` where it is longer than the server said, `unavailable` where the file is
 */
async function* asAnnounced({ answer, until, sizeBytes }: Stretch, at: number): AsyncGenerator<Uint8Array> {
  let next = at;
  for await (const chunk of answer.body) {
    next += chunk.length;
    if (next > until) throw overlong();
    yield chunk;
  }
  if (next < (sizeBytes ?? 0)) throw brokeOff();
}

/** The rest as soon as the server has it, and the pauses that are left; undefined where that does not come about. */
async function restAfter(
  pauses: readonly number[],
  { signal, clock = systemClock }: DownloadOptions,
  rest: () => Promise<Stretch | undefined>,
): Promise<{ readonly stretch: Stretch; readonly pauses: readonly number[] } | undefined> {
  for (const [index, pause] of pauses.entries()) {
    await clock.sleep(pause, signal);
    signal.throwIfAborted();
    try {
      const stretch = await rest();
      return stretch && { stretch, pauses: pauses.slice(index + 1) };
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

/** How many bytes an answer announces, as far as it does. */
export function sizeOf({ headers }: DialResponse): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/**
 * The file from the byte `at` on, or the beginning of that; undefined where the server does not say that it is of the file with
 * that validator and size, unencoded and in one part.
 *
 * @throws Problem `unavailable` where the server cannot be reached, or cannot deliver it now
 */
export async function rangeFrom(
  sources: Sources,
  url: string,
  { maxBytes, signal, timeoutMs, credentials }: DownloadOptions,
  at: number,
  { validator, sizeBytes }: { readonly validator: string; readonly sizeBytes: number | undefined },
): Promise<Stretch | undefined> {
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
  const stretch = stretchOf(answer);
  const follows = stretch?.from === at && stretch.until <= (stretch.sizeBytes ?? Number.POSITIVE_INFINITY);
  const same = validatorOf(answer) === validator && (sizeBytes ?? stretch?.sizeBytes) === stretch?.sizeBytes;
  if (follows && same) return stretch;
  answer.discard();
  return undefined;
}

function wholeOf(answer: DialResponse): Stretch {
  const sizeBytes = sizeOf(answer);
  return { answer, until: sizeBytes ?? Number.POSITIVE_INFINITY, sizeBytes };
}

/** Where in the file an answer lies, by its own account (RFC 9110 §14.4, §15.3.7). */
function stretchOf(answer: DialResponse): (Stretch & { readonly from: number }) | undefined {
  const { status, headers } = answer;
  if (encodingOf(answer) !== undefined || /^multipart\/byteranges\b/i.test(headers['content-type'] ?? ''))
    return undefined;
  if (status === 200) return { ...wholeOf(answer), from: 0 };
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '');
  if (status !== 206 || !range) return undefined;
  return { answer, from: Number(range[1]), until: Number(range[2]) + 1, sizeBytes: Number(range[3]) };
}

/** How the bytes are encoded, if they are. */
function encodingOf({ headers }: DialResponse): string | undefined {
  const encoding = headers['content-encoding'];
  return encoding === 'identity' ? undefined : encoding;
}

function overlong(): Problem {
  return problem('invalid', 'transfer.overlong', 'the server sends more of the file than it announced', {
    remedy: 'have the server correct what it announces, or offer the file elsewhere',
  });
}

function brokeOff(): Problem {
  return problem('unavailable', 'transfer.broke-off', 'the server sends less of the file than it announced', {
    remedy: 'try again later',
  });
}

/** Whether the same request may be answered otherwise later. */
function isOverloaded(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

/** What an answer other than 200 means for the file. */
function refusalOf(answer: DialResponse): Problem | undefined {
  const { status, headers } = answer;
  if (status === 200) {
    const encoding = encodingOf(answer);
    if (encoding === undefined) return undefined;
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
