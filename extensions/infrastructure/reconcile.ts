/**
 * What the reconciler needs to know of infrastructure entities: which a site should have, when a report differs from
 * what is stored, and what to do about things that are missing or belong to nobody.
 */

import { jsonEqual, stringAt } from '../../src/base/json.js';
import type { Log } from '../../src/base/log.js';
import type { Engine } from '../../src/engine/engine.js';
import type { OperationType } from '../../src/engine/operation.js';
import type { Found, KnownEntity, Orphan, ReconcileSource } from '../../src/engine/reconciler.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type Observed, type ResourceClass, type SiteAdapter } from '../../src/iaas/adapter.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Attributes, TypeId } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import { listByRef, listOnSite } from '../../src/store/entity-lists.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store, Tx } from '../../src/store/sql.js';
import { sinceLeft } from './as-left.js';
import { copiesAt, isCopyStrange, mendCopy } from './group-copies.js';
import { madeHere, RECONCILER } from './made-here.js';
import { forgetEntity } from './reserved-address.js';
import { strangeRules } from './security-rules.js';
import { SITE_CLASSES, siteClassOf } from './site-class.js';
import { stateAttributes } from './states.js';

export const ORPHAN = 'infrastructure.orphan';

export interface KnownRecord extends KnownEntity {
  /** The entity that it is; of a copy of a security group, the group. */
  readonly record: EntityRecord;
  readonly isCopy?: true;
}

export interface ReconcileServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly keeping: SiteKeeping;
  readonly engine: Engine;
  readonly observations: Observations;
  readonly log: Log;
}

export function infrastructureReconcileSource(services: ReconcileServices): ReconcileSource<KnownRecord> {
  const { store, sites, keeping, engine, observations, log } = services;
  /** What has been told of once. */
  const leftAlone = new Set<string>();
  return {
    classes: ['nic', 'attachment', 'compute', 'storage', 'network', 'securitygroup'],
    sites: () => keeping.kept.map((name) => sites.adapter(name)),
    term: (site) => keeping.term(site),
    onMoreSites: (more) => keeping.onSuccession(more),
    known: async (site, what) => {
      const kinds = kindsOf(what);
      const busy = new Set(
        await store.pluck<string>('SELECT DISTINCT entity FROM operation WHERE site = ? AND finished_at IS NULL', [
          site,
        ]),
      );
      const records = await listOnSite(store, site, kinds);
      const known = records.map((record): KnownRecord => ({
        ...whereabouts(record),
        busy: busy.has(record.id),
        record,
      }));
      const copies = what === 'securitygroup' ? await knownCopies(site, (id) => busy.has(id)) : [];
      return new Map([...known, ...copies].map((each) => [each.id, each]));
    },
    byRef: async (site, what, refs) => {
      const records = await listByRef(store, site, kindsOf(what), refs);
      return Promise.all(
        records.map(async (record) => ({ ...whereabouts(record), busy: await isBusy(store, record.id), record })),
      );
    },
    drifted: ({ entity, observed }) => {
      if (entity.isCopy) return !observed.busy && isCopyStrange(entity.record, observed);
      const { report, strayed } = reportOf(entity.record, observed);
      const shown = entity.record.observed;
      const differs = Object.entries(report ?? {}).some(([name, value]) => !jsonEqual(shown[name], value));
      return !observed.busy && (differs || strayed !== (shown[STRAYED] === true));
    },
    observe: async (tx, site, found) => {
      if (!(await keeping.holds(tx, site))) return;
      for (const each of found) await settle(tx, each);
    },
    missing: async (tx, site, _what, entities) => {
      if (!(await keeping.holds(tx, site))) return;
      for (const { id, isCopy } of entities) await (isCopy ? mendCopy(tx, engine, id, 'gone') : missing(tx, id));
    },
    orphaned: async (tx, site, orphans) => {
      if (!(await keeping.holds(tx, site))) return;
      for (const orphan of orphans) await release(tx, site, orphan);
    },
    visited: () => Promise.resolve(),
  };

  async function knownCopies(site: string, isBusy: (id: string) => boolean): Promise<KnownRecord[]> {
    const known: KnownRecord[] = [];
    for (const { id, origin, ref } of await copiesAt(store, site)) {
      const record = await findEntity(store, origin);
      // One whose group is gone is on its way out.
      if (record) known.push({ id, ref, busy: isBusy(id), record, isCopy: true });
    }
    return known;
  }

  async function settle(tx: Tx, { entity, observed }: Found<KnownRecord>): Promise<void> {
    if (entity.isCopy) return mendCopy(tx, engine, entity.id, 'changed');
    const current = await findEntity(tx, entity.id);
    if (current?.siteRef !== observed.ref || (await isBusy(tx, entity.id))) return;
    const { report, strayed } = reportOf(current, observed);
    if (!report) return;
    await observations.observe(tx, entity.id, { ...report, [STRAYED]: strayed });
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

  function leaveAlone(site: string, { class: what, ref }: Observed): void {
    const name = `${site} ${what} ${ref}`;
    if (leftAlone.has(name)) return;
    leftAlone.add(name);
    log.warn({ site, class: what, ref }, `not made by this VEP, and left alone: see vep sites check ${site}`);
  }

  async function isBusy(reader: SqlReader, id: string): Promise<boolean> {
    return (await engine.unfinished(reader, id)).length > 0;
  }

  /** Deleted by an operation of its own: nothing talks to a site inside a transaction. What another VEP made is not. */
  async function release(tx: Tx, site: string, { observed }: Orphan<KnownRecord>): Promise<void> {
    const subject = observed.id ?? '';
    if (!(await madeHere(tx, [subject])).has(subject)) return leaveAlone(site, observed);
    const pending = (await engine.unfinished(tx, subject)).some((operation) => operation.input['ref'] === observed.ref);
    if (pending) return;
    const input = { ref: observed.ref, class: observed.class };
    await engine.file(tx, { type: ORPHAN, entity: subject, appliance: null, site, input, principal: RECONCILER });
  }
}

const whereabouts = ({ id, siteRef: ref }: EntityRecord): Pick<KnownRecord, 'id' | 'ref'> => ({ id, ref });

function kindsOf(what: ResourceClass): TypeId[] {
  return SITE_CLASSES.filter((siteClass) => siteClass.class === what).map((siteClass) => siteClass.kind);
}

/** Whether size, name or rules were changed outside VEP. No category defines it: what is shown of it is the message. */
const STRAYED = 'eu.contrail-project.observed.strayed';

/** What a report says of an entity. What was changed outside VEP and has no attribute to show it is told by its message. */
function reportOf(
  record: EntityRecord,
  observed: Observed,
): { readonly report?: Attributes; readonly strayed: boolean } {
  const siteClass = siteClassOf(record.kind);
  const report = siteClass?.observe(observed, record);
  if (!siteClass || !report) return { strayed: false };
  const { told, unnoted } = sinceLeft(observed, record.observed);
  const all = [strangeRules(observed, record) ?? [], told].flat();
  if (all.length === 0) return { report: { ...report, ...unnoted }, strayed: false };
  return {
    report: { ...report, ...unnoted, [`${siteClass.machine.attribute}.message`]: all.join('; ') },
    strayed: true,
  };
}

/** Deletes a thing at the site that this VEP made and that belongs to no entity any more. */
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
