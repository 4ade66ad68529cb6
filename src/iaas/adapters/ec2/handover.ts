/**
 * The bytes of an image as a file that goes up to EC2: written and measured before EC2 hears of them, so that a stream that
 * breaks leaves nothing behind.
 */

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageSpec } from '../../adapter.js';
import { sweepImageFiles, writeImageFile } from '../../image-file.js';

export interface Handed {
  readonly path: string;
  release(): Promise<void>;
}

/** @throws IaasError as {@link writeImageFile} */
export async function handOver(spec: ImageSpec, directory: string, signal: AbortSignal | undefined): Promise<Handed> {
  const path = join(directory, `image-${randomBytes(12).toString('hex')}`);
  await writeImageFile(path, spec, { signal });
  return { path, release: () => rm(path, { force: true }) };
}

/** Removes what processes that were killed have left there since a time (epoch milliseconds). Answers how many files stay. */
export function sweepHandedOver(directory: string, before: number): Promise<number> {
  return sweepImageFiles(directory, (name) => /^image-[0-9a-f]{24}$/.test(name), before);
}
