/**
 * A server with one fault: a proxy in front of a VEP that breaks one thing of what goes through it. URLs are the proxy's own
 * on its one side and VEP's on the other. The fault is chosen while it runs, so that many faults share one server.
 */

import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Told {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Neither member: everything goes through as it is. */
export interface Breakage {
  /** What is sent on, or an answer in the place of the server's. */
  readonly request?: (asked: Asked) => Asked | Told;
  readonly answer?: (told: Told, asked: Asked) => Told;
}

export class FaultyServer {
  breakage: Breakage = {};
  readonly #upstream: string;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #server: http.Server;

  constructor(upstream: string) {
    this.#upstream = upstream;
    this.#server = http.createServer({ maxHeaderSize: 2 ** 20 }, (request, response) => {
      void this.#serve(request).then(
        ({ status, headers, body }) => {
          response.sendDate = false;
          response.writeHead(status, headers);
          response.end(request.method === 'HEAD' || status === 304 ? undefined : Buffer.from(body));
        },
        (error: Error) => response.destroy(error),
      );
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage): Promise<Told> {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const headers = joined(request);
    const asked = { method: request.method ?? '', path, query, headers, body: await textOf(request) };
    const sent = this.breakage.request?.(asked) ?? asked;
    const told = 'status' in sent ? sent : await this.#forward(sent);
    const { connection: _c, 'keep-alive': _k, 'content-length': _l, 'transfer-encoding': _t, ...kept } = told.headers;
    return this.breakage.answer?.({ ...told, headers: kept }, asked) ?? { ...told, headers: kept };
  }

  async #forward({ method, path, query, headers, body }: Asked): Promise<Told> {
    const there = (value: string): string => value.replaceAll(this.url, this.#upstream);
    const { connection: _connection, 'content-length': _length, host: _host, ...rest } = headers;
    const fields = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, there(value)]));
    const bytes = Buffer.from(there(body));
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const sent = http.request(
        this.#upstream + path + (query === '' ? '' : `?${query}`),
        {
          method,
          headers: { ...fields, 'content-length': bytes.length },
          agent: this.#agent,
          maxHeaderSize: 2 ** 20,
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(bytes);
    });
    const text = await textOf(answer);
    const here = (value: string): string => value.replaceAll(this.#upstream, this.url);
    const shown = Object.fromEntries(Object.entries(joined(answer)).map(([name, value]) => [name, here(value)]));
    return { status: answer.statusCode ?? 0, headers: shown, body: here(text) };
  }
}

/** Fields by name; repeated ones joined by a comma. */
function joined(message: http.IncomingMessage): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index]?.toLowerCase() ?? '';
    const value = message.rawHeaders[index + 1] ?? '';
    fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`;
  }
  return fields;
}

async function textOf(message: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
