/** Every way of sending an appliance (K05), what is fetched and what is not (K06), and the dry run (K07). */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { packageRoot } from '../../src/base/package-root.js';
import { Client, JSON_TYPE, OCCI, PLAIN } from '../conformance/client.js';
import { forEachServer, type Reply } from '../support/server.js';
import {
  APPLIANCE,
  APPLIANCE_CATEGORY,
  OVF,
  OVF_TYPE,
  STATE,
  components,
  descriptor,
  pathOf,
  property,
  send,
} from './appliance-wire.js';

const IMAGE = readFileSync(join(packageRoot, 'examples', 'single-vm', 'images', 'base.qcow2'));
const ONE = descriptor({ machines: ['m1'] });
const WITH_IMAGE = descriptor({ machines: ['m1'], image: 'images/base.qcow2' });

async function tar(entries: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(entries)) archive.entry({ name }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Part {
  readonly name: string;
  readonly type: string;
  readonly filename?: string;
  readonly content: string | Buffer;
}

function multipart(parts: readonly Part[]): { body: Buffer; type: string } {
  const boundary = '----vep-test';
  const chunks = parts.flatMap(({ name, type, filename, content }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename ? `; filename="${filename}"` : ''}\r\nContent-Type: ${type}\r\n\r\n`,
    content,
    '\r\n',
  ]);
  return {
    body: Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk))),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

forEachServer({ config: { images: { allow: ['127.0.0.1'] } } }, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const asked: string[] = [];
  const files = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    const found = {
      '/app.ovf': ONE,
      '/image/app.ovf': WITH_IMAGE,
      '/image/images/base.qcow2': IMAGE,
      '/not.ovf': IMAGE,
    }[request.url ?? ''];
    if (request.url === '/away.ovf')
      return response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
    return found === undefined ? response.writeHead(404).end() : response.end(found);
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => files.close(resolve)));
  afterEach(() => client().send('DELETE', '/appliance/'));

  const post = (
    type: string,
    body: string | Buffer,
    headers: Record<string, string> = {},
    query = '',
  ): Promise<Reply> =>
    server().request('POST', `/appliance/${query}`, {
      headers: { 'content-type': type, accept: JSON_TYPE, ...headers },
      body,
    });
  const becomesActive = async (reply: Reply): Promise<string> => {
    const path = pathOf(reply);
    await client().until(path, STATE, 'active');
    return path;
  };
  const named = (url: string, accept = JSON_TYPE): Promise<Reply> =>
    client().send('POST', '/appliance/', { json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } }, accept });

  describe('by URL', () => {
    it('in every rendering', async () => {
      const url = `${OVF}.url="${base}/app.ovf"`;
      for (const type of [PLAIN, OCCI] as const) {
        const reply = await client().send('POST', '/appliance/', {
          type,
          categories: [APPLIANCE_CATEGORY],
          attributes: [url],
        });
        await becomesActive(reply);
      }
      await becomesActive(await named(`${base}/app.ovf`));
      await becomesActive(
        await client().send('POST', '/', { type: OCCI, categories: [APPLIANCE_CATEGORY], attributes: [url] }),
      );
    });

    it('with its images beside it, which the request does not wait for', async () => {
      asked.length = 0;
      const path = await becomesActive(await named(`${base}/image/app.ovf`));
      expect(asked).toEqual(['/image/app.ovf', '/image/app.mf', '/image/images/base.qcow2']);
      expect(await components(client(), path, '/storage/')).toHaveLength(1);
    });

    it('is refused with the reason when there is no descriptor, or it may not be fetched', async () => {
      const before = await client().list('/appliance/');
      for (const url of [
        `${base}/none.ovf`,
        `${base}/not.ovf`,
        `${base}/away.ovf`,
        'http://127.0.0.1:1/x.ovf',
        'http://169.254.169.254/x',
        'http://[::ffff:10.0.0.1]/x',
        'http://2130706433:22/x',
        'file:///etc/passwd',
        'ftp://127.0.0.1/x',
        'gopher://x',
        '//127.0.0.1/x',
        'upload:none',
        'nonsense',
        'http://user:secret@127.0.0.1/x',
      ]) {
        const reply = await named(url);
        expect([url, reply.status]).toEqual([url, reply.status >= 400 && reply.status < 500 ? reply.status : 'a 4xx']);
        const { code, remedy } = reply.json.faults[0];
        // What is not there, or another's, is answered with nothing to go by (K14).
        expect([url, code, remedy]).toEqual([
          url,
          expect.any(String),
          code === 'not-found' ? undefined : expect.any(String),
        ]);
      }
      expect(await client().list('/appliance/')).toEqual(before);
    });
  });

  describe('as a body', () => {
    it('a descriptor under each of its types, the entity in the headers or not', async () => {
      for (const type of [OVF_TYPE, 'application/xml', 'text/xml', `${OVF_TYPE}; charset=utf-8`])
        await becomesActive(await post(type, ONE));
      const headers = { Category: APPLIANCE_CATEGORY, 'X-OCCI-Attribute': 'occi.core.title="named, here"' };
      const reply = await post(OVF_TYPE, ONE, headers);
      expect(reply.json.title).toBe('named, here');
    });

    it('an archive with its images under each of its types', async () => {
      const body = await tar({ 'app.ovf': WITH_IMAGE, 'images/base.qcow2': IMAGE });
      for (const type of ['application/x-tar', 'application/ovf']) await becomesActive(await post(type, body));
    });

    it('is refused for what is broken, with line and rule', async () => {
      for (const [what, body] of [
        ['empty', ''],
        ['cut off', ONE.slice(0, 400)],
        ['no OVF', '<html/>'],
        ['a DOCTYPE', `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${ONE.replace(/<\?xml[^>]*>/, '')}`],
        ['deep', `${'<a>'.repeat(100_000)}`],
        ['another kind', ONE.replace('ovf:id="m1"', 'ovf:id=""')],
        ['a disk that is not there', ONE.replace('ovf:/disk/m1-disk', 'ovf:/disk/none')],
      ] as const) {
        const reply = await post(OVF_TYPE, body);
        expect([what, reply.status]).toEqual([what, what === 'deep' ? 413 : 400]);
        expect(reply.json.faults.length).toBeGreaterThan(0);
      }
      const wrong = await post(OVF_TYPE, ONE.replace('ovf:capacity="4"', 'ovf:capacity="many"'));
      expect(wrong.json.faults[0].place).toMatchObject({ line: expect.any(Number) });
      const broken = await tar({ 'app.ovf': ONE, '../escape': 'x' });
      for (const body of [
        Buffer.from('no archive'),
        broken.subarray(0, 700),
        broken,
        await tar({ 'readme.txt': 'no descriptor' }),
      ])
        expect((await post('application/x-tar', body)).status).toBe(400);
      const other = await client().send('POST', '/compute/', { body: ONE, headers: { 'content-type': OVF_TYPE } });
      expect(other.status).toBe(406);
    });
  });

  describe('as multipart', () => {
    const entity = { name: 'entity', type: JSON_TYPE, content: JSON.stringify({ kind: APPLIANCE, title: 'parted' }) };
    const ovf = { name: 'ovf', type: OVF_TYPE, filename: 'app.ovf', content: WITH_IMAGE };
    const file = { name: 'file', type: 'application/octet-stream', filename: 'images/base.qcow2', content: IMAGE };

    it('entity, descriptor and files', async () => {
      const { body, type } = multipart([entity, ovf, file]);
      const reply = await post(type, body);
      expect(reply.json.title).toBe('parted');
      await becomesActive(reply);
      const text = {
        name: 'entity',
        type: PLAIN,
        content: `Category: ${APPLIANCE_CATEGORY}\r\nX-OCCI-Attribute: occi.core.title="text"`,
      };
      const other = multipart([text, ovf, file]);
      expect((await post(other.type, other.body)).json.title).toBe('text');
    });

    it('refuses parts it does not know, a missing descriptor, and what is cut off', async () => {
      const cases: readonly (readonly [string, readonly Part[]])[] = [
        ['unknown', [{ ...file, name: 'surprise' }, ovf]],
        ['no descriptor', [entity]],
        ['broken entity', [{ ...entity, content: '{' }, ovf]],
        ['other kind', [{ ...entity, content: '{"kind":"http://schemas.ogf.org/occi/infrastructure#compute"}' }, ovf]],
      ];
      for (const [what, parts] of cases) {
        const { body, type } = multipart(parts);
        expect([what, (await post(type, body)).status]).toEqual([what, 400]);
      }
      const { body, type } = multipart([entity, ovf, file]);
      expect((await post(type, body.subarray(0, body.length - 40))).status).toBe(400);
      expect((await post('multipart/form-data', body)).status).toBe(400);
      expect(await client().list('/appliance/')).toEqual([]);
    });
  });

  describe('by upload', () => {
    const announce = (size: number, digest?: object): Promise<Reply> =>
      server().request('POST', '/upload/', {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'app.ova', size, ...(digest ? { digest } : {}) }),
      });
    const put = (path: string, body: Buffer, range?: string): Promise<Reply> =>
      server().request('PUT', path, { headers: range === undefined ? {} : { 'content-range': range }, body });

    it('in pieces, resumed where it broke off, named by its reference', async () => {
      const archive = await tar({ 'app.ovf': WITH_IMAGE, 'images/base.qcow2': IMAGE });
      const hex = createHash('sha256').update(archive).digest('hex');
      const upload = await announce(archive.length, { algorithm: 'sha256', hex });
      expect(upload.status).toBe(201);
      const path = new URL(upload.headers.location ?? '').pathname;
      const half = Math.floor(archive.length / 2);
      expect((await put(path, archive.subarray(0, half), `bytes 0-${half - 1}/${archive.length}`)).json).toMatchObject({
        received: half,
        complete: false,
      });
      expect((await named(upload.json.reference)).status).toBeGreaterThanOrEqual(400);
      expect((await server().request('GET', path)).json.received).toBe(half);
      const gap = await put(
        path,
        archive.subarray(half + 10),
        `bytes ${half + 10}-${archive.length - 1}/${archive.length}`,
      );
      expect([400, 409, 412, 416]).toContain(gap.status);
      const rest = await put(path, archive.subarray(half), `bytes ${half}-${archive.length - 1}/${archive.length}`);
      expect(rest.json).toMatchObject({ complete: true, sha256: hex });
      expect((await server().request('GET', path, { as: 'stranger' })).status).toBe(404);
      const theirs = await client()
        .being('stranger')
        .send('POST', '/appliance/', {
          json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: upload.json.reference } },
          accept: JSON_TYPE,
        });
      expect([400, 404]).toContain(theirs.status);
      await becomesActive(await named(upload.json.reference));
      expect((await server().request('DELETE', path)).status).toBe(200);
      expect((await server().request('GET', path)).status).toBe(404);
    });

    it('refuses wrong digests, sizes and ranges', async () => {
      const bad = await announce(4, { algorithm: 'sha256', hex: '0'.repeat(64) });
      const path = new URL(bad.headers.location ?? '').pathname;
      expect((await put(path, Buffer.from('abcd'))).status).toBe(400);
      for (const range of ['bytes 0-3/5', 'bytes 3-0/4', 'bytes */4', 'nonsense', 'bytes 0-9/10', 'bytes -1-2/4'])
        expect([range, (await put(path, Buffer.from('abcd'), range)).status]).toEqual([range, expect.any(Number)]);
      for (const body of [
        '',
        '{',
        '{}',
        '{"name":"x"}',
        '{"name":"x","size":-1}',
        '{"name":"x","size":1e30}',
        '{"name":"x","size":"1"}',
        `{"name":"x","size":4,"digest":{"algorithm":"sha256","hex":"${'0'.repeat(40)}"}}`,
        `{"name":"x","size":4,"digest":{"algorithm":"sha1","hex":"${'g'.repeat(40)}"}}`,
      ]) {
        const reply = await server().request('POST', '/upload/', { body });
        expect([body, reply.status >= 400 && reply.status < 500]).toEqual([body, true]);
      }
    });
  });

  describe('the dry run (K07)', () => {
    const dry = (query: string, body = ONE): Promise<Reply> => send(client(), body, [], query);

    it('answers with the plan and makes nothing', async () => {
      for (const query of ['?dry-run', '?dry-run=true', '?dry-run=1']) {
        const reply = await dry(query);
        expect([query, reply.status, reply.headers['content-type']]).toEqual([
          query,
          200,
          'application/vnd.vep.plan+json',
        ]);
        expect(reply.headers.location).toBeUndefined();
        expect(reply.headers['cache-control']).toBe('no-store');
        expect(reply.json).toMatchObject({
          deployable: true,
          plan: { machines: [expect.objectContaining({ id: 'm1' })] },
        });
      }
      expect(await client().list('/appliance/')).toEqual([]);
      for (const query of ['?dry-run=false', '?dry-run=0']) expect((await dry(query)).status).toBe(201);
    });

    it('lists what is still to be filled in', async () => {
      const properties = [property('name', 'ovf:userConfigurable="true" ovf:qualifiers="MinLen(1)"')];
      const reply = await dry('?dry-run', descriptor({ machines: ['m1'], properties }));
      expect(reply.status).toBe(200);
      expect(reply.json.deployable).toBe(false);
      expect(JSON.stringify(reply.json.unresolved)).toContain('name');
    });

    it('is refused wherever it means nothing', async () => {
      for (const query of ['?dry-run=yes', '?dryrun', '?dry-run&dry-run', '?dry_run=1'])
        expect([query, (await dry(query)).status]).toEqual([query, 400]);
      expect((await client().send('POST', '/compute/?dry-run', { categories: [] })).status).toBe(400);
      expect((await client().get('/appliance/?dry-run')).status).toBe(400);
      expect((await client().send('DELETE', '/appliance/?dry-run')).status).toBe(400);
      expect(await client().list('/appliance/')).toEqual([]);
    });
  });
});
