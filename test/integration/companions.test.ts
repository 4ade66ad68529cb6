/**
 * Files of a package that say something to people: icons, message bundles, messages of their own. They go out again with the
 * appliance, wherever its package came from, and are held to its manifest.
 */

import { createHash } from 'node:crypto';
import type { Fault } from '../../src/base/errors.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { collection, envelope, system } from '../ovf/plan-support.js';
import { packed } from '../ovf/tar-support.js';
import { serverFor, type Reply } from '../support/server.js';
import { webFiles } from '../support/web-files.js';
import { APPLIANCE, MESSAGE, OVF, OVF_TYPE, STATE, pathOf } from './appliance-wire.js';

const TAR = 'application/x-tar';
const server = serverFor({ config: { images: { allow: ['127.0.0.1'] } } });
const client = (): Client => new Client(server(), '1.2');

const { web, base } = webFiles();
afterEach(async () => {
  await client().send('DELETE', '/appliance/');
});

const ICON = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0]);
const PRODUCT = `<ProductSection><Info ovf:msgid="info">Shop</Info><Product>The shop</Product><Vendor>Us &amp; them</Vendor>
  <Version>1</Version><FullVersion>1.2.3</FullVersion><ProductUrl>https://p.example</ProductUrl><VendorUrl>https://v.example</VendorUrl>
  <AppUrl>https://app.example</AppUrl><Icon ovf:height="16" ovf:width="32" ovf:mimeType="image/png" ovf:fileRef="icon"/>
  <Icon ovf:fileRef="lost"/></ProductSection>`;
const STRINGS = `<Strings xml:lang="de" ovf:fileRef="de"/><Strings xml:lang="fr"><Msg ovf:msgid="info" ovf:fileRef="fr"/></Strings>`;
const DESCRIPTOR = envelope(collection('app', system('m1'), PRODUCT), {
  references: ['icon', 'lost', 'de', 'fr'].map((id) => `<File ovf:id="${id}" ovf:href="deep/${id}"/>`).join(''),
}).replace('</Envelope>', `${STRINGS}</Envelope>`);
const BUNDLE =
  '<Strings xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><Msg ovf:msgid="info">Laden</Msg></Strings>';
const CONTENT = { 'deep/icon': ICON, 'deep/de': BUNDLE, 'deep/fr': 'Magasin' } as const;

const archive = (members: Readonly<Record<string, string | Buffer>>): Promise<Buffer> =>
  packed(Object.entries(members).map(([name, bytes]) => [{ name }, bytes as string]));
const sent = (type: string, body: string | Buffer): Promise<Reply> =>
  server().request('POST', '/appliance/', { headers: { 'content-type': type, accept: JSON_TYPE }, body });
const named = (url: string): Promise<Reply> =>
  client().send('POST', '/appliance/', {
    json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } },
    accept: JSON_TYPE,
  });

type Foreseen = { readonly findings: readonly Fault[] };
const foreseen = (type: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Reply> =>
  server().request('POST', '/appliance/?dry-run', { headers: { 'content-type': type, ...headers }, body });
const messageOf = async (reply: Reply): Promise<unknown> =>
  (await client().get(pathOf(reply), JSON_TYPE)).json.attributes[MESSAGE];

/** The appliance as an OVA, when it is active; each of its files by the end of its name. */
async function takenOut(reply: Reply): Promise<{ readonly bytes: Buffer; readonly text: string }> {
  expect([reply.status, reply.status === 201 ? '' : reply.text]).toEqual([201, '']);
  await client().until(pathOf(reply), STATE, 'active');
  const { status, bytes } = await server().request('GET', pathOf(reply), { headers: { accept: TAR } });
  expect(status).toBe(200);
  return { bytes, text: bytes.toString('latin1') };
}

function expectAll({ bytes, text }: { readonly bytes: Buffer; readonly text: string }): void {
  expect(bytes.includes(ICON)).toBe(true);
  expect(text).toContain(`SHA256(deep/icon)= ${createHash('sha256').update(ICON).digest('hex')}`);
  expect(text).toMatch(/<ovf:File ovf:id="icon" ovf:href="deep\/icon" ovf:size="9"\/>/);
  expect(text).toContain('<ovf:Icon ovf:height="16" ovf:width="32" ovf:mimeType="image/png" ovf:fileRef="icon"/>');
  expect(text).not.toContain('lost');
  expect(text).toContain('<ovf:Msg ovf:msgid="info">Laden</ovf:Msg>');
  expect(text).toContain('<ovf:Msg ovf:msgid="info">Magasin</ovf:Msg>');
  const told = [
    'Product>The shop',
    'Vendor>Us &amp; them',
    'Version>1<',
    'FullVersion>1.2.3',
    'ProductUrl>https://p.example',
  ];
  for (const part of [...told, 'VendorUrl>https://v.example', 'AppUrl>https://app.example'])
    expect(text).toContain(part);
}

describe('icons, bundles and messages', () => {
  it('that were sent along go out again, and in', async () => {
    const whole = { ...CONTENT, 'deep/lost': '' };
    const descriptor = DESCRIPTOR.replace('<Icon ovf:fileRef="lost"/>', '');
    const first = await takenOut(await sent(TAR, await archive({ 'a.ovf': descriptor, ...whole })));
    expectAll(first);
    expect((await takenOut(await sent(TAR, first.bytes))).bytes).toEqual(first.bytes);
  });

  it('of a descriptor at a URL are brought by the work, and one that is not there keeps nothing back', async () => {
    web.set('/p/a.ovf', DESCRIPTOR);
    for (const [name, bytes] of Object.entries(CONTENT)) web.set(`/p/${name}`, bytes);
    const reply = await named(`${base()}/p/a.ovf`);
    expectAll(await takenOut(reply));
    expect(await messageOf(reply)).toBe('files left out: lost (the server does not have the file)');
  });

  it('that are too large are told, of an archive at a URL too', async () => {
    const large = { ...CONTENT, 'deep/lost': Buffer.alloc(1024 * 1024 + 1) };
    const whole = await archive({ 'a.ovf': DESCRIPTOR, ...large });
    const told = 'it has more than 1048576 bytes';
    const body = (await foreseen(TAR, whole)).json as Foreseen;
    expect(body.findings.filter(({ message }) => message.includes('left out'))).toEqual([
      expect.objectContaining({ code: 'ovf.O-013', message: `the icon deep/lost is left out: ${told}` }),
    ]);
    web.set('/a.ova', whole);
    const reply = await named(`${base()}/a.ova`);
    expectAll(await takenOut(reply));
    expect(await messageOf(reply)).toBe(`files left out: lost (${told})`);
  });

  it('that were not sent are told once, with place, rule and remedy, whoever asks in whatever language', async () => {
    const body = (await foreseen(OVF_TYPE, DESCRIPTOR, { 'accept-language': 'de' })).json as Foreseen;
    const told = body.findings.filter(({ message }) => message.includes('left out'));
    expect(told.map(({ code, message }) => [code, message]).sort()).toEqual([
      ['ovf.O-013', 'the icon deep/icon is left out: it was not sent'],
      ['ovf.O-013', 'the icon deep/lost is left out: it was not sent'],
      ['ovf.O-073', 'the message file deep/de is left out: it was not sent'],
      ['ovf.O-073', 'the message file deep/fr is left out: it was not sent'],
    ]);
    for (const { severity, place, rule, remedy } of told) {
      expect([severity, typeof place?.line]).toEqual(['warning', 'number']);
      expect(rule).toContain('DSP0243');
      expect(remedy).toContain('send it with the descriptor');
    }
  });

  it('of an archive at a URL are kept', async () => {
    web.set(
      '/a.ova',
      await archive({ 'a.ovf': DESCRIPTOR.replace('<Icon ovf:fileRef="lost"/>', ''), ...CONTENT, 'deep/lost': '' }),
    );
    expectAll(await takenOut(await named(`${base()}/a.ova`)));
  });

  it('are held to the manifest beside the descriptor', async () => {
    const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
    web.set('/p/a.ovf', DESCRIPTOR);
    for (const [name, bytes] of Object.entries(CONTENT)) web.set(`/p/${name}`, bytes);
    const lines = [['a.ovf', DESCRIPTOR], ...Object.entries(CONTENT)] as const;
    const manifest = lines.map(([name, bytes]) => `SHA256(${name})= ${digest(bytes)}\n`).join('');
    web.set('/p/a.mf', manifest);
    expectAll(await takenOut(await named(`${base()}/p/a.ovf`)));
    await client().send('DELETE', '/appliance/');
    web.set('/p/deep/de', BUNDLE.replace('Laden', 'Betrug'));
    const path = pathOf(await named(`${base()}/p/a.ovf`));
    await client().until(path, STATE, 'error');
    expect((await client().get(path, JSON_TYPE)).json.attributes[MESSAGE]).toContain('digest');
  });

  it('are named by a descriptor that goes out alone', async () => {
    const path = pathOf(await sent(OVF_TYPE, DESCRIPTOR));
    await client().until(path, STATE, 'active');
    const { text } = await server().request('GET', path, { headers: { accept: OVF_TYPE } });
    expect(text).toContain('<ovf:File ovf:id="icon" ovf:href="deep/icon"/>');
  });
});
