/**
 * A CD image in ISO 9660 (ECMA-119) with the names of its files in all three forms guests look for: level 1 (`OVF_ENV.XML`),
 * Rock Ridge (IEEE P1282, for Unix) and Joliet (for Windows), so that every guest sees `ovf-env.xml`. This is the `iso`
 * transport of DSP0243 §11.2 and the seed CD of cloud-init's NoCloud. All files lie in the root directory; the same files
 * give the same bytes.
 */

import { problem } from '../../base/errors.js';

export interface IsoFile {
  /** 1 to 64 letters, digits, dots, hyphens and underscores, not beginning with a dot. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The volume that carries `ovf-env.xml`, and the one cloud-init recognizes as its own. */
export const OVF_VOLUME = 'OVF ENV';
export const NO_CLOUD_VOLUME = 'cidata';

/**
 * @param volumeId at most 16 characters, Joliet's limit
 * @throws Problem `invalid` for a name that is not legal or occurs twice
 */
export function buildIso(files: readonly IsoFile[], volumeId: string = OVF_VOLUME): Uint8Array {
  checkNames(files);
  const entries = shortNames(files);
  const rootLength = SECTOR * packRecords(rootRecords(entries, new Map(), 0, 0)).length;
  const jolietLength = SECTOR * packRecords(jolietRecords(entries, new Map(), 0, 0)).length;
  const rootAt = FIRST_DIRECTORY;
  const jolietAt = rootAt + rootLength / SECTOR;
  const continuationAt = jolietAt + jolietLength / SECTOR;
  const starts = new Map<string, number>();
  let next = continuationAt + 1;
  for (const { name, bytes } of files) {
    starts.set(name, next);
    next += Math.ceil(bytes.length / SECTOR);
  }
  const root = { at: rootAt, length: rootLength };
  const joliet = { at: jolietAt, length: jolietLength };
  const image = Buffer.alloc(next * SECTOR);
  const put = (sector: number, bytes: Uint8Array): void => image.set(bytes, sector * SECTOR);

  put(16, volumeDescriptor('primary', volumeId, next, root));
  put(17, volumeDescriptor('joliet', volumeId, next, joliet));
  put(18, Buffer.from([255, ...Buffer.from('CD001'), 1]));
  put(PATH_TABLES.primary.little, pathTable(rootAt, 'little'));
  put(PATH_TABLES.primary.big, pathTable(rootAt, 'big'));
  put(PATH_TABLES.joliet.little, pathTable(jolietAt, 'little'));
  put(PATH_TABLES.joliet.big, pathTable(jolietAt, 'big'));
  packRecords(rootRecords(entries, starts, rootAt, rootLength, continuationAt)).forEach((sector, i) =>
    put(rootAt + i, sector),
  );
  packRecords(jolietRecords(entries, starts, jolietAt, jolietLength)).forEach((sector, i) => put(jolietAt + i, sector));
  put(continuationAt, ROCK_RIDGE_EXTENSION);
  for (const { name, bytes } of files) put(starts.get(name) ?? 0, bytes);
  return image;
}

const SECTOR = 2048;
/** Sectors 0–15 belong to the system (ECMA-119 §6.2.1), 16–18 are volume descriptors. */
const PATH_TABLES = { primary: { little: 19, big: 20 }, joliet: { little: 21, big: 22 } } as const;
const FIRST_DIRECTORY = 23;

function checkNames(files: readonly IsoFile[]): void {
  const seen = new Set<string>();
  for (const { name } of files) {
    const key = name.toLowerCase();
    if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(name) && !seen.has(key)) {
      seen.add(key);
      continue;
    }
    throw problem('invalid', 'iso.name', `"${name.slice(0, 80)}" cannot be the name of a file on the CD`, {
      remedy: 'use 1 to 64 letters, digits, dots, hyphens and underscores, each name once',
    });
  }
}

/* --- names ----------------------------------------------------------------------------------------------------- */

interface Entry extends IsoFile {
  /** `NAME.EXT;1` of ECMA-119 level 1, unique on the CD. */
  readonly short: string;
}

function shortNames(files: readonly IsoFile[]): readonly Entry[] {
  const given = new Set<string>();
  return files.map((file) => {
    const dot = file.name.lastIndexOf('.');
    const stem = dCharacters(dot > 0 ? file.name.slice(0, dot) : file.name);
    const extension = dot > 0 ? dCharacters(file.name.slice(dot + 1)).slice(0, 3) : '';
    let short = `${stem.slice(0, 8)}.${extension};1`;
    for (let number = 1; given.has(short); number += 1) {
      short = `${stem.slice(0, 7 - String(number).length)}_${number}.${extension};1`;
    }
    given.add(short);
    return { ...file, short };
  });
}

function dCharacters(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/g, '_');
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

function bigEndianText(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/* --- directories ----------------------------------------------------------------------------------------------- */

/** Records in sectors; no record crosses from one sector into the next (ECMA-119 §6.8.1.1). */
function packRecords(records: readonly Buffer[]): readonly Buffer[] {
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

function rootRecords(
  entries: readonly Entry[],
  starts: ReadonlyMap<string, number>,
  rootAt: number,
  rootLength: number,
  continuationAt = 0,
): readonly Buffer[] {
  const directory = (name: string, systemUse: Buffer): Buffer =>
    directoryRecord(Buffer.from(name, 'latin1'), rootAt, rootLength, true, systemUse);
  return [
    directory(
      '\0',
      Buffer.concat([SHARING_PROTOCOL, posixAttributes(DIRECTORY_MODE, 2), continuation(continuationAt)]),
    ),
    directory('\x01', posixAttributes(DIRECTORY_MODE, 2)),
    ...entries
      .toSorted((a, b) => (a.short < b.short ? -1 : 1))
      .map(({ name, short, bytes }) =>
        directoryRecord(
          Buffer.from(short, 'latin1'),
          starts.get(name) ?? 0,
          bytes.length,
          false,
          Buffer.concat([posixAttributes(FILE_MODE, 1), alternateName(name)]),
        ),
      ),
  ];
}

function jolietRecords(
  entries: readonly Entry[],
  starts: ReadonlyMap<string, number>,
  rootAt: number,
  rootLength: number,
): readonly Buffer[] {
  return [
    ...['\0', '\x01'].map((name) => directoryRecord(Buffer.from(name, 'latin1'), rootAt, rootLength, true)),
    ...entries
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, bytes }) =>
        directoryRecord(bigEndianText(`${name};1`), starts.get(name) ?? 0, bytes.length, false),
      ),
  ];
}

/** ECMA-119 §9.1. Dates are zero: not specified, so that equal contents give equal images. */
function directoryRecord(
  name: Buffer,
  at: number,
  length: number,
  directory: boolean,
  systemUse: Buffer = Buffer.alloc(0),
): Buffer {
  const padding = name.length % 2 === 0 ? 1 : 0;
  const size = 33 + name.length + padding + systemUse.length;
  const record = Buffer.alloc(size + (size % 2));
  record[0] = record.length;
  record.set(both32(at), 2);
  record.set(both32(length), 10);
  record[25] = directory ? 2 : 0;
  record.set(both16(1), 28);
  record[32] = name.length;
  record.set(name, 33);
  record.set(systemUse, 33 + name.length + padding);
  return record;
}

/** ECMA-119 §9.4: the only directory is the root. */
function pathTable(rootAt: number, order: 'little' | 'big'): Buffer {
  const table = Buffer.alloc(PATH_TABLE_LENGTH);
  table[0] = 1;
  if (order === 'little') {
    table.writeUInt32LE(rootAt, 2);
    table.writeUInt16LE(1, 6);
  } else {
    table.writeUInt32BE(rootAt, 2);
    table.writeUInt16BE(1, 6);
  }
  return table;
}

const PATH_TABLE_LENGTH = 10;

/* --- Rock Ridge ------------------------------------------------------------------------------------------------ */

/** Readable by root alone: the files may hold passwords. */
const FILE_MODE = 0o100400;
const DIRECTORY_MODE = 0o040500;

/** SUSP §5.3: the system use area is in use. */
const SHARING_PROTOCOL = Buffer.from([...Buffer.from('SP'), 7, 1, 0xbe, 0xef, 0]);

/** SUSP §5.5, too long for a directory record: it lies in a sector of its own, to which the root points. */
const ROCK_RIDGE_EXTENSION = ((): Buffer => {
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
  return Buffer.concat([Buffer.from([...Buffer.from('NM'), 5 + name.length, 1, 0]), Buffer.from(name, 'latin1')]);
}

/* --- volume descriptors ---------------------------------------------------------------------------------------- */

/** ECMA-119 §8.4, and §8.5 with the escape sequence of Joliet level 3. */
function volumeDescriptor(
  kind: 'primary' | 'joliet',
  volumeId: string,
  sectors: number,
  root: { readonly at: number; readonly length: number },
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
  bytes.set(both32(PATH_TABLE_LENGTH), 132);
  bytes.writeUInt32LE(PATH_TABLES[kind].little, 140);
  bytes.writeUInt32BE(PATH_TABLES[kind].big, 148);
  bytes.set(directoryRecord(Buffer.from([0]), root.at, root.length, true), 156);
  text('', 190, 128);
  text('VEP', 318, 128);
  text('', 446, 128);
  text('VEP', 574, 128);
  for (const at of [702, 739, 776]) text('', at, 37);
  for (const at of [813, 830, 847, 864]) bytes.set(Buffer.from('0000000000000000\0', 'latin1'), at);
  bytes[881] = 1;
  return bytes;
}
