/**
 * Where the bytes behind a URL come from: the web through the guarded dialler, or a folder that the operator opened
 * (`images.fileRoots`), such as a mounted file system. A file answers as a web server would (RFC 9110: status, validator,
 * ranges), so that whoever reads need not know which it was. A redirect never leads to a file: the dialler follows those.
 */

import { constants } from 'node:fs';
import { access, open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { excerpt, Problem, problem } from '../base/errors.js';
import { shownUrl } from '../base/shown-url.js';
import type { DialRequest, DialResponse, GuardedDialler } from '../net/dialler.js';

/** Whatever answers requests for the bytes behind a URL. */
export type Sources = Pick<GuardedDialler, 'fetch' | 'check'>;

/** Whether the URL names a file on this machine, or on what is mounted there. */
export function isFileUrl(url: string): boolean {
  return /^file:/i.test(url);
}

export class FilesAndWeb implements Sources {
  readonly #dialler: Sources;
  readonly #roots: readonly string[];

  /** @param roots folders that `file:` URLs may name */
  constructor(dialler: Sources, roots: readonly string[]) {
    this.#dialler = dialler;
    this.#roots = roots;
  }

  /** @throws Problem as {@link GuardedDialler.check}; what a `file:` URL names is seen when it is opened */
  check(url: string): void {
    if (!isFileUrl(url)) this.#dialler.check(url);
  }

  /** @throws Problem what the dialler throws; `invalid` (`transfer.file`) for a file that is not in one of the folders */
  async fetch(url: string, request: DialRequest): Promise<DialResponse> {
    if (!isFileUrl(url)) return this.#dialler.fetch(url, request);
    request.signal?.throwIfAborted();
    const { file, sizeBytes, version } = await openInside(url, this.#roots);
    const etag = `"${version}"`;
    const { range, 'if-range': ifRange, 'if-none-match': known } = request.headers ?? {};
    const asked = ifRange === etag ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0) : 0;
    const from = asked < sizeBytes ? asked : 0;
    const left = sizeBytes - from;
    const part = from > 0 && { 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` };
    const headers = { etag, 'accept-ranges': 'bytes', 'content-length': String(left), ...part };
    if (known === etag) {
      await file.close();
      return { status: 304, headers, url, body: NOTHING, discard: () => undefined };
    }
    if (left > request.maxBytes) {
      await file.close();
      throw problem('too-large', 'transfer.file-too-large', `the file has more than ${request.maxBytes} bytes`, {
        remedy: 'name a smaller one',
      });
    }
    const stream = file.createReadStream({ start: from, end: Math.max(from, sizeBytes - 1), highWaterMark: 1 << 18 });
    stream.on('error', () => undefined);
    const body = whole(stream, left, request.signal);
    return { status: from > 0 ? 206 : 200, headers, url, body, discard: () => stream.destroy() };
  }
}

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/** @throws Problem `unavailable` where there are fewer bytes than there were when it was opened */
async function* whole(
  stream: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  try {
    for await (const chunk of stream) {
      signal?.throwIfAborted();
      left -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw brokeOff(error);
  }
  if (left > 0) throw brokeOff(undefined);
}

function brokeOff(cause: unknown): Problem {
  const message = 'the file could not be read to its end';
  return new Problem('unavailable', { code: 'transfer.file-broke-off', message, remedy: 'try again' }, { cause });
}

interface OpenFile {
  readonly file: FileHandle;
  readonly sizeBytes: number;
  /** Another one for every change of the file. */
  readonly version: string;
}

/** Those of the roots of which no file can be had, as where nothing is mounted yet. */
export async function unusableRoots(roots: readonly string[]): Promise<readonly { root: string; why: string }[]> {
  const faults = await Promise.all(roots.map(faultOf));
  return roots.flatMap((root, index) => (faults[index] === undefined ? [] : [{ root, why: faults[index] }]));
}

async function faultOf(root: string): Promise<string | undefined> {
  try {
    if (!(await stat(root)).isDirectory()) return 'is no folder';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be looked at';
  }
  return access(root, constants.X_OK).then(
    () => undefined,
    () => 'lets VEP open nothing in it',
  );
}

function resolved(roots: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
}

/** Opens a regular file inside one of the roots, after all symbolic links have been followed. */
async function openInside(url: string, roots: readonly string[]): Promise<OpenFile> {
  try {
    const path = await realpath(fileURLToPath(url));
    const real = await resolved(roots);
    const check = (place: string): void => {
      const inside = real.some(
        (root) => root !== undefined && place.startsWith(root.endsWith(sep) ? root : root + sep),
      );
      if (!inside) throw new Error('outside');
    };
    check(path);
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      // A folder of the path may have become a link since: what counts is where the open file lies.
      check(await readlink(`/proc/self/fd/${file.fd}`));
      const found = await file.stat({ bigint: true });
      const { dev, ino, size, mtimeNs } = found;
      if (found.isFile()) return { file, sizeBytes: Number(size), version: [dev, ino, size, mtimeNs].join('-') };
      throw new Error('no file');
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch {
    // Which of the reasons it was would tell what lies on this machine.
  }
  throw problem('invalid', 'transfer.file', 'the file is not in a folder that images may come from', {
    value: excerpt(shownUrl(url)),
    remedy: 'upload the file, or ask the operator to open its folder under images.fileRoots',
  });
}
