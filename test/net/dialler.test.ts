/** The dialler against real servers on loopback: pinning, redirects and limits (S-093…S-095). */

import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Problem } from '../../src/base/errors.js';
import { GuardedDialler, type DialResponse, type DialRequest, type DiallerOptions } from '../../src/net/dialler.js';
import { FakeClock } from './fake-clock.js';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const certificate = fixture('localhost.pem');

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server on loopback; answers its port and counts its connections. */
async function serve(listener: RequestListener, tls = false): Promise<{ port: number; connections: number }> {
  const server = tls
    ? https.createServer({ cert: certificate, key: fixture('localhost-key.pem') }, listener)
    : http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const seen = { port: (server.address() as AddressInfo).port, connections: 0 };
  server.on('connection', () => (seen.connections += 1));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return seen;
}

function dialler(options: DiallerOptions = {}): GuardedDialler {
  const made = new GuardedDialler({ allow: ['127.0.0.0/8'], ca: [certificate], ...options });
  closers.push(() => made.close());
  return made;
}

async function text(answer: DialResponse): Promise<string> {
  return (await buffer(answer.body)).toString();
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('accepted'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Problem)) throw error as Error;
  return error.faults[0]?.code ?? '';
}

const small: DialRequest = { maxBytes: 1000 };

it('fetches what is allowed, with method, headers and body', async () => {
  const { port } = await serve((request, response) => {
    void buffer(request).then((body) => {
      response.setHeader('X-Seen', `${request.method} ${request.headers['x-a']} ${body.toString()}`);
      response.writeHead(207).end('answer');
    });
  });
  const answer = await dialler().fetch(`http://127.0.0.1:${port}/a`, {
    ...small,
    method: 'POST',
    headers: { 'X-A': '1' },
    body: 'hello',
  });
  expect(answer.status).toBe(207);
  expect(answer.headers['x-seen']).toBe('POST 1 hello');
  expect(await text(answer)).toBe('answer');
});

it('does not reach loopback without permission', async () => {
  const server = await serve((_request, response) => response.end('secret'));
  const strict = dialler({ allow: [], resolver: async () => ['127.0.0.1'] });
  expect(await refusal(strict.fetch(`http://127.0.0.1:${server.port}/`, small))).toMatch(/^net\.(port|address)$/);
  expect(await refusal(strict.fetch(`http://images.test:${server.port}/`, small))).toBe('net.port');
  expect(await refusal(strict.fetch(`http://images.test/`, small))).toBe('net.address');
  expect(server.connections).toBe(0);
});

it('takes allow entries for one request alone', async () => {
  const { port } = await serve((_request, response) => response.end('yes'));
  const strict = dialler({ allow: [] });
  expect(await text(await strict.fetch(`http://127.0.0.1:${port}/`, { ...small, allow: [`127.0.0.1:${port}`] }))).toBe(
    'yes',
  );
  expect(await refusal(strict.fetch(`http://127.0.0.1:${port}/`, small))).toBe('net.port');
});

it('connects to the addresses it has judged: a name cannot change between check and connect', async () => {
  const server = await serve((_request, response) => response.end('here'));
  const asked: string[] = [];
  const answers = [['127.0.0.1'], ['10.9.9.9']];
  const rebinding = dialler({
    resolver: async (host) => {
      asked.push(host);
      return answers[asked.length - 1] ?? [];
    },
  });
  // The first look-up is judged and used; a second one would have been refused.
  expect(await text(await rebinding.fetch(`http://images.test:${server.port}/`, small))).toBe('here');
  expect(asked).toEqual(['images.test']);
});

it('refuses a name with a permitted and a private address', async () => {
  const server = await serve((_request, response) => response.end('here'));
  const mixed = dialler({ resolver: async () => ['127.0.0.1', '10.9.9.9'] });
  expect(await refusal(mixed.fetch(`http://images.test:${server.port}/`, small))).toMatch(/^net\.(port|address)$/);
  expect(server.connections).toBe(0);
});

it('says that a host cannot be reached, or does not exist', async () => {
  const failing = dialler({ resolver: () => Promise.reject(new Error('ENOTFOUND')) });
  expect(await refusal(failing.fetch('http://images.test/', small))).toBe('net.unreachable');
  const server = await serve((request) => request.socket.destroy());
  expect(await refusal(dialler().fetch(`http://127.0.0.1:${server.port}/`, small))).toBe('net.unreachable');
});

describe('redirects', () => {
  const redirectTo =
    (location: string, status = 302): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { location }).end('moved');
    };

  it.each([301, 302, 303, 307, 308])('follows %d', async (status) => {
    const { port } = await serve((request, response) => {
      if (request.url === '/a') response.writeHead(status, { location: 'b' }).end();
      else response.end(request.url);
    });
    const answer = await dialler().fetch(`http://127.0.0.1:${port}/a`, small);
    expect(await text(answer)).toBe('/b');
    expect(answer.url).toBe(`http://127.0.0.1:${port}/b`);
  });

  it.each([
    ['http://169.254.169.254/', 'net.address'],
    ['http://[::ffff:10.0.0.1]/', 'net.address'],
    ['http://2130706433:22/', 'net.port'],
    ['file:///etc/passwd', 'net.scheme'],
    ['http://', 'net.url'],
    ['//localhost/', 'net.address'],
    ['http://a:b@example.org/', 'net.credentials-in-url'],
  ])('S-094 refuses one to %s', async (location, code) => {
    const { port } = await serve(redirectTo(location));
    expect(await refusal(dialler().fetch(`http://127.0.0.1:${port}/`, small))).toBe(code);
  });

  it('S-094 refuses the fourth, and therefore a loop', async () => {
    let requests = 0;
    const { port } = await serve((_request, response) => {
      requests += 1;
      response.writeHead(302, { location: '/' }).end();
    });
    expect(await refusal(dialler().fetch(`http://127.0.0.1:${port}/`, small))).toBe('net.redirect');
    expect(requests).toBe(4);
  });

  it('S-094 refuses one from https to http', async () => {
    const plain = await serve((_request, response) => response.end('plain'));
    const { port } = await serve(redirectTo(`http://127.0.0.1:${plain.port}/`), true);
    expect(await refusal(dialler().fetch(`https://127.0.0.1:${port}/`, small))).toBe('net.redirect');
    expect(plain.connections).toBe(0);
  });

  it('S-094 keeps credentials from another origin, and hands them on within one', async () => {
    const seen: unknown[] = [];
    const see = (request: IncomingMessage, response: ServerResponse): void => {
      seen.push([request.headers.authorization, request.headers['x-auth-token'], request.headers.accept]);
      response.end();
    };
    const other = await serve(see);
    const { port } = await serve((request, response) => {
      if (request.url === '/same') response.writeHead(302, { location: '/end' }).end();
      else if (request.url === '/other') response.writeHead(302, { location: `http://127.0.0.1:${other.port}/` }).end();
      else see(request, response);
    });
    const headers = { Authorization: 'Bearer t', 'X-Auth-Token': 't', Accept: 'a/b' };
    (await dialler().fetch(`http://127.0.0.1:${port}/same`, { ...small, headers })).discard();
    (await dialler().fetch(`http://127.0.0.1:${port}/other`, { ...small, headers })).discard();
    expect(seen).toEqual([
      ['Bearer t', 't', 'a/b'],
      [undefined, undefined, 'a/b'],
    ]);
  });

  it('hands a redirect of another method to the caller', async () => {
    const { port } = await serve(redirectTo('http://example.org/', 307));
    const answer = await dialler().fetch(`http://127.0.0.1:${port}/`, { ...small, method: 'POST', body: 'a' });
    expect(answer.status).toBe(307);
    answer.discard();
  });
});

describe('TLS', () => {
  it('trusts the authorities it was given, for the name it was asked for', async () => {
    const { port } = await serve((_request, response) => response.end('safe'), true);
    const named = (): GuardedDialler => dialler({ resolver: async () => ['127.0.0.1'] });
    expect(await text(await named().fetch(`https://images.test:${port}/`, small))).toBe('safe');
    expect(await refusal(named().fetch(`https://other.test:${port}/`, small))).toBe('net.unreachable');
    expect(await refusal(dialler({ ca: [] }).fetch(`https://127.0.0.1:${port}/`, small))).toBe('net.unreachable');
  });
});

describe('limits', () => {
  it('takes headers of a MiB, and tells what is larger as such', async () => {
    const { port } = await serve((request, response) => {
      response.setHeader('Category', 'x'.repeat(Number(request.headers['x-length'])));
      response.end();
    });
    const of = (bytes: number): Promise<DialResponse> =>
      dialler().fetch(`http://127.0.0.1:${port}/`, { ...small, headers: { 'x-length': String(bytes) } });
    expect((await of(900_000)).headers['category']).toHaveLength(900_000);
    expect(await refusal(of(1_100_000))).toBe('net.too-large');
  });

  it('S-095 refuses an announced length over the limit', async () => {
    const { port } = await serve((_request, response) => response.end('x'.repeat(1001)));
    expect(await refusal(dialler().fetch(`http://127.0.0.1:${port}/`, small))).toBe('net.too-large');
  });

  it('S-095 ends an endless body at the limit', async () => {
    const { port } = await serve((_request, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(16_384)));
      };
      response.on('drain', more);
      more();
    });
    const answer = await dialler().fetch(`http://127.0.0.1:${port}/`, { maxBytes: 100_000 });
    expect(await refusal(text(answer))).toBe('net.too-large');
  });

  it('S-095 notices a body shorter than announced', async () => {
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('short', () => response.destroy());
    });
    const answer = await dialler().fetch(`http://127.0.0.1:${port}/`, small);
    expect(await refusal(text(answer))).toBe('net.unreachable');
  });

  it('S-095 gives up a server that never answers', async () => {
    const clock = new FakeClock();
    const { port } = await serve(() => clock.advance(5000));
    expect(await refusal(dialler({ clock }).fetch(`http://127.0.0.1:${port}/`, { ...small, timeoutMs: 5000 }))).toBe(
      'net.timeout',
    );
  });

  it('S-095 gives up a body that falls silent', async () => {
    const clock = new FakeClock();
    const { port } = await serve((_request, response) => void response.write('a'));
    const answer = await dialler({ clock }).fetch(`http://127.0.0.1:${port}/`, { ...small, timeoutMs: 5000 });
    const body = answer.body[Symbol.asyncIterator]();
    expect((await body.next()).done).toBe(false);
    const silence = refusal(body.next());
    clock.advance(5000);
    expect(await silence).toBe('net.timeout');
  });

  it('S-095 gives up a body that drips', async () => {
    const clock = new FakeClock();
    let drip = (): void => undefined;
    const { port } = await serve((_request, response) => {
      drip = () => {
        clock.advance(4000);
        response.write('a');
      };
      drip();
    });
    const answer = await dialler({ clock }).fetch(`http://127.0.0.1:${port}/`, { ...small, timeoutMs: 10_000 });
    const drink = (async () => {
      for await (const _chunk of answer.body) setImmediate(drip);
    })();
    expect(await refusal(drink)).toBe('net.timeout');
  });

  it('stops when the caller wishes, before and within the body', async () => {
    const { port } = await serve((_request, response) => void response.write('a'));
    const stop = new AbortController();
    const answer = await dialler().fetch(`http://127.0.0.1:${port}/`, { ...small, signal: stop.signal });
    const body = answer.body[Symbol.asyncIterator]();
    await body.next();
    const rest = body.next();
    stop.abort(new Error('enough'));
    await expect(rest).rejects.toThrow('enough');
    await expect(dialler().fetch(`http://127.0.0.1:${port}/`, { ...small, signal: stop.signal })).rejects.toThrow(
      'enough',
    );
  });
});
