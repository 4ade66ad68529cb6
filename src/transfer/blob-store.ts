/**
 * Files kept by their content: images, packages and uploads, each under its SHA-256 in the data directory. A file is
 * there completely and durably or not at all: it is written beside, flushed and then renamed into place. What nobody
 * refers to any more is kept as a cache, least recently used first to go when room is needed.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { notFound, problem, type Problem } from '../base/errors.js';
import { Mutex } from '../base/mutex.js';
import { newFile } from './new-file.js';
import { verified, type Expectation } from './verified.js';

export interface Blob {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

interface UsedBlob extends Blob {
  /** When it was last used, in milliseconds since the epoch. */
  readonly usedAt: number;
}

export interface BlobWriter {
  /** Resolves when there is room for more. The chunk must not change any more. */
  write(chunk: Uint8Array): Promise<void>;
  /** The file is whole: durable from now on. */
  close(): Promise<Blob>;
  /** Nothing is left behind. */
  abort(): Promise<void>;
}

export interface BlobStoreOptions {
  /** Made if missing. Several processes may share it. */
  readonly directory: string;
  /** Room for all files together, in bytes. */
  readonly quotaBytes: number;
  readonly clock: Clock;
  /** The digests that must stay; asked only when room is needed. */
  readonly referenced: () => Promise<ReadonlySet<string>>;
  /** Bytes that are to come and have been promised room; none where absent. */
  readonly promised?: () => Promise<number>;
}

/** A file that is being written counts as abandoned when it has not grown for so long, in milliseconds. */
const ABANDONED_MS = 3_600_000;
/** A file that was used within this time stays, even if nothing refers to it yet. */
const GRACE_MS = 600_000;
/** Part of the quota that an eviction leaves free. */
const MARGIN = 0.05;
/** For how long a count holds, in milliseconds: other processes write and evict too. */
const COUNT_MS = 10_000;

export class BlobStore {
  readonly #options: BlobStoreOptions;
  /** Bytes that are not free, but for those that this process is writing; what has come since it was counted is added. */
  #taken = 0;
  #countedAt = Number.NEGATIVE_INFINITY;
  /** Bytes of the files that this process is writing, by their paths. */
  readonly #writing = new Map<string, number>();
  readonly #eviction = new Mutex();

  private constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  /** Opens the store in its directory and clears away what a dead process was writing. */
  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    const store = new BlobStore(options);
    await mkdir(store.#temporary(), { recursive: true, mode: 0o700 });
    await store.#writtenByOthers();
    return store;
  }

  /**
   * Takes in a file. On any failure nothing is left behind.
   *
   * @throws Problem as {@link verified}, and `unavailable` (`transfer.no-room`) when the quota is used up.
   */
  async put(bytes: AsyncIterable<Uint8Array>, expectation: Expectation): Promise<Blob> {
    const writer = await this.write(Math.min(expectation.sizeBytes ?? 0, expectation.maxBytes));
    try {
      for await (const chunk of verified(bytes, expectation)) await writer.write(chunk);
      return await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /**
   * Takes in a file as its bytes come. To be closed or aborted; what it throws while writing comes before an abort.
   *
   * @param sizeBytes how much room to make at once, as far as that is known
   * @throws Problem `unavailable` (`transfer.no-room`) when the quota is used up
   */
  async write(sizeBytes = 0): Promise<BlobWriter> {
    const path = join(this.#temporary(), randomUUID());
    this.#writing.set(path, 0);
    const { handle: file, chunks } = await newFile(path, sizeBytes).catch((error: unknown) => {
      this.#writing.delete(path);
      throw error;
    });
    const hash = createHash('sha256');
    let written = 0;
    let reserved = 0;
    const reserve = async (upTo: number): Promise<void> => {
      if (upTo <= reserved) return;
      reserved = upTo;
      this.#writing.set(path, upTo);
      if (!this.#fits() || this.#options.clock.now() - this.#countedAt > COUNT_MS) await this.makeRoom();
    };
    const writer: BlobWriter = {
      write: async (chunk) => {
        written += chunk.length;
        if (written > reserved) await reserve(written);
        const room = chunks.write(chunk);
        hash.update(chunk);
        await room;
      },
      close: async () => {
        await chunks.end();
        await file.sync();
        await file.close();
        return this.keep(path, { sha256: hash.digest('hex'), sizeBytes: written });
      },
      abort: async () => {
        await chunks.end().catch(() => undefined);
        await file.close().catch(() => undefined);
        await rm(path, { force: true });
        this.#writing.delete(path);
      },
    };
    try {
      await reserve(sizeBytes);
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return writer;
  }

  /** Takes in a file that lies on the same disk already, by renaming it. On failure it stays where it is. */
  async adopt(path: string, expectation: Expectation): Promise<Blob> {
    const blob = await this.measure(path, expectation);
    await this.makeRoom(blob.sizeBytes);
    await this.keep(path, blob);
    return blob;
  }

  /**
   * What a file is that lies on the same disk, made durable.
   *
   * @throws Problem as {@link verified}
   */
  async measure(path: string, expectation: Expectation): Promise<Blob> {
    const file = await open(path, 'r+');
    try {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      const bytes = file.createReadStream({ highWaterMark: 1 << 20, autoClose: false });
      for await (const chunk of verified(bytes, expectation)) {
        hash.update(chunk);
        sizeBytes += chunk.length;
      }
      await file.sync();
      return { sha256: hash.digest('hex'), sizeBytes };
    } finally {
      await file.close();
    }
  }

  /** Puts a file in its place that is known to be this one and that nobody writes to any more. The room must have been made. */
  async keep(path: string, blob: Blob): Promise<Blob> {
    const place = this.#path(blob.sha256);
    if (await this.#touch(place)) {
      await rm(path, { force: true });
      this.#writing.delete(path);
      return blob;
    }
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await this.#touch(path);
    this.#writing.delete(path);
    this.#taken += blob.sizeBytes;
    await rename(path, place);
    await syncFolder(dirname(place));
    return blob;
  }

  /** The file's size, or undefined if it is not here. Counts as a use. */
  async find(sha256: string): Promise<Blob | undefined> {
    const path = this.#path(sha256);
    const file = await stat(path).catch(() => undefined);
    return file && (await this.#touch(path)) ? { sha256, sizeBytes: file.size } : undefined;
  }

  /**
   * Opens the file, or `length` bytes from `offset` of it: it can be read to its end from now on, whatever is evicted
   * meanwhile. To be read or ended.
   *
   * @throws Problem `not-found`
   */
  async open(sha256: string, offset = 0, length = Number.POSITIVE_INFINITY): Promise<AsyncIterable<Uint8Array>> {
    const file = await this.handle(sha256);
    return file.createReadStream({ highWaterMark: 1 << 18, start: offset, end: offset + length - 1 });
  }

  /**
   * The file, opened for reading; it stays whole until it is closed. Counts as a use.
   *
   * @throws Problem `not-found`
   */
  async handle(sha256: string): Promise<FileHandle> {
    const path = this.#path(sha256);
    const file = await open(path, 'r').catch(() => undefined);
    if (!file) throw notFound('no such file');
    await this.#touch(path);
    return file;
  }

  /** At most `length` bytes from `offset`; fewer where the file ends. */
  async read(sha256: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(this.#path(sha256), 'r').catch(() => undefined);
    if (!file) throw notFound('no such file');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /**
   * Evicts until what is stored, promised and being written fits, and as many bytes more; with a margin, so that not every chunk
   * has to ask again. What will not do evicts nothing.
   *
   * @throws Problem `unavailable` (`transfer.no-room`)
   */
  makeRoom(more = 0): Promise<void> {
    return this.#eviction.run(async () => {
      const { clock, referenced } = this.#options;
      const files = await this.#count();
      if (this.#fits(more)) return;
      const kept = await referenced();
      const old = files.filter((file) => !kept.has(file.sha256) && clock.now() - file.usedAt > GRACE_MS);
      if (!this.#fits(more - sum(old))) throw noRoom();
      const { quotaBytes } = this.#options;
      for (const file of old.sort((a, b) => a.usedAt - b.usedAt)) {
        if (await this.#evict(file)) this.#taken -= file.sizeBytes;
        if (this.#fits(more + quotaBytes * MARGIN)) return;
      }
      if (!this.#fits(more)) throw noRoom();
    });
  }

  #fits(more = 0): boolean {
    const writing = [...this.#writing.values()].reduce((total, bytes) => total + bytes, 0);
    return this.#taken + writing + more <= this.#options.quotaBytes;
  }

  /** Counts anew what is taken. */
  async #count(): Promise<UsedBlob[]> {
    const { clock, promised } = this.#options;
    const before = this.#taken;
    const files = await this.#list();
    const taken = sum(files) + (await this.#writtenByOthers()) + ((await promised?.()) ?? 0);
    // What has been put in its place meanwhile was added.
    this.#taken += taken - before;
    this.#countedAt = clock.now();
    return files;
  }

  /** Bytes that other processes are writing; what a dead one left is cleared away. */
  async #writtenByOthers(): Promise<number> {
    let bytes = 0;
    for (const name of await readdir(this.#temporary())) {
      const path = join(this.#temporary(), name);
      const file = this.#writing.has(path) ? undefined : await stat(path).catch(() => undefined);
      if (!file) continue;
      if (this.#options.clock.now() - file.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
      else bytes += file.size;
    }
    return bytes;
  }

  /**
   * Whether it has gone; not where somebody used it meanwhile. To be certain of that it is taken away first: who comes too late to
   * touch it does not find it.
   */
  async #evict({ sha256, usedAt }: UsedBlob): Promise<boolean> {
    const place = this.#path(sha256);
    const aside = join(this.#temporary(), randomUUID());
    const lastUse = async (path: string): Promise<number | undefined> =>
      (await stat(path).catch(() => undefined))?.mtimeMs;
    const found = await lastUse(place);
    if (found !== usedAt) return found === undefined;
    await rename(place, aside).catch(() => undefined);
    if (((await lastUse(aside)) ?? usedAt) !== usedAt) {
      await rename(aside, place).catch(() => undefined);
      return false;
    }
    await rm(aside, { force: true });
    return true;
  }

  async #list(): Promise<UsedBlob[]> {
    const files = [];
    for (const entry of await readdir(this.#options.directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/^[0-9a-f]{64}$/.test(entry.name)) continue;
      const file = await stat(this.#path(entry.name)).catch(() => undefined);
      if (file) files.push({ sha256: entry.name, sizeBytes: file.size, usedAt: file.mtimeMs });
    }
    return files;
  }

  /**
   * Whether the file is there, and stays for a while. The time of last use is the file's modification time: it outlives the
   * process and is seen by its neighbours.
   */
  async #touch(path: string): Promise<boolean> {
    const seconds = this.#options.clock.now() / 1000;
    return utimes(path, seconds, seconds).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    );
  }

  #path(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw notFound('no such file');
    return join(this.#options.directory, 'sha256', sha256.slice(0, 2), sha256);
  }

  #temporary(): string {
    return join(this.#options.directory, 'tmp');
  }
}

function sum(files: readonly Blob[]): number {
  return files.reduce((total, file) => total + file.sizeBytes, 0);
}

function noRoom(): Problem {
  return problem('unavailable', 'transfer.no-room', 'there is no room for another image', {
    remedy: 'delete appliances that are not needed, or raise limits.imageCacheBytes',
  });
}

/** Makes a rename in the folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
