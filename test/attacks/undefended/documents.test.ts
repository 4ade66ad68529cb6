/**
 * Attacks with what is fetched and uploaded, first on ordinary tools and on VEP's own parts with their limits off, then with
 * them on: addresses inside, redirects, endless answers, archives, disk images and XML.
 */

import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { ParseOption, XmlDocument } from 'libxml2-wasm';
import { pino } from 'pino';
import { extract } from 'tar-stream';
import { createLog } from '../../../src/base/log.js';
import { GuardedDialler, type DiallerOptions } from '../../../src/net/dialler.js';
import { readOva } from '../../../src/ovf/package/ova.js';
import { PACKAGE_LIMITS, type MemberSink } from '../../../src/ovf/package/reader.js';
import { readXml } from '../../../src/ovf/xml/intake.js';
import { gunzip } from '../../../src/transfer/gunzip.js';
import { probeImage } from '../../../src/transfer/image-probe.js';
import { packed } from '../../ovf/tar-support.js';
import { describeWith, runProgram } from '../../support/counterparts.js';
import { codeOf, refusal } from '../../transfer/support.js';

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server inside, which nobody outside should reach. */
async function inside(answer: RequestListener = (_request, response) => response.end('the secret of the inside')) {
  const seen = { requests: 0, port: 0 };
  const server = createServer((request, response) => {
    seen.requests += 1;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  seen.port = (server.address() as AddressInfo).port;
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return seen;
}

function dialler(options: DiallerOptions = {}): GuardedDialler {
  const made = new GuardedDialler(options);
  closers.push(() => made.close());
  return made;
}

const UNGUARDED = { allow: ['127.0.0.0/8', '10.0.0.0/8', '::/0', '0.0.0.0/0'] };
const small = { maxBytes: 1000 };
const text = async (work: ReturnType<GuardedDialler['fetch']>): Promise<string> =>
  (await buffer((await work).body)).toString();

describe('requests from inside (SSRF)', () => {
  it.each(['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '①②⑦.⓪.⓪.①', '[::ffff:127.0.0.1]'])(
    'S-091 works without the guard: %s is fetched from',
    async (host) => {
      const server = await inside();
      const url = `http://${host}:${server.port}/`;
      expect(await text(dialler(UNGUARDED).fetch(url, small))).toContain('secret');
      const before = server.requests;
      expect(await refusal(dialler().fetch(url, small))).toMatch(/^net\.(port|address)$/);
      expect(server.requests).toBe(before);
    },
  );

  it('S-093 works without the guard: a name of somebody’s own leads inside', async () => {
    const server = await inside();
    const resolver = (): Promise<string[]> => Promise.resolve(['127.0.0.1']);
    const url = `http://images.example.org:${server.port}/`;
    expect(await text(dialler({ ...UNGUARDED, resolver }).fetch(url, small))).toContain('secret');
    const before = server.requests;
    expect(await refusal(dialler({ resolver }).fetch('http://images.example.org/', small))).toBe('net.address');
    expect(server.requests).toBe(before);
  });

  it('S-094 works without the guard: an allowed server sends the request on to the inside', async () => {
    const server = await inside();
    const outside = await inside((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${server.port}/` }).end();
    });
    const url = `http://127.0.0.1:${outside.port}/`;
    expect(await text(dialler(UNGUARDED).fetch(url, small))).toContain('secret');
    const before = server.requests;
    // The allowed server is allowed, and what it names is judged anew.
    const guarded = dialler({ allow: [`127.0.0.1:${outside.port}`] });
    expect(await refusal(guarded.fetch(url, small))).toMatch(/^net\.(port|address)$/);
    expect(server.requests).toBe(before);
  });

  it('S-095 works without limits: an answer of any size is taken', async () => {
    const server = await inside((_request, response) => response.end(Buffer.alloc(1 << 20)));
    const url = `http://127.0.0.1:${server.port}/`;
    expect(await text(dialler(UNGUARDED).fetch(url, { maxBytes: 2 ** 40 }))).toHaveLength(1 << 20);
    expect(await refusal(text(dialler(UNGUARDED).fetch(url, small)))).toBe('net.too-large');
  });
});

describe('archives', () => {
  it('S-096 works without judging names: an unpacker that joins them writes beside its folder', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'vep-undefended-'));
    closers.push(() => rmSync(parent, { recursive: true }));
    const folder = join(parent, 'work');
    const archive = await packed([[{ name: '../evil' }, 'escaped']]);
    const unpack = extract();
    Readable.from([archive]).pipe(unpack);
    for await (const entry of unpack) writeFileSync(join(folder, entry.header.name), await buffer(entry));
    expect(existsSync(join(parent, 'evil'))).toBe(true);
    const kept: string[] = [];
    const sink = {
      open: (name: string) => Promise.reject(new Error(`${kept.push(name)} opened`)),
    } as unknown as MemberSink;
    const read = readOva(Readable.from([archive]), sink, { mode: 'lenient', limits: PACKAGE_LIMITS });
    expect([await refusal(read), kept]).toEqual(['ovf.O-023', []]);
  });

  it('S-096 works without a limit: a kilobyte becomes a megabyte', async () => {
    const bomb = gzipSync(Buffer.alloc(1 << 20));
    expect(bomb.length).toBeLessThan(2048);
    const bytes = (): Readable => Readable.from([bomb]);
    expect((await buffer(gunzip(bytes(), 2 ** 40))).length).toBe(1 << 20);
    expect(await refusal(buffer(gunzip(bytes(), 4096)))).toMatch(/^transfer\./);
  });
});

describeWith('qemu-img')('disk images', () => {
  it('S-097 works without the probe: an image that names a file of the host is converted into one that holds it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vep-undefended-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('shadow'), Buffer.concat([Buffer.from('root:$6$a secret of the host'), Buffer.alloc(512)]), {});
    const made = await runProgram('qemu-img', [
      'create',
      '-f',
      'qcow2',
      '-b',
      at('shadow'),
      '-F',
      'raw',
      at('evil.qcow2'),
      '1M',
    ]);
    expect(made).toMatchObject({ code: 0 });
    expect(await runProgram('qemu-img', ['convert', '-O', 'raw', at('evil.qcow2'), at('leak')])).toMatchObject({
      code: 0,
    });
    expect(readFileSync(at('leak')).subarray(0, 40).toString()).toContain('a secret of the host');
    const bytes = readFileSync(at('evil.qcow2'));
    const reader = {
      sizeBytes: bytes.length,
      read: (offset: number, length: number): Promise<Buffer> =>
        Promise.resolve(bytes.subarray(Math.min(offset, bytes.length), offset + length)),
    };
    expect(await refusal(probeImage(reader))).toBe('image.pointer');
  });
});

describe('XML', () => {
  const LOL = [
    '<!DOCTYPE a [<!ENTITY a "lol">',
    ...'bcde'.split('').map((name, index) => {
      const before = `&${'abcd'[index]};`;
      return `<!ENTITY ${name} "${before.repeat(10)}">`;
    }),
    ']><a>&e;</a>',
  ].join('');

  it('S-098 works without the refusal of document types: half a kilobyte of entities is thirty kilobytes of text', () => {
    const document = XmlDocument.fromString(LOL, { option: ParseOption.XML_PARSE_NOENT });
    try {
      expect(document.root.content).toBe('lol'.repeat(10_000));
    } finally {
      document.dispose();
    }
    expect(codeOf(() => readXml(Buffer.from(LOL)))).toBe('xml.doctype');
  });

  it('S-098 works without limits: any depth is parsed', () => {
    const deep = `${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}`;
    XmlDocument.fromString(deep, { option: ParseOption.XML_PARSE_HUGE }).dispose();
    expect(codeOf(() => readXml(Buffer.from(deep)))).toBe('xml.depth');
  });
});

describe('logs', () => {
  const logged = (
    log: (destination: { write: (line: string) => void }) => { info: (what: object, said: string) => void },
  ) => {
    let lines = '';
    const sink = { write: (line: string): void => void (lines += line) };
    log(sink).info(
      { headers: { authorization: 'Bearer s3cret' }, password: 's3cret', title: 'x\n{"level":"info","msg":"forged"}' },
      'in',
    );
    return lines;
  };

  it('S-060 works without redaction: credentials of a request stand in the log', () => {
    expect(logged((destination) => pino({}, destination))).toContain('s3cret');
    expect(logged((destination) => createLog({ destination }))).not.toContain('s3cret');
  });

  it('S-017 S-089 works without structure: a line break of a client is a line of its own', () => {
    const plain = (title: string): string => `in title=${title}\n`;
    expect(
      plain('x\n{"level":"info","msg":"forged"}')
        .split('\n')
        .filter((line) => line.startsWith('{')),
    ).toHaveLength(1);
    expect(
      logged((destination) => createLog({ destination }))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
  });
});
