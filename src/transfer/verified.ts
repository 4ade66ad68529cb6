/**
 * Bytes that are checked while they pass: size and digest as the manifest, the image list or the sender announced them
 * (DSP0243 §6.1; S-095). What does not agree ends the stream with a problem instead of its end, so that nothing
 * downstream can take it for complete.
 */

import { createHash } from 'node:crypto';
import { problem, type Problem } from '../base/errors.js';

export interface Digest {
  readonly algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

export interface Expectation {
  /** Upper limit in bytes. */
  readonly maxBytes: number;
  readonly sizeBytes?: number;
  readonly digest?: Digest;
}

/**
 * The same chunks, held to the expectation.
 *
 * @throws Problem `too-large` (`transfer.too-large`) at the byte that is too many, `invalid` (`transfer.size`,
 *   `transfer.digest`) in place of the end.
 */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  expectation: Expectation,
): AsyncGenerator<Uint8Array> {
  const { sizeBytes, digest } = expectation;
  const limit = Math.min(expectation.maxBytes, sizeBytes ?? Number.POSITIVE_INFINITY);
  const hash = digest && createHash(digest.algorithm);
  let seen = 0;
  for await (const chunk of bytes) {
    seen += chunk.length;
    if (seen > limit)
      throw sizeBytes !== undefined && limit === sizeBytes
        ? wrongSize(sizeBytes, `more than ${sizeBytes}`)
        : tooLarge(limit);
    hash?.update(chunk);
    yield chunk;
  }
  if (sizeBytes !== undefined && seen !== sizeBytes) throw wrongSize(sizeBytes, String(seen));
  if (digest && hash?.digest('hex') !== digest.hex.toLowerCase()) {
    throw problem('invalid', 'transfer.digest', `the ${digest.algorithm} digest differs from the announced one`, {
      value: digest.hex,
      remedy: 'correct the announced digest, or offer the file it belongs to',
    });
  }
}

export function tooLarge(maxBytes: number): Problem {
  return problem('too-large', 'transfer.too-large', `there are more than ${maxBytes} bytes`, {
    remedy: 'offer a smaller file, or ask the operator for a higher limit',
  });
}

function wrongSize(expected: number, found: string): Problem {
  return problem('invalid', 'transfer.size', `${expected} bytes were announced, there are ${found}`, {
    remedy: 'correct the announced size, or offer the file it belongs to',
  });
}
