/** Packages that lie in a folder which the operator opened (`images.fileRoots`), as on a mounted file system. */

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MESSAGE, OVF, pathOf } from './appliance-wire.js';
import { archive, DISK, file, lines, ONE, packageWire, sha256, SIGNATURE, signed } from './package-wire.js';

const folder = mkdtempSync(join(tmpdir(), 'vep-root-'));
const outside = mkdtempSync(join(tmpdir(), 'vep-outside-'));
afterAll(() => [folder, outside].forEach((each) => rmSync(each, { recursive: true })));

const put = (name: string, content: string | Buffer, where = folder): string => {
  writeFileSync(join(where, name), content);
  return pathToFileURL(join(where, name)).href;
};

describe('with an open folder', () => {
  const { server, client, named, sent, becomes, keptFiles } = packageWire({ fileRoots: [folder] });

  it('deploys a descriptor with its files, manifest and certificate beside it', async () => {
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });
    put('app.mf', manifest);
    put('app.cert', signed(manifest));
    put('disk.img', DISK);
    const url = put('app.ovf', ONE);
    expect((await named(url, '?dry-run')).json).toMatchObject({ deployable: true });
    const reply = await named(url);
    expect((await becomes(reply, 'active'))[SIGNATURE]).toBe('trusted');
    expect(await keptFiles(reply)).toEqual([sha256(DISK)]);
    const exported = await client().get(pathOf(reply), 'application/ovf+xml');
    expect(exported.text).toContain('disk.img');
    expect(exported.text).not.toContain('file:');
  });

  it('holds the files to the manifest', async () => {
    put('bad.mf', lines({ 'bad.ovf': ONE, 'disk.img': 'another' }));
    put('disk.img', DISK);
    const attributes = await becomes(await named(put('bad.ovf', ONE)), 'error');
    expect(attributes[MESSAGE]).toContain('digest');
  });

  it('takes files in pieces', async () => {
    put('disk.img.000000000', DISK.subarray(0, 2_000_000));
    put('disk.img.000000001', DISK.subarray(2_000_000));
    const url = put('pieces.ovf', file(`ovf:chunkSize="2000000" ovf:size="${DISK.length}"`));
    expect(await keptFiles(await named(url))).toEqual([sha256(DISK)]);
  });

  it('deploys an archive, wherever its descriptor stands in it', async () => {
    const first = put('first.ova', await archive({ 'app.ovf': ONE, 'disk.img': DISK }));
    const last = put('last.ova', await archive({ 'disk.img': DISK, 'app.ovf': ONE }));
    for (const url of [first, last]) expect(await keptFiles(await named(url))).toEqual([sha256(DISK)]);
  });

  it('refuses at once what lies or leads outside, all in the same words', async () => {
    const secret = put('secret.ovf', ONE, outside);
    symlinkSync(join(outside, 'secret.ovf'), join(folder, 'way-out.ovf'));
    const root = pathToFileURL(folder).href;
    for (const url of [
      secret,
      `${root}/way-out.ovf`,
      `${root}/none.ovf`,
      `${root}/%2e%2e/x`,
      root,
      'file:///etc/passwd',
    ])
      for (const query of ['', '?dry-run']) {
        const { status, json } = await named(url, query);
        expect([url, status, json.faults]).toEqual([
          url,
          400,
          [
            expect.objectContaining({
              code: 'transfer.file',
              place: { field: `${OVF}.url` },
              rule: 'K06',
              remedy: expect.stringContaining('images.fileRoots'),
            }),
          ],
        ]);
      }
  });

  it('refuses at once a descriptor beside which a file is missing, or leads outside', async () => {
    put('disk.img', DISK, outside);
    symlinkSync(join(outside, 'disk.img'), join(folder, 'linked.img'));
    for (const href of ['linked.img', 'missing.img']) {
      const url = put('lacking.ovf', ONE.replace('ovf:href="disk.img"', `ovf:href="${href}"`));
      const fault = expect.objectContaining({ code: 'ovf.O-013', place: { field: href }, rule: 'O-013' });
      expect((await named(url)).json.faults).toEqual([fault]);
      const dry = await named(url, '?dry-run');
      expect(dry.json).toMatchObject({ deployable: false, findings: expect.arrayContaining([fault]) });
    }
  });

  it('refuses file: references of a descriptor all the same: a descriptor may come from a stranger', async () => {
    const href = put('disk.img', DISK);
    const stranger = ONE.replace('ovf:href="disk.img"', `ovf:href="${href}"`);
    for (const reply of [await sent('application/ovf+xml', Buffer.from(stranger)), await named(put('s.ovf', stranger))])
      expect([reply.status, reply.json.faults[0].code, reply.json.faults[0].place.line]).toEqual([400, 'ovf.O-015', 5]);
    expect(await server().rows('SELECT appliance FROM appliance')).toEqual([]);
  });
});

describe('without one', () => {
  const { named } = packageWire();

  it.each(['', '?dry-run'])('refuses every file: URL at once (query %p)', async (query) => {
    const { status, json } = await named(put('app.ovf', ONE), query);
    const place = { field: `${OVF}.url` };
    expect([status, json.faults]).toEqual([
      400,
      [expect.objectContaining({ code: 'transfer.file', place, rule: 'K06' })],
    ]);
  });
});
