/**
 * What a disk image really is, read from its first bytes and never from its name: format, virtual size, and whether it
 * points at other files, which an IaaS would open with its own rights (S-097). Pointers are always refused: an image
 * that VEP hands on stands for itself.
 */

import { problem } from '../base/errors.js';
import type { DiskFormat } from '../ovf/plan.js';
import { probeQcow2 } from './qcow2.js';
import { probeVhd } from './vhd.js';
import { probeVmdk } from './vmdk.js';

/** Random access to an image. */
export interface ImageReader {
  readonly sizeBytes: number;
  /** At most `length` bytes from `offset`; fewer where the image ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface ImageProbe {
  readonly format: Exclude<DiskFormat, 'unknown'>;
  /** Size of the disk as a guest sees it, in bytes. */
  readonly virtualSizeBytes: number;
}

const HEAD_BYTES = 36 << 10;

/** Formats that are known by their first bytes and cannot be taken. */
const FOREIGN: readonly (readonly [magic: string, name: string])[] = [
  ['vhdxfile', 'VHDX'],
  ['QED\0', 'QED'],
  ['COWD', 'VMware COW'],
  ['WithoutFreeSpace', 'Parallels'],
  ['WithouFreSpacExt', 'Parallels'],
  ['<<< ', 'VirtualBox VDI'],
  ['LUKS\xba\xbe', 'LUKS'],
  ['\x1f\x8b', 'gzip'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ\0', 'xz'],
  ['PK\x03\x04', 'zip'],
];

/**
 * @throws Problem `invalid`: `image.pointer` where it names another file, `image.broken` where its header contradicts
 *   itself, `image.format` where the format cannot be taken.
 */
export async function probeImage(image: ImageReader): Promise<ImageProbe> {
  const head = Buffer.from(await image.read(0, HEAD_BYTES));
  const text = head.toString('latin1');
  if (text.startsWith('QFI\xfb')) return probeQcow2(head, image);
  if (text.startsWith('KDMV') || /^\s*#\s*Disk DescriptorFile/i.test(text)) return probeVmdk(head, image);
  if (text.slice(32769, 32774) === 'CD001') return { format: 'iso', virtualSizeBytes: image.sizeBytes };
  const vhd = await probeVhd(head, image);
  if (vhd) return vhd;
  const foreign = FOREIGN.find(([magic]) => text.startsWith(magic));
  if (foreign) {
    throw problem('invalid', 'image.format', `images in the format ${foreign[1]} are not taken`, {
      remedy: 'convert the image to qcow2, vmdk, vhd or raw, uncompressed',
    });
  }
  return { format: 'raw', virtualSizeBytes: image.sizeBytes };
}
