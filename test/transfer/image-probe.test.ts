/** What a disk image really is, and whether it points elsewhere (S-097). */

import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { probeImage, type ImageProbe, type ImageReader } from '../../src/transfer/image-probe.js';
import { refusal } from './support.js';

function reader(bytes: Buffer): ImageReader {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(Math.min(offset, bytes.length), offset + length),
  };
}

const probe = (bytes: Buffer): Promise<ImageProbe> => probeImage(reader(bytes));

interface Qcow2 {
  readonly version?: number;
  readonly backing?: string;
  readonly features?: bigint;
  readonly extension?: readonly [type: number, text: string];
  readonly crypt?: number;
  readonly clusterBits?: number;
  /** First bytes of the guest's disk. */
  readonly content?: string;
  readonly compressed?: boolean;
}

/** A qcow2 image of 64 KiB clusters: header, L1 table at cluster 1, L2 at 2, data at 3. */
function qcow2(options: Qcow2 = {}): Buffer {
  const cluster = 1 << 16;
  const image = Buffer.alloc(cluster * 4);
  image.write('QFI\xfb', 0, 'latin1');
  image.writeUInt32BE(options.version ?? 3, 4);
  image.writeUInt32BE(options.clusterBits ?? 16, 20);
  image.writeBigUInt64BE(10n << 30n, 24);
  image.writeUInt32BE(options.crypt ?? 0, 32);
  image.writeUInt32BE(1, 36);
  image.writeBigUInt64BE(BigInt(cluster), 40);
  image.writeBigUInt64BE(options.features ?? 0n, 72);
  image.writeUInt32BE(104, 100);
  if (options.extension) {
    image.writeUInt32BE(options.extension[0], 104);
    image.writeUInt32BE(options.extension[1].length, 108);
    image.write(options.extension[1], 112);
  }
  if (options.backing) {
    image.writeBigUInt64BE(2000n, 8);
    image.writeUInt32BE(options.backing.length, 16);
    image.write(options.backing, 2000);
  }
  if (options.content !== undefined) {
    const content = Buffer.alloc(cluster);
    content.write(options.content, 'latin1');
    image.writeBigUInt64BE(BigInt(cluster * 2) | (1n << 63n), cluster);
    const data = BigInt(cluster * 3);
    if (options.compressed) {
      image.writeBigUInt64BE(data | (1n << 62n), cluster * 2);
      deflateRawSync(content).copy(image, cluster * 3);
    } else {
      image.writeBigUInt64BE(data | (1n << 63n), cluster * 2);
      content.copy(image, cluster * 3);
    }
  }
  return image;
}

/** A sparse VMDK extent with a descriptor at sector 1. */
function vmdk(descriptor: string, sectors = 4_194_304n): Buffer {
  const image = Buffer.alloc(64 << 10);
  image.write('KDMV', 0, 'latin1');
  image.writeUInt32LE(3, 4);
  image.writeBigUInt64LE(sectors, 12);
  image.writeBigUInt64LE(1n, 28);
  image.writeBigUInt64LE(20n, 36);
  image.write(descriptor, 512, 'latin1');
  return image;
}

const plainDescriptor = `# Disk DescriptorFile
version=1
CID=7b1ae6e2
parentCID=ffffffff
createType="streamOptimized"
RW 4194304 SPARSE "disk1.vmdk"
ddb.adapterType = "lsilogic"
`;

function vhd(type: number, where: 'start' | 'end'): Buffer {
  const image = Buffer.alloc(1 << 16);
  const at = where === 'start' ? 0 : image.length - 512;
  image.write('conectix', at);
  image.writeBigUInt64BE(2n << 30n, at + 48);
  image.writeUInt32BE(type, at + 60);
  return image;
}

function iso(): Buffer {
  const image = Buffer.alloc(64 << 10);
  image.write('CD001', 32769);
  return image;
}

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
    ['fixed vhd', vhd(2, 'end'), { format: 'vhd', virtualSizeBytes: 2 ** 31 }],
    ['dynamic vhd', vhd(3, 'start'), { format: 'vhd', virtualSizeBytes: 2 ** 31 }],
    ['iso', iso(), { format: 'iso', virtualSizeBytes: 64 << 10 }],
    ['raw', Buffer.from('\xeb\x63\x90 boot', 'latin1'), { format: 'raw', virtualSizeBytes: 8 }],
    ['an empty file', Buffer.alloc(0), { format: 'raw', virtualSizeBytes: 0 }],
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
    ['differencing vhd', vhd(4, 'start')],
  ])('S-097 refuses %s', async (_what, bytes) => {
    expect(await refusal(probe(bytes))).toBe('image.pointer');
  });

  it.each<[string, Buffer, string]>([
    ['qcow2 version 1', qcow2({ version: 1 }), 'image.broken'],
    ['an encrypted qcow2', qcow2({ crypt: 2 }), 'image.broken'],
    ['a vmdk that QEMU would read as a list of files', vmdk(plainDescriptor, 0n), 'image.broken'],
    ['qcow2 with impossible clusters', qcow2({ clusterBits: 60 }), 'image.broken'],
    ['qcow2 cut off in its header', qcow2().subarray(0, 50), 'image.broken'],
    ['qcow2 cut off before its table', qcow2().subarray(0, 4096), 'image.broken'],
    ['vmdk cut off', vmdk('').subarray(0, 100), 'image.broken'],
    ['vhd of a strange type', vhd(9, 'end'), 'image.broken'],
    ['VHDX', Buffer.from('vhdxfile…'), 'image.format'],
    ['gzip', Buffer.from([0x1f, 0x8b, 8]), 'image.format'],
    ['LUKS', Buffer.from('LUKS\xba\xbe', 'latin1'), 'image.format'],
  ])('refuses %s', async (_what, bytes, code) => {
    expect(await refusal(probe(bytes))).toBe(code);
  });

  it('answers or refuses whatever the header says', async () => {
    const seeds = [qcow2({ content: 'x' }), qcow2({ backing: 'b' }), vmdk(plainDescriptor), vhd(3, 'start')];
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
          else expect((found as ImageProbe).virtualSizeBytes).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
