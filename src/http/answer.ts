/**
 * Answers and how they reach the wire. OCCI answers are written with `setHeader` and `end(Buffer)` (K18): framework
 * helpers would add a charset, an ETag of their own and more. A header that carries UTF-8 goes out as latin-1 bytes,
 * which Node only does faithfully when the body is a Buffer (`spec/occi.md` §6.4).
 */

import type { ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Text, bytes, or chunks of text that are written as they come. */
  readonly body: string | Buffer | AsyncIterable<string>;
}

/** Writes an answer; resolves when everything has been handed to the socket or the client went away. */
export async function writeAnswer(response: ServerResponse, answer: Answer, headOnly: boolean): Promise<void> {
  response.statusCode = answer.status;
  response.setHeader('Content-Type', answer.contentType);
  for (const [name, value] of answer.headers ?? []) response.setHeader(name, value);
  if (typeof answer.body === 'string' || Buffer.isBuffer(answer.body)) {
    const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body, 'utf8') : answer.body;
    response.setHeader('Content-Length', bytes.length);
    if (headOnly) response.end();
    else response.end(bytes);
    return;
  }
  if (headOnly) {
    response.end();
    return;
  }
  await writeChunks(response, answer.body);
}

/** Streams with back-pressure: memory stays flat however slow the client reads. */
async function writeChunks(response: ServerResponse, chunks: AsyncIterable<string>): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return;
    if (!response.write(Buffer.from(chunk, 'utf8'))) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go).off('close', go);
          resolve();
        };
        response.on('drain', go).on('close', go);
      });
    }
  }
  response.end();
}
