/**
 * The pieces of a CD image, byte by byte: directory records, path tables and volume descriptors of ECMA-119 and Joliet, the
 * system use entries of Rock Ridge (IEEE P1282 on top of SUSP).
 */

export const SECTOR = 2048;

/** Where a directory lies: its first sector and its length in bytes. */
export interface Extent {
  readonly at: number;
  readonly length: number;
}

/* --- numbers --------------------------------------------------------------------------------------------------- */

/** ECMA-119 §7.3.3 and §7.2.3: numbers in both byte orders. */
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

export function bigEndianText(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/* --- directories ----------------------------------------------------------------------------------------------- */

/** Records in sectors; no record crosses from one sector into the next (ECMA-119 §6.8.1.1). */
export function packRecords(records: readonly Buffer[]): readonly Buffer[] {
  const sectors: Buffer[] = [];
  let used = SECTOR;
  for (const record of records) {
    if (used + record.length > SECTOR) {
      sectors.push(Buffer.alloc(SECTOR));
      used = 0;
    }
    sectors.at(-1)?.set(record, used);
    used += record.length;
  }
  return sectors;
}

/** The records of `.` and `..` with which a directory begins. */
export function dotRecords(self: Extent, parent: Extent, rockRidge?: RockRidge): readonly Buffer[] {
  const own = rockRidge && [
    ...(rockRidge.root === undefined ? [] : [SHARING_PROTOCOL]),
    posixAttributes(DIRECTORY_MODE, 2),
    ...(rockRidge.root === undefined ? [] : [continuation(rockRidge.root)]),
  ];
  const above = rockRidge && [posixAttributes(DIRECTORY_MODE, 2)];
  return [directoryRecord(Buffer.from([0]), self, true, own), directoryRecord(Buffer.from([1]), parent, true, above)];
}

export interface RockRidge {
  /** Sector of the extension record; of the root alone. */
  readonly root?: number;
}

/** An entry of ECMA-119's own tree, with its name for Unix. */
export function primaryRecord(short: string, name: string, extent: Extent, directory: boolean): Buffer {
  const posix = directory ? posixAttributes(DIRECTORY_MODE, 2) : posixAttributes(FILE_MODE, 1);
  return directoryRecord(Buffer.from(short, 'latin1'), extent, directory, [posix, alternateName(name)]);
}

/** An entry of Joliet's tree. */
export function jolietRecord(name: string, extent: Extent, directory: boolean): Buffer {
  return directoryRecord(bigEndianText(directory ? name : `${name};1`), extent, directory);
}

/** ECMA-119 §9.1. Dates are zero: not specified, so that equal contents give equal images. */
function directoryRecord(
  name: Buffer,
  { at, length }: Extent,
  directory: boolean,
  systemUse: readonly Buffer[] = [],
): Buffer {
  const use = Buffer.concat(systemUse);
  const padding = name.length % 2 === 0 ? 1 : 0;
  const size = 33 + name.length + padding + use.length;
  const record = Buffer.alloc(size + (size % 2));
  record[0] = record.length;
  record.set(both32(at), 2);
  record.set(both32(length), 10);
  record[25] = directory ? 2 : 0;
  record.set(both16(1), 28);
  record[32] = name.length;
  record.set(name, 33);
  record.set(use, 33 + name.length + padding);
  return record;
}

/** A directory as the path table names it; `parent` is the number of its parent there, from 1. */
export interface PathEntry {
  readonly name: Buffer;
  readonly at: number;
  readonly parent: number;
}

/** ECMA-119 §9.4. */
export function pathTable(entries: readonly PathEntry[], order: 'little' | 'big'): Buffer {
  return Buffer.concat(
    entries.map(({ name, at, parent }) => {
      const record = Buffer.alloc(8 + name.length + (name.length % 2));
      record[0] = name.length;
      if (order === 'little') {
        record.writeUInt32LE(at, 2);
        record.writeUInt16LE(parent, 6);
      } else {
        record.writeUInt32BE(at, 2);
        record.writeUInt16BE(parent, 6);
      }
      record.set(name, 8);
      return record;
    }),
  );
}

/* --- Rock Ridge ------------------------------------------------------------------------------------------------ */

/** Readable by root alone: the files may hold passwords. */
const FILE_MODE = 0o100400;
const DIRECTORY_MODE = 0o040500;

/** SUSP §5.3: the system use area is in use. */
const SHARING_PROTOCOL = Buffer.from([...Buffer.from('SP'), 7, 1, 0xbe, 0xef, 0]);

/** SUSP §5.5, too long for a directory record: it lies in a sector of its own, to which the root points. */
export const ROCK_RIDGE_EXTENSION = ((): Buffer => {
  const texts = [
    'RRIP_1991A',
    'THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS',
    'PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.',
  ].map((text) => Buffer.from(text, 'latin1'));
  const length = texts.reduce((sum, text) => sum + text.length, 8);
  return Buffer.concat([
    Buffer.from([...Buffer.from('ER'), length, 1, ...texts.map((text) => text.length), 1]),
    ...texts,
  ]);
})();

function continuation(at: number): Buffer {
  return Buffer.concat([
    Buffer.from([...Buffer.from('CE'), 28, 1]),
    both32(at),
    both32(0),
    both32(ROCK_RIDGE_EXTENSION.length),
  ]);
}

/** RRIP §4.1.1: mode, links, user 0, group 0. */
function posixAttributes(mode: number, links: number): Buffer {
  return Buffer.concat([Buffer.from([...Buffer.from('PX'), 36, 1]), both32(mode), both32(links), both32(0), both32(0)]);
}

/** RRIP §4.1.4. */
function alternateName(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8');
  return Buffer.concat([Buffer.from([...Buffer.from('NM'), 5 + bytes.length, 1, 0]), bytes]);
}

/* --- volume descriptors ---------------------------------------------------------------------------------------- */

/** ECMA-119 §8.4, and §8.5 with the escape sequence of Joliet level 3. */
export function volumeDescriptor(
  kind: 'primary' | 'joliet',
  volumeId: string,
  sectors: number,
  root: Extent,
  tables: { readonly little: number; readonly big: number; readonly length: number },
): Buffer {
  const joliet = kind === 'joliet';
  const bytes = Buffer.alloc(SECTOR);
  const text = (value: string, at: number, length: number): void => {
    const padded = joliet
      ? bigEndianText(value.padEnd(Math.floor(length / 2)))
      : Buffer.from(value.padEnd(length), 'latin1');
    bytes.set(padded.subarray(0, length), at);
  };
  bytes[0] = joliet ? 2 : 1;
  bytes.set(Buffer.from('CD001'), 1);
  bytes[6] = 1;
  text('', 8, 32);
  text(volumeId, 40, 32);
  bytes.set(both32(sectors), 80);
  if (joliet) bytes.set(Buffer.from('%/E'), 88);
  bytes.set(both16(1), 120);
  bytes.set(both16(1), 124);
  bytes.set(both16(SECTOR), 128);
  bytes.set(both32(tables.length), 132);
  bytes.writeUInt32LE(tables.little, 140);
  bytes.writeUInt32BE(tables.big, 148);
  bytes.set(directoryRecord(Buffer.from([0]), root, true), 156);
  text('', 190, 128);
  text('VEP', 318, 128);
  text('', 446, 128);
  text('VEP', 574, 128);
  for (const at of [702, 739, 776]) text('', at, 37);
  for (const at of [813, 830, 847, 864]) bytes.set(Buffer.from('0000000000000000\0', 'latin1'), at);
  bytes[881] = 1;
  return bytes;
}
