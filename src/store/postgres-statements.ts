/**
 * Named prepared statements on PostgreSQL: each text gets a name, and `pg` prepares it once on every connection that
 * uses it. Names are never taken back, so their number is bounded; texts beyond that are parsed each time.
 */

import type pg from 'pg';
import { bindable, numberPlaceholders } from './placeholders.js';
import type { Row, SqlValue } from './sql.js';

const MAX_NAMES = 500;

type Queryable = pg.Pool | pg.PoolClient;

interface Statement {
  readonly text: string;
  readonly name?: string;
}

export class PostgresStatements {
  readonly #byText = new Map<string, Statement>();

  async all(on: Queryable, sql: string, params: readonly SqlValue[]): Promise<Row[]> {
    return (await on.query({ ...this.#statement(sql), values: bindable(params) })).rows as Row[];
  }

  /** The first column of every row. */
  async pluck(on: Queryable, sql: string, params: readonly SqlValue[]): Promise<unknown[]> {
    const query = { ...this.#statement(sql), values: bindable(params), rowMode: 'array' as const };
    const { rows } = await on.query<unknown[]>(query);
    return rows.map((row) => row[0]);
  }

  async run(on: Queryable, sql: string, params: readonly SqlValue[]): Promise<number> {
    return (await on.query({ ...this.#statement(sql), values: bindable(params) })).rowCount ?? 0;
  }

  numbered(sql: string): string {
    return this.#statement(sql).text;
  }

  #statement(sql: string): Statement {
    const known = this.#byText.get(sql);
    if (known) return known;
    const text = numberPlaceholders(sql);
    if (this.#byText.size >= MAX_NAMES) return { text };
    const statement = { text, name: `vep_${this.#byText.size + 1}` };
    this.#byText.set(sql, statement);
    return statement;
  }
}
