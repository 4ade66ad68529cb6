/** The hook manager's publisher: ZMTP 3.0 with the NULL mechanism, each message a key and a document in Base64. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { frame } from '../../../src/iaas/adapters/opennebula/zmtp.js';

const MORE = 1;
const COMMAND = 4;
const GREETING_BYTES = 64;

export class Publisher {
  readonly #subscribers = new Map<Socket, { held: Buffer; greeted: boolean; readonly topics: string[] }>();
  /** Nothing is published. */
  silent = false;
  readonly #server = createServer((socket) => this.#welcome(socket));

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks all connections; whoever listened may come again. */
  drop(): void {
    for (const socket of this.#subscribers.keys()) socket.destroy();
  }

  /** Sends a message to whoever has subscribed to the beginning of its key. */
  publish(key: string, body: string): void {
    if (this.silent) return;
    const message = Buffer.concat([
      frame(Buffer.from(key), MORE),
      frame(Buffer.from(Buffer.from(body).toString('base64')), 0),
    ]);
    for (const [socket, { topics }] of this.#subscribers)
      if (topics.some((topic) => key.startsWith(topic))) socket.write(message);
  }

  /** How many are listening to something. */
  get listeners(): number {
    return [...this.#subscribers.values()].filter(({ topics }) => topics.length > 0).length;
  }

  close(): void {
    this.drop();
    this.#server.close();
  }

  #welcome(socket: Socket): void {
    const state = { held: Buffer.alloc(0), greeted: false, topics: [] };
    this.#subscribers.set(socket, state);
    socket.on('error', () => undefined).once('close', () => this.#subscribers.delete(socket));
    const greeting = Buffer.alloc(GREETING_BYTES);
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting.write('NULL', 12, 'latin1');
    socket.write(greeting);
    socket.on('data', (piece: Buffer) => this.#read(socket, piece));
  }

  #read(socket: Socket, piece: Buffer): void {
    const state = this.#subscribers.get(socket);
    if (!state) return;
    state.held = Buffer.concat([state.held, piece]);
    if (!state.greeted) {
      if (state.held.length < GREETING_BYTES) return;
      state.held = state.held.subarray(GREETING_BYTES);
      state.greeted = true;
      socket.write(frame(Buffer.from('\u0005READY\u000bSocket-Type\u0000\u0000\u0000\u0003PUB', 'latin1'), COMMAND));
    }
    while (state.held.length >= 2 && state.held.length >= 2 + (state.held[1] ?? 0)) {
      const [flags = 0, length = 0] = state.held;
      const body = state.held.subarray(2, 2 + length);
      state.held = state.held.subarray(2 + length);
      if ((flags & COMMAND) === 0 && body[0] === 1) state.topics.push(body.subarray(1).toString('latin1'));
    }
  }
}
