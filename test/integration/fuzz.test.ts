/**
 * Bad input of every kind to every endpoint gets a 4xx, changes nothing, and costs bounded time and memory (issue "main
 * job", 6). 2,000 requests of a fixed seed in `npm test`; `VEP_TEST_NIGHTLY=1` sends 200,000 of a new one, which is printed
 * and can be given back as `VEP_TEST_SEED`; `VEP_TEST_CASES` sends another number of them.
 */

import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { join } from 'node:path';
import fc from 'fast-check';
import { Client, INFRA, USER, kindOf } from '../conformance/client.js';
import { serverFor, type Reply } from '../support/server.js';
import { PATIENCE_MS } from '../support/until.js';
import { OVF_TYPE, descriptor } from './appliance-wire.js';
import { ChangedRows } from './changed-rows.js';
import { fuzzCase, type FuzzCase } from './fuzz-cases.js';

const nightly = process.env['VEP_TEST_NIGHTLY'] === '1';
const seed = Number(process.env['VEP_TEST_SEED'] ?? (nightly ? Date.now() % 2 ** 31 : 20251122));
const RUNS = Number(process.env['VEP_TEST_CASES'] ?? (nightly ? 200_000 : 2_000));
const FAR = nightly ? 7_200_000 : 600_000;

const server = serverFor({
  config: {
    server: { port: 0, requestTimeoutMs: 3000 },
    limits: { requestsPerSecond: 1_000_000, uploadBytes: 20_000_000 },
  },
});
const client = (): Client => new Client(server(), '1.2');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Bytes that are held after everything that can go has gone. */
function held(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The same, once it is below `most`: buffers of a connection that was given up go with it, a little later. */
async function heldAtRest(most: number): Promise<number> {
  for (let look = 0; look < 50 && held() >= most; look += 1) await client().get('/health');
  return held();
}

let changed: ChangedRows;
let known: Readonly<Record<string, string>>;

async function settle(): Promise<void> {
  await client().send('POST', '/-/', { categories: [`fuzz; scheme="${USER}"; class="mixin"; location="/fuzz/"`] });
  const [compute, network, storage, foreign] = [
    await client().create('compute'),
    await client().create('network'),
    await client().create('storage', { attributes: ['occi.storage.size=1'] }),
    await client().being('stranger').create('network'),
  ];
  const link = await client().create('networkinterface', {
    attributes: [`occi.core.source="${compute}"`, `occi.core.target="${network}"`],
  });
  known = {
    compute,
    network,
    storage,
    foreign,
    link,
    absent: '/compute/00000000-0000-4000-8000-000000000000',
    url: server().url,
  };
}

beforeAll(async () => {
  changed = new ChangedRows(join(server().directory, 'vep.db'));
  await settle();
});
beforeEach(() => void changed.take());
afterAll(() => changed.close());

const filled = (text: string): string =>
  text.replace(/\{(compute|network|storage|foreign|link|absent|url)\}/g, (_, name: string) => known[name] ?? '');

async function send({ method, path, headers, body }: FuzzCase): Promise<Reply> {
  const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)]));
  // The stream of events would go on for ever.
  const target = filled(path).replace('?subject=/compute/', '?subject=x');
  return server().request(method, target, {
    headers: sent,
    ...(body === '' ? {} : { body: filled(body) }),
  });
}

it(
  `answers ${RUNS} requests of seed ${seed} without a 5xx, a hang or a changed row on refusal`,
  async () => {
    process.stdout.write(`fuzz: ${RUNS} cases, seed ${seed}\n`);
    const statuses = new Map<number, number>();
    const warmUp = Math.min(RUNS / 4, 2000);
    let runs = 0;
    let heldAtStart = 0;
    await fc.assert(
      fc.asyncProperty(fuzzCase, async (each) => {
        runs += 1;
        if (runs === warmUp) heldAtStart = held();
        const reply = await send(each);
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
        const wrong = reply.status >= 500 && reply.status !== 501;
        if (wrong) throw new Error(`${reply.status} to ${JSON.stringify(each)}: ${reply.text.slice(0, 300)}`);
        if (each.broken === true && reply.status < 400)
          throw new Error(`${reply.status} though it breaks its grammar: ${JSON.stringify(each)}`);
        const changes = changed.take();
        if (reply.status >= 400 && changes.length > 0)
          throw new Error(`${reply.status} but ${changes.join(', ')}, ${JSON.stringify(each)}`);
        if (runs % 250 === 0) {
          await client().send('DELETE', '/');
          await client().send('DELETE', '/appliance/');
          await settle();
          changed.take();
          changed.clear();
        }
      }),
      { seed, numRuns: RUNS, endOnFailure: true },
    );
    process.stdout.write(`fuzz: ${JSON.stringify(Object.fromEntries([...statuses].sort(([a], [b]) => a - b)))}\n`);
    expect(statuses.get(201) ?? 0).toBeGreaterThan(RUNS / 100);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(RUNS / 10);
    expect(await heldAtRest(heldAtStart + 40 * 2 ** 20)).toBeLessThan(heldAtStart + 40 * 2 ** 20);
  },
  FAR,
);

describe('size', () => {
  /** Streams `bytes` until they are through or the server has had enough; answers what it said and how much it took. */
  function pour(head: string, bytes: number): Promise<{ answer: string; taken: number }> {
    const { hostname, port } = new URL(server().url);
    const chunk = Buffer.alloc(65_536, 'x');
    return new Promise((resolve) => {
      let [answer, taken] = ['', 0];
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `${head}\r\nHost: ${new URL(server().url).host}\r\nAuthorization: Bearer ${server().tokens.user}\r\n\r\n`,
        );
        const more = (): void => {
          while (taken < bytes && answer === '' && !socket.destroyed) {
            taken += chunk.length;
            const framed = head.includes('chunked')
              ? Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')])
              : chunk;
            if (!socket.write(framed)) return void socket.once('drain', more);
          }
          if (head.includes('chunked')) socket.write('0\r\n\r\n');
        };
        more();
      });
      socket.setTimeout(PATIENCE_MS, () => socket.destroy());
      socket.on('data', (data) => {
        answer += data.toString('latin1');
        socket.end();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve({ answer, taken }));
    });
  }

  it.each([
    ['/compute/', 'text/plain'],
    ['/compute/', 'application/occi+json'],
    ['/-/', 'text/plain'],
    ['/mixin/os_tpl/', 'text/uri-list'],
    ['/appliance/', OVF_TYPE],
    ['/appliance/', 'application/x-tar'],
    ['/appliance/', 'multipart/form-data; boundary=b'],
    ['/upload/', 'application/json'],
  ])('refuses 100 MB to %s as %s without holding them', async (path, type) => {
    const before = held();
    for (const length of ['Content-Length: 100000000', 'Transfer-Encoding: chunked']) {
      const { answer } = await pour(`POST ${path} HTTP/1.1\r\nContent-Type: ${type}\r\n${length}`, 100_000_000);
      expect([length, answer.slice(0, 12)]).toEqual([length, expect.stringMatching(/^HTTP\/1\.1 4(00|13)$/)]);
    }
    expect(changed.take()).toEqual([]);
    expect(await heldAtRest(before + 30 * 2 ** 20)).toBeLessThan(before + 30 * 2 ** 20);
  });

  it.each([
    ['/compute/', 'text/plain'],
    ['/appliance/', OVF_TYPE],
    ['/appliance/', 'application/x-tar'],
    ['/appliance/', 'multipart/form-data; boundary=b'],
  ])('refuses a body to %s as %s so that a client hears it that listens only when all is sent', async (path, type) => {
    const { hostname, port, host } = new URL(server().url);
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 'x'), Buffer.from('\r\n')]);
    const body = function* (): Generator<Buffer> {
      yield Buffer.from(
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${server().tokens.user}\r\n` +
          `Content-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      for (let sent = 0; sent < 16 * 2 ** 20; sent += 65_536) yield chunk;
      yield Buffer.from('0\r\n\r\n');
    };
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    await pipeline(Readable.from(body()), socket, { end: false });
    socket.end();
    const answer = Buffer.concat(await socket.toArray()).toString('latin1');
    expect(answer.slice(0, 12)).toMatch(/^HTTP\/1\.1 4(00|13)$/);
  });

  it('gives up a body that does not come, and says so', async () => {
    const { host } = new URL(server().url);
    const head = `POST /compute/ HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${server().tokens.user}\r\n`;
    const answer = await server().raw(`${head}Content-Type: text/plain\r\nContent-Length: 10\r\n\r\nabc`, 10_000);
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*http\.body-too-slow/);
  });

  it('forgets uploads and bodies that were cut off', async () => {
    const head = (path: string, type: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: ${new URL(server().url).host}\r\nAuthorization: Bearer ${server().tokens.user}\r\nContent-Type: ${type}\r\nContent-Length: 5000\r\n\r\n`;
    const bodies: readonly (readonly [string, string, string])[] = [
      ['/compute/', 'text/plain', `Category: ${kindOf('compute')}\r\n`],
      ['/compute/', 'application/occi+json', `{"kind":"${INFRA}compute"}`],
      ['/appliance/', OVF_TYPE, descriptor({ machines: ['m1'] }).slice(0, 2000)],
      ['/appliance/', 'application/x-tar', 'x'.repeat(700)],
      ['/appliance/', 'multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="ovf"\r\n\r\n<x'],
      ['/upload/', 'application/json', '{"name":"x","size":1'],
    ];
    for (const [path, type, body] of bodies) {
      await new Promise<void>((resolve) => {
        const { hostname, port } = new URL(server().url);
        const socket = connect(Number(port), hostname, () => socket.end(head(path, type) + body));
        socket.on('data', (data) => expect(data.toString('latin1')).toMatch(/^HTTP\/1\.1 4/));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    expect((await client().get('/-/')).status).toBe(200);
    expect(changed.take()).toEqual([]);
  });

  it.each([
    ['deep', '<a>'.repeat(200_000)],
    ['wide', `<a ${Array.from({ length: 50_000 }, (_, index) => `b${index}=""`).join(' ')}/>`],
    [
      'laughing',
      `<!DOCTYPE l [<!ENTITY a "${'a'.repeat(1000)}"><!ENTITY b "${'&a;'.repeat(1000)}"><!ENTITY c "${'&b;'.repeat(1000)}">]><l>&c;</l>`,
    ],
    ['outside', '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>'],
    ['including', '<x xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="/etc/passwd" parse="text"/></x>'],
    ['in UTF-16', Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?><x/>`, 'utf16le').toString('latin1')],
  ])('refuses XML that is %s', async (_what, body) => {
    const reply = await server().request('POST', '/appliance/', {
      headers: { 'content-type': OVF_TYPE },
      body: Buffer.from(body, 'latin1'),
    });
    expect([400, 413]).toContain(reply.status);
    expect(reply.text).not.toMatch(/root:/);
    expect(changed.take()).toEqual([]);
  });
});
