/** The store of this machine's server, for commands that work on it whether the server runs or not. */

import { resolve } from 'node:path';
import { loadConfig } from '../base/config-file.js';
import type { Config } from '../base/config.js';
import { problem } from '../base/errors.js';
import { silentLog } from '../base/log.js';
import type { Store } from '../store/sql.js';
import { openServerStore } from './server-module.js';
import type { Session } from './session.js';

export interface StoreOptions {
  readonly config?: string;
}

/** Works on the store beside the server; whoever may write the data directory is the administrator (K25). */
export async function inStore<T>(
  session: Session,
  options: StoreOptions,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  if (session.options.admin !== true) {
    throw problem('forbidden', 'cli.administrators-only', 'accounts and tokens are for administrators', {
      remedy: 'add --admin',
    });
  }
  const store = await openServerStore(configOf(session, options), silentLog);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export function configOf({ terminal, options }: Session, { config }: StoreOptions): Config {
  const environment =
    options.dataDir === undefined ? terminal.environment : { ...terminal.environment, VEP_DATA_DIR: options.dataDir };
  const path = config ?? environment['VEP_CONFIG'];
  return loadConfig(environment, path === undefined ? undefined : resolve(terminal.directory, path));
}
