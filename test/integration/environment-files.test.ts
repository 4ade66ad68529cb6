/** Files for guests (OVF 2 EnvironmentFilesSection): from the package, wherever it comes from, to where the guest finds them. */

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
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
/** With a file of 1 MiB three times each. */
const MACHINES = 24;
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

/** Which files the guest of a machine is given, by path: their digests. */
async function given(reply: Reply, machine: string): Promise<Record<string, string>> {
  const path = pathOf(reply);
  await client().until(path, STATE, 'active');
  const all = await components(client(), path, '/compute/');
  const compute = all.find(({ attributes }) => attributes['eu.contrail-project.ovf.id'] === machine);
  const id = String(compute?.id).replace('urn:uuid:', '');
  const [row] = await server().rows(`SELECT site_ref FROM entity WHERE id = '${id}'`);
  const guest = await site().guestOf(String(row?.['site_ref']));
  return Object.fromEntries((guest?.environmentFiles ?? []).map((file) => [file.path, file.sha256]));
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
  const [cfg, blob] = [CONFIG, SECRET].map((bytes) => createHash('sha256').update(bytes).digest('hex'));

  it('of an archive reach the guest of each machine, with those of its collection, its own going before', async () => {
    const reply = await sent(await archive(content));
    expect(await given(reply, 'm1')).toMatchObject({ 'own.xml': cfg, 'data/größe.bin': blob, 'setup/cfg.xml': cfg });
    expect(Object.keys(await given(reply, 'm2')).sort()).toEqual(['data/GRÖSSE.bin', 'setup/cfg.xml']);
  });

  it('are brought by the work where the package is at a URL: an archive, or a descriptor among its files', async () => {
    web.set('/app.ova', await archive(content));
    expect((await given(await named(`${base()}/app.ova`), 'm1'))['data/größe.bin']).toBe(blob);
    await client().send('DELETE', '/appliance/');
    for (const [name, bytes] of Object.entries(content)) web.set(`/p/${name}`, bytes);
    expect((await given(await named(`${base()}/p/app.ovf`), 'm1'))['data/größe.bin']).toBe(blob);
  });

  it('do not stay in memory, however many machines get them', async () => {
    const paths = [0, 1, 2].map((index) => ['big', `big-${index}`] as const);
    const scaled = `<ovf2:ScaleOutSection ovf2:id="m" ovf:required="false"><Info/><ovf2:InstanceCount ovf2:default="${MACHINES}"/></ovf2:ScaleOutSection>`;
    const text = envelope(system('m', { sections: section(...paths) + scaled }), {
      references: '<File ovf:id="big" ovf:href="big.gz" ovf:compression="gzip"/>',
    });
    const body = await archive({ 'app.ovf': text, 'big.gz': gzipSync(randomBytes(2 ** 19).toString('hex')) });
    const reply = await sent(body);
    expect(Object.keys(await given(reply, `m-${MACHINES}`))).toHaveLength(3);
    const sites = join(server().directory, 'sites');
    const size = readdirSync(sites).reduce((sum, name) => sum + statSync(join(sites, name)).size, 0);
    expect(size).toBeLessThan(MACHINES * 2 ** 18);
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
