/**
 * Runs one behaviour suite on every database: SQLite in a temporary folder always, PostgreSQL in a database of its own
 * when `VEP_TEST_POSTGRES` names a server (`postgres://user@host:port/any-database`) on which databases may be created.
 */

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { EntitySchema } from 'typeorm';
import { silentLog } from '../../src/base/log.js';
import { openStore, type Migration, type StoreLocation } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/sql.js';
import { keepTold } from './run.js';

/** What a suite brings to the database beside the store's own tables. */
export interface TestTables {
  readonly entitySchemas?: readonly EntitySchema[];
  readonly migrations?: readonly Migration[];
}

/** One empty database that lives as long as its describe block. */
export interface TestDatabase {
  /** Where it lies, for tests that start a process of their own. Valid from `beforeAll` on. */
  readonly at: StoreLocation;
  /** Opens a store on it (as often as wanted); every one still open is closed after the block. */
  open(tables?: TestTables): Promise<Store>;
}

/** Calls `suite` inside a describe block per database. Skipped ones say why. */
export function forEachDatabase(suite: (name: 'sqlite' | 'postgres', database: TestDatabase) => void): void {
  describe('on SQLite', () => suite('sqlite', prepare(sqlitePlace())));
  const server = process.env['VEP_TEST_POSTGRES'];
  if (server === undefined || server === '') {
    it.skip('on PostgreSQL: VEP_TEST_POSTGRES does not name a server', () => undefined);
    return;
  }
  describe('on PostgreSQL', () => suite('postgres', prepare(postgresPlace(server))));
}

interface Place {
  readonly at: StoreLocation;
  create(): Promise<void>;
  drop(): Promise<void>;
}

function prepare(place: Place): TestDatabase {
  const stores: Store[] = [];
  beforeAll(() => place.create());
  afterAll(async () => {
    for (const store of stores) await store.close();
    await keepTold(place.at);
    await place.drop();
  });
  return {
    at: place.at,
    open: async (tables = {}) => {
      const { entitySchemas = [], migrations = [] } = tables;
      const store = await openStore({ at: place.at, entitySchemas, migrations, log: silentLog });
      stores.push(store);
      return store;
    },
  };
}

function sqlitePlace(): Place {
  const folder = join(tmpdir(), `vep-test-${randomBytes(8).toString('hex')}`);
  return {
    at: { sqlite: join(folder, 'vep.db') },
    create: async () => undefined,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function postgresPlace(server: string): Place {
  const name = `vep_test_${randomBytes(8).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    at: { postgres: url.href },
    create: () => administer(server, `CREATE DATABASE ${name}`),
    drop: () => administer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
