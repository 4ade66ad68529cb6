/** Migrations run up, up again and down on both databases, and make the tables that the entity schemas describe (K30). */

import Database from 'better-sqlite3';
import pg from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { silentLog } from '../../src/base/log.js';
import { openStore, storeLocation, storeMigrations, type StoreLocation } from '../../src/store/open-store.js';
import { storeSchemas } from '../../src/store/tables.js';
import { forEachDatabase } from '../support/databases.js';
import { noteTable } from './note-table.js';

function plainDataSource(at: StoreLocation): DataSource {
  const common = {
    migrationsTableName: 'migration',
    logging: false,
  } as const;
  const lists = { entities: [...storeSchemas], migrations: [...storeMigrations] };
  return 'sqlite' in at
    ? new DataSource({ type: 'better-sqlite3', driver: Database, database: at.sqlite, ...common, ...lists })
    : new DataSource({ type: 'postgres', driver: pg, url: at.postgres, installExtensions: false, ...common, ...lists });
}

class FromTheFuture4102444800000 implements MigrationInterface {
  readonly name = 'FromTheFuture4102444800000';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE future (id text)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE future');
  }
}

forEachDatabase((name, database) => {
  it('runs every migration once, down again, and up once more', async () => {
    const source = plainDataSource(database.at);
    await source.initialize();
    try {
      const names = async (): Promise<string[]> => {
        const runner = source.createQueryRunner();
        const found: string[] = [];
        for (const { options } of storeSchemas) if (await runner.hasTable(options.name)) found.push(options.name);
        await runner.release();
        return found;
      };
      expect(await source.runMigrations({ transaction: 'each' })).toHaveLength(storeMigrations.length);
      expect(await source.runMigrations({ transaction: 'each' })).toHaveLength(0);
      expect(await names()).toHaveLength(storeSchemas.length);
      for (const _ of storeMigrations) await source.undoLastMigration({ transaction: 'each' });
      expect(await names()).toEqual([]);
      await source.runMigrations({ transaction: 'each' });
      expect(await names()).toHaveLength(storeSchemas.length);
    } finally {
      await source.destroy();
    }
  });

  it('makes the columns, keys and indexes that the entity schemas describe', async () => {
    const source = plainDataSource(database.at);
    await source.initialize();
    const runner = source.createQueryRunner();
    // TypeORM reads the columns of an index in no order from PostgreSQL.
    const inOrder = (columns: string[]): string[] => (name === 'sqlite' ? columns : [...columns].sort());
    try {
      for (const metadata of source.entityMetadatas) {
        const table = await runner.getTable(metadata.tableName);
        const made = table?.columns.map((column) => [column.name, column.isNullable, column.isPrimary]);
        const described = metadata.columns.map((column) => [column.databaseName, column.isNullable, column.isPrimary]);
        expect([metadata.tableName, made?.sort()]).toEqual([metadata.tableName, described.sort()]);
        const indexes = table?.indices.map((index) => [index.name, index.isUnique, ...inOrder(index.columnNames)]);
        const wanted = metadata.indices.map((index) => [
          index.name,
          index.isUnique,
          ...inOrder(index.columns.map((column) => column.databaseName)),
        ]);
        expect([metadata.tableName, indexes?.sort()]).toEqual([metadata.tableName, wanted.sort()]);
      }
    } finally {
      await runner.release();
      await source.destroy();
    }
  });

  it('is brought up to date by processes that start together', async () => {
    const parallel = name === 'sqlite' ? 1 : 4;
    const stores = await Promise.all(Array.from({ length: parallel }, () => database.open(noteTable)));
    for (const store of stores) expect(await store.pluck('SELECT id FROM note')).toEqual([]);
  });

  it('leaves a database alone that a newer version has written', async () => {
    const newer = await database.open({
      ...noteTable,
      migrations: [...(noteTable.migrations ?? []), FromTheFuture4102444800000],
    });
    await newer.close();
    await expect(database.open(noteTable)).rejects.toMatchObject({
      kind: 'conflict',
      faults: [expect.objectContaining({ code: 'store.newer', value: 'FromTheFuture4102444800000' })],
    });
  });

  if (name === 'postgres') {
    it('keeps to its schema when one is named', async () => {
      const { postgres } = database.at as { postgres: string };
      const at = { postgres, schema: 'vep_one' };
      for (let i = 0; i < 2; i += 1) {
        const store = await openStore({ at, entitySchemas: [], migrations: [], log: silentLog });
        const tables = await store.pluck('SELECT table_name FROM information_schema.tables WHERE table_schema = ?', [
          'vep_one',
        ]);
        expect(tables).toHaveLength(storeSchemas.length + 1);
        expect(await store.pluck('SELECT id FROM entity')).toEqual([]);
        await store.close();
      }
    });
  }
});

describe('opening', () => {
  it('says what to do when the database cannot be opened', async () => {
    const common = { entitySchemas: [], migrations: [], log: silentLog };
    await expect(openStore({ at: { sqlite: '/dev/null/vep.db' }, ...common })).rejects.toMatchObject({
      kind: 'unavailable',
      faults: [expect.objectContaining({ code: 'store.unreachable', remedy: expect.any(String) })],
    });
    await expect(openStore({ at: { postgres: 'postgres://x@127.0.0.1:1/x' }, ...common })).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });

  it('reads where the configuration puts the store', () => {
    expect(storeLocation({ directory: '/data' })).toEqual({ sqlite: '/data/vep.db' });
    expect(storeLocation({ directory: '/data', database: 'postgres://u@h/d' })).toEqual({
      postgres: 'postgres://u@h/d',
    });
    expect(storeLocation({ directory: '/data', database: 'postgresql://u@h/d?schema=vep&sslmode=require' })).toEqual({
      postgres: 'postgresql://u@h/d?sslmode=require',
      schema: 'vep',
    });
    for (const database of ['mysql://u@h/d', 'nonsense', 'postgres://h/d?schema=a;b']) {
      expect(() => storeLocation({ directory: '/data', database })).toThrow('not the URL');
    }
  });
});
