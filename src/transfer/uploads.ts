/**
 * Resumable uploads: a client announces a file, sends it in as many pieces as its line allows (`Content-Range`, RFC 9110
 * §14.4 as the tus and S3 worlds use it in requests), asks how much has arrived, and names it as `upload:<id>` afterwards.
 * An upload belongs to the principal who announced it; for everybody else it does not exist. Unfinished ones expire.
 *
 * Each upload is a folder of its own: `upload.json` says what was announced, `bytes` is what has arrived. Its length is
 * the only record of progress, so a crash loses nothing that was acknowledged.
 */

import { mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { excerpt, notFound, problem } from '../base/errors.js';
import { isUuid, newUuid } from '../base/ids.js';
import type { Blob, BlobStore } from './blob-store.js';
import { tooLarge, type Digest } from './verified.js';

export interface UploadsOptions {
  readonly directory: string;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Largest file, in bytes. */
  readonly maxBytes: number;
  /** How long an upload may lie without a change, in milliseconds. */
  readonly lifetimeMs: number;
}

/** What a client announces. */
export interface Announcement {
  readonly owner: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest?: Digest;
}

export interface Upload extends Announcement {
  readonly id: string;
  readonly receivedBytes: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Set once all bytes have arrived and agree with what was announced. */
  readonly blob?: Blob;
}

/** A piece of a file: its first byte and, if the client says so, its length and the file's. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total?: number;
}

type Stored = Announcement & { readonly id: string; readonly changedAt: number; readonly blob?: Blob };

/** Unfinished uploads a principal may have at a time. */
const OPEN_PER_OWNER = 16;

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #busy = new Set<string>();

  private constructor(options: UploadsOptions) {
    this.#options = options;
  }

  static async open(options: UploadsOptions): Promise<Uploads> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const uploads = new Uploads(options);
    await uploads.expire();
    return uploads;
  }

  /** @throws Problem `too-large`, `invalid` for a size that is none, `too-many-requests` past 16 unfinished uploads. */
  async create(announcement: Announcement): Promise<Upload> {
    const { owner, name, sizeBytes, digest } = announcement;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) {
      throw problem('invalid', 'upload.size', 'the size of the file is missing', {
        remedy: 'announce the size in bytes, at least 1',
      });
    }
    if (sizeBytes > this.#options.maxBytes) throw tooLarge(this.#options.maxBytes);
    const unfinished = (await this.#all()).filter((each) => each.owner === owner && !each.blob);
    if (unfinished.length >= OPEN_PER_OWNER) {
      throw problem('too-many-requests', 'upload.too-many', `${OPEN_PER_OWNER} uploads are unfinished already`, {
        remedy: 'finish or delete one of them first',
      });
    }
    const now = this.#options.clock.now();
    const stored: Stored = { id: newUuid(now), owner, name, sizeBytes, changedAt: now, ...(digest && { digest }) };
    await mkdir(this.#folder(stored.id), { mode: 0o700 });
    await writeFile(this.#bytes(stored.id), '', { mode: 0o600 });
    await this.#save(stored);
    return this.#view(stored);
  }

  /** @throws Problem `not-found`, also for somebody else's upload. */
  async status(id: string, owner: string): Promise<Upload> {
    return this.#view(await this.#load(id, owner));
  }

  /**
   * Appends a piece that begins where the last one ended. What has arrived when the line breaks is kept. The piece that
   * completes the file has it verified and moved to the blob store; a file that is not what was announced is discarded.
   *
   * @throws Problem `not-found`; `conflict` (`upload.offset`, with the offset that is expected, or `upload.busy`);
   *   `invalid` for a range that disagrees with the announcement or a digest that does.
   */
  async append(id: string, owner: string, range: ContentRange, bytes: AsyncIterable<Uint8Array>): Promise<Upload> {
    const stored = await this.#load(id, owner);
    if (stored.blob) return this.#view(stored);
    if (this.#busy.has(id)) {
      throw problem('conflict', 'upload.busy', 'another request is sending a piece of this file', {
        remedy: 'wait for it to end',
      });
    }
    this.#busy.add(id);
    try {
      const received = await this.#received(id);
      this.#checkRange(stored, range, received);
      await this.#write(stored, range, bytes);
      const next = { ...stored, changedAt: this.#options.clock.now() };
      await this.#save(next);
      return (await this.#received(id)) === stored.sizeBytes ? await this.#complete(next) : await this.#view(next);
    } finally {
      this.#busy.delete(id);
    }
  }

  /** The finished file of an `upload:<id>` reference. */
  async resolve(id: string, owner: string): Promise<Blob> {
    const { blob } = await this.#load(id, owner);
    if (!blob) {
      throw problem('conflict', 'upload.unfinished', 'the upload is not finished', {
        remedy: 'send the rest of the file first',
      });
    }
    return blob;
  }

  async remove(id: string, owner: string): Promise<void> {
    await this.#load(id, owner);
    await rm(this.#folder(id), { recursive: true, force: true });
  }

  /** Digests of the finished files that may still be named: the blob store must keep them. */
  async held(): Promise<ReadonlySet<string>> {
    return new Set((await this.#all()).flatMap((each) => (each.blob ? [each.blob.sha256] : [])));
  }

  /** Removes what has lain unchanged for too long. To be run now and then. */
  async expire(): Promise<void> {
    for (const id of await this.#ids()) {
      const stored = await this.#read(id);
      const changedAt = stored?.changedAt ?? (await stat(this.#folder(id)).catch(() => undefined))?.mtimeMs ?? 0;
      const expired = changedAt + this.#options.lifetimeMs <= this.#options.clock.now();
      if (expired && !this.#busy.has(id)) await rm(this.#folder(id), { recursive: true, force: true });
    }
  }

  #checkRange(stored: Stored, range: ContentRange, received: number): void {
    if (range.first !== received) {
      throw problem('conflict', 'upload.offset', `the next byte expected is ${received}`, {
        value: String(range.first),
        place: { field: 'Content-Range' },
        remedy: `send Content-Range: bytes ${received}-…/${stored.sizeBytes}`,
      });
    }
    if ((range.total !== undefined && range.total !== stored.sizeBytes) || range.last >= stored.sizeBytes) {
      throw problem('invalid', 'upload.range', `the file was announced with ${stored.sizeBytes} bytes`, {
        place: { field: 'Content-Range' },
        remedy: 'send a range within the announced size, or announce the file anew',
      });
    }
  }

  async #write(stored: Stored, range: ContentRange, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await open(this.#bytes(stored.id), 'r+');
    let at = range.first;
    try {
      for await (const chunk of bytes) {
        if (at + chunk.length > range.last + 1) throw pieceSize('more');
        for (let done = 0; done < chunk.length;)
          done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
        at += chunk.length;
      }
      if (at !== range.last + 1) throw pieceSize('fewer');
    } finally {
      await file.sync();
      await file.close();
    }
  }

  async #complete(stored: Stored): Promise<Upload> {
    const { sizeBytes, digest } = stored;
    const blob = await this.#options.blobs
      .adopt(this.#bytes(stored.id), { maxBytes: sizeBytes, sizeBytes, ...(digest && { digest }) })
      .catch(async (error: unknown) => {
        await rm(this.#folder(stored.id), { recursive: true, force: true });
        throw error;
      });
    const finished = { ...stored, blob };
    await this.#save(finished);
    return this.#view(finished);
  }

  async #view(stored: Stored): Promise<Upload> {
    const { changedAt, ...rest } = stored;
    const receivedBytes = stored.blob ? stored.sizeBytes : await this.#received(stored.id);
    return { ...rest, receivedBytes, expiresAt: changedAt + this.#options.lifetimeMs };
  }

  async #load(id: string, owner: string): Promise<Stored> {
    const stored = isUuid(id) ? await this.#read(id) : undefined;
    const alive = stored && stored.changedAt + this.#options.lifetimeMs > this.#options.clock.now();
    if (!alive || stored.owner !== owner) throw notFound('no such upload');
    return stored;
  }

  async #read(id: string): Promise<Stored | undefined> {
    const text = await readFile(join(this.#folder(id), 'upload.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Stored);
  }

  async #save(stored: Stored): Promise<void> {
    const path = join(this.#folder(stored.id), 'upload.json');
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(stored));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  async #received(id: string): Promise<number> {
    return (await stat(this.#bytes(id)).catch(() => undefined))?.size ?? 0;
  }

  async #all(): Promise<Stored[]> {
    const read = await Promise.all((await this.#ids()).map((id) => this.#read(id)));
    return read.filter((each) => each !== undefined);
  }

  async #ids(): Promise<string[]> {
    return (await readdir(this.#options.directory)).filter((name) => isUuid(name));
  }

  #folder(id: string): string {
    return join(this.#options.directory, id);
  }

  #bytes(id: string): string {
    return join(this.#folder(id), 'bytes');
  }
}

/**
 * Reads a `Content-Range` field: `bytes 0-999/1000` or `bytes 0-999/*`.
 *
 * @throws Problem `malformed` (`upload.content-range`)
 */
export function parseContentRange(field: string): ContentRange {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(field.trim());
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first > last) {
    throw problem('malformed', 'upload.content-range', 'Content-Range is not a range of bytes', {
      place: { field: 'Content-Range' },
      value: excerpt(field),
      remedy: 'write Content-Range: bytes <first>-<last>/<size>',
    });
  }
  return { first, last, ...(match[3] !== '*' && { total: Number(match[3]) }) };
}

function pieceSize(what: 'more' | 'fewer'): Error {
  return problem('invalid', 'upload.piece', `there are ${what} bytes than Content-Range announces`, {
    place: { field: 'Content-Range' },
    remedy: 'ask for the status and send the rest from there',
  });
}
