/**
 * Presigned URLs of S3 (Signature Version 4 in the query): whoever has one may read, so they count as secrets (K26). They are
 * fetched, verified and deployed, and nobody but the work and the server that they lead to sees what they are signed with.
 */

import { AwsV4Signer } from 'aws4fetch';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { JSON_TYPE } from '../conformance/client.js';
import { secret } from '../support/run.js';
import type { Reply } from '../support/server.js';
import { actOn, MESSAGE, OVF, OVF_TYPE, pathOf, STATE } from './appliance-wire.js';
import { archive, DISK, lines, ONE, packageWire, sha256 } from './package-wire.js';

const KEYS = { accessKeyId: 'AKIDPRESIGNED', secretAccessKey: 'a secret key of the bucket', region: 'eu-west-1' };
const { server, client, named, sent, becomes, keptFiles } = packageWire();

const objects = new Map<string, string | Buffer>();
let asked: string[] = [];
/** Opens what has the signature that its keys give it, as S3 does. */
const bucket = http.createServer((request, response) => {
  void (async () => {
    const url = new URL(request.url ?? '', base());
    asked.push(url.pathname);
    const datetime = url.searchParams.get('X-Amz-Date') ?? '';
    const expected = await presigned(url.pathname, datetime);
    const open = signatureOf(url.href) === signatureOf(expected);
    const content = open ? objects.get(url.pathname) : undefined;
    response.writeHead(open ? (content === undefined ? 404 : 200) : 403).end(content);
  })();
});
const base = (): string => `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`;
beforeAll(() => new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => bucket.close(resolve)));
beforeEach(() => {
  objects.clear();
  asked = [];
});

/** A URL that opens one object for whoever has it. */
async function presigned(path: string, datetime = '20261201T110000Z'): Promise<string> {
  const url = `${base()}${path}?X-Amz-Expires=86400`;
  const { url: signed } = await new AwsV4Signer({ url, service: 's3', signQuery: true, datetime, ...KEYS }).sign();
  secret(signatureOf(signed.href), 'signature of a presigned URL');
  return signed.href;
}

const signatureOf = (url: string): string => new URL(url).searchParams.get('X-Amz-Signature') ?? 'none';
const withHref = (url: string, more = ''): string =>
  ONE.replace('ovf:href="disk.img"', `ovf:href="${url.replaceAll('&', '&amp;')}" ${more}`);

/** Everything that the server has on disk but its key, as it lies there. */
function onDisk(folder = server().directory): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? onDisk(path) : readFileSync(path, 'latin1');
    })
    .join('\n');
}

/** Where signatures must not show: the disk, and what the appliance's own user is shown. */
async function expectHidden(reply: Reply, ...urls: readonly string[]): Promise<void> {
  const shown = [onDisk(), reply.text];
  for (const type of [JSON_TYPE, 'text/plain', 'text/html', OVF_TYPE])
    shown.push((await client().get(pathOf(reply), type)).text);
  shown.push((await client().get('/log/', 'application/json')).text);
  shown.push(JSON.stringify(await server().rows('SELECT * FROM operation')));
  for (const url of urls)
    for (const text of [signatureOf(url), KEYS.accessKeyId])
      expect(shown.map((each) => each.includes(text))).toEqual(shown.map(() => false));
}

it('as the reference of a file: fetched, verified and deployed, and again after an undeployment', async () => {
  objects.set('/disk.img', DISK);
  const url = await presigned('/disk.img');
  const body = Buffer.from(withHref(url, `ovf:size="${DISK.length}"`));
  const dry = await sent(OVF_TYPE, body, '?dry-run');
  expect(dry.json).toMatchObject({ deployable: true });
  expect(dry.text).not.toContain(signatureOf(url));
  const reply = await sent(OVF_TYPE, body);
  await becomes(reply, 'active');
  expect(asked).toEqual(['/disk.img']);
  await expectHidden(reply, url);
  // The site knows the image by the URL without its query.
  expect(onDisk(join(server().directory, 'sites'))).toContain(`${base()}/disk.img"`);

  await actOn(client(), pathOf(reply), 'undeploy');
  await server().wait(pathOf(reply), ({ json }) => json.attributes['eu.contrail-project.appliance.deployed'] === false);
  await actOn(client(), pathOf(reply), 'start');
  await client().until(pathOf(reply), STATE, 'active');
  await expectHidden(reply, url);
});

it('as the URL of a descriptor with files that have signatures of their own', async () => {
  objects.set('/disk.img', DISK);
  const disk = await presigned('/disk.img');
  objects.set('/app.ovf', withHref(disk));
  const url = await presigned('/app.ovf');
  const reply = await named(url);
  expect((await becomes(reply, 'active'))[`${OVF}.url`]).toBe(`${base()}/app.ovf`);
  await expectHidden(reply, url, disk);
});

it('as the URL of an archive, which the work fetches whole', async () => {
  objects.set(
    '/app.ova',
    await archive({ 'app.ovf': ONE, 'app.mf': lines({ 'app.ovf': ONE, 'disk.img': DISK }), 'disk.img': DISK }),
  );
  const url = await presigned('/app.ova');
  const reply = await named(url);
  expect(await keptFiles(reply)).toEqual([sha256(DISK)]);
  await expectHidden(reply, url);
});

it.each<[string, (url: string) => string, string, string]>([
  ['has a signature that is wrong', (url) => url.replace(/Signature=../, 'Signature=zz'), '', 'refuses access'],
  ['has another size than the descriptor says', (url) => url, 'ovf:size="7"', 'bytes'],
])('fails the deployment when it %s, without telling the URL', async (_what, change, more, message) => {
  objects.set('/disk.img', DISK);
  const url = change(await presigned('/disk.img'));
  const reply = await sent(OVF_TYPE, Buffer.from(withHref(url, more)));
  expect((await becomes(reply, 'error'))[MESSAGE]).toContain(message);
  await expectHidden(reply, url);
});

it('is not told in what a request is refused with', async () => {
  const url = await presigned('/disk.img');
  for (const wrong of [url.replace('http://', 'http://user:pass@'), url.replace('http:', 'ftp:')]) {
    const reply = await sent(OVF_TYPE, Buffer.from(withHref(wrong)));
    expect([reply.status, reply.json.faults[0].code]).toEqual([400, 'ovf.O-015']);
    for (const { status, text } of [reply, await named(wrong)]) {
      expect(status).toBe(400);
      expect(text).not.toContain(signatureOf(url));
      expect(text).not.toContain('pass@');
    }
  }
});
