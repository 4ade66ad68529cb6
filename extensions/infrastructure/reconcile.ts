/**
 * What the reconciler needs to know of infrastructure entities: which a site should have, when a report differs from
 * what is stored, and what to do about things that are missing or belong to nobody.
 */

import { jsonEqual, stringAt } from '../../src/base/json.js';
import { isUuid, newUuid } from '../../src/base/ids.js';
import type { Engine } from '../../src/engine/engine.js';
import type { OperationType } from '../../src/engine/operation.js';
import type { Found, KnownEntity, Orphan, ReconcileSource } from '../../src/engine/reconciler.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type ResourceClass, type SiteAdapter } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { findEntity } from '../../src/store/entities.js';
import { listOnSite } from '../../src/store/entity-lists.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { forgetEntity } from './reserved-address.js';
import { SITE_CLASSES, siteClassOf } from './site-class.js';
import { stateAttributes } from './states.js';

export const ORPHAN = 'infrastructure.orphan';

export interface KnownRecord extends KnownEntity {
  readonly record: EntityRecord;
}

export interface ReconcileServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly engine: Engine;
  readonly observations: Observations;
}

export function infrastructureReconcileSource(services: ReconcileServices): ReconcileSource<KnownRecord> {
  const { store, sites, engine, observations } = services;
  return {
    classes: ['nic', 'attachment', 'compute', 'storage', 'network'],
    sites: () => sites.names.map((name) => sites.adapter(name)),
    known: async (site, what) => {
      const kinds = SITE_CLASSES.filter((siteClass) => siteClass.class === what).map((siteClass) => siteClass.kind);
      const busy = new Set(
        await store.pluck<string>('SELECT DISTINCT entity FROM operation WHERE site = ? AND finished_at IS NULL', [
          site,
        ]),
      );
      const records = await listOnSite(store, site, kinds);
      return new Map(
        records.map((record) => [record.id, { id: record.id, ref: record.siteRef, busy: busy.has(record.id), record }]),
      );
    },
    drifted: ({ entity, observed }) => {
      const report = siteClassOf(entity.record.kind)?.observe(observed, entity.record) ?? {};
      const shown = entity.record.observed;
      return !observed.busy && Object.entries(report).some(([name, value]) => !jsonEqual(shown[name], value));
    },
    observe: async (tx, _site, found) => {
      for (const each of found) await settle(tx, each);
    },
    missing: async (tx, _site, _what, entities) => {
      for (const { id } of entities) await missing(tx, id);
    },
    orphaned: async (tx, site, orphans) => {
      for (const orphan of orphans) await release(tx, site, orphan);
    },
    visited: () => Promise.resolve(),
  };

  async function settle(tx: Tx, { entity, observed }: Found<KnownRecord>): Promise<void> {
    const current = await findEntity(tx, entity.id);
    if (current?.siteRef !== observed.ref || (await isBusy(tx, entity.id))) return;
    const report = siteClassOf(current.kind)?.observe(observed, current);
    if (report) await observations.observe(tx, entity.id, report);
  }

  /** What was being deleted is gone; what should be there is shown to be in error, and its last attributes stay. */
  async function missing(tx: Tx, id: string): Promise<void> {
    const current = await findEntity(tx, id);
    if (!current || (await isBusy(tx, id))) return;
    if (current.phase === 'deleting') return forgetEntity(tx, observations, id);
    const machine = siteClassOf(current.kind)?.machine;
    if (!machine || current.siteRef === null) return;
    const message = 'the site no longer has it: it was removed outside VEP';
    return observations.observe(tx, id, {
      ...stateAttributes(machine, 'error'),
      [`${machine.attribute}.message`]: message,
    });
  }

  async function isBusy(tx: Tx, id: string): Promise<boolean> {
    return (await engine.unfinished(tx, id)).length > 0;
  }

  /** Deleted by an operation of its own: nothing talks to a site inside a transaction. */
  async function release(tx: Tx, site: string, { observed }: Orphan<KnownRecord>): Promise<void> {
    const subject = observed.id !== undefined && isUuid(observed.id) ? observed.id : newUuid();
    const pending = (await engine.unfinished(tx, subject)).some((operation) => operation.input['ref'] === observed.ref);
    if (pending) return;
    const input = { ref: observed.ref, class: observed.class };
    await engine.file(tx, { type: ORPHAN, entity: subject, appliance: null, site, input, principal: 'vep:reconciler' });
  }
}

/** Deletes a thing at the site that carries a token of VEP and belongs to no entity any more. */
export function orphanOperation(sites: Sites): OperationType {
  return {
    name: ORPHAN,
    steps: [
      {
        name: 'delete',
        run: async ({ operation, input, signal }) => {
          const adapter: SiteAdapter = sites.adapter(operation.site ?? '');
          const ref = stringAt(input, 'ref') ?? '';
          try {
            await adapter.delete(input['class'] as ResourceClass, ref, { signal });
          } catch (error) {
            if (error instanceof IaasError && error.class === 'not-found') return { done: true };
            throw error;
          }
          return { done: true };
        },
      },
    ],
  };
}
