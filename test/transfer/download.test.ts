/** Downloads whose line breaks: taken up where it broke, and never put together of what does not belong together. */

import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/base/clock.js';
import { GuardedDialler } from '../../src/net/dialler.js';
import { download } from '../../src/transfer/download.js';
import { freePort } from '../support/free-port.js';
import { refusal } from './support.js';

const image = 'a boot sector and what follows';
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A web server on loopback; its URL. */
async function serve(listener: RequestListener): Promise<string> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Breaks the line, where a server wants that: once what it has sent is here. */
let breakOff = (): void => undefined;
beforeEach(() => (breakOff = () => undefined));

/** What a download brings; `clock` keeps its pauses. */
async function fetched(url: string, clock: Clock): Promise<string> {
  const dialler = new GuardedDialler({ allow: ['127.0.0.0/8'] });
  closers.push(() => dialler.close());
  const { bytes } = await download(dialler, url, { maxBytes: 5000, signal: new AbortController().signal, clock });
  let text = '';
  for await (const chunk of bytes) {
    text += Buffer.from(chunk).toString();
    breakOff();
  }
  return text;
}

/** A clock whose pauses take no time. */
const hurried: Clock = { now: () => 0, sleep: () => Promise.resolve() };

it.each(['away', 'busy'])('goes on where the line broke once the server is no longer %s', async (how) => {
  const content = Buffer.from(image);
  const ranges: (string | undefined)[] = [];
  let up = true;
  const listener: RequestListener = (request, response) => {
    const { range } = request.headers;
    if (!up) return void response.writeHead(503).end();
    ranges.push(range);
    const from = range === undefined ? 0 : Number(/\d+/.exec(range)?.[0]);
    const part = from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, { etag: '"x"', 'content-length': content.length - from, ...part });
    breakOff = () => undefined;
    if (ranges.length > 2) return void response.end(content.subarray(from));
    up = false;
    response.write(content.subarray(from, from + 7));
    breakOff = () => {
      response.destroy();
      if (how === 'away') server.close();
    };
  };
  const server = http.createServer(listener);
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  const port = await freePort();
  await listen(port);
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: async (ms) => {
      // Not the dialler's patience, which has a clock of its own. The server is back with the third pause of each break.
      pauses.push(ms);
      if (pauses.length % 3 !== 0) return;
      up = true;
      if (how === 'away') await listen(port);
    },
  };
  let got = '';
  try {
    got = await fetched(`http://127.0.0.1:${port}/disk`, clock);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  expect(got).toBe(image);
  expect(ranges).toEqual([undefined, 'bytes=7-', 'bytes=14-']);
  expect(pauses).toEqual([100, 400, 1000, 100, 400, 1000]);
});

it('gives up on a server that stays away, after a minute', async () => {
  let slept = 0;
  const clock: Clock = { now: () => 0, sleep: async (ms) => void (slept += ms) };
  let answered = 0;
  const root = await serve((_request, response) => {
    if (answered++ > 0) return void response.writeHead(503).end();
    response.writeHead(200, { etag: '"x"', 'content-length': '100' }).write('begun', () => response.destroy());
  });
  expect(await refusal(fetched(root, clock))).toBe('net.unreachable');
  expect([answered, slept]).toEqual([9, 60_500]);
});

/** Begins with a third of the image and breaks off; answers the request for the rest with `rest`. */
function breaking(rest: (from: number, request: IncomingMessage, response: ServerResponse) => void): RequestListener {
  return (request, response) => {
    const { range } = request.headers;
    breakOff = () => undefined;
    if (range !== undefined) return rest(Number(/\d+/.exec(range)?.[0]), request, response);
    response.writeHead(200, { etag: '"x"', 'content-length': image.length });
    response.write(image.slice(0, 10));
    breakOff = () => response.destroy();
  };
}

function rangeOf(from: number, to: number, total = image.length): Record<string, string> {
  return { 'content-range': `bytes ${from}-${to - 1}/${total}` };
}

const all = image.length;

it.each<[string, Record<string, string>, string, string]>([
  ['of a file that has grown', { etag: '"x"', ...rangeOf(10, 35, 35) }, `${image.slice(10)}grown`, 'net.unreachable'],
  [
    'of a size that it keeps to itself',
    { etag: '"x"', 'content-range': 'bytes 10-29/*' },
    image.slice(10),
    'net.unreachable',
  ],
  ['that begins elsewhere', { etag: '"x"', ...rangeOf(0, all) }, image, 'net.unreachable'],
  [
    'that is encoded',
    { etag: '"x"', 'content-encoding': 'gzip', ...rangeOf(10, all) },
    'x'.repeat(20),
    'net.unreachable',
  ],
  [
    'in parts',
    { etag: '"x"', 'content-type': 'multipart/byteranges; boundary=b', ...rangeOf(10, all) },
    '--b',
    'net.unreachable',
  ],
  ['of another version', { etag: '"y"', ...rangeOf(10, all) }, 'x'.repeat(20), 'net.unreachable'],
  ['of no version', rangeOf(10, all), 'x'.repeat(20), 'net.unreachable'],
  ['that is longer than its range', { etag: '"x"', ...rangeOf(10, 20) }, 'x'.repeat(20), 'transfer.overlong'],
])('takes no rest %s', async (_what, headers, body, code) => {
  const root = await serve(
    breaking((_from, _request, response) => {
      // In pieces, so that nothing but the range tells how long it is.
      response.writeHead(206, headers);
      response.write(body);
      response.end();
    }),
  );
  expect(await refusal(fetched(root, hurried))).toBe(code);
});

it.each([
  ['its length', true],
  ['no length', false],
])('asks again where an answer with %s brings less than the whole rest', async (_what, tellsLength) => {
  const asked: number[] = [];
  const root = await serve(
    breaking((from, _request, response) => {
      asked.push(from);
      const to = Math.min(from + 8, all);
      response.writeHead(206, {
        etag: '"x"',
        ...rangeOf(from, to),
        ...(tellsLength && { 'content-length': to - from }),
      });
      response.write(image.slice(from, to));
      response.end();
    }),
  );
  expect(await fetched(root, hurried)).toBe(image);
  expect(asked).toEqual([10, 18, 26]);
});

it('gives up on a server that goes on sending less than it announces', async () => {
  let asked = 0;
  const root = await serve(
    breaking((from, _request, response) => {
      asked += 1;
      response.writeHead(206, { etag: '"x"', ...rangeOf(from, all) });
      response.write('');
      response.end();
    }),
  );
  expect(await refusal(fetched(root, hurried))).toBe('transfer.broke-off');
  expect(asked).toBe(8);
});

it('says also to the server that it is sent on to which version it has a part of', async () => {
  let version = '"x"';
  const conditions: unknown[] = [];
  const mirror = await serve((request, response) => {
    breakOff = () => undefined;
    conditions.push(request.headers['if-range']);
    const whole = request.headers['if-range'] !== version;
    const headers = { etag: version, 'content-length': whole ? all : all - 10, ...(!whole && rangeOf(10, all)) };
    response.writeHead(whole ? 200 : 206, headers);
    if (conditions.length > 1) return void response.end(whole ? image : image.slice(10));
    response.write(image.slice(0, 10));
    breakOff = () => response.destroy();
  });
  const root = await serve((_request, response) => response.writeHead(302, { location: mirror }).end());
  expect(await fetched(root, hurried)).toBe(image);
  expect(conditions).toEqual([undefined, '"x"']);
  conditions.length = 0;
  version = '"z"';
  const changing: Clock = { ...hurried, sleep: async () => void (version = '"y"') };
  expect(await refusal(fetched(root, changing))).toBe('net.unreachable');
});
