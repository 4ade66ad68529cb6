/**
 * Unwraps gzip (RFC 1952) where a stream starts with its mark, and lets any other stream through; stops when the output
 * outgrows the input too much (O-024, S-096).
 */

import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { messageOf, problem, Problem } from '../../base/errors.js';

/**
 * Most output bytes for each input byte, of whatever VEP unpacks: a disk image of mostly nothing reaches 200, zeros alone 1,030.
 * How much a package or a file may unpack to at all is for its own limit in bytes.
 */
export const GZIP_RATIO = 500;
/** Output bytes that are allowed before the ratio counts: small inputs compress well without being bombs. */
const FREE_OUTPUT = 64 * 1024 * 1024;

/** Whether so many bytes in and out are those of a bomb. */
export function isBomb(input: number, output: number, ratio = GZIP_RATIO): boolean {
  return output > FREE_OUTPUT && output > input * ratio;
}

/**
 * Resolves when the first bytes are there, with the stream as it is or unwrapped.
 * @param ratio most output bytes for each input byte
 * @throws Problem while iterating: `too-large` for a bomb, `malformed` for broken gzip data
 */
export async function gunzipped(source: AsyncIterable<Uint8Array>, ratio: number): Promise<AsyncIterable<Uint8Array>> {
  const { head, rest } = await firstBytes(source);
  return head[0] === 0x1f && head[1] === 0x8b ? unwrapped(rest, ratio) : rest;
}

async function* unwrapped(source: AsyncIterable<Uint8Array>, ratio: number): AsyncGenerator<Uint8Array, void> {
  let input = 0;
  let output = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      input += chunk.byteLength;
      yield chunk;
    }
  };
  const compressed = Readable.from(counted(), { objectMode: false });
  const gunzip = createGunzip();
  compressed.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of compressed.pipe(gunzip) as AsyncIterable<Uint8Array>) {
      output += chunk.byteLength;
      if (isBomb(input, output, ratio)) throw bomb(ratio);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw problem('malformed', 'ovf.gzip', `the gzip data cannot be read: ${messageOf(error)}`, {
      rule: 'O-024',
      remedy: 'send the whole file, unchanged',
    });
  } finally {
    compressed.destroy();
    gunzip.destroy();
  }
}

/** At least two bytes, where the stream has them, and a stream that starts with them again. */
async function firstBytes(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.byteLength < 2) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (head.byteLength > 0) yield head;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { head, rest: rest() };
}

function bomb(ratio: number): Problem {
  return problem('too-large', 'ovf.O-024', `the data grows more than ${ratio}-fold when it is unpacked`, {
    rule: 'O-024',
    remedy: 'send the package uncompressed',
  });
}
