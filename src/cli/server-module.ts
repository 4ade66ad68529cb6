/** The one place where the command line meets the composition root. */

import type { Config } from '../base/config.js';
import type { Fault } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { clashInConfiguration } from '../iaas/network-pools.js';
import type { Sites } from '../iaas/sites.js';
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
  const { openDataStore } = await import('../server/tables.js');
  return openDataStore(config, log);
}

/** @throws Problem with every fault of the options of the configured sites */
export async function checkSiteOptions(config: Config): Promise<void> {
  const { checkSites } = await import('../server/configured-sites.js');
  checkSites(config);
}

/** What is worth a warning of sites whose options are right. */
export async function siteWarnings(config: Config): Promise<readonly Fault[]> {
  const { clashesOf } = await import('../server/configured-sites.js');
  return clashesOf(config.sites).map(clashInConfiguration);
}

/** The sites of a configuration, opened without a server; whoever opens them closes them. */
export async function openConfiguredSites(config: Config, log: Log): Promise<Sites> {
  const { openSites } = await import('../server/configured-sites.js');
  return openSites(config, log);
}
