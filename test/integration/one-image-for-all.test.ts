/** Many appliances of one image that lies on the web, deployed at once: it is fetched once. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '../conformance/client.js';
import { serverFor } from '../support/server.js';
import { descriptor, OVF_TYPE, pathOf, STATE } from './appliance-wire.js';
import { DISK } from './package-wire.js';

const MOST = 100;
const host = { rack: 'r1', zone: 'z1', country: 'DE', cores: 2 * MOST, memoryBytes: 2 ** 40 };
const server = serverFor({
  site: { hosts: [{ ...host, name: 'h1' }], storageBytes: 2 ** 50 },
  config: { images: { allow: ['127.0.0.1'] } },
});

/** What was sent whole, and how often somebody asked whether it is still the same. */
let transfers = 0;
let questions = 0;
let tag: string | undefined;
const files = http.createServer((request, response) => {
  if (tag !== undefined && request.headers['if-none-match'] === tag) {
    questions += 1;
    response.writeHead(304).end();
    return;
  }
  transfers += 1;
  response.writeHead(200, { 'content-length': DISK.length, ...(tag !== undefined && { etag: tag }) }).end(DISK);
});
beforeAll(() => new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => files.close(resolve)));

it.each([
  [MOST, 'tells its version', '"v1"'],
  // Half a minute has to be enough for them.
  [20, 'tells nothing of it', undefined],
])('fetches an image once for %d requests, from a server that %s', async (appliances, _what, version) => {
  [transfers, questions, tag] = [0, 0, version];
  const client = new Client(server(), '1.2');
  const image = `http://127.0.0.1:${(files.address() as AddressInfo).port}/${version === undefined}/disk.img`;
  const body = descriptor({ machines: ['m1'], image });
  const headers = { 'content-type': OVF_TYPE };
  const made = await Promise.all(
    Array.from({ length: appliances }, () => client.send('POST', '/appliance/', { headers, body })),
  );
  for (const reply of made) await client.until(pathOf(reply), STATE, 'active');
  expect(transfers).toBe(1);
  expect(questions).toBeLessThan(appliances);
  await client.send('DELETE', '/appliance/');
});
