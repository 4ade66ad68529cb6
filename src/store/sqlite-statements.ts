/**
 * Prepared statements of one SQLite connection: compiled once, kept by their text, run synchronously inside a resolved
 * promise. TypeORM opened the connection; going below it here is what makes hot reads and writes cheap (K30).
 */

import type Database from 'better-sqlite3';
import { bindable } from './placeholders.js';
import type { Row, SqlValue } from './sql.js';

const MAX_STATEMENTS = 500;

type Statement = Database.Statement<unknown[], unknown>;

export class SqliteStatements {
  readonly connection: Database.Database;
  readonly #whole = new Map<string, Statement>();
  /** The same for statements of which only the first column is wanted. */
  readonly #plucking = new Map<string, Statement>();

  constructor(connection: Database.Database) {
    this.connection = connection;
  }

  all(sql: string, params: readonly SqlValue[]): Row[] {
    return this.#prepare(sql).all(bindable(params)) as Row[];
  }

  get(sql: string, params: readonly SqlValue[]): Row | undefined {
    return this.#prepare(sql).get(bindable(params)) as Row | undefined;
  }

  pluck(sql: string, params: readonly SqlValue[]): unknown[] {
    const statement = this.#plucking.get(sql) ?? keep(this.#plucking, sql, this.connection.prepare(sql).pluck());
    return statement.all(bindable(params));
  }

  run(sql: string, params: readonly SqlValue[]): number {
    return this.#prepare(sql).run(bindable(params)).changes;
  }

  /** An iterator of its own: a statement that is being read cannot be run a second time meanwhile. */
  iterate(sql: string, params: readonly SqlValue[]): IterableIterator<Row> {
    return this.connection.prepare(sql).iterate(bindable(params)) as IterableIterator<Row>;
  }

  #prepare(sql: string): Statement {
    return this.#whole.get(sql) ?? keep(this.#whole, sql, this.connection.prepare(sql));
  }
}

/** Keeps a statement; the oldest goes when there are too many. */
function keep(statements: Map<string, Statement>, sql: string, statement: Statement): Statement {
  statements.set(sql, statement);
  const oldest = statements.size > MAX_STATEMENTS ? statements.keys().next() : undefined;
  if (oldest && !oldest.done) statements.delete(oldest.value);
  return statement;
}
