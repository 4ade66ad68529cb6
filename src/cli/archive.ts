/**
 * An OVA (DSP0243 §5.3) that is never written: a tar archive (POSIX.1-1988 ustar) of bytes and files, laid out so that any
 * range of it can be read. That makes it an upload that can be resumed.
 */

import { open } from 'node:fs/promises';
import type { UploadSource } from '../client/index.js';
import { TAR_END, tarHeader, tarPadding } from '../ovf/package/tar-header.js';
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
    addBytes(add, tarPadding(size));
  }
  addBytes(add, TAR_END);
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

function header(name: string, size: number): Uint8Array {
  const block = tarHeader(name, size);
  if (block) return block;
  throw new UsageError(`the name of ${name.slice(0, 40)}… is too long for an archive`);
}
