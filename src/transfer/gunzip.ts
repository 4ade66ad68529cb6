/**
 * Decompression of a gzip stream (RFC 1952) that cannot be made to explode: its output is bounded in bytes and in
 * proportion to the input (S-096). `DSP0243 §7.1` allows `ovf:compression="gzip"` on files of a package.
 */

import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem, messageOf, problem } from '../base/errors.js';
import { GZIP_RATIO, isBomb } from '../ovf/package/gunzip.js';
import { tooLarge } from './verified.js';

/** @throws Problem `invalid` (`transfer.gzip`) for a broken stream or a bomb, `too-large` past `maxBytes`. */
export async function* gunzip(bytes: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let taken = 0;
  let given = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      taken += chunk.length;
      yield chunk;
    }
  };
  const output = createGunzip();
  // The failure of either side arrives below as the error of `output`.
  pipeline(Readable.from(counted(), { objectMode: false }), output, () => undefined);
  try {
    for await (const chunk of output as AsyncIterable<Uint8Array>) {
      given += chunk.length;
      if (given > maxBytes) throw tooLarge(maxBytes);
      if (isBomb(taken, given)) throw broken(`it expands more than ${GZIP_RATIO}-fold`);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Problem || !isZlibError(error) ? error : broken(messageOf(error));
  }
}

function isZlibError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && /^Z_/.test(String(error.code));
}

function broken(why: string): Problem {
  return problem('invalid', 'transfer.gzip', `the gzip stream is refused: ${why}`, {
    remedy: 'compress the file again, or send it plain',
  });
}
