/**
 * Resumable uploads: a client announces a file, sends it in as many pieces as its line allows (`Content-Range`, RFC 9110
 * §14.4 as the tus and S3 worlds use it in requests), asks how much has arrived, and names it as `upload:<id>` afterwards.
 * An upload belongs to the principal who announced it; for everybody else it does not exist. Unfinished ones expire.
 *
 * Each upload is a folder of its own, which several processes may work on. `upload.json` says what was announced, and its time
 * when anything changed. `bytes` is what has arrived; its length is the only record of progress, so a crash loses nothing
 * that was acknowledged. Complete, it becomes `whole` and is verified; that is noted, and the file moves to the blob store.
 * A request that may write to `bytes` has a file `writer-<id>` for as long: another process never takes for verified what
 * such a request could still change.
 */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { excerpt, notFound, Problem, problem } from '../base/errors.js';
import { isUuid, newUuid } from '../base/ids.js';
import { Mutex } from '../base/mutex.js';
import type { Blob, BlobStore } from './blob-store.js';
import { tooLarge, type Digest } from './verified.js';

export interface UploadsOptions {
  readonly directory: string;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Largest file, in bytes. */
  readonly maxBytes: number;
  /** Most bytes that the uploads of one principal take, finished or not. */
  readonly ownerBytes: number;
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

type Stored = Announcement & { readonly id: string; readonly blob?: Blob };
type Found = Stored & { readonly changedAt: number };

/** Unfinished uploads a principal may have at a time. */
const OPEN_PER_OWNER = 16;
/** How often an upload that is arriving is marked as alive, in milliseconds. */
const ALIVE_MS = 60_000;
const WRITER = 'writer-';

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #busy = new Set<string>();
  readonly #announcing = new Mutex();

  private constructor(options: UploadsOptions) {
    this.#options = options;
  }

  static async open(options: UploadsOptions): Promise<Uploads> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const uploads = new Uploads(options);
    await uploads.expire();
    return uploads;
  }

  /**
   * Takes note of a file that is to come, and has room kept for it.
   *
   * @throws Problem `invalid` for a size that is none; `too-large`; `too-many-requests` past 16 unfinished uploads
   *   (`upload.too-many`) or the bytes of one principal (`upload.too-much`); `unavailable` (`transfer.no-room`)
   */
  async create({ owner, name, sizeBytes, digest }: Announcement): Promise<Upload> {
    const { blobs, clock, maxBytes, ownerBytes } = this.#options;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) {
      throw problem('invalid', 'upload.size', 'the size of the file is missing', {
        remedy: 'announce the size in bytes, at least 1',
      });
    }
    const most = Math.min(maxBytes, ownerBytes);
    if (sizeBytes > most) throw tooLarge(most);
    return this.#announcing.run(async () => {
      await this.#checkShare(owner, { uploads: 1, bytes: sizeBytes });
      await blobs.makeRoom(sizeBytes);
      const stored = { id: newUuid(clock.now()), owner, name, sizeBytes, ...(digest && { digest }) };
      await mkdir(this.#folder(stored.id), { mode: 0o700 });
      await writeFile(this.#bytes(stored.id), '', { mode: 0o600 });
      await this.#save(stored);
      try {
        // Other processes do the same: whoever comes second sees the first one here.
        await this.#checkShare(owner, { uploads: 0, bytes: 0 });
        await blobs.makeRoom();
      } catch (error) {
        await this.#discard(stored.id);
        throw error;
      }
      return this.#look(stored.id, owner);
    });
  }

  /**
   * How far an upload is. Of one whose last piece came before a crash the verification is made up for.
   *
   * @throws Problem `not-found`, also for somebody else's upload; as {@link append} for a file that is not what was announced
   */
  async status(id: string, owner: string): Promise<Upload> {
    const upload = await this.#look(id, owner);
    const arrived = upload.blob === undefined && upload.receivedBytes === upload.sizeBytes;
    return arrived && !this.#busy.has(id) ? this.#alone(id, () => this.#complete(upload)) : upload;
  }

  /**
   * Appends a piece that begins where the last one ended. What has arrived when the line breaks is kept. The piece that
   * completes the file has it verified and moved to the blob store; a file that is not what was announced is discarded.
   *
   * @throws Problem `not-found`; `conflict` (`upload.offset`, with the offset that is expected, or `upload.busy`);
   *   `invalid` for a range that disagrees with the announcement or a digest that does.
   */
  async append(id: string, owner: string, range: ContentRange, bytes: AsyncIterable<Uint8Array>): Promise<Upload> {
    const upload = await this.status(id, owner);
    if (upload.blob) return upload;
    if (this.#busy.has(id)) {
      throw busy();
    }
    return this.#alone(id, async () => {
      this.#checkRange(upload, range);
      await this.#write(id, range, bytes);
      const next = await this.#look(id, owner);
      return next.receivedBytes === next.sizeBytes && !next.blob ? this.#complete(next) : next;
    });
  }

  /** The finished file of an `upload:<id>` reference. */
  async resolve(id: string, owner: string): Promise<Blob> {
    const { blob } = await this.status(id, owner);
    if (!blob) {
      throw problem('conflict', 'upload.unfinished', 'the upload is not finished', {
        remedy: 'send the rest of the file first',
      });
    }
    return blob;
  }

  async remove(id: string, owner: string): Promise<void> {
    await this.#look(id, owner);
    await this.#discard(id);
  }

  /** Bytes of unfinished files: the blob store must keep room for them. */
  async promised(): Promise<number> {
    return (await this.#all()).reduce((sum, each) => sum + (each.blob ? 0 : each.sizeBytes), 0);
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
      if (!this.#isAlive(changedAt) && !this.#busy.has(id)) await this.#discard(id);
    }
  }

  /** @param more what is asked for besides what is here */
  async #checkShare(owner: string, more: { readonly uploads: number; readonly bytes: number }): Promise<void> {
    const own = (await this.#all()).filter((each) => each.owner === owner);
    const unfinished = own.filter((each) => !each.blob);
    if (unfinished.length + more.uploads > OPEN_PER_OWNER) {
      throw problem('too-many-requests', 'upload.too-many', `${OPEN_PER_OWNER} uploads are unfinished already`, {
        remedy: 'finish or delete one of them first',
      });
    }
    const finished = new Map(own.flatMap(({ blob }) => (blob ? [[blob.sha256, blob]] : [])));
    const bytes = [...unfinished, ...finished.values()].reduce((sum, each) => sum + each.sizeBytes, more.bytes);
    const { ownerBytes } = this.#options;
    if (bytes > ownerBytes) {
      throw problem('too-many-requests', 'upload.too-much', `your uploads would have more than ${ownerBytes} bytes`, {
        remedy: 'delete uploads that are no longer needed, or wait until they expire',
      });
    }
  }

  #checkRange({ receivedBytes: received, ...stored }: Upload, range: ContentRange): void {
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

  async #write(id: string, range: ContentRange, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { clock } = this.#options;
    const writer = join(this.#folder(id), WRITER + randomUUID());
    await writeFile(writer, '', { mode: 0o600 }).catch(ignoreMissing);
    const file = await open(this.#bytes(id), 'r+').catch(async (error: NodeJS.ErrnoException) => {
      await rm(writer, { force: true });
      // Another process has completed it meanwhile, or has been told to delete it.
      throw error.code === 'ENOENT' ? busy() : error;
    });
    let at = range.first;
    let markedAt = clock.now();
    try {
      for await (const chunk of bytes) {
        if (at + chunk.length > range.last + 1) throw pieceSize('more');
        for (let done = 0; done < chunk.length;)
          done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
        at += chunk.length;
        if (clock.now() - markedAt < ALIVE_MS) continue;
        markedAt = clock.now();
        await this.#mark(id);
      }
      if (at !== range.last + 1) throw pieceSize('fewer');
    } finally {
      await file.sync();
      await file.close();
      await rm(writer, { force: true });
      await this.#mark(id);
    }
  }

  /** Can be begun anew wherever it was cut off, and by two processes at once. */
  async #complete({ id, owner, name, sizeBytes, digest }: Upload): Promise<Upload> {
    const { blobs } = this.#options;
    const whole = this.#whole(id);
    await rename(this.#bytes(id), whole).catch(ignoreMissing);
    const seen = await this.#look(id, owner);
    if (seen.blob) return seen;
    const expectation = { maxBytes: sizeBytes, sizeBytes, ...(digest && { digest }) };
    const changeable = (await readdir(this.#folder(id))).some((each) => each.startsWith(WRITER));
    const measured = changeable ? blobs.put(contentOf(whole), expectation) : blobs.measure(whole, expectation);
    const blob = await measured.catch(async (error: unknown) => {
      const wrong = error instanceof Problem && error.kind === 'invalid';
      if (wrong) await this.#discard(id);
      throw error;
    });
    await this.#save({ id, owner, name, sizeBytes, ...(digest && { digest }), blob });
    if (changeable) await rm(whole, { force: true });
    else await blobs.keep(whole, blob);
    return this.#look(id, owner);
  }

  async #alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.#busy.add(id);
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }

  async #look(id: string, owner: string): Promise<Upload> {
    if (!isUuid(id)) throw notFound('no such upload');
    // In this order: what another process finishes in between shows as finished.
    const bytes = await sizeOf(this.#bytes(id));
    const whole = await sizeOf(this.#whole(id));
    const found = await this.#read(id);
    if (found?.owner !== owner || !this.#isAlive(found.changedAt)) throw notFound('no such upload');
    const { changedAt, blob, ...announced } = found;
    const expiresAt = changedAt + this.#options.lifetimeMs;
    if (blob && whole === undefined) return { ...announced, receivedBytes: found.sizeBytes, expiresAt, blob };
    return { ...announced, receivedBytes: whole ?? bytes ?? 0, expiresAt };
  }

  #isAlive(changedAt: number): boolean {
    return changedAt + this.#options.lifetimeMs > this.#options.clock.now();
  }

  async #read(id: string): Promise<Found | undefined> {
    const path = this.#note(id);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    const note = await stat(path).catch(() => undefined);
    return text === undefined || !note
      ? undefined
      : { ...(JSON.parse(text) as Stored), changedAt: Math.round(note.mtimeMs) };
  }

  async #save(stored: Stored): Promise<void> {
    const path = join(this.#folder(stored.id), randomUUID());
    const seconds = this.#options.clock.now() / 1000;
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(stored));
      await file.utimes(seconds, seconds);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(path, this.#note(stored.id));
  }

  /** Something has changed just now. */
  async #mark(id: string): Promise<void> {
    const seconds = this.#options.clock.now() / 1000;
    await utimes(this.#note(id), seconds, seconds).catch(ignoreMissing);
  }

  async #discard(id: string): Promise<void> {
    await rm(this.#folder(id), { recursive: true, force: true });
  }

  /** Those that have not expired. */
  async #all(): Promise<Found[]> {
    const read = await Promise.all((await this.#ids()).map((id) => this.#read(id)));
    return read.filter((each) => each !== undefined).filter(({ changedAt }) => this.#isAlive(changedAt));
  }

  async #ids(): Promise<string[]> {
    return (await readdir(this.#options.directory)).filter((name) => isUuid(name));
  }

  #folder(id: string): string {
    return join(this.#options.directory, id);
  }

  #note(id: string): string {
    return join(this.#folder(id), 'upload.json');
  }

  #bytes(id: string): string {
    return join(this.#folder(id), 'bytes');
  }

  #whole(id: string): string {
    return join(this.#folder(id), 'whole');
  }
}

async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) yield chunk as Uint8Array;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
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

function busy(): Problem {
  return problem('conflict', 'upload.busy', 'another request is sending a piece of this file', {
    remedy: 'wait for it to end',
  });
}

function pieceSize(what: 'more' | 'fewer'): Error {
  return problem('invalid', 'upload.piece', `there are ${what} bytes than Content-Range announces`, {
    place: { field: 'Content-Range' },
    remedy: 'ask for the status and send the rest from there',
  });
}
