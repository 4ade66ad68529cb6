/** What must fail is refused with the request, and the dry run says so: images that came along are looked at (K06, K07). */

import { JSON_TYPE } from '../conformance/client.js';
import { webFiles } from '../support/web-files.js';
import { APPLIANCE, OVF } from './appliance-wire.js';
import { archive, DISK, file, multipart, ONE, packageWire, sha256 } from './package-wire.js';

const { sent, client, keptFiles } = packageWire();
const { web, base } = webFiles();

/** A qcow2 of version 3 that says where its backing file is. */
function backed(name: string): Buffer {
  const header = Buffer.alloc(1024);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(112n, 8);
  header.writeUInt32BE(name.length, 16);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(1n << 30n, 24);
  header.writeUInt32BE(104, 100);
  header.write(name, 112);
  return header;
}
const EXTENTS = '# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 2048 FLAT "/etc/passwd" 0\n';

it.each<[string, string, Record<string, string | Buffer>, string]>([
  ['is compressed with bzip2', file('ovf:compression="bzip2"'), { 'disk.img': 'BZh' }, 'ovf.O-018'],
  ['is compressed with bzip2, and is not here', file('ovf:compression="bzip2"'), {}, 'ovf.O-018'],
  ['says it is gzip and is not', file('ovf:compression="gzip"'), { 'disk.img': DISK }, 'transfer.gzip'],
  ['stands on a backing file', ONE, { 'disk.img': backed('/etc/passwd') }, 'image.pointer'],
  ['has extents outside', ONE, { 'disk.img': EXTENTS }, 'image.pointer'],
  ['is in a format that is not taken', ONE, { 'disk.img': '<<< Oracle VM VirtualBox Disk Image >>>' }, 'image.format'],
  [
    'stands on a backing file, in pieces',
    file('ovf:chunkSize="1000"'),
    {
      'disk.img.000000001': backed('/etc/passwd').subarray(1000),
      'disk.img.000000000': backed('/etc/passwd').subarray(0, 1000),
    },
    'image.pointer',
  ],
])('an image that %s', async (_what, ovf, files, code) => {
  const form = multipart([
    ['ovf', 'app.ovf', ovf],
    ...Object.entries(files).map(([name, bytes]) => ['file', name, bytes] as const),
  ]);
  const ways: [string, Buffer][] = [[form.type, form.body]];
  if (Object.keys(files).length > 0) ways.push(['application/x-tar', await archive({ 'app.ovf': ovf, ...files })]);
  else ways.push(['application/ovf+xml', Buffer.from(ovf)]);
  for (const [type, body] of ways) {
    const dry = await sent(type, body, '?dry-run');
    const fault = { code, severity: 'error', place: { line: expect.any(Number) }, rule: expect.any(String) };
    expect(dry.json).toMatchObject({ deployable: false });
    expect(dry.json.findings).toContainEqual(
      expect.objectContaining({ ...fault, place: expect.objectContaining(fault.place) }),
    );
    expect((await sent(type, body)).status).toBe(400);
  }
  expect(await client().list('/appliance/')).toEqual([]);
});

it.each([
  ['without its size', 'ovf:chunkSize="1024"'],
  ['in more pieces than there can be', 'ovf:chunkSize="1" ovf:size="4000000000"'],
])('an image in pieces at a URL, %s', async (_what, attributes) => {
  web.set('/p/app.ovf', file(attributes));
  const named = { kind: APPLIANCE, attributes: { [`${OVF}.url`]: `${base()}/p/app.ovf` } };
  const dry = await client().send('POST', '/appliance/?dry-run', { json: named, accept: JSON_TYPE });
  expect(dry.json).toMatchObject({ deployable: false });
  expect(dry.json.findings).toContainEqual(expect.objectContaining({ code: 'transfer.chunks', severity: 'error' }));
});

it('O-017 an image of another size than ovf:size is told, and deploys with the size it has', async () => {
  const body = await archive({ 'app.ovf': file('ovf:size="99"'), 'disk.img': DISK });
  const { json } = await sent('application/x-tar', body, '?dry-run');
  expect(json.findings).toContainEqual(expect.objectContaining({ code: 'ovf.O-017', severity: 'warning' }));
  expect(await keptFiles(await sent('application/x-tar', body))).toEqual([sha256(DISK)]);
});
