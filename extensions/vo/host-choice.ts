/**
 * Which host a machine goes to that nobody has placed: where hosts of its site are set aside, VEP chooses one itself, of
 * the VO's own first and never one of another VO. Elsewhere the site chooses, as ever.
 */

import type { Operation } from '../../src/engine/operation.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { COMPUTE } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import type { ProvisionInput } from '../infrastructure/site-class.js';
import { machineOf } from './amounts.js';
import { hostsSetAside } from './standing.js';

/** Hosts come and go by hand; how full they are is asked shortly before. */
const MAX_AGE_MS = 5_000;

export function hostChoice(store: Store, sites: Sites) {
  return async ({ input }: Operation, entity: EntityRecord): Promise<ProvisionInput> => {
    if (entity.kind !== COMPUTE || typeof input['host'] === 'string') return {};
    const site = entity.site ?? '';
    if (!sites.adapter(site).capabilities().placement.has('host')) return {};
    const setAside = await hostsSetAside(store, site);
    if (setAside.size === 0) return {};
    const { cores, memory } = machineOf(entity.wanted);
    const { inventory } = await sites.inventoryOf(site, MAX_AGE_MS);
    const fitting = inventory.hosts
      .filter((host) => host.up && host.freeCores >= cores && host.freeMemoryBytes >= memory)
      .filter((host) => (setAside.get(host.name) ?? entity.group) === entity.group);
    const own = fitting.filter((host) => setAside.has(host.name));
    const [host] = (own.length > 0 ? own : fitting).sort((a, b) => b.freeCores - a.freeCores);
    if (!host) throw new IaasError('capacity', 'no host that is not set aside for others has room');
    return { host: host.name };
  };
}
