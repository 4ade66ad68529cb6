/**
 * Buffers that begin at a page of memory, as writing past the page cache wants them (open(2), O_DIRECT). JavaScript cannot
 * ask where its memory lies; that of WebAssembly always begins at a page. There are a few, and they are lent.
 */

/** Bytes that are written at once are whole blocks; no file system has larger ones. */
export const BLOCK = 4096;
/** Bytes of one buffer. */
export const BUFFER_BYTES = 1024 * 1024;
/** What one writer needs: it fills one while the other is on its way. */
export type BufferPair = readonly [Buffer, Buffer];

/** Pairs that are ever made: 16 MiB, kept for the next large file. */
const MOST_PAIRS = 8;
const WASM_PAGE = 64 * 1024;

/** Node's own types leave it out. */
declare const WebAssembly: { Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer } };

const idle: BufferPair[] = [];
let made = false;

/** A pair of one's own until it is given back; undefined when all are in use. */
export function borrowBuffers(): BufferPair | undefined {
  if (!made) idle.push(...allPairs());
  made = true;
  return idle.pop();
}

export function giveBackBuffers(pair: BufferPair): void {
  idle.push(pair);
}

/** One memory for all of them: each takes gigabytes of address space, whatever its size. */
function allPairs(): readonly BufferPair[] {
  const { buffer } = new WebAssembly.Memory({ initial: (2 * MOST_PAIRS * BUFFER_BYTES) / WASM_PAGE });
  const part = (index: number): Buffer => Buffer.from(buffer, index * BUFFER_BYTES, BUFFER_BYTES);
  return Array.from({ length: MOST_PAIRS }, (_, index) => [part(2 * index), part(2 * index + 1)]);
}
