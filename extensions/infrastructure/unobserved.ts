/**
 * Resources on a site that is down. They keep the state that was last seen, and carry the mixin `unobserved` with the time of
 * the site's last answer for as long as it is silent, so that nobody takes an old state for a new one. When the site is back, the
 * mixin goes, and what had given up waiting for the site is tried again.
 */

import type { Engine } from '../../src/engine/engine.js';
import type { Task } from '../../src/extension/extension.js';
import type { Observations } from '../../src/extension/observations.js';
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
  readonly engine: Engine;
  readonly observations: Observations;
}

/** Resources changed in one transaction. */
const BATCH = 100;
const EVERY_MS = 2_000;

export function unobservedTask(services: UnobservedServices): Task {
  /** Sites that this process has seen down, and not yet back. */
  const down = new Set<string>();
  return {
    name: 'unobserved',
    everyMs: EVERY_MS,
    run: async (signal) => {
      for (const status of services.sites.statuses()) {
        if (signal.aborted) return;
        if (status.up) {
          // Nothing has been heard of it since this process began: what was marked before stays so.
          if (status.answeredAt === undefined) continue;
          const marked = await unmark(services, status.name, signal);
          if (down.delete(status.name) || marked > 0) await revive(services, status.name);
        } else {
          down.add(status.name);
          await mark(services, status, signal);
        }
      }
    },
  };
}

const ON_SITE = "site = ? AND source IS NULL AND phase = 'live'";
const MARKED = 'EXISTS (SELECT 1 FROM entity_mixin m WHERE m.entity = entity.id AND m.mixin = ?)';

async function mark(
  { store, observations }: UnobservedServices,
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
    await store.write(async (tx) => {
      for (const id of batch) {
        const entity = await findEntity(tx, id);
        const at = new Date(answeredAt ?? entity?.changedAt ?? status.since).toISOString();
        await observations.mixed(tx, id, UNOBSERVED, { [OBSERVED_AT]: at });
      }
    });
  }
}

async function unmark({ store, observations }: UnobservedServices, site: string, signal: AbortSignal): Promise<number> {
  const sql = `SELECT entity FROM entity_mixin WHERE mixin = ? AND entity IN (SELECT id FROM entity WHERE site = ?) ${LIMIT}`;
  let unmarked = 0;
  while (!signal.aborted) {
    const ids = await store.pluck<string>(sql, [UNOBSERVED, site, BATCH]);
    if (ids.length === 0) break;
    unmarked += ids.length;
    await store.write(async (tx) => {
      for (const id of ids) await observations.unmixed(tx, id, UNOBSERVED, [OBSERVED_AT]);
    });
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
