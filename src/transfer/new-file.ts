/** A new file for a stream of chunks: large ones are written past the page cache, where the file system can do that. */

import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { ChunkWriter } from './chunk-writer.js';
import { DirectWriter } from './direct-writer.js';
import { BLOCK, borrowBuffers, giveBackBuffers } from './page-buffers.js';
import { WriteBehind } from './write-behind.js';

export interface NewFile {
  readonly handle: FileHandle;
  readonly chunks: ChunkWriter;
}

/** Bytes from which a file is large: smaller ones are likely to be read again at once, and cost little. */
const LARGE = 16 * 1024 * 1024;
const MODE = 0o600;

/**
 * @param sizeBytes as far as it is known, else 0
 * @throws what `open` fails of, also where there is such a file
 */
export async function newFile(path: string, sizeBytes: number): Promise<NewFile> {
  const direct = sizeBytes >= LARGE ? await directFile(path) : undefined;
  if (direct) return direct;
  const handle = await open(path, 'wx', MODE);
  return { handle, chunks: new WriteBehind(handle) };
}

/** Undefined where the file system cannot, or too many are being written already. */
async function directFile(path: string): Promise<NewFile | undefined> {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  // Only Linux has it, whatever the types say.
  const direct = (constants as Partial<typeof constants>).O_DIRECT;
  const buffers = direct === undefined ? undefined : borrowBuffers();
  if (direct === undefined || !buffers) return undefined;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | direct, MODE);
    // Some file systems refuse such a file, others the first block of it.
    await handle.write(buffers[0], 0, BLOCK, 0);
    return { handle, chunks: new DirectWriter(handle, buffers) };
  } catch (error) {
    giveBackBuffers(buffers);
    await handle?.close();
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    // It may have been made all the same.
    await rm(path, { force: true });
    return undefined;
  }
}
