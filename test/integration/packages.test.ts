/** Packages that are sent whole (DSP0243 §5, K05): archives and multipart, manifests, certificates, pieces, gzip. */

import { gzipSync } from 'node:zlib';
import { archive, DISK, file, lines, multipart, ONE, packageWire, sha256, SIGNATURE, signed } from './package-wire.js';

const { sent, becomes, keptFiles } = packageWire();

/** The disk in pieces of 1 MiB, those of the given numbers. */
function inPieces(order: readonly number[], name = 'disk.img'): Record<string, Buffer> {
  return Object.fromEntries(
    order.map((number) => [`${name}.00000000${number}`, DISK.subarray(number << 20, (number + 1) << 20)]),
  );
}
const PIECED = file(`ovf:chunkSize="${1 << 20}"`);

/** The one files with the others between them. */
function between(files: Record<string, Buffer>, others: Record<string, Buffer>): Record<string, Buffer> {
  const [first, ...rest] = Object.entries(files);
  return Object.fromEntries([first!, ...Object.entries(others), ...rest]);
}

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
    ['backwards', [2, 1, 0]],
    ['in disorder', [1, 2, 0]],
  ])('O-019 with an image in pieces that come %s, without its size', async (_how, order) => {
    const pieces = inPieces(order);
    const others = inPieces([0], 'other.img');
    const manifest = lines({ 'app.ovf': PIECED, ...pieces }, 'sha512');
    const body = await archive({ 'app.ovf': PIECED, ...between(pieces, others), 'app.mf': manifest });
    expect(await keptFiles(await sent('application/x-tar', body))).toEqual([sha256(DISK)]);
  });

  it.each<[string, number[], string]>([
    ['lack their first', [2, 1], 'disk.img.000000000'],
    ['lack one between', [2, 0], 'disk.img.000000001'],
    ['lack one that the manifest lists', [1, 0], 'disk.img.000000002'],
  ])('O-019 is refused where the pieces of its image %s', async (_how, order, missing) => {
    const body = await archive({ 'app.ovf': PIECED, ...inPieces(order), 'app.mf': lines(inPieces([0, 1, 2])) });
    const reply = await sent('application/x-tar', body);
    expect([reply.status, reply.json.faults[0]]).toMatchObject([
      400,
      { code: 'ovf.O-019', value: missing, place: { line: expect.any(Number) }, remedy: expect.any(String) },
    ]);
  });

  it('does not take pieces that nobody asked for in the place of a file', async () => {
    const manifest = lines({ 'app.ovf': ONE, 'disk.img': DISK });
    const stray = { 'disk.img.000000000': 'another' };
    const body = await archive({ 'app.ovf': ONE, 'disk.img': DISK, ...stray, 'app.mf': manifest });
    expect(await keptFiles(await sent('application/x-tar', body))).toEqual([sha256(DISK)]);
  });

  it('with its files in the folder of the descriptor, held to a manifest there', async () => {
    const ovf = ONE.replace('"disk.img"', '"my%20disk.img"');
    const content = { 'x.ovf': ovf, 'my%20disk.img': DISK };
    const foldered = (disk: Buffer | string): Promise<Buffer> =>
      archive({ 'pkg/x.ovf': ovf, 'my disk.img': 'a stray', 'pkg/my%20disk.img': disk, 'pkg/x.mf': lines(content) });
    expect(await keptFiles(await sent('application/x-tar', await foldered(DISK)))).toEqual([sha256(DISK)]);
    const reply = await sent('application/x-tar', await foldered('another'));
    expect([reply.status, reply.json.faults[0].code]).toEqual([400, 'ovf.O-026']);
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

  it('O-019 with an image in pieces, in any order', async () => {
    const form = (order: readonly number[]): ReturnType<typeof multipart> =>
      multipart([
        ['ovf', 'app.ovf', PIECED],
        ...Object.entries(inPieces(order)).map(([name, bytes]) => ['file', name, bytes] as const),
      ]);
    const { body, type } = form([1, 2, 0]);
    expect(await keptFiles(await sent(type, body))).toEqual([sha256(DISK)]);
    const gap = form([2, 0]);
    expect((await sent(gap.type, gap.body)).json.faults[0].code).toBe('ovf.O-019');
  });

  it('O-026 with a file under its bare name, held to the manifest all the same', async () => {
    const ovf = ONE.replace('"disk.img"', '"images/disk.img"');
    const form = (disk: Buffer | string): ReturnType<typeof multipart> =>
      multipart([
        ['ovf', 'app.ovf', ovf],
        ['file', 'disk.img', disk],
        ['file', 'app.mf', lines({ 'app.ovf': ovf, 'images/disk.img': DISK })],
      ]);
    const { body, type } = form(DISK);
    expect(await keptFiles(await sent(type, body))).toEqual([sha256(DISK)]);
    expect((await sent(type, form('another').body)).json.faults[0].code).toBe('ovf.O-026');
  });

  it('says which part lacks its file name', async () => {
    const { body, type } = multipart([['ovf', 'app.ovf', ONE]]);
    const nameless = Buffer.from(body.toString().replace('; filename="app.ovf"', ''));
    expect((await sent(type, nameless)).json.faults[0]).toMatchObject({
      code: 'http.multipart',
      message: 'the part "ovf" has no file name',
      remedy: expect.stringContaining('filename="app.ovf"'),
    });
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
