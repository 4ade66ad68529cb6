/** Request bodies in bounded memory: read whole up to a limit, or refused before they are read. */

import type { IncomingMessage } from 'node:http';
import { excerpt, problem, type Problem } from '../base/errors.js';

/**
 * Reads the whole body.
 *
 * @param limit most bytes that are accepted; more is refused as soon as it is known
 * @throws Problem `too-large`; Problem `malformed` when the client cut the body off
 */
export function readBody(message: IncomingMessage, limit: number): Promise<Buffer> {
  const announced = Number(message.headers['content-length'] ?? 0);
  if (announced > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (finish: () => void): void => {
      message.off('data', onData).off('end', onEnd).off('error', onCut).off('aborted', onCut);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else settle(() => reject(tooLarge(limit)));
    };
    const onEnd = (): void =>
      settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    const onCut = (): void =>
      settle(() =>
        reject(
          problem('malformed', 'http.body-cut-off', 'the request body ended before it was complete', {
            remedy: 'send it again',
          }),
        ),
      );
    message.on('data', onData).on('end', onEnd).on('error', onCut).on('aborted', onCut);
  });
}

/** Encodings of text in which bodies are read; Java's HTTP client says ISO-8859-1 unless told otherwise. */
const UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);
const LATIN_1: ReadonlySet<string> = new Set(['iso-8859-1', 'latin1']);

/**
 * Decodes a body by the `charset` of its Content-Type (RFC 9110 §8.3.2), UTF-8 when it has none.
 * @throws Problem `unsupported-media-type` for another encoding, `malformed` for bytes that are none of it
 */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string {
  const encoding = charset?.toLowerCase() ?? 'utf-8';
  if (UTF_8.has(encoding)) return decodeUtf8(bytes);
  if (LATIN_1.has(encoding)) return Buffer.from(bytes).toString('latin1');
  throw problem('unsupported-media-type', 'http.charset', `a body in ${excerpt(charset)} cannot be read here`, {
    place: { field: 'Content-Type' },
    rule: 'RFC 9110 §8.3.2',
    remedy: 'send it encoded as UTF-8',
  });
}

/** Decodes UTF-8 strictly: a body in another encoding is refused rather than stored garbled. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem('malformed', 'http.encoding', 'the request body is not UTF-8', {
      remedy: 'send it encoded as UTF-8',
    });
  }
}

function tooLarge(limit: number): Problem {
  return problem('too-large', 'http.body-too-large', `the request body is larger than ${limit} bytes`, {
    remedy: 'send large files through /upload/ or name them by URL',
  });
}
