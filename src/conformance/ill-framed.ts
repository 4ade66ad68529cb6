/**
 * Answers that break the framing rules of HTTP (RFC 9112 §6.3), so that Node's parser gives them up: servers of the field repeat
 * `Content-Length`, and their clients do not mind. What they say can be judged as far as it came with the head.
 */

import type { ClientRequest } from 'node:http';

/** So many bytes of an answer are kept until it is known to be well framed. */
const MOST_KEPT = 2 ** 16;

export interface IllFramed {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** The first bytes that come in answer to a request. */
export class FirstBytes {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(request: ClientRequest) {
    const keep = (chunk: Buffer): void => {
      if (this.#length >= MOST_KEPT) return;
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    };
    request.on('socket', (socket) => {
      // Before the parser sees it, which takes its own listener away when it gives up.
      socket.prependListener('data', keep);
      request.on('close', () => socket.off('data', keep));
    });
  }

  /** What they say, when the parser has given them up; `undefined` if it has not, or if there is no whole head. */
  illFramed(error: Error): IllFramed | undefined {
    if ((error as NodeJS.ErrnoException).code?.startsWith('HPE_') !== true) return undefined;
    return readHead(Buffer.concat(this.#chunks));
  }
}

function readHead(bytes: Buffer): IllFramed | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('utf8', 0, end).split('\r\n');
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = lines.flatMap((line) => {
    const [, name, value] = FIELD.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return { status: Number(status), headers, body: bytes.toString('utf8', end + 4) };
}
