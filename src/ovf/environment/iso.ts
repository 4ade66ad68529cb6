/**
 * A CD image in ISO 9660 (ECMA-119) with the names of its files in all three forms guests look for: level 1 (`OVF_ENV.XML`),
 * Rock Ridge (IEEE P1282, for Unix) and Joliet (for Windows), so that every guest sees `ovf-env.xml`. This is the `iso`
 * transport of DSP0243 §11.2 and the seed CD of cloud-init's NoCloud. The same files give the same bytes.
 */

import { problem } from '../../base/errors.js';
import { foldersOf, unsafeCdPath } from '../cd-path.js';
import {
  bigEndianText,
  dotRecords,
  jolietRecord,
  packRecords,
  pathTable,
  primaryRecord,
  ROCK_RIDGE_EXTENSION,
  SECTOR,
  volumeDescriptor,
  type Extent,
  type PathEntry,
} from './iso-records.js';

export interface IsoFile {
  /** A relative path, as `unsafeCdPath` has it. */
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
  const directories = directoriesOf(files);
  const trees = [new Tree(directories, 'primary'), new Tree(directories, 'joliet')] as const;
  let next = FIRST_FREE;
  for (const tree of trees) next = tree.layOut(next);
  const continuationAt = next++;
  const starts = new Map<string, number>();
  for (const { name, bytes } of files) {
    starts.set(name, next);
    next += sectorsOf(bytes.length);
  }
  const image = Buffer.alloc(next * SECTOR);
  const put = (sector: number, bytes: Uint8Array): void => image.set(bytes, sector * SECTOR);
  trees.forEach((tree, index) => {
    put(16 + index, volumeDescriptor(tree.kind, volumeId, next, tree.root, tree.tables));
    tree.write(put, starts, continuationAt);
  });
  put(18, Buffer.from([255, ...Buffer.from('CD001'), 1]));
  put(continuationAt, ROCK_RIDGE_EXTENSION);
  for (const { name, bytes } of files) put(starts.get(name) ?? 0, bytes);
  return image;
}

/** Sectors 0–15 belong to the system (ECMA-119 §6.2.1), 16–18 are volume descriptors. */
const FIRST_FREE = 19;

function sectorsOf(length: number): number {
  return Math.ceil(length / SECTOR);
}

function checkNames(files: readonly IsoFile[]): void {
  const seen = new Set<string>();
  const folders = new Set(files.flatMap(({ name }) => foldersOf(name.toLowerCase())));
  for (const { name } of files) {
    const key = name.toLowerCase();
    const reason =
      unsafeCdPath(name) ?? (seen.has(key) || folders.has(key) ? 'another file or folder has it' : undefined);
    seen.add(key);
    if (reason === undefined) continue;
    throw problem('invalid', 'iso.name', `"${name.slice(0, 80)}" cannot be the name of a file on the CD: ${reason}`, {
      remedy: 'use a relative path of plain names, each once',
    });
  }
}

/* --- directories ----------------------------------------------------------------------------------------------- */

interface Entry {
  readonly name: string;
  /** `NAME.EXT;1` of ECMA-119 level 1, unique in its directory. */
  readonly short: string;
  /** Of a file, its path and length; absent for a directory. */
  readonly file?: { readonly path: string; readonly length: number };
}

interface Directory {
  /** Empty for the root. */
  readonly path: string;
  readonly parent: string;
  readonly entries: readonly Entry[];
}

/** All directories with what is in them. Two spellings of one folder are one: the first. */
function directoriesOf(files: readonly IsoFile[]): readonly Directory[] {
  const spelling = new Map([['', '']]);
  const contents = new Map<string, Omit<Entry, 'short'>[]>([['', []]]);
  const add = (folder: string, entry: Omit<Entry, 'short'>): void =>
    void contents.get(folder.toLowerCase())?.push(entry);
  for (const { name, bytes } of files) {
    for (const folder of foldersOf(name)) {
      if (spelling.has(folder.toLowerCase())) continue;
      spelling.set(folder.toLowerCase(), folder);
      contents.set(folder.toLowerCase(), []);
      add(parentOf(folder), { name: lastOf(folder) });
    }
    add(parentOf(name), { name: lastOf(name), file: { path: name, length: bytes.length } });
  }
  return [...contents].map(([path, entries]) => ({ path, parent: parentOf(path), entries: shortNames(entries) }));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function shortNames(entries: readonly Omit<Entry, 'short'>[]): readonly Entry[] {
  const given = new Set<string>();
  return entries.map((entry) => {
    const dot = entry.name.lastIndexOf('.');
    const split = entry.file !== undefined && dot > 0;
    const stem = dCharacters(split ? entry.name.slice(0, dot) : entry.name);
    const extension = split ? dCharacters(entry.name.slice(dot + 1)).slice(0, 3) : '';
    const ending = entry.file === undefined ? '' : `.${extension};1`;
    let short = `${stem.slice(0, 8)}${ending}`;
    for (let number = 1; given.has(short); number += 1)
      short = `${stem.slice(0, 7 - String(number).length)}_${number}${ending}`;
    given.add(short);
    return { ...entry, short };
  });
}

function dCharacters(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

/* --- the two trees --------------------------------------------------------------------------------------------- */

/** One of the two trees of directories on the CD, the plain one and Joliet's, and its path tables. */
class Tree {
  readonly kind: 'primary' | 'joliet';
  readonly #directories: readonly Directory[];
  readonly #extents = new Map<string, Extent>();
  #tables = { little: 0, big: 0, length: 0 };

  constructor(directories: readonly Directory[], kind: 'primary' | 'joliet') {
    this.kind = kind;
    this.#directories = directories;
  }

  get root(): Extent {
    return this.#extentOf('');
  }

  get tables(): { readonly little: number; readonly big: number; readonly length: number } {
    return this.#tables;
  }

  /** Gives path tables and directories their sectors, from `first` on; answers the next free one. */
  layOut(first: number): number {
    const { length } = pathTable(this.#pathEntries(), 'little');
    const table = sectorsOf(length);
    this.#tables = { little: first, big: first + table, length };
    let next = first + 2 * table;
    for (const directory of this.#directories) {
      const sectors = packRecords(this.#records(directory, new Map(), 0)).length;
      this.#extents.set(directory.path, { at: next, length: sectors * SECTOR });
      next += sectors;
    }
    return next;
  }

  write(
    put: (sector: number, bytes: Uint8Array) => void,
    starts: ReadonlyMap<string, number>,
    continuationAt: number,
  ): void {
    put(this.#tables.little, pathTable(this.#pathEntries(), 'little'));
    put(this.#tables.big, pathTable(this.#pathEntries(), 'big'));
    for (const directory of this.#directories) {
      const { at } = this.#extentOf(directory.path);
      packRecords(this.#records(directory, starts, continuationAt)).forEach((sector, index) => put(at + index, sector));
    }
  }

  #extentOf(path: string): Extent {
    return this.#extents.get(path.toLowerCase()) ?? { at: 0, length: 0 };
  }

  #records(
    { path, parent, entries }: Directory,
    starts: ReadonlyMap<string, number>,
    continuationAt: number,
  ): Buffer[] {
    const primary = this.kind === 'primary';
    const rockRidge = primary ? (path === '' ? { root: continuationAt } : {}) : undefined;
    const key = ({ name, short }: Entry): string => (primary ? short : name);
    return [
      ...dotRecords(this.#extentOf(path), this.#extentOf(parent), rockRidge),
      ...entries
        .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
        .map(({ name, short, file }) => {
          const inner = path === '' ? name : `${path}/${name}`;
          const extent = file ? { at: starts.get(file.path) ?? 0, length: file.length } : this.#extentOf(inner);
          return primary
            ? primaryRecord(short, name, extent, file === undefined)
            : jolietRecord(name, extent, file === undefined);
        }),
    ];
  }

  /** ECMA-119 §6.9.1: by level, then by the parent's number, then by name. */
  #pathEntries(): readonly PathEntry[] {
    const byPath = new Map(this.#directories.map((directory) => [directory.path, directory]));
    const ordered: { readonly path: string; readonly name: Buffer; readonly parent: number }[] = [
      { path: '', name: Buffer.from([0]), parent: 1 },
    ];
    for (let index = 0; index < ordered.length; index += 1) {
      const path = ordered[index]?.path ?? '';
      const inner = (byPath.get(path)?.entries ?? []).filter(({ file }) => file === undefined);
      const named = inner.map(({ name, short }) => ({
        path: (path === '' ? name : `${path}/${name}`).toLowerCase(),
        name: this.kind === 'primary' ? Buffer.from(short, 'latin1') : bigEndianText(name),
        parent: index + 1,
      }));
      ordered.push(...named.toSorted((a, b) => Buffer.compare(a.name, b.name)));
    }
    return ordered.map(({ path, name, parent }) => ({ name, parent, at: this.#extentOf(path).at }));
  }
}
