/**
 * An OVA (DSP0243 §5.3) that is never written: a tar archive (POSIX.1-1988 ustar) of bytes and files, laid out so that any
 * range of it can be read. That makes it an upload that can be resumed.
 */

import { open } from 'node:fs/promises';
import type { UploadSource } from '../client/index.js';
import { UsageError } from './exit-codes.js';

export interface ArchiveFile {
  /** Relative, with `/` between steps. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export type ArchiveMember = ArchiveFile | { readonly name: string; readonly bytes: Uint8Array };

interface Segment {
  readonly first: number;
  readonly sizeBytes: number;
  read(first: number, length: number): Promise<Uint8Array>;
}

const BLOCK = 512;

/** @throws UsageError for a name that is too long for a tar header */
export function archiveOf(name: string, members: readonly ArchiveMember[]): UploadSource {
  const segments: Segment[] = [];
  let end = 0;
  const add = (sizeBytes: number, read: Segment['read']): void => {
    segments.push({ first: end, sizeBytes, read });
    end += sizeBytes;
  };
  for (const member of members) {
    const size = 'bytes' in member ? member.bytes.length : member.sizeBytes;
    addBytes(add, header(member.name, size));
    if ('bytes' in member) addBytes(add, member.bytes);
    else add(size, (first, length) => readRange(member.path, first, length));
    addBytes(add, Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
  }
  // Two empty blocks end the archive.
  addBytes(add, Buffer.alloc(2 * BLOCK));
  return { name, sizeBytes: end, read: (first, length) => readSegments(segments, first, length) };
}

/** `length` bytes of a file, or as many as there are. @throws UsageError when the file got shorter meanwhile */
export async function readRange(path: string, first: number, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - first)));
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, first + done);
      if (bytesRead === 0) throw new UsageError(`${path} changed while it was being sent`);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

function addBytes(add: (size: number, read: Segment['read']) => void, bytes: Uint8Array): void {
  add(bytes.length, (first, length) => Promise.resolve(bytes.subarray(first, first + length)));
}

async function readSegments(segments: readonly Segment[], first: number, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (const segment of segments) {
    const from = Math.max(0, first - segment.first);
    const to = Math.min(segment.sizeBytes, first + length - segment.first);
    if (to <= from) continue;
    const piece = await segment.read(from, to - from);
    if (piece.length !== to - from) throw new UsageError('a file of the package changed while it was being sent');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The header of a plain file that its owner can read and write; without times, so that it is the same every time. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const [prefix, rest] = splitName(name);
  block.write(rest, 0, 'utf8');
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(size < 8 ** 11 ? `${size.toString(8).padStart(11, '0')}\0` : '', 124);
  if (size >= 8 ** 11) writeLarge(block, size);
  block.write('00000000000\0', 136);
  block.write('        0', 148);
  block.write('ustar\u000000', 257);
  block.write(prefix, 345, 'utf8');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Sizes of 8 GiB and more in base 256, as GNU tar and POSIX tools since write them. */
function writeLarge(block: Buffer, size: number): void {
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(size), 128);
}

/** A name of more than 100 bytes is split at a `/`, the part before it having at most 155. */
function splitName(name: string): [prefix: string, rest: string] {
  if (Buffer.byteLength(name) <= 100) return ['', name];
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(rest) <= 100) return [prefix, rest];
  }
  throw new UsageError(`the name of ${name.slice(0, 40)}… is too long for an archive`);
}
