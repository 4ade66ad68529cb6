/** The one place where the command line meets the composition root. */

import type { Config } from '../base/config.js';
import type { Log } from '../base/log.js';
import type { Store } from '../store/sql.js';

export interface RunningServer {
  readonly url: string;
  /** Accounts whose token was written at this start. */
  readonly bootstrapped: readonly string[];
  close(graceMs?: number): Promise<void>;
}

export async function startServer(config: Config): Promise<RunningServer> {
  const { start } = await import('../server.js');
  return start({ config });
}

/** The store of a server that may be running beside this. */
export async function openServerStore(config: Config, log: Log): Promise<Store> {
  const { openDataStore } = await import('../server.js');
  return openDataStore(config, log);
}
