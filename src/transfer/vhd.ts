/**
 * Microsoft's Virtual Hard Disk format (Virtual Hard Disk Image Format Specification 1.0): a footer at the end, with a
 * copy at the beginning of dynamic disks. Differencing disks name a parent and are refused. Which of the two footers a
 * reader goes by differs, so that they have to agree.
 */

import { brokenImage, pointer, size } from './image-faults.js';
import { checkContent, GUESS_BYTES } from './image-magic.js';
import type { ImageProbe, ImageReader } from './image-probe.js';

const FORMAT = 'vhd';
const SECTOR = 512;
const DISK_TYPE = { fixed: 2, dynamic: 3, differencing: 4 };
/** The largest geometry, which says nothing of the size. */
const MAX_SECTORS = 65_535 * 16 * 255;
const UNALLOCATED = 0xffff_ffff;

/** Undefined for what is no VHD. */
export async function probeVhd(head: Buffer, image: ImageReader): Promise<ImageProbe | undefined> {
  const copy = footerIn(head.subarray(0, SECTOR));
  const last = footerIn(Buffer.from(await image.read(Math.max(0, image.sizeBytes - SECTOR), SECTOR)));
  const footer = copy ?? last;
  if (!footer) return undefined;
  const types = [copy, last].flatMap((each) => each?.readUInt32BE(60) ?? []);
  if (types.includes(DISK_TYPE.differencing)) throw pointer('parent', '');
  if (copy && last && !(same(copy, last, 16, 24) && same(copy, last, 48, 64)))
    throw brokenImage(FORMAT, 'its two footers tell different disks');
  // QEMU takes what begins with a footer as dynamic, and nothing else.
  if (types[0] !== (copy ? DISK_TYPE.dynamic : DISK_TYPE.fixed))
    throw brokenImage(FORMAT, `its beginning does not fit disk type ${types[0]}`);
  if (copy) await checkFirstBlock(copy, image);
  return { format: FORMAT, virtualSizeBytes: diskBytes(footer) };
}

function footerIn(bytes: Buffer): Buffer | undefined {
  return bytes.length === SECTOR && bytes.toString('latin1', 0, 8) === 'conectix' ? bytes : undefined;
}

function same(a: Buffer, b: Buffer, from: number, to: number): boolean {
  return a.subarray(from, to).equals(b.subarray(from, to));
}

/** The size, or what the geometry says, by which some readers go: the larger of the two. */
function diskBytes(footer: Buffer): number {
  const sectors = footer.readUInt16BE(56) * footer.readUInt8(58) * footer.readUInt8(59);
  return Math.max(size(FORMAT, footer.readBigUInt64BE(48)), sectors === MAX_SECTORS ? 0 : sectors * SECTOR);
}

/** @throws Problem `invalid` where the disk begins as an image does; a fixed one begins with the file and was looked at */
async function checkFirstBlock(footer: Buffer, image: ImageReader): Promise<void> {
  const header = Buffer.from(await image.read(size(FORMAT, footer.readBigUInt64BE(16)), 1024));
  if (header.length < 1024 || header.toString('latin1', 0, 8) !== 'cxsparse')
    throw brokenImage(FORMAT, 'the header of a dynamic disk is missing');
  const table = Buffer.from(await image.read(size(FORMAT, header.readBigUInt64BE(16)), 4));
  if (table.length < 4) throw brokenImage(FORMAT, 'its table lies beyond its end');
  const block = table.readUInt32BE(0);
  if (block === UNALLOCATED) return;
  const bitmapBytes = Math.ceil(header.readUInt32BE(32) / (8 * SECTOR) / SECTOR) * SECTOR;
  checkContent(await image.read(block * SECTOR + bitmapBytes, GUESS_BYTES));
}
