/**
 * Microsoft's Virtual Hard Disk format (Virtual Hard Disk Image Format Specification 1.0): a footer at the end, with a
 * copy at the beginning of dynamic disks. Differencing disks name a parent and are refused.
 */

import { brokenImage, pointer, size } from './image-faults.js';
import type { ImageProbe, ImageReader } from './image-probe.js';

const FORMAT = 'vhd';
const FOOTER_BYTES = 512;
const DISK_TYPE = { fixed: 2, dynamic: 3, differencing: 4 };

/** Undefined for what is no VHD. */
export async function probeVhd(head: Buffer, image: ImageReader): Promise<ImageProbe | undefined> {
  const end = await image.read(Math.max(0, image.sizeBytes - FOOTER_BYTES), FOOTER_BYTES);
  const footer = [head, Buffer.from(end)].find(
    (bytes) => bytes.length >= FOOTER_BYTES && bytes.toString('latin1', 0, 8) === 'conectix',
  );
  if (!footer) return undefined;
  const type = footer.readUInt32BE(60);
  if (type === DISK_TYPE.differencing) throw pointer('parent', '');
  if (type !== DISK_TYPE.fixed && type !== DISK_TYPE.dynamic) throw brokenImage(FORMAT, `disk type ${type} is unknown`);
  return { format: FORMAT, virtualSizeBytes: size(FORMAT, footer.readBigUInt64BE(48)) };
}
