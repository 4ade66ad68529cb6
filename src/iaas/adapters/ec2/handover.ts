/**
 * The bytes of an image as a file that goes up to EC2: written and measured before EC2 hears of them, so that a stream that
 * breaks leaves nothing behind.
 */

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import { IaasError, type ImageSpec } from '../../adapter.js';

export interface Handed {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * @throws IaasError `transient` where the bytes cannot be had, `invalid` where they are not those that were announced
 */
export async function handOver(spec: ImageSpec, directory: string, signal: AbortSignal | undefined): Promise<Handed> {
  const path = join(directory, `image-${randomBytes(12).toString('hex')}`);
  const release = (): Promise<void> => rm(path, { force: true });
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await write(path, spec, signal);
    return { path, release };
  } catch (error) {
    await release();
    if (error instanceof IaasError) throw error;
    const message = `the bytes of the image cannot be handed over: ${messageOf(error)}`;
    throw new IaasError('transient', message, undefined, error);
  }
}

async function write(path: string, spec: ImageSpec, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(path, 'wx', 0o600);
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
    if (spec.sha256 !== undefined && digest.digest('hex') !== spec.sha256)
      throw new IaasError('invalid', 'the image is not the one whose digest was announced');
  } finally {
    await file.close();
  }
}
