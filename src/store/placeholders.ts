/**
 * Placeholders: statements are written once with `?` and read by both databases. SQLite takes them as they are;
 * PostgreSQL wants `$1`, `$2`, … (its extended query protocol). Lists are padded so that few texts, and so few prepared
 * statements, come of them.
 */

import { problem } from '../base/errors.js';
import type { SqlValue } from './sql.js';

/** The statement with `?` outside quotes and comments replaced by `$1`, `$2`, … */
export function numberPlaceholders(sql: string): string {
  let count = 0;
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\?/g, (token) => (token === '?' ? `$${++count}` : token));
}

/**
 * The values as a driver may have them: PostgreSQL cannot store the NUL character, so neither database is asked to.
 * @throws Problem `invalid` (`store.nul-character`)
 */
export function bindable(params: readonly SqlValue[]): SqlValue[] {
  for (const value of params) {
    if (typeof value !== 'string' || !value.includes('\0')) continue;
    throw problem('invalid', 'store.nul-character', 'a text holds the NUL character', {
      remedy: 'leave the character U+0000 out',
    });
  }
  return [...params];
}

/** A piece of SQL with the values of its placeholders, in order. */
export interface SqlFragment {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

export function fragment(sql: string, ...params: readonly SqlValue[]): SqlFragment {
  return { sql, params };
}

/**
 * `column IN (?, ?, …)`; an empty list is false. The list is padded with its last value up to a power of two, so that
 * lists of any length make no more than a handful of statement texts.
 */
export function inList(column: string, values: readonly SqlValue[]): SqlFragment {
  const last = values.at(-1);
  if (last === undefined) return fragment('1 = 0');
  if (values.length === 1) return fragment(`${column} = ?`, last);
  const size = 2 ** Math.ceil(Math.log2(values.length));
  const params = [...values, ...new Array<SqlValue>(size - values.length).fill(last)];
  return { sql: `${column} IN (${params.map(() => '?').join(', ')})`, params };
}

/**
 * The most rows a statement answers; the number is the value of its placeholder. SQLite plans by the number of a bare
 * `LIMIT ?` and compiles the statement anew each time it is run, which costs more than most of them do; an expression it
 * leaves alone.
 */
export const LIMIT = 'LIMIT CAST(? AS bigint)';

/** Joins fragments with ` AND ` or ` OR `, each in parentheses. The list must not be empty. */
export function joinFragments(word: 'AND' | 'OR', parts: readonly SqlFragment[]): SqlFragment {
  return {
    sql: parts.map((part) => `(${part.sql})`).join(` ${word} `),
    params: parts.flatMap((part) => part.params),
  };
}
