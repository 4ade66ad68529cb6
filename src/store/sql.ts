/**
 * The face of the store towards the other floors: statements with `?` placeholders that run on SQLite and PostgreSQL
 * alike, reads that never wait for writers, and one way to write.
 *
 * Portable SQL only: `?` placeholders (rewritten to `$n` for PostgreSQL), JSON as text, times as integer milliseconds,
 * booleans as 0/1 integers, `INSERT … ON CONFLICT`, `RETURNING`, no vendor functions. Integers up to 2^53 arrive as
 * JavaScript numbers on both databases.
 */

import type { Heard, Topic } from './notices.js';

export type SqlValue = string | number | bigint | null | Uint8Array;
export type Row = Record<string, unknown>;

/** Something statements can be run on. Statements are prepared once and cached by their text. */
export interface SqlReader {
  all<T = Row>(sql: string, params?: readonly SqlValue[]): Promise<T[]>;
  get<T = Row>(sql: string, params?: readonly SqlValue[]): Promise<T | undefined>;
  /** First column of every row: ids and renderings, without building objects. */
  pluck<T = unknown>(sql: string, params?: readonly SqlValue[]): Promise<T[]>;
  /** Rows one by one, in bounded memory, from one consistent view. */
  iterate<T = Row>(sql: string, params?: readonly SqlValue[]): AsyncIterable<T>;
}

/** A write transaction. Exists only inside {@link Store.write}. */
export interface Tx extends SqlReader {
  /** Runs a statement that changes rows; answers how many. */
  run(sql: string, params?: readonly SqlValue[]): Promise<number>;
  /** Called after the transaction has committed, in the order given; never on roll-back. Must not throw. */
  afterCommit(hook: () => void): void;
  /** Tells every process that shares the store, this one too, once the transaction has committed. Only a nudge (K32). */
  notify(topic: Topic, about: string): Promise<void>;
}

export interface Store extends SqlReader {
  readonly dialect: 'sqlite' | 'postgres';
  /**
   * The only way to write (K29): runs `fn` in one transaction and commits it durably before resolving; a rejection
   * rolls everything back. On SQLite writers queue first-in first-out; on PostgreSQL a serialization failure or
   * deadlock runs `fn` again (at most 5 times), so `fn` must have no effect outside the transaction.
   */
  write<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** Hears what is told by {@link Tx.notify}, most of the time; answers how to listen no more. */
  hear(topic: Topic, heard: Heard): () => void;
  close(): Promise<void>;
}
