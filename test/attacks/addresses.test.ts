/** URLs in a descriptor that must not be fetched, refused with the request and in a dry run: nothing is left to the work. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { descriptor, OVF_TYPE } from '../integration/appliance-wire.js';
import { serverFor, type Reply } from '../support/server.js';

const server = serverFor();

/** What must see nothing. */
let connections = 0;
const listener = http.createServer((_request, response) => response.end('inside'));
beforeAll(async () => {
  listener.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => listener.close(resolve)));

const post = (href: string, query = ''): Promise<Reply> =>
  server().request('POST', `/appliance/${query}`, {
    headers: { 'content-type': OVF_TYPE, accept: 'application/json' },
    body: descriptor({ machines: ['m1'], image: href }),
  });

async function expectRefused(href: string, code: string, rule: string): Promise<void> {
  const fault = expect.objectContaining({
    code,
    rule: expect.stringContaining(rule),
    place: expect.objectContaining({ line: expect.any(Number) }),
    remedy: expect.any(String),
  });
  const reply = await post(href);
  expect([href, reply.status, reply.json.faults]).toEqual([href, 400, expect.arrayContaining([fault])]);
  const dry = await post(href, '?dry-run');
  expect([href, dry.json.deployable]).toEqual([href, false]);
  expect(dry.json.findings).toContainEqual(fault);
}

it.each([
  'http://127.0.0.1:PORT/',
  'http://2130706433:PORT/',
  'http://0x7f000001:PORT/',
  'http://0177.0.0.1:PORT/',
  'http://127.1:PORT/',
  'http://[::]:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
])('S-091 refuses %s, behind which somebody listens', async (href) => {
  const { port } = listener.address() as AddressInfo;
  await expectRefused(href.replace('PORT', String(port)), 'net.port', 'O-016');
  await expectRefused(href.replace(':PORT', ''), 'net.address', 'O-016');
  expect(connections).toBe(0);
});

it.each([
  'http://169.254.169.254/latest/meta-data/',
  'http://１２７.０.０.１/',
  'http://[64:ff9b::7f00:1]/',
  'http://localhost./',
  'http://10.0.0.1/disk.img?X-Amz-Signature=00',
])('S-091 refuses %s', (href) => expectRefused(href, 'net.address', 'O-016'));

it.each([22, 25, 6379])('S-092 refuses port %d, whatever the name stands for', (port) =>
  expectRefused(`http://images.example.org:${port}/disk.img`, 'net.port', 'O-016'),
);

it.each([
  'file:///etc/passwd',
  'ftp://example.org/disk.img',
  'gopher://example.org/',
  'data:text/plain,a',
  '//example.org/disk.img',
  'http://user:secret@example.org/disk.img',
])('S-092 refuses %s', (href) => expectRefused(href, 'ovf.O-015', 'O-015'));

it('takes a public name, which nobody is asked about within the request', async () => {
  const dry = await post('https://images.example.org/disk.img', '?dry-run');
  expect(dry.json).toMatchObject({ deployable: true });
});

describe('where the operator lists addresses', () => {
  const listed = serverFor({ config: { images: { allow: ['10.1.0.0/16', 'mirror.example.org:8888'] } } });

  it('leaves a name to the work that may have one of them', async () => {
    for (const [href, deployable] of [
      ['http://10.1.2.3:8080/disk.img', true],
      ['http://10.2.2.3/disk.img', false],
      ['http://inside.example.org:9000/disk.img', true],
      ['http://inside.example.org:22/disk.img', false],
      ['http://mirror.example.org:8888/disk.img', true],
    ] as const) {
      const body = descriptor({ machines: ['m1'], image: href });
      const reply = await listed().request('POST', '/appliance/?dry-run', {
        headers: { 'content-type': OVF_TYPE },
        body,
      });
      expect([href, reply.json.deployable]).toEqual([href, deployable]);
    }
  });
});
