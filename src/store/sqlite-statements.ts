/**
 * Prepared statements of one SQLite connection: compiled once, kept by their text, run synchronously inside a resolved
 * promise. TypeORM opened the connection; going below it here is what makes hot reads and writes cheap (K30).
 */

import type Database from 'better-sqlite3';
import { bindable } from './placeholders.js';
import type { Row, SqlValue } from './sql.js';

const MAX_STATEMENTS = 500;

export class SqliteStatements {
  readonly connection: Database.Database;
  readonly #byText = new Map<string, Database.Statement<unknown[], unknown>>();

  constructor(connection: Database.Database) {
    this.connection = connection;
  }

  all(sql: string, params: readonly SqlValue[]): Row[] {
    return this.#prepare(sql, false).all(bindable(params)) as Row[];
  }

  get(sql: string, params: readonly SqlValue[]): Row | undefined {
    return this.#prepare(sql, false).get(bindable(params)) as Row | undefined;
  }

  pluck(sql: string, params: readonly SqlValue[]): unknown[] {
    return this.#prepare(sql, true).all(bindable(params));
  }

  run(sql: string, params: readonly SqlValue[]): number {
    return this.#prepare(sql, false).run(bindable(params)).changes;
  }

  /** An iterator of its own: a statement that is being read cannot be run a second time meanwhile. */
  iterate(sql: string, params: readonly SqlValue[]): IterableIterator<Row> {
    return this.connection.prepare(sql).iterate(bindable(params)) as IterableIterator<Row>;
  }

  #prepare(sql: string, pluck: boolean): Database.Statement<unknown[], unknown> {
    let statement = this.#byText.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare<unknown[], unknown>(sql);
      this.#byText.set(sql, statement);
      const oldest = this.#byText.size > MAX_STATEMENTS ? this.#byText.keys().next() : undefined;
      if (oldest && !oldest.done) this.#byText.delete(oldest.value);
    }
    return statement.reader ? statement.pluck(pluck) : statement;
  }
}
