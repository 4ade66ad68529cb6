/** Files for guests (OVF 2 EnvironmentFilesSection): from the package, wherever it comes from, to where the guest finds them. */

import { gzipSync } from 'node:zlib';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { siteBeside } from '../infrastructure/site-beside.js';
import { collection, envelope, system } from '../ovf/plan-support.js';
import { packed } from '../ovf/tar-support.js';
import { serverFor, type Reply } from '../support/server.js';
import { webFiles } from '../support/web-files.js';
import { APPLIANCE, MESSAGE, OVF, STATE, components, pathOf } from './appliance-wire.js';

const server = serverFor({ config: { images: { allow: ['127.0.0.1'] } } });
const client = (): Client => new Client(server(), '1.2');
const site = siteBeside(server);

const { web, base } = webFiles();
afterEach(async () => {
  await client().send('DELETE', '/appliance/');
});

const section = (...paths: readonly (readonly [file: string, path: string])[]): string =>
  `<ovf2:EnvironmentFilesSection ovf:required="false"><Info/>${paths
    .map(([file, path]) => `<ovf2:File ovf2:fileRef="${file}" ovf2:path="${path}"/>`)
    .join('')}</ovf2:EnvironmentFilesSection>`;
const CONFIG = '<config a="&amp;"/>';
const SECRET = Buffer.from([0, 1, 2, 0xff]);
const references =
  '<File ovf:id="cfg" ovf:href="cfg.xml"/><File ovf:id="blob" ovf:href="deep/blob.bin" ovf:compression="gzip"/>';
const OVF_TEXT = envelope(
  collection(
    'app',
    system('m1', { sections: section(['blob', 'data/größe.bin'], ['cfg', 'own.xml']) }) + system('m2'),
    section(['cfg', 'setup/cfg.xml'], ['cfg', 'data/GRÖSSE.bin']),
  ),
  { references },
);
const content = { 'app.ovf': OVF_TEXT, 'cfg.xml': CONFIG, 'deep/blob.bin': gzipSync(SECRET) };
const archive = (members: Readonly<Record<string, string | Buffer>>): Promise<Buffer> =>
  packed(Object.entries(members).map(([name, bytes]) => [{ name }, bytes as string]));

/** What the guest of a machine finds on its CD, by path. */
async function onCd(reply: Reply, machine: string): Promise<Record<string, Buffer>> {
  const path = pathOf(reply);
  await client().until(path, STATE, 'active');
  const all = await components(client(), path, '/compute/');
  const compute = all.find(({ attributes }) => attributes['eu.contrail-project.ovf.id'] === machine);
  const id = String(compute?.id).replace('urn:uuid:', '');
  const [row] = await server().rows(`SELECT site_ref FROM entity WHERE id = '${id}'`);
  const guest = await site().guestOf(String(row?.['site_ref']));
  const cd = Buffer.from((await site().cdOf(String(row?.['site_ref']))) ?? []);
  const found = Object.fromEntries(
    (guest?.environmentFiles ?? []).map((file) => [file.path, Buffer.from(file.base64, 'base64')]),
  );
  for (const bytes of Object.values(found)) expect(cd.includes(bytes)).toBe(true);
  return found;
}
const sent = (body: Buffer, query = ''): Promise<Reply> =>
  server().request('POST', `/appliance/${query}`, {
    headers: { 'content-type': 'application/x-tar', accept: JSON_TYPE },
    body,
  });
const named = (url: string): Promise<Reply> =>
  client().send('POST', '/appliance/', {
    json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } },
    accept: JSON_TYPE,
  });

describe('files for guests', () => {
  const own = { 'setup/cfg.xml': Buffer.from(CONFIG), 'data/größe.bin': SECRET, 'own.xml': Buffer.from(CONFIG) };

  it('of an archive are on the CD of each machine, with those of its collection, its own going before', async () => {
    const reply = await sent(await archive(content));
    const first = await onCd(reply, 'm1');
    expect(first['own.xml']).toEqual(own['own.xml']);
    expect(first['data/größe.bin']).toEqual(SECRET);
    expect(first['setup/cfg.xml']).toEqual(own['setup/cfg.xml']);
    expect(Object.keys(await onCd(reply, 'm2')).sort()).toEqual(['data/GRÖSSE.bin', 'setup/cfg.xml']);
  });

  it('are brought by the work where the package is at a URL: an archive, or a descriptor among its files', async () => {
    web.set('/app.ova', await archive(content));
    expect((await onCd(await named(`${base()}/app.ova`), 'm1'))['data/größe.bin']).toEqual(SECRET);
    await client().send('DELETE', '/appliance/');
    for (const [name, bytes] of Object.entries(content)) web.set(`/p/${name}`, bytes);
    expect((await onCd(await named(`${base()}/p/app.ovf`), 'm1'))['data/größe.bin']).toEqual(SECRET);
  });

  it('that cannot be had, or are too large, fail the deployment with the reason', async () => {
    web.set('/p/app.ovf', OVF_TEXT);
    web.set('/p/cfg.xml', CONFIG);
    const fails = async (reply: Reply): Promise<string> => {
      await client().until(pathOf(reply), STATE, 'error');
      return (await client().get(pathOf(reply), JSON_TYPE)).json.attributes[MESSAGE];
    };
    expect(await fails(await named(`${base()}/p/app.ovf`))).toContain('does not have');
    web.set('/p/deep/blob.bin', gzipSync(Buffer.alloc(2 << 20)));
    expect(await fails(await named(`${base()}/p/app.ovf`))).toContain('cannot be unpacked');
    web.set('/p/cfg.xml', Buffer.alloc(2 << 20));
    expect(await fails(await named(`${base()}/p/app.ovf`))).toMatch(/large|more than/);
    const told = OVF_TEXT.replace('ovf:href="cfg.xml"', 'ovf:href="cfg.xml" ovf:size="2000000"');
    const refused = await sent(await archive({ ...content, 'app.ovf': told, 'cfg.xml': Buffer.alloc(2_000_000) }));
    expect([refused.status, refused.json.faults[0].code]).toEqual([400, 'ovf.O-024']);
  });

  it.each(['../x', 'a\\b', 'a//b', 'con:x', `${'d/'.repeat(7)}x`])(
    'O-015 never lie where the path %s would lead',
    async (path) => {
      const text = OVF_TEXT.replace('setup/cfg.xml', path);
      const refused = await sent(await archive({ ...content, 'app.ovf': text }));
      expect(refused.json.faults).toContainEqual(expect.objectContaining({ code: 'ovf.O-015' }));
    },
  );
});
