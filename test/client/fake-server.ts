/** A server on a loopback port that answers what a test tells it, and remembers what it was asked. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonValue } from '../../src/base/json.js';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless it is text already. */
  readonly body?: JsonValue;
  /** Break the connection instead of answering, after these bytes if there are any. */
  readonly broken?: boolean;
  /** Keep the connection open after the body. */
  readonly open?: boolean;
}

export type Answering = (asked: Asked) => Reply | undefined;

export class FakeServer {
  readonly asked: Asked[] = [];
  readonly #server: http.Server;
  answering: Answering;

  private constructor(answering: Answering) {
    this.answering = answering;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
  }

  static async start(answering: Answering = () => undefined): Promise<FakeServer> {
    const fake = new FakeServer(answering);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests so far as `METHOD url`. */
  get lines(): string[] {
    return this.asked.map(({ method, url }) => `${method} ${url}`);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    this.asked.push(asked);
    const { status, headers, body, broken, open } = this.answering(asked) ?? nothing(asked);
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    if (broken && text === '') return void request.socket.destroy();
    response.writeHead(status ?? 200, { 'Content-Type': 'application/occi+json', ...headers });
    response.write(text);
    if (broken) setImmediate(() => request.socket.destroy());
    else if (!open) response.end();
  }
}

function nothing({ method, url }: Asked): Reply {
  return problem(404, 'not-found', `there is nothing at ${method} ${url}`);
}

/** An error as VEP renders it in JSON. */
export function problem(status: number, code: string, message: string, more: object = {}): Reply {
  const faults = [{ severity: 'error', code, message, ...more }];
  return { status, body: { code: status, status, error: 'invalid', message, request: 'r-1', faults } };
}
