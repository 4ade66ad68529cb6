/**
 * Listening to a ZeroMQ publisher: the subscriber's side of ZMTP 3.0 (rfc.zeromq.org/spec/23) with the NULL mechanism,
 * which is all that oned's hook manager speaks. Greeting, READY, one message for each topic, and then what comes.
 */

import type { Socket } from 'node:net';

/** Messages as they come, each a list of frames; ends with the connection or the signal. */
export type Subscription = AsyncIterable<readonly Buffer[]>;

/** Opens a connection that has been judged. */
export type Connect = (signal: AbortSignal) => Promise<Socket>;

const GREETING_BYTES = 64;
/** A message is one document of oned. */
const LARGEST = 4 * 2 ** 20;
const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/** @param listening called when what is published from then on comes */
export async function* subscribe(
  connect: Connect,
  topics: readonly string[],
  signal: AbortSignal,
  listening: () => void,
): Subscription {
  const socket = await connect(signal);
  const leave = (): void => void socket.destroy();
  signal.addEventListener('abort', leave, { once: true });
  // It may have come while the connection was being made.
  if (signal.aborted) leave();
  try {
    socket.write(greeting());
    const reader = new FrameReader();
    let message: Buffer[] = [];
    let greeted = false;
    for await (const piece of socket as AsyncIterable<Buffer>) {
      reader.push(piece);
      if (!greeted) {
        const theirs = reader.take(GREETING_BYTES);
        if (!theirs) continue;
        if (theirs[0] !== 0xff || theirs[9] !== 0x7f || (theirs[10] ?? 0) < 3)
          throw new Error('the publisher speaks no ZMTP 3');
        greeted = true;
        socket.write(frame(readyCommand(), COMMAND));
        for (const topic of topics) socket.write(frame(Buffer.from(`\u0001${topic}`, 'latin1'), 0));
        listening();
      }
      for (let next = reader.frame(); next; next = reader.frame()) {
        if ((next.flags & COMMAND) !== 0) continue;
        message.push(next.body);
        if ((next.flags & MORE) !== 0) continue;
        yield message;
        message = [];
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    socket.destroy();
  }
}

function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write('NULL', 12, 'latin1');
  return bytes;
}

function readyCommand(): Buffer {
  const property = (name: string, value: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([
      Buffer.from([name.length]),
      Buffer.from(name, 'latin1'),
      length,
      Buffer.from(value, 'latin1'),
    ]);
  };
  return Buffer.concat([Buffer.from('\u0005READY', 'latin1'), property('Socket-Type', 'SUB')]);
}

export function frame(body: Buffer, flags: number): Buffer {
  if (body.length < 256) return Buffer.concat([Buffer.from([flags, body.length]), body]);
  const head = Buffer.alloc(9);
  head[0] = flags | LONG;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}

class FrameReader {
  #held = Buffer.alloc(0);

  push(piece: Buffer): void {
    this.#held = Buffer.concat([this.#held, piece]);
  }

  take(length: number): Buffer | undefined {
    if (this.#held.length < length) return undefined;
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  frame(): { readonly flags: number; readonly body: Buffer } | undefined {
    const flags = this.#held[0];
    if (flags === undefined) return undefined;
    const head = (flags & LONG) === 0 ? 2 : 9;
    if (this.#held.length < head) return undefined;
    const length = head === 2 ? (this.#held[1] ?? 0) : Number(this.#held.readBigUInt64BE(1));
    if (length > LARGEST) throw new Error('the publisher sends more than a document');
    if (this.#held.length < head + length) return undefined;
    this.take(head);
    return { flags, body: Buffer.from(this.take(length) ?? []) };
  }
}
