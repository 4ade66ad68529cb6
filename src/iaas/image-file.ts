/** The bytes of an image as a file, for sites that take it as one: written and measured before the site hears of them. */

import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { IaasError, type ImageSpec } from './adapter.js';

export interface ImageFileOptions {
  readonly signal: AbortSignal | undefined;
  /** Other users of the machine may read it; otherwise VEP alone does. */
  readonly readable?: boolean;
}

/**
 * Writes the image to a file that must not be there yet, and flushes it. Nothing stays of a stream that breaks, or of bytes that
 * are not those that were announced.
 *
 * @throws IaasError `capacity` where the disk is full, `transient` where the bytes cannot be had, `invalid` where they are not
 *   those that were announced
 */
export async function writeImageFile(path: string, spec: ImageSpec, options: ImageFileOptions): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: options.readable ? 0o755 : 0o700 });
    await write(path, spec, options);
  } catch (error) {
    await rm(path, { force: true });
    if (error instanceof IaasError) throw error;
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const message = `the image cannot be written: ${messageOf(error)}`;
    throw new IaasError(full ? 'capacity' : 'transient', message, undefined, error);
  }
}

async function write(path: string, spec: ImageSpec, { signal, readable }: ImageFileOptions): Promise<void> {
  const file = await open(path, 'wx', readable ? 0o644 : 0o600);
  try {
    const digest = createHash('sha256');
    let written = 0;
    for await (const piece of await spec.open()) {
      signal?.throwIfAborted();
      written += piece.byteLength;
      if (written > spec.sizeBytes) break;
      digest.update(piece);
      await file.writeFile(piece);
    }
    signal?.throwIfAborted();
    if (written !== spec.sizeBytes)
      throw new IaasError('invalid', `the image is not of the ${spec.sizeBytes} bytes that were announced`);
    if (spec.sha256 !== undefined && digest.digest('hex') !== spec.sha256.toLowerCase())
      throw new IaasError('invalid', 'the image is not the one whose digest was announced');
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Removes files that nobody has written to since a time (epoch milliseconds), of those that `isOurs` says are of this kind: what
 * processes that were killed have left. Answers how many of the kind stay.
 *
 * @param isNeeded asked for those that would go
 */
export async function sweepImageFiles(
  directory: string,
  isOurs: (name: string) => boolean,
  before: number,
  isNeeded: (name: string) => Promise<boolean> = () => Promise.resolve(false),
): Promise<number> {
  let left = 0;
  for (const name of (await readdir(directory).catch(noneIfMissing)).filter(isOurs)) {
    const path = join(directory, name);
    const written = await stat(path).catch(() => undefined);
    if (written === undefined) continue;
    if (written.mtimeMs >= before || (await isNeeded(name))) left += 1;
    else await rm(path, { force: true });
  }
  return left;
}

function noneIfMissing(error: unknown): readonly string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}
