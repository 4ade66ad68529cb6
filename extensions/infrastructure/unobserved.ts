/**
 * Resources on a site that is down. They keep the state that was last seen, and carry the mixin `unobserved` with the time of
 * the site's last answer for as long as it is silent, so that nobody takes an old state for a new one. When the site is back, the
 * mixin goes, and what had given up waiting for the site is tried again. The process that keeps the site does both, and no other.
 */

import type { Engine } from '../../src/engine/engine.js';
import type { Task } from '../../src/extension/extension.js';
import type { Observations } from '../../src/extension/observations.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites, SiteStatus } from '../../src/iaas/sites.js';
import { CONTRAIL, type TypeId } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import { LIMIT } from '../../src/store/placeholders.js';
import type { Store } from '../../src/store/sql.js';

export const UNOBSERVED: TypeId = `${CONTRAIL}/infrastructure#unobserved`;
export const OBSERVED_AT = 'eu.contrail-project.observed.at';

export interface UnobservedServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly keeping: SiteKeeping;
  readonly engine: Engine;
  readonly observations: Observations;
}

/** Resources changed in one transaction. */
const BATCH = 100;
const EVERY_MS = 2_000;

export function unobservedTask(services: UnobservedServices): Task {
  /** Sites that have been down, and not yet back, whoever kept them. */
  const down = new Set<string>();
  return {
    name: 'unobserved',
    everyMs: EVERY_MS,
    run: async (signal) => {
      for (const status of services.sites.statuses()) {
        if (signal.aborted) return;
        const isKept = services.keeping.term(status.name) !== undefined;
        if (!status.up) down.add(status.name);
        if (!isKept) {
          if (status.up) down.delete(status.name);
        } else if (status.up) {
          // Nothing has ever been heard of it: what was marked before stays so.
          if (status.answeredAt === undefined) continue;
          const marked = await unmark(services, status.name, signal);
          if (down.delete(status.name) || marked > 0) await revive(services, status.name);
        } else {
          await mark(services, status, signal);
        }
      }
    },
  };
}

const ON_SITE = "site = ? AND source IS NULL AND phase = 'live'";
const MARKED = 'EXISTS (SELECT 1 FROM entity_mixin m WHERE m.entity = entity.id AND m.mixin = ?)';

async function mark(
  { store, keeping, observations }: UnobservedServices,
  status: SiteStatus,
  signal: AbortSignal,
): Promise<void> {
  const { name, answeredAt } = status;
  // What is still being made has not been seen at all.
  const sql = `SELECT id FROM entity WHERE ${ON_SITE} AND NOT ${MARKED} ORDER BY id ${LIMIT}`;
  for (let ids; !signal.aborted;) {
    ids = await store.pluck<string>(sql, [name, UNOBSERVED, BATCH]);
    if (ids.length === 0) return;
    const batch = ids;
    const isDone = await store.write(async (tx) => {
      if (!(await keeping.holds(tx, name))) return false;
      for (const id of batch) {
        const entity = await findEntity(tx, id);
        const at = new Date(answeredAt ?? entity?.changedAt ?? status.since).toISOString();
        await observations.mixed(tx, id, UNOBSERVED, { [OBSERVED_AT]: at });
      }
      return true;
    });
    if (!isDone) return;
  }
}

async function unmark(
  { store, keeping, observations }: UnobservedServices,
  site: string,
  signal: AbortSignal,
): Promise<number> {
  const sql = `SELECT entity FROM entity_mixin WHERE mixin = ? AND entity IN (SELECT id FROM entity WHERE site = ?) ${LIMIT}`;
  let unmarked = 0;
  while (!signal.aborted) {
    const ids = await store.pluck<string>(sql, [UNOBSERVED, site, BATCH]);
    if (ids.length === 0) break;
    const isDone = await store.write(async (tx) => {
      if (!(await keeping.holds(tx, site))) return false;
      for (const id of ids) await observations.unmixed(tx, id, UNOBSERVED, [OBSERVED_AT]);
      return true;
    });
    if (!isDone) break;
    unmarked += ids.length;
  }
  return unmarked;
}

/** Work that gave up because the site did not answer has the site to talk to again. */
async function revive({ store, engine }: UnobservedServices, site: string): Promise<void> {
  const dead = (await engine.inState(store, 'dead')).filter(
    (operation) => operation.site === site && operation.findings.at(-1)?.class === 'transient',
  );
  for (const { id } of dead) await store.write((tx) => engine.retry(tx, id));
}
