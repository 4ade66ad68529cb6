/** The store with the tables of all who keep some: the floors' own, and those of the extensions. */

import { infrastructureTables } from '../../extensions/infrastructure/index.js';
import { imageListTables } from '../../extensions/image-lists/index.js';
import { ovfDeploymentTables } from '../../extensions/ovf-deployment/index.js';
import { sessionTables } from '../../extensions/sessions/index.js';
import { voTables } from '../../extensions/vo/index.js';
import type { Config } from '../base/config.js';
import type { Log } from '../base/log.js';
import { engineMigrations, engineSchemas } from '../engine/schema.js';
import type { Extension } from '../extension/extension.js';
import { accountTables } from '../iaas/account-rows.js';
import { keeperTables } from '../iaas/keeper-rows.js';
import { openStore, storeLocation } from '../store/open-store.js';
import type { Store } from '../store/sql.js';

/** Whoever keeps tables of its own in the store. */
const tables: readonly Pick<Extension, 'entitySchemas' | 'migrations'>[] = [
  { entitySchemas: engineSchemas, migrations: engineMigrations },
  accountTables,
  keeperTables,
  infrastructureTables,
  ovfDeploymentTables,
  voTables,
  sessionTables,
  imageListTables,
];

/** The store that the configuration names, with all tables: for the server, and for `vep admin reset` beside it. */
export function openDataStore(config: Pick<Config, 'data'>, log: Log): Promise<Store> {
  return openStore({
    at: storeLocation(config.data),
    entitySchemas: tables.flatMap((each) => each.entitySchemas),
    migrations: tables.flatMap((each) => each.migrations),
    log,
  });
}
