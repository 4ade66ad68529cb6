/**
 * Tar archives (POSIX.1-1988 ustar, the pax headers of POSIX.1-2001, the long names of GNU tar), read in one pass from a
 * stream that nobody can be trusted to have made well: every header is checked, nothing is held but headers, and what is
 * not a plain file or a folder is told apart for the caller to refuse. Sizes and offsets are bytes.
 */

import { problem, type Problem } from '../../base/errors.js';

export interface TarEntry {
  /** As written in the archive, without judgement. */
  readonly name: string;
  readonly size: number;
  readonly type: TarEntryType;
  /** Where the header begins in the archive. */
  readonly at: number;
  /** The bytes of the entry, once; what is left of them is passed over when the next entry is asked for. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** `sparse`: a file whose holes are not in the archive, so that its size says nothing about what it unpacks to. */
export type TarEntryType =
  'file' | 'directory' | 'sparse' | 'hard link' | 'symbolic link' | 'device' | 'fifo' | 'unknown';

const BLOCK = 512;
/** Bytes of a pax header or a long name. */
const MAX_EXTENSION = 64 * 1024;

const TYPES: ReadonlyMap<string, TarEntryType> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['1', 'hard link'],
  ['2', 'symbolic link'],
  ['3', 'device'],
  ['4', 'device'],
  ['5', 'directory'],
  ['6', 'fifo'],
  ['S', 'sparse'],
]);

/**
 * The entries of an archive, in order. After the end mark the source is read to its end, unless the caller stops.
 * @throws Problem `malformed` (`ovf.O-023`) where the archive is none, or breaks off; errors of the source as they are
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void> {
  const input = new ByteSource(source);
  try {
    let extension: Extension = {};
    for (;;) {
      const at = input.position;
      const block = await input.take(BLOCK);
      if (block === undefined && at > 0 && extension.at === undefined) return;
      if (block === undefined) throw broken('it ends where a header should be', at);
      if (isZero(block)) break;
      const header = readHeader(block, at);
      if ('xgLK'.includes(header.flag)) {
        extension = await readExtension(input, header, extension, at);
        continue;
      }
      const entry = entryOf(header, extension);
      extension = {};
      const end = input.position + entry.size + padding(entry.size);
      yield { ...entry, at, bytes: input.stream(entry.size) };
      await input.skipTo(end);
    }
    await input.drain();
  } finally {
    await input.close();
  }
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly flag: string;
}

/** What pax and GNU headers say of the entry after them. */
interface Extension {
  readonly at?: number;
  readonly name?: string;
  readonly size?: number;
  readonly sparse?: boolean;
}

function readHeader(block: Buffer, at: number): Header {
  if (!isSumRight(block)) throw broken(at === 0 ? 'it does not begin with a header' : 'a header is damaged', at);
  const size = readNumber(block.subarray(124, 136));
  if (size === undefined) throw broken('a header has no legal size', at);
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, flag: String.fromCharCode(block[156] ?? 0) };
}

function entryOf(header: Header, extension: Extension): Pick<TarEntry, 'name' | 'size' | 'type'> {
  const name = extension.name ?? header.name;
  const plain = TYPES.get(header.flag) ?? 'unknown';
  const size = extension.size ?? header.size;
  // Old archives mark folders by the slash alone.
  const folder = plain === 'file' && size === 0 && name.endsWith('/');
  const type = folder ? 'directory' : extension.sparse === true ? 'sparse' : plain;
  // What is neither file nor unknown has no bytes, whatever the header says of the file it stands for.
  return { name, type, size: ['file', 'sparse', 'unknown'].includes(type) ? size : 0 };
}

/* --- pax and GNU headers --------------------------------------------------------------------------------------- */

async function readExtension(
  input: ByteSource,
  { flag, size }: Header,
  before: Extension,
  at: number,
): Promise<Extension> {
  if (size > MAX_EXTENSION) throw broken(`a header of the kind ${flag} has ${size} bytes`, at);
  const bytes = await input.take(size + padding(size));
  if (bytes === undefined) throw broken('it ends within a header', at);
  const content = bytes.subarray(0, size);
  if (flag === 'L') return { ...before, at, name: text(content, 0, size) };
  // The target of a link, which is refused whatever it is.
  if (flag === 'K') return { ...before, at };
  const said = readPax(content, at);
  // A header for all entries that says where each lies or how large it is can only be meant to deceive.
  if (flag === 'g' && (said.name !== undefined || said.size !== undefined)) {
    throw broken('a global header gives all members one name or size', at);
  }
  return { ...before, at, ...said };
}

/** Records of `<length> <key>=<value>\n` (POSIX.1-2001 pax). */
function readPax(content: Buffer, at: number): Extension {
  let extension: Extension = {};
  for (let from = 0; from < content.length;) {
    const blank = content.indexOf(0x20, from);
    const length = Number(content.toString('latin1', from, Math.min(blank, from + 8)));
    const equals = content.indexOf(0x3d, blank);
    const end = from + length;
    const whole =
      blank > from && Number.isSafeInteger(length) && end <= content.length && equals > blank && equals < end;
    if (!whole || content[end - 1] !== 0x0a) throw broken('a pax header cannot be read', at);
    const key = content.toString('utf8', blank + 1, equals);
    const value = content.toString('utf8', equals + 1, end - 1);
    if (key === 'path') extension = { ...extension, name: value };
    else if (key === 'size') extension = { ...extension, size: readPaxSize(value, at) };
    else if (key.startsWith('GNU.sparse.') || key === 'SUN.holesdata' || key === 'SCHILY.realsize')
      extension = { ...extension, sparse: true };
    from = end;
  }
  return extension;
}

function readPaxSize(value: string, at: number): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw broken('a pax header has no legal size', at);
}

/* --- fields ---------------------------------------------------------------------------------------------------- */

function isSumRight(block: Buffer): boolean {
  const wanted = readNumber(block.subarray(148, 156));
  let sum = 8 * 0x20;
  let signed = sum;
  for (let index = 0; index < BLOCK; index += 1) {
    if (index >= 148 && index < 156) continue;
    const byte = block[index] ?? 0;
    sum += byte;
    // Some old archivers add the bytes as signed numbers.
    signed += byte > 127 ? byte - 256 : byte;
  }
  return wanted === sum || wanted === signed;
}

/** An octal number, or one in base 256 as GNU tar writes what is too large for octal; undefined when it is neither. */
function readNumber(field: Buffer): number | undefined {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    if (field[0] !== 0x80) return undefined;
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = /^[ \0]*([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits === '' ? '0' : digits, 8);
}

function text(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function broken(why: string, at: number): Problem {
  return problem('malformed', 'ovf.O-023', `the archive cannot be read: ${why} (byte ${at})`, {
    rule: 'O-023, DSP0243 §5.3',
    remedy: 'send a whole tar file, as ovftool or tar --format=ustar make it',
  });
}

/* --- bytes ----------------------------------------------------------------------------------------------------- */

/** A stream of chunks read in pieces of one's own size, without copying what is passed on. */
class ByteSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #ended = false;
  position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes, or undefined when the source ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.#next(missing);
      if (part === undefined) return undefined;
      parts.push(part);
      missing -= part.byteLength;
    }
    const [only] = parts;
    return parts.length === 1 && only
      ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
      : Buffer.concat(parts);
  }

  /** The next bytes as they come. @throws Problem when the source ends before */
  async *stream(length: number): AsyncGenerator<Uint8Array, void> {
    const end = this.position + length;
    while (this.position < end) yield await this.#some(end);
  }

  async skipTo(end: number): Promise<void> {
    while (this.position < end) await this.#some(end);
  }

  async drain(): Promise<void> {
    while ((await this.#next(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#iterator.return?.();
  }

  async #some(end: number): Promise<Uint8Array> {
    const part = await this.#next(end - this.position);
    if (part === undefined) throw broken('it ends within a member', this.position);
    return part;
  }

  /** At least one byte and at most so many. */
  async #next(most: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.byteLength === 0) {
      if (this.#ended) return undefined;
      const next = await this.#iterator.next();
      if (next.done === true) this.#ended = true;
      else this.#chunk = next.value;
    }
    const part = this.#chunk.byteLength <= most ? this.#chunk : this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.byteLength);
    this.position += part.byteLength;
    return part;
  }
}
