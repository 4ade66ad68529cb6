/** The faulty proxy itself: it passes on what it should, and breaks what it was told to, once. */

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { GuardedDialler, type DialResponse } from '../../src/net/dialler.js';
import { FaultyProxy, type WireFault } from '../support/faulty-proxy.js';

const seen: string[] = [];
const service = http.createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`);
  request.pipe(response);
});
let proxy: FaultyProxy;
let dialler: GuardedDialler;

beforeAll(async () => {
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  proxy = await FaultyProxy.open(`http://127.0.0.1:${(service.address() as AddressInfo).port}/RPC2`);
  dialler = new GuardedDialler({ allow: ['127.0.0.1'] });
});
beforeEach(() => void seen.splice(0));
afterAll(async () => {
  await dialler.close();
  await proxy.close();
  service.close();
});

const ask = (signal?: AbortSignal): Promise<DialResponse> =>
  dialler.fetch(proxy.url, { method: 'POST', body: 'ab'.repeat(5000), maxBytes: 1e6, ...(signal ? { signal } : {}) });

async function text(answer: Promise<DialResponse>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await answer).body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

it('passes requests on to the path of its target, and answers back', async () => {
  expect(await text(ask())).toBe('ab'.repeat(5000));
  expect(seen).toEqual(['POST /RPC2']);
});

it.each<[WireFault, number]>([
  [{ kind: 'reset' }, 0],
  [{ kind: 'lose-answer' }, 1],
  [{ kind: 'cut-answer' }, 1],
])('breaks off by %j, and not twice', async (fault, worked) => {
  const before = proxy.struck;
  proxy.next(fault, ({ body }) => body.includes('abab'));
  await expect(text(ask())).rejects.toMatchObject({ kind: 'unavailable' });
  expect([seen.length, proxy.struck - before]).toEqual([worked, 1]);
  expect(await text(ask())).toHaveLength(10_000);
});

it('answers in the place of the service, as often as asked, and lets other requests through', async () => {
  proxy.next({ kind: 'answer', status: 503, body: 'later' }, ({ path }) => path === '/RPC2', 2);
  proxy.next({ kind: 'answer', status: 500, body: '' }, ({ path }) => path === '/other');
  expect((await ask()).status).toBe(503);
  expect(await text(ask())).toBe('later');
  expect((await ask()).status).toBe(200);
  expect(seen).toHaveLength(1);
  proxy.clear();
});

it('falls silent until the client has gone', async () => {
  proxy.next({ kind: 'hang' });
  const [stop, struck, left] = [new AbortController(), proxy.strikes(), proxy.left()];
  const answer = expect(ask(stop.signal)).rejects.toThrow();
  await struck;
  stop.abort();
  await answer;
  await left;
  expect(seen).toEqual([]);
});

it('can be gone, and come back where it was', async () => {
  const { url } = proxy;
  await proxy.refuse();
  await expect(ask()).rejects.toMatchObject({ kind: 'unavailable', faults: [{ code: 'net.unreachable' }] });
  await proxy.restore();
  expect(proxy.url).toBe(url);
  expect((await ask()).status).toBe(200);
});
