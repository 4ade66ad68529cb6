/**
 * Attacks on a whole server, first on one whose configuration or framework leaves the defence out, then on one that has it:
 * framing, header fields that name somebody, sizes, slow clients, foreign pages, old TLS, guessing, quotas and clocks.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import express, { type NextFunction, type Request, type Response } from 'express';
import { verifyPassword, hashPassword } from '../../../src/access/passwords.js';
import { PasswordFailures } from '../../../src/access/password-failures.js';
import { neverBack } from '../../../src/access/never-back.js';
import { scope } from '../../../src/access/policy.js';
import { Wire } from '../../infrastructure/wire.js';
import { pkiFixtures } from '../../support/pki-fixtures.js';
import { serverFor, type Reply, type RequestOptions, type TestServer } from '../../support/server.js';
import { PATIENCE_MS } from '../../support/until.js';

const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const read = (name: string): string => readFileSync(join(pkiFixtures, name), 'utf8');
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

const naive: Server[] = [];
afterAll(() => {
  for (const server of naive) server.close();
});
async function listening<T extends Server>(server: T): Promise<{ readonly server: T; readonly port: number }> {
  naive.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

const ordinary = serverFor();

describe('framing', () => {
  const smuggling = [
    'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n',
    '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ].join('');

  it('S-046 works without a strict parser: one request with two lengths becomes two', async () => {
    const urls: string[] = [];
    const { port } = await listening(
      http.createServer({ insecureHTTPParser: true }, (request, response) => {
        urls.push(request.url ?? '');
        request.resume();
        response.end();
      }),
    );
    const socket = connect(port, '127.0.0.1', () => socket.write(smuggling));
    socket.resume();
    await once(socket, 'close');
    expect(urls).toEqual(['/a', '/smuggled']);
    const host = new URL(ordinary().url).host;
    const answer = await ordinary().raw(smuggling.replaceAll('Host: x', `Host: ${host}`), 500);
    expect([statusOf(answer), answer.match(/HTTP\/1\.1 \d/g)?.length]).toEqual([400, 1]);
  });
});

describe('header fields that name somebody', () => {
  const certificates = {
    directory: join(pkiFixtures, 'certificates'),
    vomsdir: join(pkiFixtures, 'vomsdir'),
    header: 'rfc9440',
  };
  /** Whoever reaches it is taken for the proxy in front of it. */
  const credulous = serverFor({
    config: { server: { port: 0, trustedPeers: ['127.0.0.0/8'] }, access: { certificates } },
  });
  const stolen = (): Record<string, string> => {
    const der = read('eec/alice.pem')
      .replace(/-----[^-]+-----|\s/g, '')
      .replace(/Bag.*$/s, '');
    return { 'client-cert': `:${der}:` };
  };
  const ask = (server: TestServer, headers: Record<string, string>): Promise<Reply> =>
    server.request('GET', '/compute/', { as: null, headers });

  it('S-041 works without a list of proxies: a public certificate in a header field is as good as its key', async () => {
    expect((await ask(credulous(), stolen())).status).toBe(200);
    expect((await ask(credulous(), {})).status).toBe(401);
    expect((await ask(ordinary(), stolen())).status).toBe(400);
  });

  it('S-045 works without a list of proxies: a forwarded host becomes the address of everything', async () => {
    const headers = { 'x-forwarded-proto': 'https', accept: 'text/uri-list' };
    const body = JSON.stringify({ kind: COMPUTE });
    const make = (server: TestServer): Promise<Reply> =>
      server.request('POST', '/compute/', { headers: { ...headers, 'content-type': 'application/occi+json' }, body });
    expect((await make(credulous())).headers.location).toMatch(/^https:/);
    expect((await make(ordinary())).headers.location).toMatch(/^http:/);
  });
});

describe('sizes and slowness', () => {
  const generous = serverFor({ config: { server: { port: 0, maxBodyBytes: 2 ** 24, maxHeaderBytes: 2 ** 20 } } });
  const strict = serverFor({
    config: { server: { port: 0, maxBodyBytes: 4096, maxHeaderBytes: 16_384, requestTimeoutMs: 1000 } },
  });
  const fields = (server: TestServer): Promise<string> => {
    const many = Array.from({ length: 600 }, (_, index) => `X-${index}: ${'x'.repeat(100)}`);
    const lines = [
      'GET /-/ HTTP/1.1',
      `Host: ${new URL(server.url).host}`,
      `Authorization: Bearer ${server.tokens.user}`,
    ];
    return server.raw([...lines, ...many, 'Connection: close', '', ''].join('\r\n'), 2000);
  };

  it('S-112 works without limits: heaps of header fields are read, and large bodies', async () => {
    expect([statusOf(await fields(generous())), statusOf(await fields(strict()))]).toEqual([200, 431]);
    const body = (server: TestServer): Promise<Reply> =>
      server.request('POST', '/compute/', {
        headers: { 'content-type': 'application/occi+json' },
        body: JSON.stringify({ kind: COMPUTE, summary: 'x'.repeat(8000) }),
      });
    expect([(await body(generous())).status, (await body(strict())).status]).toEqual([201, 413]);
  });

  it('S-112 works without a clock: who sends nothing more keeps a connection for as long as they like', async () => {
    const half = (server: TestServer, answerMs: number): Promise<string> =>
      server.raw(
        `POST /compute/ HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\nAuthorization: Bearer ${server.tokens.user}\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nC`,
        undefined,
        answerMs,
      );
    // Still silent when the strict one has long given up.
    const [patient, impatient] = await Promise.all([half(generous(), 4000), half(strict(), PATIENCE_MS)]);
    expect([patient, statusOf(impatient)]).toEqual(['', 408]);
  });
});

describe('browsers', () => {
  it('S-117 works without asking for the origin: the same form, from nowhere and from a foreign page', async () => {
    const post = (headers: Record<string, string>): Promise<Reply> =>
      ordinary().request('POST', '/network/', {
        headers: { 'content-type': 'text/plain', ...headers },
        body: 'Category: network; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"',
      });
    expect((await post({})).status).toBe(201);
    expect((await post({ origin: 'https://evil.example.org', 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });

  it('S-113 works without a renderer of one’s own: a framework tells its clients where it failed', async () => {
    const [environment, told] = [process.env['NODE_ENV'], console.error];
    console.error = () => undefined;
    process.env['NODE_ENV'] = 'development';
    try {
      const app = express();
      app.get('/', (_request: Request, _response: Response, next: NextFunction) =>
        next(new Error('SELECT * FROM secret')),
      );
      const { port } = await listening(http.createServer(app));
      const answer = await (await fetch(`http://127.0.0.1:${port}/`)).text();
      expect(answer).toMatch(/SELECT \* FROM secret[^]*at /);
    } finally {
      console.error = told;
      process.env['NODE_ENV'] = environment;
    }
    const refused = await ordinary().request('POST', '/compute/', {
      headers: { 'content-type': 'application/occi+json' },
      body: '{"kind":',
    });
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.not.stringMatching(/\bat .*\.[jt]s|SELECT|node_modules/),
    ]);
  });
});

describe('TLS', () => {
  const tls = { certificate: join(pkiFixtures, 'eec/host.pem'), key: join(pkiFixtures, 'eec/host.key') };
  const secure = serverFor({ config: { server: { port: 0, tls } } });
  const old = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      const request = https.get(
        { port, host: '127.0.0.1', agent: false, rejectUnauthorized: false, ...options },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      request.on('error', reject);
    });

  it('S-111 works without a lowest version: TLS 1.1 is spoken', async () => {
    const options = {
      cert: read('eec/host.pem'),
      key: read('eec/host.key'),
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const;
    const { port } = await listening(https.createServer(options, (_request, response) => response.end()));
    expect(await old(port)).toBe(200);
    await expect(old(Number(new URL(secure().url).port))).rejects.toThrow();
  });
});

describe('guessing and waiting', () => {
  it('S-069 works without counting: the twentieth guess is checked like the first, and is right', async () => {
    const stored = await hashPassword('correct horse 20');
    const failures = new PasswordFailures();
    const outcomes = { uncounted: 0, counted: '' };
    for (let guess = 12; guess <= 20; guess += 1)
      if (await verifyPassword(`correct horse ${guess}`, stored)) outcomes.uncounted = guess;
    for (let guess = 1; guess <= 20 && outcomes.counted === ''; guess += 1)
      await failures.attempt('local:alice', '192.0.2.1').catch((error: { kind?: string }) => {
        outcomes.counted = `${guess} ${error.kind}`;
      });
    expect(outcomes).toEqual({ uncounted: 20, counted: '11 too-many-requests' });
  });

  it('S-118 works without memory: a clock that is put back brings an expired grant to life again', () => {
    let time = 5000;
    const clock = { now: () => time, sleep: () => Promise.resolve() };
    const now = neverBack(clock);
    const bob = { id: 'b', name: 'b', tier: 'local', roles: new Set(['user'] as const), groups: ['b'] } as const;
    const grant = { entity: '1', verbs: ['read'] as const, until: 4000 };
    expect(now()).toBe(5000);
    time = 3000;
    const ids = (at: number): boolean => JSON.stringify(scope(bob, 'read', [grant], at)).includes('"1"');
    expect([ids(clock.now()), ids(now())]).toEqual([true, false]);
  });
});

describe('quotas and isolation', () => {
  const A = 'eu.contrail-project.vo.';
  const accounts = [{ name: 'higgs', roles: ['user' as const], group: 'atlas' }];
  const server = serverFor({ accounts });
  const wire = new Wire(server);
  const higgs: RequestOptions = { as: 'higgs' };
  const many = async (): Promise<number> => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => wire.send('POST', '/compute/', { kind: COMPUTE }, higgs)),
    );
    return replies.filter(({ status }) => status === 201).length;
  };

  it('S-083 works without a limit: eight at once are eight', async () => {
    expect(await many()).toBe(8);
    const attributes = { [`${A}name`]: 'atlas', [`${A}limit.machines`]: 10 };
    await wire.make('/vo/', { kind: 'http://schemas.contrail-project.eu/occi/vo#vo', attributes }, { as: 'admin' });
    expect(await many()).toBe(2);
  });

  it('S-071 S-072 works without a scope: who is not held to one sees and deletes what is another’s', async () => {
    const path = await wire.make(
      '/network/',
      { kind: 'http://schemas.ogf.org/occi/infrastructure#network' },
      { as: 'user' },
    );
    for (const [as, status] of [
      ['higgs', 404],
      ['admin', 200],
    ] as const) {
      const listed = (await wire.send('GET', '/network/', undefined, { as })).text.includes(
        path.split('/').at(-1) ?? '',
      );
      expect([as, (await wire.send('GET', path, undefined, { as })).status, listed]).toEqual([
        as,
        status,
        status === 200,
      ]);
    }
    expect((await wire.send('DELETE', path, undefined, higgs)).status).toBe(404);
    expect((await wire.send('DELETE', path, undefined, { as: 'admin' })).status).toBe(200);
  });
});
