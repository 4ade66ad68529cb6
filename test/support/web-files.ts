/** A web server on loopback for what a package or appliance names by URL: tests fill it, and what is not in it is 404. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebFiles {
  /** By path, from `/` on; empty again after each test. */
  readonly web: Map<string, string | Buffer>;
  /** Its URL, without a slash at the end. */
  readonly base: () => string;
}

/** One that is up while the tests of the present describe block run. */
export function webFiles(): WebFiles {
  const web = new Map<string, string | Buffer>();
  const server = http.createServer((request, response) => {
    const content = web.get(request.url ?? '');
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterEach(() => web.clear());
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  return { web, base: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
