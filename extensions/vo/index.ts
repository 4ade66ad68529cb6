/**
 * The vo extension: Virtual Organizations as resources, their members and roles, how their limits are shared out, and what
 * the provider sets aside for them (`spec/federation-auth.md` §11). What it keeps account of, {@link VoAccounts} is asked
 * about in every transaction; whom it knows, {@link VoMemberships} tells the authenticator; what sites hold of it by
 * themselves, {@link VoAtSites} writes there.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.js';
import type { JsonValue } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Extension } from '../../src/extension/extension.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { Store } from '../../src/store/sql.js';
import type { InfrastructureHooks } from '../infrastructure/index.js';
import { RESIZE } from '../infrastructure/steps.js';
import { recharge } from './accounts.js';
import { VoAtSites } from './at-sites.js';
import { MemberHandler } from './member.js';
import { ProvisionHandler } from './provision.js';
import { QuotaHandler } from './quota.js';
import { voTables } from './tables.js';
import { usageRendering } from './usage.js';
import { VoHandler, type VoServices } from './vo.js';

export { VoAccounts } from './accounts.js';
export { hostChoice } from './host-choice.js';
export { VoMemberships } from './memberships.js';
export { hostsSetAside } from './standing.js';
export { voTables } from './tables.js';

export interface VoExtensionServices extends VoServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly keeping: SiteKeeping;
  readonly registry: () => CategoryRegistry;
  readonly clock: Clock;
  readonly hooks: InfrastructureHooks;
}

/** How often it is looked whether something is to be written at a site, in milliseconds. */
const AT_SITES_MS = 2_000;

export function createVo(services: VoExtensionServices): Extension {
  const { store, sites, keeping, clock } = services;
  const atSites = new VoAtSites({ store, sites, keeping, clock });
  services.hooks.details.push(atSites.detail);
  services.hooks.settled.push(async (tx, { type, state, entity }) => {
    if (type === RESIZE && state !== 'done') await recharge(tx, services.registry(), entity);
  });
  sites.alsoCheck((site) => atSites.findings(site));
  const categories = join(packageRoot, 'extensions/vo/categories.json');
  return {
    name: 'vo',
    categories: [JSON.parse(readFileSync(categories, 'utf8')) as JsonValue],
    ...voTables,
    handlers: [new VoHandler(services), new MemberHandler(), new QuotaHandler(), new ProvisionHandler(sites, store)],
    operations: [],
    bodyReaders: [],
    renderings: [usageRendering(store, services.registry)],
    routes: [],
    tasks: [{ name: 'vo-sites', everyMs: AT_SITES_MS, run: (signal) => atSites.run(signal) }],
  };
}
