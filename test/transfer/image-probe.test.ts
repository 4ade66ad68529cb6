/** What a disk image really is, and whether it points elsewhere (S-097). */

import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { probeImage, type ImageProbe } from '../../src/transfer/image-probe.js';
import { iso, plainDescriptor, qcow2, reader, vhd, vmdk } from './disk-images.js';
import { refusal } from './support.js';

const probe = (bytes: Buffer): Promise<ImageProbe> => probeImage(reader(bytes));

describe('probeImage', () => {
  it.each<[string, Buffer, ImageProbe]>([
    ['qcow2 version 3', qcow2(), { format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 }],
    ['qcow2 version 2', qcow2({ version: 2 }), { format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 }],
    [
      'qcow2 with a boot sector',
      qcow2({ content: '\xeb\x63\x90' }),
      { format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 },
    ],
    [
      'qcow2, compressed',
      qcow2({ content: '\xeb\x63\x90', compressed: true }),
      { format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 },
    ],
    [
      'qcow2 with feature names',
      qcow2({ extension: [0x6803f857, 'dirty bit'] }),
      { format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 },
    ],
    ['stream-optimised vmdk', vmdk(plainDescriptor), { format: 'vmdk', virtualSizeBytes: 2 ** 31 }],
    ['vmdk without descriptor', vmdk(''), { format: 'vmdk', virtualSizeBytes: 2 ** 31 }],
    ['fixed vhd', vhd({ type: 2, end: true }), { format: 'vhd', virtualSizeBytes: 2 ** 31 }],
    ['dynamic vhd', vhd({ type: 3, start: true }), { format: 'vhd', virtualSizeBytes: 2 ** 31 }],
    ['iso', iso(), { format: 'iso', virtualSizeBytes: 64 << 10 }],
    ['raw', Buffer.from('\xeb\x63\x90 boot', 'latin1'), { format: 'raw', virtualSizeBytes: 8 }],
    [
      'a disk of anything encrypted',
      qcow2({ content: 'LUKS\xba\xbe' }),
      { format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 },
    ],
    [
      'a stream with its footer',
      vmdk(plainDescriptor, { content: '\xeb\x63\x90', compressed: true, footer: 4_194_304n }),
      { format: 'vmdk', virtualSizeBytes: 2 ** 31 },
    ],
    [
      'vmdk with a boot sector',
      vmdk(plainDescriptor, { content: '\xeb\x63\x90', directory: 'redundant' }),
      { format: 'vmdk', virtualSizeBytes: 2 ** 31 },
    ],
    [
      'dynamic vhd with both footers and a boot sector',
      vhd({ type: 3, start: true, end: true, content: '\xeb\x63\x90' }),
      { format: 'vhd', virtualSizeBytes: 2 ** 31 },
    ],
    [
      'vhd by the larger of its sizes',
      vhd({ type: 2, end: true, geometry: [65_535, 255, 255] }),
      { format: 'vhd', virtualSizeBytes: 65_535 * 255 * 255 * 512 },
    ],
    [
      'vhd of the geometry that says nothing',
      vhd({ type: 2, end: true, geometry: [65_535, 16, 255] }),
      { format: 'vhd', virtualSizeBytes: 2 ** 31 },
    ],
    ['text that is not about files', Buffer.from('# of me\nversions=1\n'), { format: 'raw', virtualSizeBytes: 19 }],
  ])('knows %s', async (_what, bytes, expected) => {
    expect(await probe(bytes)).toEqual(expected);
  });

  it.each<[string, Buffer]>([
    ['qcow2 with a backing file', qcow2({ backing: '/etc/passwd' })],
    ['qcow2 version 2 with a backing file', qcow2({ version: 2, backing: 'json:{"file.filename":"/etc/passwd"}' })],
    ['qcow2 with a data file by feature bit', qcow2({ features: 4n })],
    ['qcow2 with a data file by extension', qcow2({ extension: [0x44415441, '/etc/passwd'] })],
    ['qcow2 in a qcow2', qcow2({ content: 'QFI\xfb' })],
    ['qcow2 in a compressed qcow2', qcow2({ content: 'QFI\xfb', compressed: true })],
    ['a vmdk descriptor in a qcow2', qcow2({ content: '# Disk DescriptorFile\n' })],
    ['a bare vmdk descriptor', Buffer.from('# Disk DescriptorFile\nRW 1 FLAT "/etc/shadow" 0\n')],
    ['a bare vmdk descriptor after blanks', Buffer.from('\r\n #disk descriptorfile\nRW 1 FLAT "/etc/shadow" 0\n')],
    ['vmdk whose extent is elsewhere', vmdk(plainDescriptor.replace('disk1.vmdk', '/etc/shadow'))],
    ['vmdk with a second extent', vmdk(`${plainDescriptor}RW 8 FLAT "b" 0\n`)],
    ['vmdk with a parent by name', vmdk(`${plainDescriptor}parentFileNameHint="/etc/shadow"\n`)],
    ['vmdk with a parent by id', vmdk(plainDescriptor.replace('ffffffff', '7b1ae6e2'))],
    [
      'vmdk with a parent where only QEMU looks',
      vmdk(`${plainDescriptor}parentFileNameHint="/etc/shadow"\n`, { descriptorAt: 60n }),
    ],
    [
      'vmdk with a parent and no word of a descriptor',
      vmdk('parentFileNameHint="/etc/shadow"\n', { descriptorAt: 0n }),
    ],
    [
      'vmdk with a parent in the middle of a line',
      vmdk(plainDescriptor.replace('ddb', 'x parentFileNameHint="/etc/shadow" ddb')),
    ],
    ['vmdk with a parent behind the text', vmdk(`${plainDescriptor}\0parentFileNameHint="/etc/shadow"\n`)],
    ['vmdk with a second parent', vmdk(`${plainDescriptor}parentCID=7b1ae6e2\n`)],
    ['vmdk with a parent by an odd id', vmdk(plainDescriptor.replace('parentCID=', 'parentCID= \t0x'))],
    ['vmdk whose extent is flat', vmdk(plainDescriptor.replace('SPARSE', 'FLAT'))],
    [
      'a bare vmdk descriptor without its comment',
      Buffer.from('# x\n  \r\n#y\nversion=1\nRW 1 FLAT "/etc/shadow" 0\n'),
    ],
    ['a bare vmdk descriptor that would be an ISO', iso('version=1\nRW 1 FLAT "/etc/shadow" 0\n')],
    ['a bare vmdk descriptor in a fixed vhd', vhd({ type: 2, end: true, content: '#x\nversion=3\n' })],
    ['qcow2 in a vmdk', vmdk(plainDescriptor, { content: 'QFI\xfb' })],
    ['qcow2 in a vmdk by its other directory', vmdk(plainDescriptor, { content: 'QFI\xfb', directory: 'redundant' })],
    ['qcow2 in a compressed vmdk', vmdk(plainDescriptor, { content: 'QFI\xfb', compressed: true })],
    ['qcow2 in a stream', vmdk(plainDescriptor, { content: 'QFI\xfb', compressed: true, footer: 4_194_304n })],
    ['qcow2 in a dynamic vhd', vhd({ type: 3, start: true, content: 'QFI\xfb' })],
    ['a vmdk descriptor in a vmdk', vmdk(plainDescriptor, { content: '# x\nversion=1\n' })],
    ['qcow2 in a qcow2 that says it reads as zeros', qcow2({ content: 'QFI\xfb', entry: 1n })],
    ['vhd that is differencing by its last footer', vhd({ type: 3, start: true, end: 4 })],
    ['differencing vhd', vhd({ type: 4, start: true })],
  ])('S-097 refuses %s', async (_what, bytes) => {
    expect(await refusal(probe(bytes))).toBe('image.pointer');
  });

  it.each<[string, Buffer, string]>([
    ['qcow2 version 1', qcow2({ version: 1 }), 'image.broken'],
    ['an encrypted qcow2', qcow2({ crypt: 2 }), 'image.broken'],
    ['a vmdk that QEMU would read as a list of files', vmdk(plainDescriptor, { sectors: 0n }), 'image.broken'],
    ['qcow2 with impossible clusters', qcow2({ clusterBits: 60 }), 'image.broken'],
    ['qcow2 cut off in its header', qcow2().subarray(0, 50), 'image.broken'],
    ['qcow2 cut off before its table', qcow2().subarray(0, 4096), 'image.broken'],
    ['vmdk cut off', vmdk('').subarray(0, 100), 'image.broken'],
    ['vhd of a strange type', vhd({ type: 9, end: true }), 'image.broken'],
    ['vmdk whose descriptor is elsewhere', vmdk(plainDescriptor, { descriptorAt: 60n }), 'image.broken'],
    ['vmdk without the footer it promises', vmdk(plainDescriptor, { footer: 'none' }), 'image.broken'],
    ['vmdk whose footer tells another size', vmdk(plainDescriptor, { footer: 8n }), 'image.broken'],
    [
      'vmdk whose first grain is damaged',
      vmdk(plainDescriptor, { content: '', compressed: true }).fill(1, 48 * 512 + 12),
      'image.broken',
    ],
    ['vhd whose footers differ', vhd({ type: 3, start: true, end: 2 }), 'image.broken'],
    ['fixed vhd that begins as a dynamic one', vhd({ type: 2, start: true, end: true }), 'image.broken'],
    ['dynamic vhd without its beginning', vhd({ type: 3, end: true }), 'image.broken'],
    ['qcow2 whose extensions go on unread', qcow2({ extension: [0x6803f857, 'x'.repeat(37_000)] }), 'image.broken'],
    ['an empty file', Buffer.alloc(0), 'image.broken'],
    ['QED', Buffer.from('QED\0'), 'image.format'],
    ['QED that would be an ISO', iso('QED\0'), 'image.format'],
    ['QED that would be a fixed vhd', vhd({ type: 2, end: true, content: 'QED\0' }), 'image.format'],
    ['VDI by its number', Buffer.from(`${'x'.repeat(64)}\x7f\x10\xda\xbe`, 'latin1'), 'image.format'],
    ['VHDX', Buffer.from('vhdxfile…'), 'image.format'],
    ['gzip', Buffer.from([0x1f, 0x8b, 8]), 'image.format'],
    ['LUKS', Buffer.from('LUKS\xba\xbe', 'latin1'), 'image.format'],
  ])('refuses %s', async (_what, bytes, code) => {
    expect(await refusal(probe(bytes))).toBe(code);
  });

  it('answers or refuses whatever the header says', async () => {
    const seeds = [
      qcow2({ content: 'x' }),
      qcow2({ backing: 'b' }),
      vmdk(plainDescriptor, { content: 'x', compressed: true }),
      vhd({ type: 3, start: true, content: 'x' }),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(700), fc.nat(255)), { maxLength: 8 }),
        fc.nat(1 << 18),
        async (seed, changes, length) => {
          const bytes = Buffer.from(seed.subarray(0, length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const found = await probe(bytes).catch((error: unknown) => error);
          if (found instanceof Error) expect(found).toBeInstanceOf(Problem);
          else expect((found as ImageProbe).virtualSizeBytes).toBeGreaterThan(0);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
