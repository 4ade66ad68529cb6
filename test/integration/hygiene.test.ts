/**
 * Server hygiene over raw sockets: S-041 … S-046, S-060, S-069, S-111 … S-117 of the security cases, K18, K21 … K23. Each
 * request is the bytes that an attacker would write.
 */

import { packageRoot } from '../../src/base/package-root.js';
import { INFRA, JSON_TYPE, OCCI, PLAIN, Client, kindOf } from '../conformance/client.js';
import { PASSWORD, forEachServer, type RequestOptions } from '../support/server.js';

forEachServer({ config: { server: { port: 0, maxBodyBytes: 65_536 } } }, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const get = (path: string, headers: RequestOptions['headers'] = {}, as: RequestOptions['as'] = 'user') =>
    server().request('GET', path, { headers: headers ?? {}, as });
  const host = (): string => new URL(server().url).host;
  /** A request as its lines; a valid token and host unless said otherwise. */
  const raw = (first: string, lines: readonly string[] = [], body = '', standard = true): Promise<string> => {
    const always = standard ? [`Host: ${host()}`, `Authorization: Bearer ${server().tokens.user}`] : [];
    return server().raw([first, ...always, ...lines, '', body].join('\r\n'), 500);
  };
  const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

  describe('identity in header fields (S-041, S-042, S-045)', () => {
    it.each([
      ['X-SSL-Client-Cert', 'x'],
      ['X-SSL-Client-Verify', 'SUCCESS'],
      ['X-SSL-Client-S-DN', '/CN=root'],
      ['Client-Cert', ':MIIB:'],
      ['X-Forwarded-Client-Cert', 'Subject="/CN=root"'],
      ['SSL_CLIENT_S_DN', '/CN=root'],
      ['GRST_CRED_0', 'X509USER 1 2 3 /CN=root'],
      ['GRST_VOMS_FQANS', '/vo'],
      ['X-Remote-User', 'admin'],
      ['x_ssl_client_cert', 'x'],
      ['X-sSl-CLIENT-verify', 'SUCCESS'],
      ['Remote_User', 'admin'],
    ])('refuses %s from a peer that is no proxy', async (name, value) => {
      const lines = [`${name}: ${value}`, 'Connection: close'];
      expect(statusOf(await raw('GET /-/ HTTP/1.1', lines))).toBe(400);
      expect(statusOf(await raw('GET /-/ HTTP/1.1', [...lines, 'X-Forwarded-For: 127.0.0.1']))).toBe(400);
    });
  });

  describe('smuggling and framing (S-046)', () => {
    it.each([
      ['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
      ['two encodings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'],
      ['two lengths', ['Content-Length: 4', 'Content-Length: 5'], 'abcd'],
      ['a folded field', ['X-A: b', ' c'], ''],
      ['a blank before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
      ['a negative length', ['Content-Length: -1'], ''],
      ['a length in hex', ['Content-Length: 0x10'], ''],
      ['a bare line feed in chunks', ['Transfer-Encoding: chunked'], '5\nabc\r\n0\r\n\r\n'],
    ])('refuses %s and closes', async (_what, lines, body) => {
      const answer = await raw(
        'POST /compute/ HTTP/1.1',
        ['Content-Type: text/plain', ...lines],
        `${body}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect(statusOf(answer)).toBe(400);
      expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
      expect(answer).toMatch(/\r\nServer: [^\r]*OCCI\/1\.1/);
    });
  });

  describe('one verdict whatever the spelling of the path (S-116)', () => {
    it.each([
      '/%2d/',
      '/-%2f',
      '/compute%2f',
      '/..;/-/',
      '/compute/../-/',
      '/compute/%2e%2e/-/',
      '/%252d/',
      '/compute/;a=b/',
      '/compute/%00',
      '/-/%0a',
      '/compute\\x',
      '/health/../metrics',
      '//metrics',
      '/metrics/',
      '/METRICS',
      '/%6detrics',
      '/health/..%2fmetrics',
    ])('GET %s opens nothing', async (path) => {
      for (const credentials of [true, false]) {
        const lines = credentials ? [`Authorization: Bearer ${server().tokens.user}`] : [];
        const answer = await raw(`GET ${path} HTTP/1.1`, [`Host: ${host()}`, ...lines, 'Connection: close'], '', false);
        expect(answer).not.toMatch(/process_cpu/);
        if (!credentials) expect([400, 401, 404]).toContain(statusOf(answer));
        expect(statusOf(answer)).toBeLessThan(500);
      }
    });

    it('understands the absolute form, and no method in disguise', async () => {
      expect(statusOf(await raw(`GET ${server().url}/-/ HTTP/1.1`, ['Connection: close']))).toBe(200);
      const path = await client().create('network');
      for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])
        await raw(`POST ${path} HTTP/1.1`, [`${name}: DELETE`, 'Content-Length: 0', 'Connection: close']);
      await raw(`POST ${path}?_method=DELETE HTTP/1.1`, ['Content-Length: 0', 'Connection: close']);
      expect((await client().get(path)).status).toBe(200);
    });

    it('refuses requests without a host of this server', async () => {
      const token = `Authorization: Bearer ${server().tokens.user}`;
      for (const lines of [
        [],
        ['Host: evil.example.org'],
        ['Host: 127.0.0.1@evil.example.org'],
        ['Host:'],
        [`Host: ${host()}`, 'Host: evil.example.org'],
      ])
        expect([
          lines,
          statusOf(await raw('GET /-/ HTTP/1.1', [...lines, token, 'Connection: close'], '', false)),
        ]).toEqual([lines, 400]);
      expect([400, 401]).toContain(statusOf(await raw('GET /-/ HTTP/1.0', [token], '', false)));
      const forwarded = await raw('GET /compute/ HTTP/1.1', [
        'X-Forwarded-Host: evil.example.org',
        'Connection: close',
      ]);
      expect(forwarded).not.toContain('evil.example.org');
    });
  });

  describe('browsers (S-117, K22)', () => {
    const write = (headers: Record<string, string>) =>
      server().request('POST', '/network/', {
        headers: { 'content-type': PLAIN, ...headers },
        body: `Category: ${kindOf('network')}`,
      });

    it('refuses writes from pages of another origin', async () => {
      for (const headers of [
        { origin: 'http://evil.example.org' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ] as Record<string, string>[])
        expect([headers, (await write(headers)).status]).toEqual([headers, 403]);
      for (const headers of [
        {},
        { origin: server().url },
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
      ] as Record<string, string>[])
        expect([headers, (await write(headers)).status]).toEqual([headers, 201]);
    });

    it('opens nothing to other origins', async () => {
      const reply = await get('/-/', { origin: 'http://evil.example.org' });
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
      expect(
        (await server().request('OPTIONS', '/compute/', { headers: { origin: 'http://evil.example.org' } })).headers[
          'access-control-allow-origin'
        ],
      ).toBeUndefined();
      expect(reply.headers['x-powered-by']).toBeUndefined();
      expect(reply.headers['x-content-type-options']).toBe('nosniff');
    });
  });

  describe('size (S-112, K21)', () => {
    it('refuses heaps of header fields, parameters and header bytes, and goes on', async () => {
      const many = Array.from({ length: 10_000 }, (_, index) => `X-${index}: 1`);
      expect([200, 431]).toContain(statusOf(await raw('GET /-/ HTTP/1.1', [...many, 'Connection: close'])));
      expect(statusOf(await raw('GET /-/ HTTP/1.1', [`X-A: ${'x'.repeat(2 ** 20)}`, 'Connection: close']))).toBe(431);
      const query = Array.from({ length: 100_000 }, () => 'a=b').join('&');
      expect([400, 414, 431]).toContain(statusOf(await raw(`GET /compute/?${query} HTTP/1.1`, ['Connection: close'])));
      expect((await get(`/compute/?${'a=b&'.repeat(200)}`)).status).toBe(400);
      expect((await get(`/${'a'.repeat(9000)}`)).status).toBe(400);
      expect((await get('/-/')).status).toBe(200);
    });

    it('refuses large bodies as soon as their size is known', async () => {
      const line = `Category: ${kindOf('network')}\r\n`;
      const big = await server().request('POST', '/network/', {
        headers: { 'content-type': PLAIN },
        body: line + 'x'.repeat(70_000),
      });
      expect([big.status, big.text]).toEqual([413, expect.stringContaining('http.body-too-large')]);
      const announced = await raw(
        'POST /network/ HTTP/1.1',
        ['Content-Type: text/plain', 'Content-Length: 100000000'],
        line,
      );
      expect(statusOf(announced)).toBe(413);
      const chunked = await raw(
        'POST /network/ HTTP/1.1',
        ['Content-Type: text/plain', 'Transfer-Encoding: chunked'],
        `20000\r\n${'x'.repeat(0x20000)}\r\n0\r\n\r\n`,
      );
      expect(statusOf(chunked)).toBe(413);
      const json = await server().request('POST', '/network/', {
        headers: { 'content-type': JSON_TYPE, accept: JSON_TYPE },
        body: `"${'x'.repeat(70_000)}"`,
      });
      expect([json.status, json.json.faults[0].code]).toEqual([413, 'http.body-too-large']);
    });

    it('refuses deep and wide documents', async () => {
      for (const body of [
        '['.repeat(30_000),
        '{"a":'.repeat(10_000),
        `{"kind":"${INFRA}network","attributes":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}}`,
        `[${'{},'.repeat(20_000)}{}]`,
      ]) {
        const reply = await server().request('POST', '/network/', { headers: { 'content-type': JSON_TYPE }, body });
        expect([body.slice(0, 9), reply.status]).toEqual([body.slice(0, 9), 400]);
      }
    });

    it('refuses an answer too long for the headers of text/occi', async () => {
      const stranger = client().being('stranger');
      const resources = Array.from({ length: 300 }, (_, index) => ({
        kind: `${INFRA}securitygroup`,
        title: `${index}`,
      }));
      for (let batch = 0; batch < 3; batch += 1)
        expect((await stranger.send('POST', '/securitygroup/', { json: { resources } })).status).toBe(201);
      const reply = await stranger.get('/securitygroup/', OCCI);
      expect([reply.status, reply.headers['x-occi-error']]).toEqual([406, expect.any(String)]);
      expect((await stranger.list('/securitygroup/')).length).toBe(900);
    });
  });

  describe('what refusals tell (S-113) and what is kept to oneself (S-060)', () => {
    it('has code, place and remedy in every media type, and no insides', async () => {
      const send = (accept: string) =>
        client().send('POST', '/storage/', {
          categories: [kindOf('storage')],
          attributes: ['occi.storage.size="big"', 'occi.storage.colour=1'],
          accept,
        });
      const [plain, json, occi] = [await send(PLAIN), await send(JSON_TYPE), await send(OCCI)];
      for (const reply of [plain, json, occi]) {
        expect(reply.status).toBe(400);
        expect(reply.headers['x-occi-error']).toEqual(expect.any(String));
        for (const place of [packageRoot, server().directory]) expect(reply.text).not.toContain(place);
        expect(reply.text).not.toMatch(/\bat .*\.[jt]s:|node_modules|SELECT /);
      }
      expect(json.json.faults.length).toBe(2);
      for (const fault of json.json.faults)
        expect(fault).toMatchObject({
          code: expect.any(String),
          message: expect.any(String),
          place: expect.any(Object),
          remedy: expect.any(String),
        });
      expect(plain.text).toMatch(/error [\w.-]+ \(occi\.storage\.size\).*remedy: /);
      expect(plain.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    });

    it('takes no token from the query or the body', async () => {
      const token = server().tokens.user;
      for (const name of ['access_token', 'token', 'auth'])
        expect((await get(`/-/?${name}=${token}`, {}, null)).status).toBe(401);
      const body = `Category: ${kindOf('network')}\naccess_token=${token}`;
      expect(
        (await server().request('POST', '/network/', { as: null, headers: { 'content-type': PLAIN }, body })).status,
      ).toBe(401);
    });
  });

  describe('signing in (K24, S-069)', () => {
    const basic = (name: string, password: string) =>
      get('/-/', { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }, null);

    it('takes token and password, in any way that clients send them', async () => {
      const { user } = server().tokens;
      expect((await basic('colleague', PASSWORD)).status).toBe(200);
      expect((await basic('user', user)).status).toBe(200);
      expect((await get('/-/', { 'x-auth-token': user }, null)).status).toBe(200);
      for (const authorization of [
        'Bearer',
        `Bearer ${user.slice(0, -1)}x`,
        'Basic !!!',
        `Digest ${user}`,
        `Bearer ${user} x`,
        `bearer\t${user}`,
        'Bearer null',
      ])
        expect([authorization, (await get('/-/', { authorization }, null)).status]).toEqual([authorization, 401]);
      expect((await basic('stranger', user)).status).toBe(401);
      expect(
        (await get('/-/', { authorization: `Bearer ${user}`, 'x-auth-token': server().tokens.stranger }, null)).status,
      ).toBe(401);
    });

    it('S-044 signs nobody in by one of two credentials of a kind', async () => {
      const { user, stranger } = server().tokens;
      const twice = (name: string, first: string, second: string): Promise<string> =>
        server().raw(
          [
            'GET /-/ HTTP/1.1',
            `Host: ${host()}`,
            `${name}: ${first}`,
            `${name.toLowerCase()}: ${second}`,
            'Connection: close',
            '',
            '',
          ].join('\r\n'),
          500,
        );
      for (const [first, second] of [
        [user, stranger],
        [user, 'x'],
        ['x', user],
        [user, user],
      ] as const) {
        expect(statusOf(await twice('Authorization', `Bearer ${first}`, `Bearer ${second}`))).toBe(401);
        expect(statusOf(await twice('X-Auth-Token', first, second))).toBe(401);
      }
    });

    it('slows guessing down, and lets the owner in again by token', async () => {
      const statuses: number[] = [];
      for (let guess = 0; guess < 14; guess += 1) statuses.push((await basic('federation', `wrong-${guess}`)).status);
      expect(statuses.slice(0, 5)).toEqual(Array(5).fill(401));
      expect(statuses.at(-1)).toBe(429);
      const locked = await basic('federation', 'wrong-again');
      expect(Number(locked.headers['retry-after'])).toBeGreaterThan(0);
      expect((await get('/-/', {}, 'federation')).status).toBe(200);
    });
  });
});
