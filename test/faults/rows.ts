/** What the database of a server holds, read beside the server's back. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import pg from 'pg';

/** The rows of a statement, from the PostgreSQL that is named, else from the SQLite file in the data directory. */
export async function rowsOf(
  directory: string,
  postgres: string | undefined,
  sql: string,
): Promise<Record<string, unknown>[]> {
  if (postgres === undefined) {
    const database = new Database(join(directory, 'vep.db'), { readonly: true });
    try {
      return database.prepare<[], Record<string, unknown>>(sql).all();
    } finally {
      database.close();
    }
  }
  const client = new pg.Client({ connectionString: postgres });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
