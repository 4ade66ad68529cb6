/**
 * Records of what libvirt itself keeps no marks of: networks, volumes and images, a JSON file each, named by the token's
 * digest. A record is written whole or not at all, and of two creations with one token the first to write it wins.
 */

import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

const REF = /^[0-9a-f]{40}$/;

export class Shelf<T> {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** A file that belongs to a record. */
  file(ref: string, extension: string): string {
    return join(this.directory, `${ref}.${extension}`);
  }

  async get(ref: string): Promise<T | undefined> {
    if (!REF.test(ref)) return undefined;
    try {
      return JSON.parse(await readFile(this.file(ref, 'json'), 'utf8')) as T;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** All records, in the order of their names. */
  async all(): Promise<readonly (readonly [ref: string, record: T])[]> {
    const names = await readdir(this.directory).catch((error: unknown): string[] => {
      if (isMissing(error)) return [];
      throw error;
    });
    const refs = names.flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []));
    const read = await Promise.all(refs.sort().map(async (ref) => [ref, await this.get(ref)] as const));
    return read.flatMap(([ref, record]) => (record === undefined ? [] : [[ref, record] as const]));
  }

  /** Writes a new record; answers false, and writes nothing, where there is one. */
  async add(ref: string, record: T): Promise<boolean> {
    const draft = await this.#draft(ref, record);
    try {
      await link(draft, this.file(ref, 'json'));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  async put(ref: string, record: T): Promise<void> {
    await rename(await this.#draft(ref, record), this.file(ref, 'json'));
  }

  /** Forgets a record; its files go before. */
  async remove(ref: string, ...extensions: readonly string[]): Promise<void> {
    for (const extension of [...extensions, 'json']) await rm(this.file(ref, extension), { force: true });
  }

  async #draft(ref: string, record: T): Promise<string> {
    if (!REF.test(ref)) throw new Error('a record is named by a digest');
    await mkdir(this.directory, { recursive: true, mode: 0o711 });
    const draft = this.file(ref, `${randomBytes(6).toString('hex')}.draft`);
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(record));
      await file.sync();
    } finally {
      await file.close();
    }
    return draft;
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
