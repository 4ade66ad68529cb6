/**
 * VMware's virtual disk format (Virtual Disk Format 5.0): a sparse extent with its descriptor inside, as in OVF packages
 * (`#sparse`, `#streamOptimized`). A descriptor on its own names files beside it, and is refused.
 */

import { brokenImage, pointer, size } from './image-faults.js';
import type { ImageProbe, ImageReader } from './image-probe.js';

const FORMAT = 'vmdk';
const SECTOR = 512;
const MAX_DESCRIPTOR_BYTES = 1 << 20;

export async function probeVmdk(head: Buffer, image: ImageReader): Promise<ImageProbe> {
  if (head.toString('latin1', 0, 4) !== 'KDMV') throw pointer('extents', extentsOf(head.toString('latin1')).join(', '));
  if (head.length < SECTOR) throw brokenImage(FORMAT, 'it ends within its header');
  const capacity = size(FORMAT, head.readBigUInt64LE(12)) * SECTOR;
  if (!Number.isSafeInteger(capacity)) throw brokenImage(FORMAT, 'its size is beyond all measure');
  // QEMU reads a header without capacity as a descriptor file, whose extents may lie anywhere.
  if (capacity === 0) throw brokenImage(FORMAT, 'its capacity is nothing');
  const offset = size(FORMAT, head.readBigUInt64LE(28)) * SECTOR;
  const length = size(FORMAT, head.readBigUInt64LE(36)) * SECTOR;
  if (length > MAX_DESCRIPTOR_BYTES) throw brokenImage(FORMAT, 'its descriptor is larger than 1 MiB');
  if (offset > 0 && length > 0) {
    if (offset + length > image.sizeBytes) throw brokenImage(FORMAT, 'its descriptor lies beyond its end');
    checkDescriptor(Buffer.from(await image.read(offset, length)).toString('latin1'));
  }
  return { format: FORMAT, virtualSizeBytes: capacity };
}

function checkDescriptor(padded: string): void {
  const descriptor = padded.replace(/\0[^]*$/, '');
  const parent = /^\s*parentFileNameHint\s*=\s*(.*)$/im.exec(descriptor);
  if (parent) throw pointer('parent', parent[1] ?? '');
  const parentId = /^\s*parentCID\s*=\s*"?([0-9a-f]+)/im.exec(descriptor);
  if (parentId && parentId[1]?.toLowerCase() !== 'ffffffff') throw pointer('parent', parentId[1] ?? '');
  const extents = extentsOf(descriptor);
  const outside = extents.find((name) => extents.length > 1 || /[/\\]|^\.\.?$/.test(name));
  if (outside !== undefined) throw pointer('extents', outside);
}

/** Names in the extent lines: access, sectors, type, then the quoted file name. */
function extentsOf(descriptor: string): string[] {
  return [...descriptor.matchAll(/^[ \t]*(?:RW|RDONLY|NOACCESS)[ \t]+\d+[ \t]+\w+[ \t]+"([^"\n]*)"/gim)].map(
    (match) => match[1] ?? '',
  );
}
