/**
 * Files kept by their content: images, packages and uploads, each under its SHA-256 in the data directory. A file is
 * there completely and durably or not at all: it is written beside, flushed and then renamed into place. What nobody
 * refers to any more is kept as a cache, least recently used first to go when room is needed.
 */

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, unlink, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { notFound, problem } from '../base/errors.js';
import { newFile } from './new-file.js';
import { verified, type Expectation } from './verified.js';

export interface Blob {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
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
}

/** A file that is being written counts as abandoned when it has not grown for so long, in milliseconds. */
const ABANDONED_MS = 3_600_000;
/** A file that was used within this time stays, even if nothing refers to it yet. */
const GRACE_MS = 600_000;
/** Part of the quota that an eviction leaves free. */
const MARGIN = 0.05;

export class BlobStore {
  readonly #options: BlobStoreOptions;
  /** Bytes of complete files, as far as this process knows; counted anew before anything is refused or evicted. */
  #stored = 0;
  /** Bytes of files this process is writing. */
  #writing = 0;

  private constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  /** Opens the store in its directory and clears away what a dead process was writing. */
  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    const store = new BlobStore(options);
    await mkdir(store.#temporary(), { recursive: true, mode: 0o700 });
    for (const name of await readdir(store.#temporary())) {
      const path = join(store.#temporary(), name);
      const file = await stat(path).catch(() => undefined);
      if (file && options.clock.now() - file.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
    store.#stored = sum(await store.#list());
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
    const { handle: file, chunks } = await newFile(path, sizeBytes);
    const hash = createHash('sha256');
    let written = 0;
    let reserved = 0;
    const reserve = async (upTo: number): Promise<void> => {
      if (upTo <= reserved) return;
      this.#writing += upTo - reserved;
      reserved = upTo;
      if (this.#stored + this.#writing > this.#options.quotaBytes) await this.#makeRoom();
    };
    const release = async (): Promise<void> => {
      this.#writing -= reserved;
      reserved = 0;
      await file.close();
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
        await release();
        return this.#keep(path, { sha256: hash.digest('hex'), sizeBytes: written });
      },
      abort: async () => {
        await chunks.end().catch(() => undefined);
        await release().catch(() => undefined);
        await rm(path, { force: true });
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
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of verified(createReadStream(path, { highWaterMark: 1 << 20 }), expectation)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    const file = await open(path, 'r+');
    await file.sync().finally(() => file.close());
    this.#writing += sizeBytes;
    try {
      if (this.#stored + this.#writing > this.#options.quotaBytes) await this.#makeRoom();
    } finally {
      this.#writing -= sizeBytes;
    }
    return this.#keep(path, { sha256: hash.digest('hex'), sizeBytes });
  }

  /** The file's size, or undefined if it is not here. Counts as a use. */
  async find(sha256: string): Promise<Blob | undefined> {
    const path = this.#path(sha256);
    const file = await stat(path).catch(() => undefined);
    if (!file) return undefined;
    await this.#touch(path);
    return { sha256, sizeBytes: file.size };
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

  async #keep(path: string, blob: Blob): Promise<Blob> {
    const place = this.#path(blob.sha256);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    const known = await stat(place).catch(() => undefined);
    if (known) await rm(path, { force: true });
    else {
      await rename(path, place);
      await syncFolder(dirname(place));
      this.#stored += blob.sizeBytes;
    }
    await this.#touch(place);
    return blob;
  }

  /** Evicts until what is stored and being written fits, with a margin so that not every chunk has to ask again. */
  async #makeRoom(): Promise<void> {
    const files = await this.#list();
    this.#stored = sum(files);
    const { quotaBytes, clock, referenced } = this.#options;
    if (this.#stored + this.#writing <= quotaBytes) return;
    const kept = await referenced();
    const old = files.filter((file) => !kept.has(file.sha256) && clock.now() - file.usedAt > GRACE_MS);
    for (const file of old.sort((a, b) => a.usedAt - b.usedAt)) {
      await unlink(this.#path(file.sha256)).catch(() => undefined);
      this.#stored -= file.sizeBytes;
      if (this.#stored + this.#writing <= quotaBytes * (1 - MARGIN)) return;
    }
    if (this.#stored + this.#writing <= quotaBytes) return;
    throw problem('unavailable', 'transfer.no-room', 'there is no room for another image', {
      remedy: 'delete appliances that are not needed, or raise limits.imageCacheBytes',
    });
  }

  async #list(): Promise<(Blob & { readonly usedAt: number })[]> {
    const files = [];
    for (const entry of await readdir(this.#options.directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/^[0-9a-f]{64}$/.test(entry.name)) continue;
      const file = await stat(this.#path(entry.name)).catch(() => undefined);
      if (file) files.push({ sha256: entry.name, sizeBytes: file.size, usedAt: file.mtimeMs });
    }
    return files;
  }

  /** The time of last use is the file's modification time: it outlives the process and is seen by its neighbours. */
  async #touch(path: string): Promise<void> {
    const seconds = this.#options.clock.now() / 1000;
    await utimes(path, seconds, seconds).catch(() => undefined);
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

/** Makes a rename in the folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
