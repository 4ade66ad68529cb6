/**
 * Answers and how they reach the wire. OCCI answers are written with `setHeader` and `end(Buffer)` (K18): framework
 * helpers would add a charset, an ETag of their own and more. A header that carries UTF-8 goes out as latin-1 bytes,
 * which Node only does faithfully when the body is a Buffer (`spec/occi.md` §6.4).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Text, bytes, or chunks of text that are written as they come. */
  readonly body: string | Buffer | AsyncIterable<string>;
}

/** Writes an answer; resolves when everything has been handed to the socket or the client went away. */
export async function writeAnswer(response: ServerResponse, answer: Answer, headOnly: boolean): Promise<void> {
  const { body } = begin(response, answer);
  if (headOnly) response.end();
  else if (Buffer.isBuffer(body)) response.end(body);
  else await writeChunks(response, body).then(() => response.end());
}

/** How long a client that has been answered is listened to while nothing comes, and how long at the most. */
const LINGER_QUIET_MS = 2000;
const LINGER_MOST_MS = 30_000;

/**
 * Answers a request whose body has not been read, and closes the connection. What is still coming is thrown away for a
 * while: a socket closed on unread data makes the client's side forget the answer as well (RFC 9112 §9.6).
 */
export async function writeLastAnswer(
  message: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  response.setHeader('Connection', 'close');
  const { body } = begin(response, answer);
  if (message.method === 'HEAD') response.flushHeaders();
  else if (Buffer.isBuffer(body)) response.write(body);
  else await writeChunks(response, body);
  await restOf(message);
  response.end();
}

/** Status and header fields; the body as it shall be written. */
function begin(response: ServerResponse, answer: Answer): { readonly body: Buffer | AsyncIterable<string> } {
  response.statusCode = answer.status;
  response.setHeader('Content-Type', answer.contentType);
  for (const [name, value] of answer.headers ?? []) response.setHeader(name, value);
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body, 'utf8') : answer.body;
  if (Buffer.isBuffer(body)) response.setHeader('Content-Length', body.length);
  return { body };
}

/** Throws away what a client still sends, until it has ended, gone, fallen silent, or taken too long. */
function restOf(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(quiet);
      clearTimeout(most);
      resolve();
    };
    const quiet = setTimeout(done, LINGER_QUIET_MS);
    const most = setTimeout(done, LINGER_MOST_MS);
    message.once('end', done).once('error', done).once('close', done);
    message.on('data', () => quiet.refresh()).resume();
  });
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
}
