/**
 * Answers and how they reach the wire. They are written by Node's own means (K18): framework helpers would add a charset,
 * an ETag of their own and more. A header that carries UTF-8 goes out as latin-1 bytes, which Node only does faithfully
 * when the body is bytes or latin-1 as well (`spec/occi.md` §6.4).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Text, bytes, or chunks of either that are written as they come. */
  readonly body: string | Buffer | Chunks;
}

type Chunks = AsyncIterable<string | Uint8Array>;

/** Header fields that many answers have in common: names and values in turn, no name twice, none that an answer brings itself. */
export type CommonFields = readonly string[];

/** Writes an answer; resolves when everything has been handed to the socket or the client went away. */
export async function writeAnswer(
  response: ServerResponse,
  answer: Answer,
  headOnly: boolean,
  common: CommonFields = [],
): Promise<void> {
  const body = begin(response, answer, common);
  if (headOnly) response.end();
  else if (isWhole(body)) response.end(body, 'latin1');
  else await writeChunks(response, body).then(() => response.end());
}

/** How long a client that has been answered is listened to while nothing comes, and how long at the most. */
const LINGER_QUIET_MS = 5000;
const LINGER_MOST_MS = 30_000;

/**
 * Answers a request whose body has not been read, and closes the connection. What is still coming is thrown away for a
 * while: a socket closed on unread data makes the client's side forget the answer as well (RFC 9112 §9.6).
 */
export async function writeLastAnswer(
  message: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  common: CommonFields,
): Promise<void> {
  const body = begin(response, answer, [...common, 'Connection', 'close']);
  if (message.method === 'HEAD') response.flushHeaders();
  else if (isWhole(body)) response.write(body, 'latin1');
  else await writeChunks(response, body);
  await restOf(message);
  response.end();
}

type Whole = string | Buffer;

/**
 * Status and header fields, and the body as it shall be written; a string is latin-1. The head of a whole answer is laid
 * down at once, which costs half of setting field after field and lets Node send it together with a body that is a string;
 * that of a stream waits for the first chunk, for until then the answer may still become another.
 */
function begin(response: ServerResponse, answer: Answer, common: CommonFields): Whole | Chunks {
  const fields = [...common, 'Content-Type', answer.contentType];
  for (const [name, value] of answer.headers ?? []) fields.push(name, value);
  const body = typeof answer.body === 'string' ? asBytes(answer.body) : answer.body;
  if (isWhole(body)) {
    fields.push('Content-Length', String(body.length));
    response.writeHead(answer.status, fields);
    return body;
  }
  response.statusCode = answer.status;
  setFields(response, fields);
  return body;
}

/** Sets header fields one by one, to be sent with whatever follows. */
export function setFields(response: ServerResponse, fields: CommonFields): void {
  for (let index = 0; index < fields.length; index += 2)
    response.setHeader(fields[index] ?? '', fields[index + 1] ?? '');
}

/** Longer texts are turned into bytes once rather than copied behind the head first. */
const SHORT = 16_384;

/** The text in UTF-8; where that is ASCII, the string itself is its bytes. */
function asBytes(text: string): Whole {
  return text.length <= SHORT && Buffer.byteLength(text) === text.length ? text : Buffer.from(text, 'utf8');
}

function isWhole(body: Whole | Chunks): body is Whole {
  return typeof body === 'string' || Buffer.isBuffer(body);
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
async function writeChunks(response: ServerResponse, chunks: Chunks): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return;
    if (!response.write(typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk)) {
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
