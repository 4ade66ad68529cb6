/** What every part of a VEP process stands on: its store, its sites with the accounts of users there, its engine. */

import { mkdirSync } from 'node:fs';
import { Access } from '../access/index.js';
import type { Clock } from '../base/clock.js';
import type { Closers } from '../base/closers.js';
import type { Config } from '../base/config.js';
import type { Log } from '../base/log.js';
import { Engine, defaultEngineSettings } from '../engine/engine.js';
import { Accounts } from '../iaas/accounts.js';
import { SiteKeeping } from '../iaas/site-keeping.js';
import type { Sites } from '../iaas/sites.js';
import { GuardedDialler } from '../net/dialler.js';
import { storeLocation } from '../store/open-store.js';
import { secretKeyOf } from '../store/secret-key.js';
import type { Store } from '../store/sql.js';
import { lockStore } from '../store/store-lock.js';
import { accountPolicies, openSites } from './configured-sites.js';
import { openDataStore } from './tables.js';

export interface Ground {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Who opens something adds how it is closed. */
  readonly closers: Closers;
  readonly store: Store;
  readonly secretKey: Uint8Array;
  readonly access: Access;
  readonly sites: Sites;
  readonly accounts: Accounts;
  readonly keeping: SiteKeeping;
  readonly engine: Engine;
  /** What fetches from outside goes through this. */
  readonly dialler: GuardedDialler;
}

/** @throws Problem for a store that another process holds or that cannot be opened, and for faults of the sites */
export async function openGround(config: Config, clock: Clock, log: Log, closers: Closers): Promise<Ground> {
  const { directory } = config.data;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = storeLocation(config.data);
  if ('sqlite' in at) {
    const lock = lockStore(at.sqlite);
    closers.add(() => Promise.resolve(lock.release()));
  }
  const store = await openDataStore(config, log);
  closers.add(() => store.close());

  const sites = await openSites(config, log, clock);
  closers.add(() => sites.close());
  const secretKey = secretKeyOf(directory);
  const policies = accountPolicies(config.sites);
  const accounts = new Accounts({ store, secretKey, clock, log, data: config.data, sites, policies });
  await accounts.refresh();
  const keeping = new SiteKeeping({ store, sites, clock, log, keepMs: keepMsOf(config.engine) });
  closers.add(() => keeping.close());
  await keeping.run();
  store.hear('room', (site) => sites.nudge(site));

  const dialler = new GuardedDialler({ allow: config.images.allow, clock });
  closers.add(() => dialler.close());
  const { concurrency, perSite, leaseMs } = config.engine;
  const engine = new Engine({ store, clock, log }, { ...defaultEngineSettings, concurrency, perSite, leaseMs });
  const access = new Access(store, clock);
  return { config, clock, log, closers, store, secretKey, access, sites, accounts, keeping, engine, dialler };
}

/** However often sites are compared, a process that keeps them is not succeeded for a moment of silence. */
const LEAST_KEEP_MS = 5000;

/** Whoever succeeds a process that was killed has looked at its sites within one period of comparing them. */
function keepMsOf({ reconcileMs, leaseMs }: Config['engine']): number {
  return Math.max(LEAST_KEEP_MS, Math.min((2 * reconcileMs) / 3, leaseMs));
}
