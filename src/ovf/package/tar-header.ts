/** Writing a tar archive (POSIX.1-1988 ustar): the header of a plain file and what comes after it. Sizes are bytes. */

const BLOCK = 512;

/** Two empty blocks end an archive. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * BLOCK);

/** What fills the last block of a file. */
export function tarPadding(size: number): Uint8Array {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/**
 * The header of a file that its owner can read and write; without times, so that it is the same every time. Undefined for
 * a name that is too long for one.
 */
export function tarHeader(name: string, size: number): Uint8Array | undefined {
  const split = splitName(name);
  if (split === undefined) return undefined;
  const [prefix, rest] = split;
  const block = Buffer.alloc(BLOCK);
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
function splitName(name: string): [prefix: string, rest: string] | undefined {
  if (Buffer.byteLength(name) <= 100) return ['', name];
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(rest) <= 100) return [prefix, rest];
  }
  return undefined;
}
