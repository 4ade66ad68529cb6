/** Packages named by URL (DSP0243 §5, K06): archives and descriptors, broken lines, manifests, pieces, passwords, message bundles. */

import { jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { JSON_TYPE } from '../conformance/client.js';
import { packed } from '../ovf/tar-support.js';
import type { Reply } from '../support/server.js';
import { APPLIANCE, components, MESSAGE, OVF, pathOf } from './appliance-wire.js';
import { archive, DISK, file, lines, multipart, ONE, packageWire, sha256, SIGNATURE, signed } from './package-wire.js';

const { server, client, named, becomes, keptFiles } = packageWire();

/** What the web server has, by path, and what was asked of it. */
const web = new Map<string, Buffer>();
const asked: { readonly path: string; readonly range: string | undefined; readonly sent: () => number }[] = [];
/** Breaks the line after so many bytes, once for each entry. */
let breaks: number[] = [];
/** The server says that it knows ranges. */
let ranges = true;

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
  const headers = { etag, 'content-length': content.length - from, ...(ranges ? { 'accept-ranges': 'bytes' } : {}) };
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
  ranges = true;
});

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

  it('may hold its files in the folder of the descriptor', async () => {
    web.set('/app.ova', await archive({ 'pkg/app.ovf': ONE, 'disk.img': 'a stray', 'pkg/disk.img': DISK }));
    expect(await keptFiles(await named(`${base}/app.ova`))).toEqual([sha256(DISK)]);
  });

  it('O-019 may hold an image in pieces, in any order', async () => {
    const ovf = file(`ovf:chunkSize="${2 << 20}"`);
    const content = { 'app.ovf': ovf, 'disk.img.000000001': DISK.subarray(2 << 20) };
    web.set('/app.ova', await archive({ ...content, 'disk.img.000000000': DISK.subarray(0, 2 << 20) }));
    expect(await keptFiles(await named(`${base}/app.ova`))).toEqual([sha256(DISK)]);
    web.set('/app.ova', await archive(content));
    expect((await becomes(await named(`${base}/app.ova`), 'error'))[MESSAGE]).toContain('not in the package');
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

  it.each([true, false])(
    'may have its descriptor behind the images (a server that knows ranges: %s)',
    async (known) => {
      ranges = known;
      const content = { 'disk.img': DISK, 'more.img': DISK, 'app.mf': '', 'app.ovf': ONE };
      content['app.mf'] = lines({ 'app.ovf': ONE, 'disk.img': DISK });
      web.set('/app.ova', await archive(content));
      const reply = await named(`${base}/app.ova`);
      expect(await keptFiles(reply)).toEqual([sha256(DISK)]);
      const inRequest = asked.slice(0, known ? 3 : 1);
      const starts = known
        ? [undefined, `bytes=${DISK.length + 512}-`, `bytes=${2 * (DISK.length + 512)}-`]
        : [undefined];
      expect(inRequest.map(({ range }) => range)).toEqual(starts);
      expect(asked[inRequest.length]?.range).toBeUndefined();
    },
  );

  it('is refused where it changes, or is too long, while its descriptor is looked for', async () => {
    const content = await archive({ 'disk.img': DISK, 'app.ovf': ONE });
    web.set('/app.ova', content);
    const first = named(`${base}/app.ova`);
    const get = web.get.bind(web);
    jest.spyOn(web, 'get').mockImplementation((path) => (asked.length === 0 ? get(path) : Buffer.alloc(10_000, 'x')));
    expect((await first).json.faults).toEqual([expect.objectContaining({ code: 'ovf.url-changed' })]);
    jest.restoreAllMocks();
    ranges = false;
    const { header } = { header: content.subarray(0, 512) };
    web.set('/long.ova', Buffer.concat([sized(header, 70 << 20), Buffer.alloc(70 << 20), content]));
    const long = await named(`${base}/long.ova`);
    expect(long.json.faults.map(({ code }: { code: string }) => code)).toEqual(['ovf.url-no-package', 'ovf.O-021']);
    expect(long.text).toContain('/upload/');
  });

  it('is refused by the request when there is no descriptor in it, or one that is wrong', async () => {
    const manifest = lines({ 'app.ovf': 'another' });
    for (const [content, code] of [
      [await archive({ 'disk.img': DISK }), 'ovf.O-022'],
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

/** A tar header that says another size. */
function sized(header: Buffer, bytes: number): Buffer {
  const other = Buffer.from(header);
  other.write(`${bytes.toString(8).padStart(11, '0')} `, 124, 'latin1');
  other.fill(0x20, 148, 156);
  const sum = other.reduce((total, byte) => total + byte, 0);
  other.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return other;
}

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

  it('may have a name with a sign that starts no escape', async () => {
    web.set('/p/100%.ovf', Buffer.from(ONE));
    web.set('/p/disk.img', DISK);
    web.set('/p/100%.mf', Buffer.from(lines({ '100%.ovf': ONE, 'disk.img': DISK })));
    await becomes(await named(`${base}/p/100%.ovf`), 'active');
    await client().send('DELETE', '/appliance/');
    web.set('/p/100%.mf', Buffer.from(lines({ '100%.ovf': 'x', 'disk.img': DISK })));
    expect((await becomes(await named(`${base}/p/100%.ovf`), 'error'))[MESSAGE]).toContain('digest');
  });

  it('has its images brought in pieces, each held to its digest', async () => {
    const [first, second] = [DISK.subarray(0, 2 << 20), DISK.subarray(2 << 20)];
    web.set('/p/app.ovf', Buffer.from(file(`ovf:size="${DISK.length}" ovf:chunkSize="${2 << 20}"`)));
    web.set('/p/disk.img.000000000', first);
    web.set('/p/disk.img.000000001', second);
    web.set('/p/app.mf', Buffer.from(lines({ 'disk.img.000000000': first, 'disk.img.000000001': second })));
    await becomes(await named(`${base}/p/app.ovf`), 'active');
    await client().send('DELETE', '/appliance/');
    for (const wrong of [
      { 'disk.img.000000000': first, 'disk.img.000000001': first },
      { 'disk.img.000000001': first },
    ]) {
      web.set('/p/app.mf', Buffer.from(lines(wrong)));
      expect((await becomes(await named(`${base}/p/app.ovf`), 'error'))[MESSAGE]).toContain('digest');
    }
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

describe('message bundles in files of their own', () => {
  const bundle = (lang: string, name: string): string =>
    `<Strings xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xml:lang="${lang}"><Msg ovf:msgid="licence">${name}</Msg></Strings>`;
  const ovf = ONE.replace('</References>', '<File ovf:id="de" ovf:href="msg/de.xml"/></References>')
    .replace(
      '</VirtualSystem>',
      '<EulaSection><Info/><License ovf:msgid="licence">Pay!</License></EulaSection></VirtualSystem>',
    )
    .replace('</Envelope>', '<Strings xml:lang="de" ovf:fileRef="de"/></Envelope>');
  const german = bundle('de', 'Zahlen!');
  const shown = ({ json }: Reply): unknown => json.unresolved.eulas[0].text;
  const planned = (url: string, language: string): Promise<Reply> =>
    server().request('POST', '/appliance/?dry-run', {
      headers: { 'content-type': 'application/occi+json', accept: JSON_TYPE, 'accept-language': language },
      body: JSON.stringify({ kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } }),
    });

  it('are read for whoever asks in their language: sent along, in an archive at a URL, or beside a descriptor', async () => {
    const content = { 'app.ovf': ovf, 'msg/de.xml': german, 'disk.img': DISK };
    const tar = await archive(content);
    const { body, type } = multipart([
      ['ovf', 'app.ovf', ovf],
      ['file', 'msg/de.xml', german],
      ['file', 'disk.img', DISK],
    ]);
    const direct = (kind: string, bytes: Buffer, language: string): Promise<Reply> =>
      server().request('POST', '/appliance/?dry-run', {
        headers: { 'content-type': kind, accept: JSON_TYPE, 'accept-language': language },
        body: bytes,
      });
    expect(shown(await direct('application/x-tar', tar, 'de-AT, en;q=0.5'))).toBe('Zahlen!');
    expect(shown(await direct(type, body, 'fr, de;q=0.1'))).toBe('Zahlen!');
    expect(shown(await direct(type, body, 'en, de;q=0.1'))).toBe('Pay!');
    web.set('/app.ova', tar);
    expect(shown(await planned(`${base}/app.ova`, 'de'))).toBe('Zahlen!');
    for (const [name, bytes] of Object.entries(content)) web.set(`/p/${name}`, Buffer.from(bytes));
    asked.length = 0;
    expect(shown(await planned(`${base}/p/app.ovf`, 'de'))).toBe('Zahlen!');
    expect(asked.map(({ path }) => path)).toEqual(['/p/app.ovf', '/p/msg/de.xml']);
    asked.length = 0;
    expect(shown(await planned(`${base}/p/app.ovf`, 'en-US'))).toBe('Pay!');
    expect(asked.map(({ path }) => path)).toEqual(['/p/app.ovf']);
  });

  it('that cannot be had, or are none, leave the text as it is, and a warning', async () => {
    const found = async (reply: Reply): Promise<[unknown, string[]]> => [
      shown(reply),
      reply.json.findings
        .filter(({ message }: { message: string }) => message.includes('left out'))
        .map(({ code }: { code: string }) => code),
    ];
    web.set('/p/app.ovf', Buffer.from(ovf));
    expect(await found(await planned(`${base}/p/app.ovf`, 'de'))).toEqual(['Pay!', ['ovf.O-073']]);
    web.set('/p/msg/de.xml', Buffer.alloc(3 << 20, 'x'));
    expect(await found(await planned(`${base}/p/app.ovf`, 'de'))).toEqual(['Pay!', ['ovf.O-073']]);
    web.set('/p/msg/de.xml', Buffer.from(`<!DOCTYPE x>${german}`));
    expect(await found(await planned(`${base}/p/app.ovf`, 'de'))).toEqual(['Pay!', ['xml.doctype']]);
    web.set('/app.ova', await archive({ 'app.ovf': ovf, 'disk.img': Buffer.alloc(6 << 20), 'msg/de.xml': german }));
    expect(await found(await planned(`${base}/app.ova`, 'de'))).toEqual(['Pay!', ['ovf.O-073']]);
  });
});
