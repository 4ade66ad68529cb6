/**
 * VMware's virtual disk format (Virtual Disk Format 5.0): a sparse extent with its descriptor inside, as in OVF packages
 * (`#sparse`, `#streamOptimized`). What is read is what QEMU reads: the descriptor from sector 1 wherever the header says that
 * it lies, and the footer in the place of the header where the grain directory comes last.
 */

import { inflateSync } from 'node:zlib';
import { brokenImage, pointer, size } from './image-faults.js';
import { checkContent, GUESS_BYTES } from './image-magic.js';
import type { ImageProbe, ImageReader } from './image-probe.js';

const FORMAT = 'vmdk';
const SECTOR = 512;
const MAX_DESCRIPTOR_BYTES = 1 << 20;
/** As far as QEMU looks for a parent, and as much as others make room for. */
const DESCRIPTOR_BYTES = 20 * SECTOR;
const MAX_GRAIN_BYTES = 2 << 20;
const DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn;
const DEFLATE = 1;
const FLAGS = { redundantDirectory: 1 << 1, zeroGrains: 1 << 2, markers: 1 << 17 };

export async function probeVmdk(head: Buffer, image: ImageReader): Promise<ImageProbe> {
  if (head.length < SECTOR) throw brokenImage(FORMAT, 'it ends within its header');
  const capacity = size(FORMAT, head.readBigUInt64LE(12)) * SECTOR;
  if (!Number.isSafeInteger(capacity)) throw brokenImage(FORMAT, 'its size is beyond all measure');
  // QEMU reads a header without capacity as a descriptor file, whose extents may lie anywhere.
  if (capacity === 0) throw brokenImage(FORMAT, 'its capacity is nothing');
  const offset = size(FORMAT, head.readBigUInt64LE(28)) * SECTOR;
  const length = size(FORMAT, head.readBigUInt64LE(36)) * SECTOR;
  if (length > MAX_DESCRIPTOR_BYTES) throw brokenImage(FORMAT, 'its descriptor is larger than 1 MiB');
  const descriptor = await image.read(SECTOR, Math.max(length, DESCRIPTOR_BYTES));
  checkDescriptor(Buffer.from(descriptor).toString('latin1'));
  if (offset !== 0 && offset !== SECTOR) throw brokenImage(FORMAT, 'its descriptor does not follow its header');
  if (offset + length > image.sizeBytes) throw brokenImage(FORMAT, 'its descriptor lies beyond its end');
  const header = head.readBigUInt64LE(56) === DIRECTORY_AT_END ? await footerOf(image) : head;
  if (header.readBigUInt64LE(12) !== head.readBigUInt64LE(12))
    throw brokenImage(FORMAT, 'its header and its footer tell different sizes');
  await checkFirstGrain(header, image);
  return { format: FORMAT, virtualSizeBytes: capacity };
}

/** Parents count in any place, as QEMU looks for the words alone. */
function checkDescriptor(text: string): void {
  const parent = /parentFileNameHint[\s=]*(.*)/i.exec(text);
  if (parent) throw pointer('parent', parent[1] ?? '');
  const ids = [...text.matchAll(/parentCID\W{0,8}(\w*)/gi)].map((match) => match[1] ?? '');
  const parentId = ids.find((id) => id.toLowerCase() !== 'ffffffff');
  if (parentId !== undefined) throw pointer('parent', parentId);
  const extents = extentsOf(text.replace(/\0[^]*$/, ''));
  const outside = extents.find(
    ({ type, name }) => extents.length > 1 || type.toUpperCase() !== 'SPARSE' || /[/\\]|^\.\.?$/.test(name),
  );
  if (outside !== undefined) throw pointer('extents', outside.name);
}

/** The extent lines of a descriptor: access, sectors, type, then the quoted file name. */
export function extentsOf(descriptor: string): { readonly type: string; readonly name: string }[] {
  const lines = descriptor.matchAll(/^[ \t]*(?:RW|RDONLY|NOACCESS)\s+\S+\s+(\w+)\s+"([^"\n]*)"/gim);
  return [...lines].map(([, type = '', name = '']) => ({ type, name }));
}

/** The header at the end of a stream, before the sector that ends it. */
async function footerOf(image: ImageReader): Promise<Buffer> {
  const end = Math.ceil(image.sizeBytes / SECTOR) * SECTOR;
  const footer = Buffer.from(await image.read(Math.max(0, end - 2 * SECTOR), SECTOR));
  if (footer.length < SECTOR || !footer.toString('latin1').startsWith('KDMV'))
    throw brokenImage(FORMAT, 'its footer is missing');
  return footer;
}

/** @throws Problem `invalid` where the disk begins as an image does, by either of the grain directories */
async function checkFirstGrain(header: Buffer, image: ImageReader): Promise<void> {
  const flags = header.readUInt32LE(8);
  const redundant = (flags & FLAGS.redundantDirectory) === 0 ? 0n : header.readBigUInt64LE(48);
  for (const directory of [header.readBigUInt64LE(56), redundant]) {
    const table = directory === 0n ? 0 : await entryAt(image, size(FORMAT, directory));
    const grain = table === 0 ? 0 : await entryAt(image, table);
    if (grain === 0 || (grain === 1 && (flags & FLAGS.zeroGrains) !== 0)) continue;
    checkContent(await grainAt(image, grain * SECTOR, header));
  }
}

async function grainAt(image: ImageReader, offset: number, header: Buffer): Promise<Uint8Array> {
  if (header.readUInt16LE(77) !== DEFLATE) return image.read(offset, GUESS_BYTES);
  const grainBytes = size(FORMAT, header.readBigUInt64LE(20)) * SECTOR;
  if (grainBytes > MAX_GRAIN_BYTES) throw brokenImage(FORMAT, 'its grains are larger than 2 MiB');
  // A marker is the grain's place on the disk and the length of what follows.
  const markerBytes = (header.readUInt32LE(8) & FLAGS.markers) === 0 ? 0 : 12;
  const packed = await image.read(offset + markerBytes, 2 * grainBytes);
  try {
    return inflateSync(packed, { maxOutputLength: grainBytes }).subarray(0, GUESS_BYTES);
  } catch {
    throw brokenImage(FORMAT, 'its first grain cannot be decompressed');
  }
}

async function entryAt(image: ImageReader, sector: number): Promise<number> {
  const bytes = Buffer.from(await image.read(sector * SECTOR, 4));
  if (bytes.length < 4) throw brokenImage(FORMAT, 'a table lies beyond its end');
  return bytes.readUInt32LE(0);
}
