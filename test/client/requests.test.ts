import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { ClientError, ConnectionError, VepClient } from '../../src/client/index.js';
import { COMPUTE, NETWORK } from '../../src/occi/model.js';
import { FakeClock } from './fake-clock.js';
import { FakeServer, problem, type Answering } from './fake-server.js';

const INFRASTRUCTURE = 'http://schemas.ogf.org/occi/infrastructure#';
const CATEGORIES = {
  kinds: [
    { term: 'compute', scheme: INFRASTRUCTURE, location: '/compute/' },
    { term: 'network', scheme: INFRASTRUCTURE, location: '/network/' },
  ],
  mixins: [{ term: 'gold', scheme: 'http://example.org/#', location: '/mixin/gold/' }],
};
const ID = '01890000-0000-7000-8000-000000000001';
const COMPUTE_1 = { kind: COMPUTE, id: `urn:uuid:${ID}`, attributes: { 'occi.compute.cores': 2 }, title: 'one' };

let server: FakeServer;
let clock: FakeClock;
let client: VepClient;

beforeEach(async () => {
  server = await FakeServer.start();
  clock = new FakeClock();
  client = new VepClient({ endpoint: `${server.url}/`, credentials: { token: 'vep_x' }, clock });
});
afterEach(() => server.close());

/** Answers of these requests, the query interface besides. */
function answering(replies: Answering): void {
  server.answering = (asked) => (asked.url === '/-/' ? { body: CATEGORIES } : replies(asked));
}

describe('requests of the client', () => {
  it('carry the token, ask for JSON and name OCCI/1.2', async () => {
    answering(() => ({ body: COMPUTE_1, headers: { ETag: '"3.1-json"', Date: 'Tue, 02 Jan 2024 03:04:05 GMT' } }));
    const { view, etag, path, serverTime } = await client.get(`/compute/${ID}`);
    expect(view).toMatchObject({ title: 'one', mixins: [], actions: [], links: [] });
    expect({ etag, path, serverTime }).toEqual({
      etag: '"3.1-json"',
      path: `/compute/${ID}`,
      serverTime: Date.UTC(2024, 0, 2, 3, 4, 5),
    });
    expect(server.asked[0]?.headers).toMatchObject({
      authorization: 'Bearer vep_x',
      accept: 'application/occi+json',
      'user-agent': expect.stringMatching(/ OCCI\/1\.2$/),
    });
  });

  it('go to the endpoint whatever host a URL names, so that no token leaves for another', async () => {
    answering(() => ({ body: COMPUTE_1 }));
    const { path } = await client.get(`http://elsewhere.example.org/compute/${ID}`);
    expect(path).toBe(`/compute/${ID}`);
    expect(server.lines).toEqual([`GET /compute/${ID}`]);
  });

  it('sign in with name and password where there is no token', async () => {
    const basic = new VepClient({
      endpoint: server.url,
      credentials: { basic: { name: 'ann', password: 'ä:b' } },
      clock,
    });
    answering(() => ({ body: COMPUTE_1 }));
    await basic.get(`/compute/${ID}`);
    expect(server.asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ann:ä:b').toString('base64')}`);
  });

  it('list a collection by type identifier, term or location, filter in headers, and know where each entity is', async () => {
    answering(() => ({ body: { resources: [COMPUTE_1] } }));
    for (const name of [COMPUTE, 'compute', '/compute/', 'compute/']) {
      const [found] = await client.list(name);
      expect(found?.path).toBe(`/compute/${ID}`);
    }
    await client.list(COMPUTE, {
      page: { page: 2, number: 50 },
      filter: {
        categories: [`http://example.org/#gold`],
        attributes: { 'occi.core.title': 'a "b"', 'occi.compute.cores': 2 },
      },
    });
    expect(server.asked.at(-1)).toMatchObject({
      url: '/compute/?page=2&number=50',
      headers: {
        'content-type': 'text/occi',
        category: 'gold; scheme="http://example.org/#"',
        'x-occi-attribute': 'occi.core.title="a \\"b\\"", occi.compute.cores=2',
      },
    });
    expect(server.lines.filter((line) => line === 'GET /-/')).toHaveLength(1);
  });

  it('say what is not offered without asking for it', async () => {
    answering(() => undefined);
    await expect(client.list('nonsense')).rejects.toMatchObject({
      status: 404,
      faults: [{ code: 'client.unknown-kind' }],
    });
  });

  it('create with a key, and answer where the entity is', async () => {
    answering(() => ({ status: 201, body: COMPUTE_1, headers: { Location: `http://any.example.org/compute/${ID}` } }));
    const { path } = await client.create(
      { kind: COMPUTE, title: 'one', attributes: { 'occi.compute.cores': 2 } },
      { idempotencyKey: 'k-1' },
    );
    expect(path).toBe(`/compute/${ID}`);
    const asked = server.asked.at(-1)!;
    expect(asked).toMatchObject({ method: 'POST', url: '/compute/', headers: { 'idempotency-key': 'k-1' } });
    expect(JSON.parse(asked.body.toString())).toEqual({
      kind: COMPUTE,
      title: 'one',
      attributes: { 'occi.compute.cores': 2 },
    });
  });

  it('update in part, under the condition of an etag', async () => {
    answering(() => ({ body: { ...COMPUTE_1, title: 'two' } }));
    const view = await client.update(`/compute/${ID}`, { title: 'two' }, { ifMatch: '"3.1-json"' });
    expect(view.title).toBe('two');
    expect(server.asked[0]).toMatchObject({ method: 'POST', headers: { 'if-match': '"3.1-json"' } });
  });

  it('trigger actions by term and identifier', async () => {
    answering(() => ({ body: {} }));
    await client.act(`/compute/${ID}`, 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop', {
      method: 'poweroff',
    });
    const asked = server.asked[0]!;
    expect(asked.url).toBe(`/compute/${ID}?action=stop`);
    expect(JSON.parse(asked.body.toString())).toEqual({
      action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop',
      attributes: { method: 'poweroff' },
    });
  });

  it('ask for health, sites and dead operations', async () => {
    const site = { name: 'sim', type: 'simulator', up: true, since: 1, capacity: null };
    answering(({ url }) => {
      if (url === '/health/ready') return { status: 503, body: '' };
      if (url === '/health/sites') return { body: { sites: [site] } };
      if (url === '/health/operations') return { body: { dead: [] } };
      return { body: { retried: 'o' } };
    });
    expect(await client.health()).toMatchObject({ ready: false });
    expect(await client.provider.sites()).toEqual([site]);
    expect(await client.provider.deadOperations()).toEqual([]);
    await client.provider.retryOperation('o');
    expect(server.lines.at(-1)).toBe('POST /health/operations/o/retry');
  });
});

describe('a lost connection', () => {
  it('is tried again with growing pauses under reads', async () => {
    let tries = 0;
    answering(() => ((tries += 1) < 3 ? { broken: true } : { body: COMPUTE_1 }));
    await client.get(`/compute/${ID}`);
    expect(clock.slept).toEqual([250, 500]);
  });

  it('is tried again under creations with the same key and the same bytes', async () => {
    let tries = 0;
    answering(() => ((tries += 1) < 2 ? { broken: true } : { status: 201, body: COMPUTE_1 }));
    await client.create({ kind: COMPUTE });
    const [first, second] = server.asked.slice(1);
    expect(first?.headers['idempotency-key']).toBeDefined();
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
    expect(second?.body).toEqual(first?.body);
  });

  it('counts a deletion as done when the second try finds nothing', async () => {
    let tries = 0;
    answering(() => ((tries += 1) < 2 ? { broken: true } : problem(404, 'not-found', 'gone')));
    await client.delete(`/compute/${ID}`);
    await expect(client.delete(`/compute/${ID}`)).rejects.toMatchObject({ status: 404 });
  });

  it('is no reason to trigger an action twice', async () => {
    answering(() => ({ broken: true }));
    await expect(client.act(`/compute/${ID}`, 'x#stop')).rejects.toBeInstanceOf(ConnectionError);
    expect(server.lines).toHaveLength(1);
  });

  it('is given up after the fourth try, and at once where nobody ever listened', async () => {
    answering(() => ({ broken: true }));
    await expect(client.get('/compute/x')).rejects.toThrow(/no answer from http:\/\/127/);
    expect(server.lines).toHaveLength(4);
    const { url } = server;
    await server.close();
    const lonely = new VepClient({ endpoint: url, clock });
    clock.slept.length = 0;
    await expect(lonely.get('/compute/x')).rejects.toBeInstanceOf(ConnectionError);
    expect(clock.slept).toEqual([]);
    server = await FakeServer.start();
  });
});

describe('a refusal', () => {
  it.each([
    [
      'JSON of VEP',
      problem(400, 'ovf.O-033', 'no such disk', {
        place: { line: 3, path: '/a', odd: 1 },
        rule: 'O-033',
        remedy: 'name it',
        value: 'x',
        secret: 1,
      }),
      {
        status: 400,
        request: 'id-7',
        faults: [
          {
            severity: 'error',
            code: 'ovf.O-033',
            message: 'no such disk',
            place: { line: 3, path: '/a' },
            rule: 'O-033',
            remedy: 'name it',
            value: 'x',
          },
        ],
      },
    ],
    [
      'a text',
      { status: 502, body: 'Bad Gateway\nnginx' },
      { status: 502, faults: [{ code: 'http.502', message: 'the server answered 502: Bad Gateway' }] },
    ],
    [
      'a page',
      { status: 503, body: '<html>…' },
      { status: 503, faults: [{ code: 'http.503', message: 'the server answered 503' }] },
    ],
    [
      'JSON of somebody else',
      { status: 404, body: { message: 'no' } },
      { status: 404, faults: [{ code: 'http.404' }] },
    ],
    [
      'faults that are none',
      { status: 400, body: { faults: [1, { code: 'x' }] } },
      { status: 400, faults: [{ code: 'http.400' }] },
    ],
    ['a redirection', { status: 302, headers: { Location: 'http://elsewhere.example.org/' } }, { status: 302 }],
  ] as const)('in %s becomes a ClientError with its faults', async (_name, reply, expected) => {
    answering(() => ({ ...reply, headers: { 'X-Request-Id': 'id-7', ...('headers' in reply ? reply.headers : {}) } }));
    const error = await client.get('/compute/x').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject(expected);
    expect(server.lines).toHaveLength(1);
  });
});

describe('TLS', () => {
  const fixture = (name: string): string => readFileSync(new URL(`../net/fixtures/${name}`, import.meta.url), 'utf8');
  const [cert, key] = [fixture('localhost.pem'), fixture('localhost-key.pem')];

  it('trusts the authorities it is given and shows its certificate', async () => {
    let shown = '';
    const secure = https.createServer(
      { cert, key, ca: cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const peer = (
          request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }
        ).getPeerCertificate();
        shown = peer.subject?.CN ?? '';
        response.end(JSON.stringify({ kind: NETWORK, id: ID, attributes: {} }));
      },
    );
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const endpoint = `https://localhost:${(secure.address() as AddressInfo).port}`;
    try {
      await expect(new VepClient({ endpoint, clock }).get('/network/x')).rejects.toBeInstanceOf(ConnectionError);
      const trusting = new VepClient({ endpoint, clock, tls: { ca: cert, certificate: cert, key } });
      expect((await trusting.get('/network/x')).view.kind).toBe(NETWORK);
      expect(shown).not.toBe('');
    } finally {
      secure.closeAllConnections();
      secure.close();
    }
  });
});
