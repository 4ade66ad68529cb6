/**
 * Opening the store: the one place that decides between SQLite (a file, the default) and PostgreSQL (K29, K30). All
 * tables are there, and all migrations have run, before anybody gets to see it.
 */

import { join } from 'node:path';
import type { EntitySchema, MigrationInterface } from 'typeorm';
import { problem } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { CreateStore1763800000000 } from './migrations/create-store.js';
import { AddUserMixinApplies1764500000000 } from './migrations/user-mixin-applies.js';
import { CreateKeystoneToken1765000000000 } from './migrations/keystone-token.js';
import { FindBySiteRef1765100000000 } from './migrations/site-ref-index.js';
import { ListByGroup1764600000000 } from './migrations/list-by-group.js';
import { AddGrantEffect1764900000000 } from './migrations/grant-effect.js';
import { openPostgresStore } from './postgres-store.js';
import { openSqliteStore } from './sqlite-store.js';
import type { Store } from './sql.js';
import { storeSchemas } from './tables.js';

/** A migration class. Its `name` ends in 13 digits, the milliseconds of its making, which order all migrations. */
export type Migration = new () => MigrationInterface;

export type StoreLocation =
  /** Path of a database file; its folder is made when missing. */
  | { readonly sqlite: string }
  /** A `postgres://` URL; `schema` is made when missing (default: the database's own, `public`). */
  | { readonly postgres: string; readonly schema?: string };

export interface StoreOptions {
  readonly at: StoreLocation;
  /** Tables of the engine and the extensions, beside the store's own. */
  readonly entitySchemas: readonly EntitySchema[];
  readonly migrations: readonly Migration[];
  readonly log: Log;
}

/** What both databases are opened with. */
export interface DataSourceParts {
  readonly schemas: readonly EntitySchema[];
  readonly migrations: readonly Migration[];
  readonly log: Log;
}

/** The store's own migrations, oldest first. */
export const storeMigrations: readonly Migration[] = [
  CreateStore1763800000000,
  AddUserMixinApplies1764500000000,
  ListByGroup1764600000000,
  AddGrantEffect1764900000000,
  CreateKeystoneToken1765000000000,
  FindBySiteRef1765100000000,
];

/**
 * Opens the database, brings it up to date and answers its {@link Store}.
 * @throws Problem `unavailable` (`store.unreachable`) when it cannot be opened, `conflict` (`store.newer`) when a newer VEP wrote it.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const parts: DataSourceParts = {
    schemas: [...storeSchemas, ...options.entitySchemas],
    migrations: [...storeMigrations, ...options.migrations],
    log: options.log,
  };
  return 'sqlite' in options.at
    ? openSqliteStore(options.at.sqlite, parts)
    : openPostgresStore(options.at.postgres, options.at.schema, parts);
}

/**
 * Where the configuration says the store lies: `vep.db` in the data directory, or the named PostgreSQL database, whose
 * URL may end in `?schema=<name>`.
 * @throws Problem `invalid` (`store.location`)
 */
export function storeLocation(data: { readonly directory: string; readonly database?: string }): StoreLocation {
  if (data.database === undefined) return { sqlite: join(data.directory, 'vep.db') };
  if (!URL.canParse(data.database)) throw badLocation();
  const url = new URL(data.database);
  const schema = url.searchParams.get('schema');
  url.searchParams.delete('schema');
  if (!/^postgres(ql)?:$/.test(url.protocol)) throw badLocation();
  if (schema === null) return { postgres: url.href };
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw badLocation();
  return { postgres: url.href, schema };
}

function badLocation(): Error {
  return problem('invalid', 'store.location', 'this is not the URL of a PostgreSQL database', {
    place: { path: 'data.database' },
    remedy: 'write it as postgres://user:password@host:5432/database?schema=vep',
  });
}
