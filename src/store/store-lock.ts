/**
 * The lock that lets one `vep serve` at a time work on a SQLite file (K29). It is an exclusive transaction held open on
 * a small database beside it: the operating system drops it with the process, however that ends, and it is never stale.
 */

import Database from 'better-sqlite3';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { problem } from '../base/errors.js';

export interface StoreLock {
  release(): void;
}

/**
 * Takes the lock of the SQLite file, or refuses at once.
 * @throws Problem `conflict` (`store.locked`) when another process, or this one, holds it.
 */
export function lockStore(file: string): StoreLock {
  mkdirSync(dirname(file), { recursive: true });
  const lock = new Database(`${file}.lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!String((error as { readonly code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error;
    throw problem('conflict', 'store.locked', 'another VEP is already serving this database', {
      place: { path: file },
      remedy: 'stop the other one, give this one a data directory of its own, or use PostgreSQL for several processes',
    });
  }
  return { release: () => void lock.close() };
}
