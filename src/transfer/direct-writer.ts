/**
 * Writes a stream of chunks to a file past the page cache (open(2), O_DIRECT). To find new pages for gigabytes that nobody
 * reads soon costs as much processor time as their digest, and pushes out what others would read; here the chunks are
 * gathered in two buffers that stay where they are, one being filled while the other is on its way.
 */

import type { FileHandle } from 'node:fs/promises';
import type { ChunkWriter } from './chunk-writer.js';
import { BLOCK, BUFFER_BYTES, giveBackBuffers, type BufferPair } from './page-buffers.js';

export class DirectWriter implements ChunkWriter {
  readonly #file: FileHandle;
  #buffers: BufferPair | undefined;
  /** Bytes in the first buffer, and where they belong. */
  #filled = 0;
  #position = 0;
  #writing: Promise<void> = Promise.resolve();

  /** `file` was opened with O_DIRECT; `buffers` are borrowed, and given back at the end. */
  constructor(file: FileHandle, buffers: BufferPair) {
    this.#file = file;
    this.#buffers = buffers;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.byteLength;) {
      const [buffer] = this.#lent();
      const part = chunk.subarray(from, from + BUFFER_BYTES - this.#filled);
      buffer.set(part, this.#filled);
      this.#filled += part.byteLength;
      from += part.byteLength;
      if (this.#filled === BUFFER_BYTES) await this.#turn();
    }
  }

  async end(): Promise<void> {
    try {
      await this.#writing;
      if (this.#buffers) await this.#writeRest(this.#buffers);
    } finally {
      const buffers = this.#buffers;
      this.#buffers = undefined;
      if (buffers) giveBackBuffers(buffers);
    }
  }

  /** Sends the full buffer on its way, as soon as the other has arrived. */
  async #turn(): Promise<void> {
    await this.#writing;
    const [full, empty] = this.#lent();
    this.#buffers = [empty, full];
    this.#writing = this.#writeAll(full, this.#position);
    // Whoever writes next, or ends, hears of a failure.
    this.#writing.catch(() => undefined);
    this.#position += BUFFER_BYTES;
    this.#filled = 0;
  }

  /** The last blocks, the very last of which is cut to its length. */
  async #writeRest([buffer]: BufferPair): Promise<void> {
    const size = this.#position + this.#filled;
    const blocks = Math.ceil(this.#filled / BLOCK) * BLOCK;
    buffer.fill(0, this.#filled, blocks);
    await this.#writeAll(buffer.subarray(0, blocks), this.#position);
    await this.#file.truncate(size);
  }

  async #writeAll(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.byteLength - done, position + done);
      done += bytesWritten;
    }
  }

  #lent(): BufferPair {
    if (!this.#buffers) throw new Error('the file has been written already');
    return this.#buffers;
  }
}
