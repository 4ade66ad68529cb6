/**
 * One address for all services of a real OpenStack, each below a path of its own as DevStack has them, so that one faulty
 * proxy stands before all. It also plays what only time brings about: tokens that services no longer take.
 */

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Ports of the fixture by path. */
const PORTS: Readonly<Record<string, number>> = {
  identity: 5000,
  image: 9292,
  placement: 8778,
  compute: 8774,
  network: 9696,
  volume: 8776,
};

const UNAUTHORIZED = JSON.stringify({
  error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
});

export class Front {
  readonly #server = http.createServer((request, response) => this.#serve(request, response));
  readonly #seen = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #watchers: { readonly method: string; readonly path: RegExp; readonly tell: () => void }[] = [];

  static async open(): Promise<Front> {
    const front = new Front();
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when a call has come, before it is passed on. */
  called(method: string, path: RegExp): Promise<void> {
    return new Promise((tell) => this.#watchers.push({ method, path, tell }));
  }

  /** From now on no service takes a token that has been used. */
  refuseTokens(): void {
    for (const token of this.#seen) this.#refused.add(token);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const [, service = '', path = '/'] = /^\/([a-z]+)(\/.*)?$/.exec(request.url ?? '') ?? [];
    const token = String(request.headers['x-auth-token'] ?? '');
    if (token !== '') this.#seen.add(token);
    if (this.#refused.has(token)) {
      request.resume();
      response.writeHead(401, { 'content-type': 'application/json' }).end(UNAUTHORIZED);
      return;
    }
    const watcher = this.#watchers.findIndex((each) => each.method === request.method && each.path.test(path));
    if (watcher !== -1) this.#watchers.splice(watcher, 1)[0]?.tell();
    const port = PORTS[service];
    const { connection: _connection, host: _host, ...headers } = request.headers;
    const target = { host: '127.0.0.1', port, path, method: request.method, headers };
    const outgoing = http.request(target, (answer) => {
      const { connection: _closing, 'keep-alive': _alive, ...kept } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, kept);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    request.on('aborted', () => outgoing.destroy());
    request.pipe(outgoing);
  }
}
