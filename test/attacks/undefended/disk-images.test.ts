/** Images made to have QEMU read what is not theirs, against the real qemu-img: what it would do, and what VEP does. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobStore } from '../../../src/transfer/blob-store.js';
import { ImageConverter } from '../../../src/transfer/image-converter.js';
import { probeImage, type ImageProbe } from '../../../src/transfer/image-probe.js';
import { FakeClock } from '../../net/fake-clock.js';
import { describeWith } from '../../support/counterparts.js';
import { reader } from '../../transfer/disk-images.js';
import { refusal, removeTemporaryFolders, stream, temporaryFolder } from '../../transfer/support.js';

afterEach(removeTemporaryFolders);

const SECRET = 'root:$6$a secret of the host';
const DISK_BYTES = 1 << 20;
const SECTOR = 512;

interface Bench {
  readonly folder: string;
  /** Text that has QEMU read the file of the host as a disk. */
  readonly descriptor: string;
  qemuImg(...words: string[]): string;
  file(name: string, bytes: string | Buffer): void;
  bytes(name: string): Buffer;
}

function bench(): Bench {
  const folder = temporaryFolder();
  const qemuImg = (...words: string[]): string =>
    execFileSync('qemu-img', words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const file = (name: string, bytes: string | Buffer): void => writeFileSync(join(folder, name), bytes);
  const bytes = (name: string): Buffer => readFileSync(join(folder, name));
  file('shadow', Buffer.concat([Buffer.from(SECRET), Buffer.alloc(DISK_BYTES - SECRET.length)]));
  const lines = ['version=1', 'CID=12345678', 'parentCID=ffffffff', 'createType="monolithicFlat"'];
  const descriptor = `${lines.join('\n')}\nRW ${DISK_BYTES / SECTOR} FLAT "${join(folder, 'shadow')}" 0\n`;
  return { folder, descriptor, qemuImg, file, bytes };
}

const probe = (bytes: Buffer): Promise<ImageProbe> => probeImage(reader(bytes));

/** A sound-looking VMDK: its header names a harmless descriptor at its end, QEMU reads the one at sector 1. */
function withParent({ folder, descriptor, qemuImg, file, bytes }: Bench): Buffer {
  file('parent', `# Disk DescriptorFile\n${descriptor}`);
  qemuImg('create', '-q', '-f', 'vmdk', 'child.vmdk', String(DISK_BYTES));
  const image = bytes('child.vmdk');
  const sound = Buffer.from(image.subarray(SECTOR, 21 * SECTOR));
  const hint = `parentCID=12345678\nparentFileNameHint="${join(folder, 'parent')}"`;
  const changed = sound.toString('latin1').replace('parentCID=ffffffff', hint);
  image.write(changed.slice(0, 20 * SECTOR), SECTOR, 'latin1');
  image.writeBigUInt64LE(BigInt(Math.ceil(image.length / SECTOR)), 28);
  return Buffer.concat([image, Buffer.alloc(-image.length & (SECTOR - 1)), sound]);
}

async function converter(folder: string, sandbox: string) {
  const blobs = await BlobStore.open({
    directory: join(folder, 'blobs'),
    quotaBytes: 256 << 20,
    clock: new FakeClock(),
    referenced: async () => Promise.resolve(new Set()),
  });
  const directory = join(folder, 'converted');
  const found = await ImageConverter.find({ blobs, directory, maxBytes: 64 << 20, command: 'qemu-img', sandbox });
  if (!found) throw new Error('no qemu-img');
  return { converter: found, blobs };
}

describeWith('qemu-img')('images against qemu-img', () => {
  it('S-097 works without the probe: a vmdk names its parent where its header says that there is none', async () => {
    const ground = bench();
    const image = withParent(ground);
    ground.file('evil.vmdk', image);
    ground.qemuImg('convert', '-f', 'vmdk', '-O', 'raw', 'evil.vmdk', 'leak');
    expect(ground.bytes('leak').toString('latin1')).toContain(SECRET);
    expect(await refusal(probe(image))).toBe('image.pointer');
  });

  it('S-097 opens no parent when it converts, even of an image that was let through and without a sandbox', async () => {
    const ground = bench();
    const unconfined = await converter(ground.folder, 'no-such-sandbox');
    expect(unconfined.converter.confined).toBe(false);
    ground.qemuImg('create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', join(ground.folder, 'shadow'), 'evil.qcow2');
    const images = [
      ['vmdk', withParent(ground)],
      ['qcow2', ground.bytes('evil.qcow2')],
    ] as const;
    for (const [format, image] of images) {
      const blob = await unconfined.blobs.put(stream(image), { maxBytes: 64 << 20 });
      const passed = { ...blob, format, virtualSizeBytes: DISK_BYTES };
      const converted = await unconfined.converter.convert(passed, 'raw');
      const disk = Buffer.from(await unconfined.blobs.read(converted.sha256, 0, DISK_BYTES));
      expect(disk.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
    }
  });

  it('S-097 works without the probe: text after any comment is a list of files', async () => {
    const { descriptor, qemuImg, file, bytes } = bench();
    file('plain.raw', `# a raw disk, really\n   \n#\n${descriptor}`);
    qemuImg('convert', '-O', 'raw', 'plain.raw', 'leak');
    expect(bytes('leak').toString('latin1')).toContain(SECRET);
    expect(await refusal(probe(bytes('plain.raw')))).toBe('image.pointer');
  });

  it.each([
    'qcow2',
    'qcow2 -c',
    'qcow2 -o compat=0.10',
    'qcow2 -o cluster_size=512',
    'qcow2 -o cluster_size=2M',
    'qcow2 -o extended_l2=on,cluster_size=128k',
    'qcow2 -o preallocation=full',
    'vmdk',
    'vmdk -o subformat=streamOptimized',
    'vmdk -o zeroed_grain=on',
    'vmdk -o adapter_type=lsilogic,hwversion=7',
    'vpc -o subformat=dynamic',
    'vpc -o subformat=dynamic,force_size=on',
    'vpc -o subformat=fixed',
  ])('S-097 %s: a disk is taken, whatever is on it, and an image inside is not', async (variant) => {
    const [driver = '', ...options] = variant.split(' ');
    const { qemuImg, file, bytes } = bench();
    const made = (disk: string): Buffer => {
      qemuImg('convert', '-f', 'raw', '-O', driver, ...options, disk, 'image');
      return bytes('image');
    };
    file('empty', Buffer.alloc(DISK_BYTES));
    file('full', Buffer.alloc(DISK_BYTES, 'boot'));
    qemuImg('create', '-q', '-f', 'qcow2', 'nested', '1M');
    qemuImg('resize', '-q', '-f', 'raw', 'nested', String(DISK_BYTES));
    for (const disk of ['empty', 'full']) {
      const { format, virtualSizeBytes } = await probe(made(disk));
      const info = JSON.parse(qemuImg('info', '-f', driver, '--output=json', 'image')) as Record<string, unknown>;
      expect(format).toBe(driver === 'vpc' ? 'vhd' : driver);
      expect(virtualSizeBytes).toBe(info['virtual-size']);
    }
    const nested = probe(made('nested'));
    // A fixed VHD begins with its disk: such a file is that image, with something behind it.
    if (variant.endsWith('fixed')) expect((await nested).format).toBe('qcow2');
    else expect(await refusal(nested)).toBe('image.pointer');
  });

  it('S-097 gives out nothing that was hidden from the probe: what comes out of a conversion has the format asked for', async () => {
    const ground = bench();
    ground.qemuImg('create', '-q', '-f', 'qcow2', 'inner', '1M');
    ground.qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'inner', 'outer');
    const { converter: found, blobs } = await converter(ground.folder, 'bwrap');
    const blob = await blobs.put(stream(ground.bytes('outer')), { maxBytes: 64 << 20 });
    const passed = { ...blob, format: 'qcow2', virtualSizeBytes: DISK_BYTES } as const;
    expect(await refusal(found.convert(passed, 'raw'))).toBe('image.pointer');
    expect(await refusal(found.convert(passed, 'raw'))).toBe('image.pointer');
    expect(await refusal(found.convert(passed, 'vmdk'))).toBe('image.pointer');
  });

  it('calls the disk of a converted ISO what was asked for', async () => {
    const ground = bench();
    const disk = Buffer.alloc(DISK_BYTES);
    disk.write('CD001', 32769);
    ground.file('disk', disk);
    ground.qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'disk', 'outer');
    const { converter: found, blobs } = await converter(ground.folder, 'bwrap');
    const blob = await blobs.put(stream(ground.bytes('outer')), { maxBytes: 64 << 20 });
    const converted = await found.convert({ ...blob, ...(await probe(ground.bytes('outer'))) }, 'raw');
    expect(converted).toMatchObject({ format: 'raw', virtualSizeBytes: DISK_BYTES });
  });
});
