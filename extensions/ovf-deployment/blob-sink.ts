/**
 * Where the files of a package go: into the blob store, each written once as its bytes arrive. A file in pieces
 * (`ovf:chunkSize`, DSP0243 §7.1) becomes one file of the store: pieces that follow each other are written as one, and
 * what came in another order is put together by number in the end. Nothing is held in memory.
 */

import { Readable } from 'node:stream';
import { pieceName, pieceOf, type Piece } from '../../src/ovf/package/pieces.js';
import type { MemberSink, MemberWriter } from '../../src/ovf/package/reader.js';
import type { Blob, BlobStore, BlobWriter } from '../../src/transfer/blob-store.js';

/** Bytes after which the files before are used again, so that they outlast the coming of the rest. */
const FRESHEN_BYTES = 2 ** 30;

/** Pieces of one file that came one right after the other, as one file of the store. */
interface Run {
  readonly whole: string;
  readonly first: number;
  /** Bytes of each piece. */
  readonly sizes: number[];
  readonly blob: Blob;
}

interface OpenRun extends Omit<Run, 'blob'> {
  readonly writer: BlobWriter;
}

export class BlobSink implements MemberSink {
  /** By name. */
  readonly files = new Map<string, Blob>();
  /** Files that came in pieces, by the name that these share; only those of which no piece is missing, once all have come. */
  readonly joined = new Map<string, Blob>();
  readonly #blobs: BlobStore;
  readonly #runs = new Map<string, Run[]>();
  #open: OpenRun | undefined;
  #sinceFreshened = 0;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  async open(name: string, size: number | undefined): Promise<MemberWriter> {
    const piece = pieceOf(name);
    if (piece) return this.#piece(piece);
    await this.#closeRun();
    const writer = await this.#blobs.write(size);
    return {
      digests: ['sha256'],
      write: (bytes) => this.#write(writer, bytes),
      close: async () => {
        const blob = await writer.close();
        this.files.set(name, blob);
        return { sha256: blob.sha256 };
      },
      abort: () => writer.abort(),
    };
  }

  reread(name: string): Promise<AsyncIterable<Uint8Array>> {
    const piece = pieceOf(name);
    const run = piece && this.#runs.get(piece.whole)?.find((each) => holds(each, piece));
    if (!piece || !run) return this.#blobs.open(this.files.get(name)?.sha256 ?? '');
    const before = run.sizes.slice(0, piece.number - run.first);
    const size = run.sizes[before.length];
    return size === 0 ? Promise.resolve(Readable.from([])) : this.#blobs.open(run.blob.sha256, sum(before), size);
  }

  /** Files in pieces are put together. */
  async finish(): Promise<void> {
    await this.#closeRun();
    for (const [whole, runs] of this.#runs) {
      const blob = await this.#join(runs);
      if (blob) this.joined.set(whole, blob);
    }
  }

  async abort(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.writer.abort();
  }

  async #piece({ whole, number }: Piece): Promise<MemberWriter> {
    const before = this.#open;
    const follows = before?.whole === whole && before.first + before.sizes.length === number;
    if (!follows) await this.#closeRun();
    const run = follows ? before : { whole, first: number, sizes: [], writer: await this.#blobs.write() };
    this.#open = run;
    let size = 0;
    return {
      write: (bytes) => {
        size += bytes.byteLength;
        return this.#write(run.writer, bytes);
      },
      close: () => {
        run.sizes.push(size);
        return Promise.resolve({});
      },
      abort: () => this.abort(),
    };
  }

  async #closeRun(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    const { whole, first, sizes, writer } = open;
    const run = { whole, first, sizes, blob: await writer.close() };
    const runs = this.#runs.get(whole) ?? [];
    runs.push(run);
    this.#runs.set(whole, runs);
    // Its name may also be that of a file which is in no pieces at all.
    if (sizes.length === 1) this.files.set(pieceName(whole, first), run.blob);
  }

  /** The whole file; undefined where a piece is missing. */
  async #join(runs: readonly Run[]): Promise<Blob | undefined> {
    const inOrder = [...runs].sort((one, other) => one.first - other.first);
    let next = 0;
    for (const { first, sizes } of inOrder) {
      if (first !== next) return undefined;
      next += sizes.length;
    }
    if (inOrder.length === 1) return inOrder[0]?.blob;
    const writer = await this.#blobs.write(sum(inOrder.map(({ blob }) => blob.sizeBytes)));
    try {
      for (const { blob } of inOrder)
        for await (const bytes of await this.#blobs.open(blob.sha256)) await this.#write(writer, bytes);
      return await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  async #write(writer: BlobWriter, bytes: Uint8Array): Promise<void> {
    await writer.write(bytes);
    this.#sinceFreshened += bytes.byteLength;
    if (this.#sinceFreshened <= FRESHEN_BYTES) return;
    this.#sinceFreshened = 0;
    const runs = [...this.#runs.values()].flat().map(({ blob }) => blob);
    for (const { sha256 } of [...this.files.values(), ...runs]) await this.#blobs.find(sha256);
  }
}

function holds({ first, sizes }: Run, { number }: Piece): boolean {
  return number >= first && number < first + sizes.length;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
