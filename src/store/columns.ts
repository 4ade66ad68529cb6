/**
 * Columns as migrations write them: the few types that mean the same on SQLite and PostgreSQL. JSON is text, times are
 * integer milliseconds since the epoch, truth values are 0 and 1.
 */

import type { QueryRunner, TableColumnOptions } from 'typeorm';

type ColumnOptions = Partial<Omit<TableColumnOptions, 'name' | 'type'>>;

/** Text of any length, not null unless said. */
export function text(name: string, options: ColumnOptions = {}): TableColumnOptions {
  return { name, type: 'text', isNullable: false, ...options };
}

/** A counter or small number. */
export function integer(name: string, options: ColumnOptions = {}): TableColumnOptions {
  return { name, type: 'integer', isNullable: false, ...options };
}

/** A time in milliseconds since the epoch, or any integer up to 2^53. */
export function bigint(name: string, options: ColumnOptions = {}): TableColumnOptions {
  return { name, type: 'bigint', isNullable: false, ...options };
}

/** The primary key that the database counts up by itself. SQLite counts only in a column of type `integer` (64 bits). */
export function sequence(name: string, runner: QueryRunner): TableColumnOptions {
  const type = runner.dataSource.driver.options.type === 'postgres' ? 'bigint' : 'integer';
  return { name, type, isPrimary: true, isGenerated: true, generationStrategy: 'increment' };
}

export const key = { isPrimary: true } as const;
export const nullable = { isNullable: true } as const;
