/**
 * The command log in a SQLite file of its own: write-ahead log, full sync, `BEGIN IMMEDIATE` as the lock between
 * processes. The file is the simulated cloud; VEP's own store knows nothing of it.
 */

import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { KEPT_COMMANDS, type CommandLog, type Entry, type LogTail } from './command-log.js';

/** How long one process waits for another that is just writing. */
const LOCK_WAIT_MS = 10_000;

export class SqliteCommandLog implements CommandLog {
  readonly #database: Database.Database;
  readonly #commands: Database.Statement<[number], string>;
  readonly #bounds: Database.Statement<[], { first: number | null; last: number | null }>;
  readonly #snapshot: Database.Statement<[], { seq: number; body: string }>;
  readonly #insert: Database.Statement<[number, string]>;
  readonly #keep: Database.Statement<[number, string]>;
  readonly #forget: Database.Statement<[number]>;

  /** Opens the log, making the file (readable by its owner only) where there is none. */
  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    const database = new Database(file, { timeout: LOCK_WAIT_MS });
    this.#database = database;
    chmodSync(file, 0o600);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec(`
      CREATE TABLE IF NOT EXISTS command (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    `);
    this.#commands = database.prepare<[number], string>('SELECT body FROM command WHERE seq > ? ORDER BY seq').pluck();
    this.#bounds = database.prepare('SELECT min(seq) AS first, max(seq) AS last FROM command');
    this.#snapshot = database.prepare('SELECT seq, body FROM snapshot');
    this.#insert = database.prepare('INSERT INTO command (seq, body) VALUES (?, ?)');
    this.#keep = database.prepare(
      'INSERT INTO snapshot (id, seq, body) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, body = excluded.body',
    );
    this.#forget = database.prepare('DELETE FROM command WHERE seq <= ?');
  }

  read(after: number): Promise<LogTail> {
    return attempt(() => this.#database.transaction(() => this.#tail(after).tail).deferred());
  }

  append(after: number, decide: (tail: LogTail) => Entry | undefined): Promise<void> {
    return attempt(() =>
      this.#database
        .transaction(() => {
          const { tail, last } = this.#tail(after);
          const entry = decide(tail);
          if (!entry) return;
          this.#insert.run(last + 1, entry.command);
          if (entry.snapshot === undefined) return;
          this.#keep.run(last + 1, entry.snapshot);
          this.#forget.run(last + 1 - KEPT_COMMANDS);
        })
        .immediate(),
    );
  }

  close(): Promise<void> {
    return attempt(() => void this.#database.close());
  }

  #tail(after: number): { readonly tail: LogTail; readonly last: number } {
    const { first, last } = this.#bounds.get() ?? { first: null, last: null };
    if (first === null || last === null || last <= after) return { tail: { commands: [] }, last: last ?? 0 };
    if (first <= after + 1) return { tail: { commands: this.#commands.all(after) }, last };
    return { tail: this.#fromSnapshot(), last };
  }

  #fromSnapshot(): LogTail {
    const snapshot = this.#snapshot.get();
    return snapshot
      ? { snapshot: snapshot.body, commands: this.#commands.all(snapshot.seq) }
      : { commands: this.#commands.all(0) };
  }
}

/** SQLite works at once; its failures still belong into the promise. */
async function attempt<T>(work: () => T): Promise<T> {
  return Promise.resolve(work());
}
