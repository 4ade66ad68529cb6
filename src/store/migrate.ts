/**
 * Bringing a database up to date with TypeORM's migration runner, each migration in a transaction of its own. A
 * database that holds a migration this program does not know was written by a newer VEP and is left alone.
 */

import { MigrationExecutor, type DataSource } from 'typeorm';
import { problem } from '../base/errors.js';
import type { Log } from '../base/log.js';

/** Runs what is pending, oldest first. The caller holds whatever lock keeps other processes out. */
export async function migrate(dataSource: DataSource, log: Log): Promise<void> {
  const known = new Set(dataSource.migrations.map((migration) => migration.name ?? migration.constructor.name));
  const executed = await new MigrationExecutor(dataSource).getExecutedMigrations();
  const unknown = executed.filter((migration) => !known.has(migration.name));
  if (unknown.length > 0) {
    throw problem('conflict', 'store.newer', 'the database was written by a newer version of VEP', {
      value: unknown.map((migration) => migration.name).join(', '),
      remedy: 'start the version that wrote it, or restore a backup from before the upgrade',
    });
  }
  for (const migration of await dataSource.runMigrations({ transaction: 'each' })) {
    log.info({ migration: migration.name }, 'database migrated');
  }
}
