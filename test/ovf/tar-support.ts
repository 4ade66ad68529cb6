/** Tar archives for tests: packed by tar-stream, or put together from headers that say whatever a test wants. */

import { pack, type Header } from 'tar-stream';

export type Entry = readonly [header: Partial<Header> & { readonly name: string }, content: string];

export async function packed(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** A header as a liar would write it, with a sum that is right. */
export function header(fields: { name?: string; size?: string | Buffer; type?: string; magic?: string }): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name ?? 'a', 0);
  if (Buffer.isBuffer(fields.size)) fields.size.copy(block, 124);
  else block.write(fields.size ?? '00000000000\0', 124);
  block.write(fields.type ?? '0', 156);
  block.write(fields.magic ?? 'ustar\u000000', 257);
  return summed(block);
}

function summed(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

export function padded(text: string): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc((512 - (Buffer.byteLength(text) % 512)) % 512)]);
}

export function pax(records: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const text = Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      const length = Buffer.byteLength(rest);
      const digits = String(length + String(length + 2).length).length;
      return `${length + digits}${rest}`;
    })
    .join('');
  return Buffer.concat([
    header({ type, size: `${Buffer.byteLength(text).toString(8).padStart(11, '0')}\0` }),
    padded(text),
  ]);
}

export const END = Buffer.alloc(1024);
export const file = (content: string, fields: Parameters<typeof header>[0] = {}): Buffer =>
  Buffer.concat([
    header({ size: `${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, ...fields }),
    padded(content),
  ]);
