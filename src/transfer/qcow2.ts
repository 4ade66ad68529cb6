/**
 * QEMU's copy-on-write format, version 2 and 3 (qemu `docs/interop/qcow2.txt`): header, header extensions, and the first
 * cluster of the guest's disk, which must not be an image again.
 */

import { inflateRawSync } from 'node:zlib';
import { brokenImage, pointer, size } from './image-faults.js';
import { checkContent, GUESS_BYTES } from './image-magic.js';
import type { ImageProbe, ImageReader } from './image-probe.js';

const FORMAT = 'qcow2';
const EXTERNAL_DATA_FILE = 1n << 2n;
const EXTENSION_DATA_FILE = 0x44415441;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
const COMPRESSED = 1n << 62n;
const NOTHING = new Uint8Array();

export async function probeQcow2(head: Buffer, image: ImageReader): Promise<ImageProbe> {
  if (head.length < 72) throw brokenImage(FORMAT, 'it ends within its header');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw brokenImage(FORMAT, `version ${version} is unknown`);
  const backingOffset = head.readBigUInt64BE(8);
  if (backingOffset !== 0n) throw pointer('backing file', textAt(head, backingOffset, head.readUInt32BE(16)));
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw brokenImage(FORMAT, `clusters of 2^${clusterBits} bytes do not exist`);
  if (head.readUInt32BE(32) !== 0) throw brokenImage(FORMAT, 'it is encrypted');
  if (version === 3) {
    if (head.length < 104) throw brokenImage(FORMAT, 'it ends within its header');
    if ((head.readBigUInt64BE(72) & EXTERNAL_DATA_FILE) !== 0n) throw pointer('data file', '');
  }
  checkExtensions(head, version === 3 ? head.readUInt32BE(100) : 72, 1 << clusterBits);
  checkContent(await firstBytes(head, image, clusterBits));
  return { format: FORMAT, virtualSizeBytes: size(FORMAT, head.readBigUInt64BE(24)) };
}

/** Header extensions: type, length and data, each padded to eight bytes, within the first cluster and what is read of it. */
function checkExtensions(head: Buffer, start: number, clusterBytes: number): void {
  const end = Math.min(head.length, clusterBytes);
  for (let at = start; at + 8 <= end;) {
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    if (type === 0) return;
    if (type === EXTENSION_DATA_FILE)
      throw pointer('data file', head.toString('utf8', at + 8, Math.min(at + 8 + length, end)));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  if (end < clusterBytes) throw brokenImage(FORMAT, 'its header extensions do not end');
}

/** The first bytes of the guest's disk; none where nothing is allocated there. */
async function firstBytes(head: Buffer, image: ImageReader, clusterBits: number): Promise<Uint8Array> {
  const l2 = (await entryAt(image, head.readBigUInt64BE(40))) & OFFSET_MASK;
  if (l2 === 0n) return NOTHING;
  const entry = await entryAt(image, l2);
  if ((entry & COMPRESSED) === 0n) {
    const offset = entry & OFFSET_MASK;
    // That it reads as zeros (bit 0) is not believed: with subclusters QEMU ignores that bit.
    return offset === 0n ? NOTHING : image.read(size(FORMAT, offset), GUESS_BYTES);
  }
  const offset = entry & ((1n << BigInt(62 - (clusterBits - 8))) - 1n);
  const packed = await image.read(size(FORMAT, offset), 1 << clusterBits);
  try {
    // The compressed cluster ends before the bytes read here do: the rest is ignored.
    return inflateRawSync(packed, { maxOutputLength: 1 << clusterBits }).subarray(0, GUESS_BYTES);
  } catch {
    // Compressed in a way (zstd) or with a fault that hides the beginning.
    throw brokenImage(FORMAT, 'its first cluster cannot be decompressed');
  }
}

async function entryAt(image: ImageReader, offset: bigint): Promise<bigint> {
  const bytes = Buffer.from(await image.read(size(FORMAT, offset), 8));
  if (bytes.length < 8) throw brokenImage(FORMAT, 'a table lies beyond its end');
  return bytes.readBigUInt64BE(0);
}

function textAt(head: Buffer, offset: bigint, length: number): string {
  const start = Number(offset < BigInt(head.length) ? offset : BigInt(head.length));
  return head.toString('utf8', start, Math.min(start + length, head.length));
}
