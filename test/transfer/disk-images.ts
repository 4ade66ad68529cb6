/** Disk images byte by byte, sound and otherwise. */

import { deflateRawSync, deflateSync } from 'node:zlib';
import type { ImageReader } from '../../src/transfer/image-probe.js';

export function reader(bytes: Buffer): ImageReader {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => Promise.resolve(bytes.subarray(Math.min(offset, bytes.length), offset + length)),
  };
}

export interface Qcow2 {
  readonly version?: number;
  readonly backing?: string;
  readonly features?: bigint;
  readonly extension?: readonly [type: number, text: string];
  readonly crypt?: number;
  readonly clusterBits?: number;
  /** First bytes of the guest's disk. */
  readonly content?: string;
  readonly compressed?: boolean;
  /** Bits of the entry for the first cluster. */
  readonly entry?: bigint;
}

/** A qcow2 image of 64 KiB clusters: header, L1 table at cluster 1, L2 at 2, data at 3. */
export function qcow2(options: Qcow2 = {}): Buffer {
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
      image.writeBigUInt64BE(data | (1n << 63n) | (options.entry ?? 0n), cluster * 2);
      content.copy(image, cluster * 3);
    }
  }
  return image;
}

export const plainDescriptor = `# Disk DescriptorFile
version=1
CID=7b1ae6e2
parentCID=ffffffff
createType="streamOptimized"
RW 4194304 SPARSE "disk1.vmdk"
ddb.adapterType = "lsilogic"
`;

export interface Vmdk {
  readonly sectors?: bigint;
  /** Where the header says that the descriptor lies, in sectors. */
  readonly descriptorAt?: bigint;
  /** First bytes of the guest's disk. */
  readonly content?: string;
  readonly compressed?: boolean;
  /** In which of the two grain directories they are. */
  readonly directory?: 'first' | 'redundant';
  /** Ends as a stream does, with a footer that tells so many sectors, or without. */
  readonly footer?: bigint | 'none';
}

/** A sparse VMDK extent: descriptor at sector 1, grain directory at 40, its table at 41, first grain at 48. */
export function vmdk(descriptor: string, options: Vmdk = {}): Buffer {
  const { sectors = 4_194_304n, descriptorAt = 1n, content, compressed = false, directory = 'first', footer } = options;
  const image = Buffer.alloc(64 << 10);
  image.write('KDMV', 0, 'latin1');
  image.writeUInt32LE(3, 4);
  image.writeUInt32LE((directory === 'redundant' ? 2 : 0) | (compressed ? 3 << 16 : 0), 8);
  image.writeBigUInt64LE(sectors, 12);
  image.writeBigUInt64LE(128n, 20);
  image.writeBigUInt64LE(descriptorAt, 28);
  image.writeBigUInt64LE(20n, 36);
  image.writeUInt32LE(512, 44);
  image.writeUInt16LE(compressed ? 1 : 0, 77);
  image.write(descriptor, 512, 'latin1');
  if (content !== undefined) {
    image.writeBigUInt64LE(40n, directory === 'first' ? 56 : 48);
    image.writeUInt32LE(41, 40 * 512);
    image.writeUInt32LE(48, 41 * 512);
    if (compressed) {
      const grain = Buffer.alloc(128 * 512);
      grain.write(content, 'latin1');
      const packed = deflateSync(grain);
      image.writeUInt32LE(packed.length, 48 * 512 + 8);
      packed.copy(image, 48 * 512 + 12);
    } else image.write(content, 48 * 512, 'latin1');
  }
  if (footer !== undefined) {
    const at = image.length - 1024;
    if (footer !== 'none') image.copyWithin(at, 0, 512);
    image.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 56);
    if (footer !== 'none') image.writeBigUInt64LE(footer, at + 12);
  }
  return image;
}

export interface Vhd {
  /** 2 is fixed, 3 dynamic, 4 differencing. */
  readonly type: number;
  /** Where there is a footer, and of which type the last one is. */
  readonly start?: boolean;
  readonly end?: boolean | number;
  readonly content?: string;
  /** Cylinders, heads, sectors. */
  readonly geometry?: readonly [number, number, number];
}

/** A VHD of 2 GiB: of a dynamic one the header is at byte 512, the table at 1536, the first block at 2048. */
export function vhd({ type, start = false, end = false, content, geometry }: Vhd): Buffer {
  const image = Buffer.alloc(1 << 16);
  const footer = (at: number, of: number): void => {
    image.write('conectix', at);
    image.writeBigUInt64BE(start ? 512n : 0xffff_ffff_ffff_ffffn, at + 16);
    image.writeBigUInt64BE(2n << 30n, at + 48);
    if (geometry) image.writeUInt16BE(geometry[0], at + 56);
    if (geometry) image.set(geometry.slice(1), at + 58);
    image.writeUInt32BE(of, at + 60);
  };
  if (start) {
    image.write('cxsparse', 512);
    image.writeBigUInt64BE(1536n, 512 + 16);
    image.writeUInt32BE(2 << 20, 512 + 32);
    image.writeUInt32BE(content === undefined ? 0xffff_ffff : 4, 1536);
    image.write(content ?? '', 2048 + 512, 'latin1');
    footer(0, type);
  } else image.write(content ?? '', 0, 'latin1');
  if (end !== false) footer(image.length - 512, end === true ? type : end);
  return image;
}

export function iso(begin = ''): Buffer {
  const image = Buffer.alloc(64 << 10);
  image.write(begin, 'latin1');
  image.write('CD001', 32769);
  return image;
}
