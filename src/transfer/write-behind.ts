/**
 * Writes a stream of chunks to a file while the next ones are still being made: what has gathered goes out in one call. A
 * line delivers in pieces of 64 KiB and less, and a round through the thread pool for each would cost more than all the
 * hashing.
 */

import type { FileHandle } from 'node:fs/promises';
import type { ChunkWriter } from './chunk-writer.js';

/** Bytes that go out in one call, and that may wait to. */
const ENOUGH = 1024 * 1024;
const MOST_WAITING = 4 * ENOUGH;
/** Chunks of one call, below what every system takes (IOV_MAX). */
const MOST_CHUNKS = 512;

export class WriteBehind implements ChunkWriter {
  readonly #file: FileHandle;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #flushing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes >= ENOUGH) this.#flushing ??= this.#flush(ENOUGH);
    if (this.#bytes >= MOST_WAITING || this.#failure) await this.#flushing;
    if (this.#failure) throw this.#failure.error;
  }

  async end(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    if (this.#bytes > 0 && !this.#failure) await this.#flush(1);
    if (this.#failure) throw this.#failure.error;
  }

  async #flush(least: number): Promise<void> {
    try {
      while (this.#bytes >= least && this.#waiting.length > 0 && !this.#failure) {
        const chunks = this.#waiting.splice(0, MOST_CHUNKS);
        await writeAll(this.#file, chunks);
        this.#bytes -= chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#flushing = undefined;
    }
  }
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks.filter((chunk) => chunk.byteLength > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    left = left.flatMap((chunk) => {
      const done = Math.min(bytesWritten, chunk.byteLength);
      bytesWritten -= done;
      return done === chunk.byteLength ? [] : [chunk.subarray(done)];
    });
  }
}
