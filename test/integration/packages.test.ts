/** Whole packages (DSP0243 §5, K05, K06): archives named by URL, broken lines, manifests, certificates, pieces, gzip. */

import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageRoot } from '../../src/base/package-root.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { packed } from '../ovf/tar-support.js';
import { serverFor, type Reply } from '../support/server.js';
import { APPLIANCE, MESSAGE, OVF, STATE, components, descriptor, pathOf } from './appliance-wire.js';

const SIGNATURE = `${OVF}.signature`;
const pki = (name: string): string => join(packageRoot, 'test/support/pki-fixtures', name);

/** A raw disk that does not compress, so that an archive of it is far larger than what a request may read. */
const DISK = Buffer.alloc(3 << 20);
for (let at = 0, seed = 1; at < DISK.length; at += 4) {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  DISK.writeUInt32LE(seed, at);
}
const ONE = descriptor({ machines: ['m1'], image: 'disk.img' });
const file = (attributes: string): string => ONE.replace('ovf:href="disk.img"', `ovf:href="disk.img" ${attributes}`);

type Files = Readonly<Record<string, string | Buffer>>;

const archive = (files: Files): Promise<Buffer> =>
  packed(Object.entries(files).map(([name, content]) => [{ name }, content as string]));
const lines = (files: Files, algorithm = 'sha256'): string =>
  Object.entries(files)
    .map(
      ([name, bytes]) => `${algorithm.toUpperCase()}(${name})= ${createHash(algorithm).update(bytes).digest('hex')}\n`,
    )
    .join('');
const signed = (manifest: string, signer = 'alice'): string => {
  const key = createPrivateKey(readFileSync(pki(`eec/${signer}.key`)));
  const signature = sign('sha256', Buffer.from(manifest), key).toString('hex');
  return `SHA256(app.mf)= ${signature}\n${readFileSync(pki(`eec/${signer}.pem`), 'utf8')}`;
};

const server = serverFor({
  config: { images: { allow: ['127.0.0.1'] }, ovf: { trustedSigners: [pki('ca/root.pem')] } },
});
const client = (): Client => new Client(server(), '1.2');

/** What the web server has, by path, and what was asked of it. */
const web = new Map<string, Buffer>();
const asked: { readonly path: string; readonly range: string | undefined; readonly sent: () => number }[] = [];
/** Breaks the line after so many bytes, once for each entry. */
let breaks: number[] = [];

const files = http.createServer((request, response) => {
  const path = request.url ?? '';
  const { range, authorization } = request.headers;
  const open = !path.startsWith('/private/') || authorization === `Basic ${btoa('alice:sesame')}`;
  const content = open ? web.get(path) : undefined;
  asked.push({ path, range, sent: () => response.socket?.bytesWritten ?? 0 });
  if (content === undefined) {
    response.writeHead(open ? 404 : 401).end();
    return;
  }
  const etag = `"${createHash('sha1').update(content).digest('hex')}"`;
  const from =
    range === undefined || request.headers['if-range'] !== etag ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
  const headers = { etag, 'content-length': content.length - from };
  response.writeHead(from > 0 ? 206 : 200, {
    ...headers,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
  });
  const limit = breaks.shift();
  if (limit === undefined || limit >= content.length - from) response.end(content.subarray(from));
  else response.write(content.subarray(from, from + limit), () => response.destroy());
});
let base = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => files.close(resolve)));
beforeEach(() => {
  web.clear();
  asked.length = 0;
  breaks = [];
});
afterEach(() => client().send('DELETE', '/appliance/'));

const named = (url: string, query = ''): Promise<Reply> =>
  client().send('POST', `/appliance/${query}`, {
    json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } },
    accept: JSON_TYPE,
  });
const sent = (type: string, body: Buffer, query = ''): Promise<Reply> =>
  server().request('POST', `/appliance/${query}`, { headers: { 'content-type': type, accept: JSON_TYPE }, body });

/** Waits for the state and answers the attributes. */
async function becomes(reply: Reply, state: string): Promise<Record<string, unknown>> {
  const path = pathOf(reply);
  await client().until(path, STATE, state);
  return (await client().get(path, JSON_TYPE)).json.attributes;
}

/** Waits until the appliance runs, and answers the digests of the files that the store keeps for it. */
async function keptFiles(reply: Reply): Promise<string[]> {
  await becomes(reply, 'active');
  const id = pathOf(reply).split('/').at(-1);
  const rows = await server().rows(`SELECT images FROM appliance WHERE appliance = '${id}'`);
  return rows.flatMap(({ images }) =>
    Object.values(JSON.parse(String(images)) as Record<string, { sha256?: string }>).flatMap(
      ({ sha256 }) => sha256 ?? [],
    ),
  );
}
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function multipart(parts: readonly (readonly [name: string, filename: string, content: string | Buffer])[]): {
  body: Buffer;
  type: string;
} {
  const boundary = '----vep-packages';
  const chunks = parts.flatMap(([name, filename, content]) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${name === 'ovf' ? 'application/ovf+xml' : 'application/octet-stream'}\r\n\r\n`,
    content,
    '\r\n',
  ]);
  const body = Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk)));
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

describe('an archive named by URL', () => {
  it('is read as far as its images by the request, and whole by the work', async () => {
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });
    const documents = { 'app.ovf': ONE, 'app.mf': manifest, 'app.cert': signed(manifest) };
    web.set('/app.ova', await archive({ ...documents, 'disk.img': DISK }));
    const dry = await named(`${base}/app.ova`, '?dry-run');
    expect(dry.json).toMatchObject({ deployable: true, findings: expect.arrayContaining([]) });
    expect(dry.json.findings.map(({ code }: { code: string }) => code)).toContain('ovf.O-030');
    expect(asked.map(({ path }) => path)).toEqual(['/app.ova']);
    expect(asked[0]?.sent()).toBeLessThan(DISK.length);
    const reply = await named(`${base}/app.ova`);
    expect((await becomes(reply, 'active'))[SIGNATURE]).toBe('trusted');
    expect(await keptFiles(reply)).toEqual([sha256(DISK)]);
  });

  it('goes on by range where the line broke', async () => {
    web.set('/app.ova', await archive({ 'app.ovf': ONE, 'disk.img': DISK }));
    const reply = await named(`${base}/app.ova`);
    breaks = [1_000_000, 700_000];
    expect(await keptFiles(reply)).toEqual([sha256(DISK)]);
    expect(asked.slice(1).map(({ range }) => range !== undefined)).toEqual([false, true, true]);
  });

  it('may be gzipped', async () => {
    web.set('/app.ova', gzipSync(await archive({ 'app.ovf': ONE, 'disk.img': DISK })));
    expect(await keptFiles(await named(`${base}/app.ova`))).toEqual([sha256(DISK)]);
  });

  it.each<[string, () => Promise<Buffer>, string]>([
    ['has another descriptor by now', () => archive({ 'app.ovf': `${ONE}\n`, 'disk.img': DISK }), 'no longer the one'],
    ['lacks a file', () => archive({ 'app.ovf': ONE, 'other.img': DISK }), 'not in the package'],
    [
      'has a manifest that does not fit, after the images',
      () => archive({ 'app.ovf': ONE, 'disk.img': DISK, 'app.mf': lines({ 'disk.img': 'x' }) }),
      'digest of the file is',
    ],
    ['holds a link', async () => withLink(await archive({ 'app.ovf': ONE })), 'no plain file'],
  ])('fails the deployment when it %s', async (_what, later, message) => {
    web.set('/app.ova', await archive({ 'app.ovf': ONE, 'disk.img': DISK }));
    const reply = await named(`${base}/app.ova`);
    web.set('/app.ova', await later());
    const attributes = await becomes(reply, 'error');
    expect(attributes[MESSAGE]).toContain(message);
    expect(await components(client(), pathOf(reply), '/compute/')).toEqual([]);
  });

  it('is refused by the request when it does not begin with a descriptor, or with one that is wrong', async () => {
    const manifest = lines({ 'app.ovf': 'another' });
    for (const [content, code] of [
      [await archive({ 'disk.img': DISK, 'app.ovf': ONE }), 'ovf.O-021'],
      [await archive({ 'app.ovf': ONE, 'app.mf': manifest, 'disk.img': DISK }), 'ovf.O-026'],
      [await archive({ 'app.ovf': `<!DOCTYPE x>${ONE}` }), 'xml.doctype'],
      [DISK, 'ovf.O-023'],
    ] as const) {
      web.set('/app.ova', content);
      const reply = await named(`${base}/app.ova`);
      expect([code, reply.status]).toEqual([code, 400]);
      expect(reply.json.faults.map((fault: { code: string }) => fault.code)).toContain(code);
    }
    expect(await client().list('/appliance/')).toEqual([]);
  });
});

/** With a symbolic link before the end mark. */
async function withLink(bytes: Buffer): Promise<Buffer> {
  const link = await packed([[{ name: 'disk.img', type: 'symlink', linkname: '/etc/shadow' }, '']]);
  return Buffer.concat([bytes.subarray(0, -1024), link]);
}

describe('a descriptor named by URL', () => {
  it('has its images held to the manifest beside it', async () => {
    web.set('/p/app.ovf', Buffer.from(ONE));
    web.set('/p/disk.img', DISK);
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK }, 'sha512');
    web.set('/p/app.mf', Buffer.from(manifest));
    web.set('/p/app.cert', Buffer.from(signed(manifest, 'expired')));
    const attributes = await becomes(await named(`${base}/p/app.ovf`), 'active');
    expect(attributes[SIGNATURE]).toBe('expired');
    expect(asked.map(({ path }) => path)).toEqual(['/p/app.ovf', '/p/app.mf', '/p/app.cert', '/p/disk.img']);
    await client().send('DELETE', '/appliance/');
    for (const wrong of [lines({ 'disk.img': 'x' }), lines({ 'app.ovf': 'x' }), 'nonsense']) {
      web.set('/p/app.mf', Buffer.from(wrong));
      web.delete('/p/app.cert');
      const failed = await becomes(await named(`${base}/p/app.ovf`), 'error');
      expect(failed[MESSAGE]).toMatch(/digest/);
    }
  });

  it('has its images brought in pieces, each held to its digest', async () => {
    const [first, second] = [DISK.subarray(0, 2 << 20), DISK.subarray(2 << 20)];
    web.set('/p/app.ovf', Buffer.from(file(`ovf:size="${DISK.length}" ovf:chunkSize="${2 << 20}"`)));
    web.set('/p/disk.img.000000000', first);
    web.set('/p/disk.img.000000001', second);
    web.set('/p/app.mf', Buffer.from(lines({ 'disk.img.000000000': first, 'disk.img.000000001': second })));
    await becomes(await named(`${base}/p/app.ovf`), 'active');
    await client().send('DELETE', '/appliance/');
    web.set('/p/app.mf', Buffer.from(lines({ 'disk.img.000000000': first, 'disk.img.000000001': first })));
    expect((await becomes(await named(`${base}/p/app.ovf`), 'error'))[MESSAGE]).toContain('digest');
  });
});

describe('what lies behind a password', () => {
  const credentials = (of: unknown): Promise<Reply> =>
    client().send('POST', '/appliance/', {
      json: {
        kind: APPLIANCE,
        attributes: { [`${OVF}.url`]: `${base}/private/app.ovf`, [`${OVF}.inputs`]: { credentials: of } },
      },
      accept: JSON_TYPE,
    });
  const asFound = (reply: Reply): string[] => reply.json.faults.map(({ code }: { code: string }) => code);

  it('is opened for the request and for the work, and the password is kept sealed', async () => {
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });
    for (const [name, content] of Object.entries({ 'app.ovf': ONE, 'disk.img': DISK, 'app.mf': manifest }))
      web.set(`/private/${name}`, Buffer.from(content));
    const reply = await credentials({ '127.0.0.1': 'basic alice:sesame' });
    expect(await keptFiles(reply)).toEqual([]);
    expect(asked.map(({ path }) => path.split('.').at(-1))).toEqual(['ovf', 'mf', 'cert', 'img']);
    for (const table of ['appliance', 'entity', 'operation', 'audit_entry', 'secret'])
      expect(JSON.stringify(await server().rows(`SELECT * FROM ${table}`))).not.toContain('sesame');
    expect((await client().get(pathOf(reply), JSON_TYPE)).text).not.toContain('sesame');
  });

  it('stays shut to everybody else, and a slip in writing is told without the password', async () => {
    web.set('/private/app.ovf', Buffer.from(ONE));
    expect(asFound(await credentials({}))).toEqual(['ovf.url-status']);
    expect(asFound(await credentials({ '127.0.0.1': 'basic alice:open' }))).toEqual(['ovf.url-status']);
    const slip = await credentials({ '127.0.0.1': 'basic sesame', 'a b': 'bearer x' });
    expect(asFound(slip)).toEqual(['transfer.credential', 'transfer.credential']);
    expect(slip.text).not.toContain('sesame');
  });
});

describe('an archive as a body', () => {
  it('with an image in pieces, gzipped, and a SHA-512 manifest at its end', async () => {
    const zipped = gzipSync(DISK);
    const size = Math.ceil(zipped.length / 2);
    const ovf = file(`ovf:size="${zipped.length}" ovf:chunkSize="${size}" ovf:compression="gzip"`);
    const pieces = {
      'app.ovf': ovf,
      'disk.img.000000000': zipped.subarray(0, size),
      'disk.img.000000001': zipped.subarray(size),
    };
    const body = await archive({ ...pieces, 'app.mf': lines(pieces, 'sha512') });
    const reply = await sent('application/x-tar', body);
    expect((await becomes(reply, 'active'))[SIGNATURE]).toBe('unsigned');
    expect(await keptFiles(reply)).toEqual([sha256(zipped)]);
    const wrong = await archive({ ...pieces, 'app.mf': lines({ ...pieces, 'disk.img.000000001': 'x' }, 'sha512') });
    expect((await sent('application/x-tar', wrong)).json.faults[0]).toMatchObject({
      code: 'ovf.O-026',
      rule: expect.anything(),
    });
  });

  it.each([
    ['alice', 'trusted', 'info'],
    ['expired', 'expired', 'warning'],
    ['mallory-samedn', 'untrusted', 'warning'],
  ])('signed by %s is shown as %s', async (signer, status, severity) => {
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });
    const body = await archive({
      'app.ovf': ONE,
      'app.mf': manifest,
      'app.cert': signed(manifest, signer),
      'disk.img': DISK,
    });
    const dry = await sent('application/x-tar', body, '?dry-run');
    expect(dry.json.findings).toContainEqual(expect.objectContaining({ code: 'ovf.O-030', severity }));
    expect((await becomes(await sent('application/x-tar', body), 'active'))[SIGNATURE]).toBe(status);
  });

  it('altered after it was signed is refused', async () => {
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });
    const body = await archive({
      'app.ovf': ONE,
      'app.mf': `${manifest}\n`,
      'app.cert': signed(manifest),
      'disk.img': DISK,
    });
    const reply = await sent('application/x-tar', body);
    expect([reply.status, reply.json.faults[0]]).toMatchObject([
      400,
      { code: 'ovf.O-030', place: { field: 'app.cert' } },
    ]);
  });
});

describe('multipart', () => {
  const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });

  it('with names that are escaped in the descriptor, plain in the manifest', async () => {
    const ovf = ONE.replace('"disk.img"', '"my%20disk.img"');
    const parts = (digested: string | Buffer): ReturnType<typeof multipart> =>
      multipart([
        ['ovf', 'app.ovf', ovf],
        ['file', 'my%20disk.img', DISK],
        ['file', 'app.mf', lines({ 'my disk.img': digested })],
      ]);
    const { body, type } = parts(DISK);
    expect(await keptFiles(await sent(type, body))).toEqual([sha256(DISK)]);
    expect((await sent(type, parts('x').body)).json.faults[0].code).toBe('ovf.O-026');
  });

  it('with manifest and certificate, in any order', async () => {
    const { body, type } = multipart([
      ['ovf', 'app.ovf', ONE],
      ['file', 'disk.img', DISK],
      ['file', 'app.mf', manifest],
      ['file', 'app.cert', signed(manifest)],
    ]);
    expect((await becomes(await sent(type, body), 'active'))[SIGNATURE]).toBe('trusted');
  });

  it.each<[string, readonly (readonly [string, string, string | Buffer])[], string]>([
    [
      'a file that is not the one of the manifest',
      [
        ['file', 'disk.img', 'x'],
        ['file', 'app.mf', manifest],
      ],
      'ovf.O-026',
    ],
    [
      'a name twice',
      [
        ['file', 'disk.img', 'x'],
        ['file', './disk.img', 'y'],
      ],
      'ovf.O-023',
    ],
    ['a name that leads out', [['file', '../disk.img', 'x']], 'ovf.O-023'],
    ['a second descriptor', [['file', 'b.ovf', ONE]], 'ovf.O-022'],
    ['a certificate alone', [['file', 'app.cert', 'x']], 'ovf.O-031'],
  ])('is refused with %s', async (_what, parts, code) => {
    const { body, type } = multipart([['ovf', 'app.ovf', ONE], ...parts]);
    const reply = await sent(type, body);
    expect([reply.status, reply.json.faults[0].code]).toEqual([400, code]);
  });
});
