/** Listening to a ZeroMQ publisher (ZMTP 3.0, rfc.zeromq.org/spec/23): what comes in whatever pieces, and what is refused. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frame, subscribe } from '../../src/iaas/adapters/opennebula/zmtp.js';

const [MORE, LONG, COMMAND] = [1, 2, 4];
const GREETING_BYTES = 64;

let server: Server;
let stop: AbortController;
let listened: number;
let messages: string[][];
let publisher: Socket;
let ended: Promise<unknown>;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  [stop, listened, messages] = [new AbortController(), 0, []];
  const welcomed = once(server, 'connection');
  ended = follow();
  [publisher] = (await welcomed) as [Socket];
  publisher.on('error', () => undefined);
});
afterEach(async () => {
  stop.abort();
  await ended;
  publisher.destroy();
  server.close();
});

/** Resolves with what ended it. */
async function follow(): Promise<unknown> {
  const open = async (): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const told = subscribe(open, ['EVENT A', 'EVENT B'], stop.signal, () => (listened += 1));
  try {
    for await (const message of told) messages.push(message.map((each) => each.toString('latin1')));
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The greeting of a publisher of version 3.0 with the NULL mechanism; some bytes of it otherwise. */
function greeting(otherwise: Readonly<Record<number, number>> = {}): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write('NULL', 12, 'latin1');
  for (const [at, value] of Object.entries(otherwise)) bytes[Number(at)] = value;
  return bytes;
}

const ready = frame(Buffer.from('\u0005READY\u000bSocket-Type\u0000\u0000\u0000\u0003PUB', 'latin1'), COMMAND);
const text = (words: string): Buffer => Buffer.from(words, 'latin1');

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Everything that the subscriber has sent. */
async function sent(bytes: number): Promise<Buffer> {
  let held = Buffer.alloc(0);
  publisher.on('data', (piece: Buffer) => (held = Buffer.concat([held, piece])));
  await until(() => held.length >= bytes);
  return held;
}

it('begins with a greeting, READY and the topics, and listens from then on', async () => {
  const subscriptions = Buffer.concat([frame(text('\u0001EVENT A'), 0), frame(text('\u0001EVENT B'), 0)]);
  const hello = frame(text('\u0005READY\u000bSocket-Type\u0000\u0000\u0000\u0003SUB'), COMMAND);
  const expected = Buffer.concat([greeting(), hello, subscriptions]);
  expect(listened).toBe(0);
  publisher.write(greeting());
  expect(await sent(expected.length)).toEqual(expected);
  expect(listened).toBe(1);
});

it('hears messages in whatever pieces they come, long ones too, and no commands', async () => {
  const long = 'x'.repeat(70_000);
  const stream = Buffer.concat([
    ...[greeting(), ready],
    ...[frame(text('EVENT A 1'), MORE), frame(text('one'), 0)],
    frame(text('\u0004PING'), COMMAND),
    ...[frame(text('EVENT A 2'), MORE), frame(text(long), 0)],
    ...[frame(text('EVENT B'), MORE), frame(text(''), MORE), frame(text('y'.repeat(256)), 0)],
  ]);
  for (let at = 0; at < stream.length; at += at < 400 ? 1 : 9_999)
    await new Promise((resolve) => publisher.write(stream.subarray(at, at + (at < 400 ? 1 : 9_999)), resolve));
  await until(() => messages.length === 3);
  expect(messages).toEqual([
    ['EVENT A 1', 'one'],
    ['EVENT A 2', long],
    ['EVENT B', '', 'y'.repeat(256)],
  ]);
});

it.each([
  ['another signature', { 0: 0 }],
  ['no end of a signature', { 9: 0 }],
  ['an older version', { 10: 2 }],
])('hears nothing of one with %s', async (_what, otherwise) => {
  publisher.write(Buffer.concat([greeting(otherwise), frame(text('EVENT A'), MORE), frame(text('one'), 0)]));
  expect(await ended).toMatchObject({ message: 'the publisher speaks no ZMTP 3' });
  expect([listened, messages]).toEqual([0, []]);
});

it('leaves one that announces more than a document', async () => {
  const head = Buffer.alloc(9);
  head[0] = LONG;
  head.writeBigUInt64BE(2n ** 40n, 1);
  publisher.write(Buffer.concat([greeting(), head]));
  expect(await ended).toMatchObject({ message: 'the publisher sends more than a document' });
});

it('ends with the connection, and with the signal', async () => {
  publisher.write(greeting());
  await until(() => listened === 1);
  publisher.end();
  expect(await ended).toBeUndefined();
  const again = once(server, 'connection');
  ended = follow();
  [publisher] = (await again) as [Socket];
  publisher.on('error', () => undefined);
  const left = once(publisher, 'close');
  publisher.resume();
  stop.abort();
  expect(await ended).toBeUndefined();
  await left;
});
