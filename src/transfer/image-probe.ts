/**
 * What a disk image really is, read from its first bytes and never from its name: format, virtual size, and whether it
 * points at other files, which an IaaS would open with its own rights (S-097). Pointers are always refused: an image
 * that VEP hands on stands for itself.
 */

import { problem, type Problem } from '../base/errors.js';
import type { DiskFormat } from '../ovf/plan.js';
import { brokenImage, pointer } from './image-faults.js';
import { DESCRIPTOR, imageFormat } from './image-magic.js';
import { probeQcow2 } from './qcow2.js';
import { probeVhd } from './vhd.js';
import { extentsOf, probeVmdk } from './vmdk.js';

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

/** What is no image of a disk and yet no disk. */
const PACKED: readonly (readonly [magic: string, name: string])[] = [
  ['LUKS\xba\xbe', 'LUKS'],
  ['\x1f\x8b', 'gzip'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ\0', 'xz'],
  ['PK\x03\x04', 'zip'],
];

/**
 * @throws Problem `invalid`: `image.pointer` where it names another file or holds an image again, `image.broken` where
 *   its header contradicts itself or there is no disk, `image.format` where the format cannot be taken.
 */
export async function probeImage(image: ImageReader): Promise<ImageProbe> {
  const probe = await probed(Buffer.from(await image.read(0, HEAD_BYTES)), image);
  if (probe.virtualSizeBytes === 0) throw brokenImage(probe.format, 'its disk has no bytes');
  return probe;
}

async function probed(head: Buffer, image: ImageReader): Promise<ImageProbe> {
  const text = head.toString('latin1');
  const format = imageFormat(head) ?? PACKED.find(([magic]) => text.startsWith(magic))?.[1];
  if (format === 'qcow2') return probeQcow2(head, image);
  if (format === 'vmdk') return probeVmdk(head, image);
  if (format === DESCRIPTOR) throw pointer('extents', extentsOf(text)[0]?.name ?? '');
  if (format !== undefined && format !== 'vhd') throw notTaken(format);
  // What another reader could take for one of the above was refused: these two are known by marks further behind.
  const vhd = await probeVhd(head, image);
  if (vhd) return vhd;
  const isIso = text.slice(32769, 32774) === 'CD001';
  return { format: isIso ? 'iso' : 'raw', virtualSizeBytes: image.sizeBytes };
}

function notTaken(format: string): Problem {
  return problem('invalid', 'image.format', `images in the format ${format} are not taken`, {
    remedy: 'convert the image to qcow2, vmdk, vhd or raw, uncompressed',
  });
}
