/**
 * What can go wrong between an adapter and the service it speaks to, brought about on purpose: an HTTP proxy that passes
 * requests on and answers back, and at the request that a test chooses refuses, resets, falls silent, loses or garbles.
 * A fault strikes as often as it was ordered, and {@link FaultyProxy.struck} tells that it did.
 */

import { once } from 'node:events';
import http from 'node:http';
import type { Socket } from 'node:net';
import { freePort } from './free-port.js';

/** A request as the proxy has read it, whole. */
export interface WireRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export type WireFault =
  /** Reset before anything was passed on. */
  | { readonly kind: 'reset' }
  /** Taken in, neither passed on nor answered. */
  | { readonly kind: 'hang' }
  /** The work is done; the connection is reset when the answer is due. */
  | { readonly kind: 'lose-answer' }
  /** The work is done; the answer ends with its head. */
  | { readonly kind: 'empty-answer' }
  /** The work is done; half of the answer arrives. */
  | { readonly kind: 'cut-answer' }
  /** Not passed on; answered by the proxy. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string | Uint8Array;
    };

export type Match = (request: WireRequest) => boolean;

/** A way to a counterpart on which things go wrong as ordered. */
export interface FaultyWay {
  readonly struck: number;
  next(fault: WireFault, matches?: Match, times?: number): void;
  clear(): void;
  refuse(): Promise<void>;
  restore(): Promise<void>;
  strikes(): Promise<void>;
  left(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** In `text/occi` whole answers are headers. */
const MAX_HEADER_BYTES = 2 ** 20;

export class FaultyProxy implements FaultyWay {
  readonly #target: URL;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  readonly #leavers: (() => void)[] = [];
  readonly #watchers: (() => void)[] = [];
  #server = http.createServer();
  #port = 0;
  #ordered: { readonly fault: WireFault; readonly matches: Match; times: number }[] = [];
  #struck = 0;

  /** A proxy in front of `target`, an URL whose path is kept by the client. */
  static async open(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(new URL(target));
    proxy.#port = await freePort();
    await proxy.restore();
    return proxy;
  }

  private constructor(target: URL) {
    this.#target = target;
  }

  /** Where the adapter is to connect to. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}${this.#target.pathname === '/' ? '' : this.#target.pathname}`;
  }

  /** How often a fault has struck. */
  get struck(): number {
    return this.#struck;
  }

  /** Lets the next requests that match fail. */
  next(fault: WireFault, matches: Match = () => true, times = 1): void {
    this.#ordered.push({ fault, matches, times });
  }

  /** Nothing that has not struck yet strikes any more. */
  clear(): void {
    this.#ordered = [];
  }

  /** From now on nobody listens: connections are refused, open ones are gone. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Listens again, where it did before. */
  async restore(): Promise<void> {
    this.#server = http.createServer(
      { maxHeaderSize: MAX_HEADER_BYTES },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Resolves when the next fault strikes. */
  strikes(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** Resolves when the client of a request that hangs has gone. */
  left(): Promise<void> {
    return new Promise((resolve) => this.#leavers.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse();
    this.#agent.destroy();
  }

  async #serve(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { socket } = incoming;
    try {
      const body = await wholeOf(incoming);
      const { method = 'GET', url = '/', headers } = incoming;
      const request = { method, path: url, headers, body };
      const fault = this.#due(request);
      if (fault?.kind === 'hang') {
        socket.once('close', () => this.#leavers.shift()?.());
        return;
      }
      if (fault?.kind === 'reset') return void socket.resetAndDestroy();
      if (fault?.kind === 'answer') {
        response.writeHead(fault.status, { 'content-type': 'text/plain', ...fault.headers }).end(fault.body);
        return;
      }
      const answer = await this.#pass(request);
      if (fault?.kind === 'lose-answer') return void socket.resetAndDestroy();
      if (fault?.kind === 'empty-answer') return void response.writeHead(answer.status).end();
      response.writeHead(answer.status, endToEnd(answer.headers));
      if (fault?.kind !== 'cut-answer') return void response.end(answer.body);
      response.write(answer.body.subarray(0, Math.floor(answer.body.byteLength / 2)), () => socket.resetAndDestroy());
    } catch {
      socket.destroy();
    }
  }

  #due(request: WireRequest): WireFault | undefined {
    const due = this.#ordered.find(({ matches }) => matches(request));
    if (!due) return undefined;
    due.times -= 1;
    if (due.times === 0) this.#ordered = this.#ordered.filter((each) => each !== due);
    this.#struck += 1;
    for (const watcher of this.#watchers.splice(0)) watcher();
    return due.fault;
  }

  async #pass({ method, path, headers, body }: WireRequest): Promise<Answer> {
    const outgoing = http.request(new URL(path, this.#target), {
      method,
      agent: this.#agent,
      maxHeaderSize: MAX_HEADER_BYTES,
      headers: { ...endToEnd(headers), 'content-length': body.byteLength },
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    return { status: answer.statusCode ?? 502, headers: answer.headers, body: await wholeOf(answer) };
  }
}

async function wholeOf(message: http.IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Without what belongs to one connection alone. The host stays: signatures cover it. */
function endToEnd(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  const { connection: _connection, 'transfer-encoding': _encoding, 'keep-alive': _keepAlive, ...rest } = headers;
  return rest;
}
