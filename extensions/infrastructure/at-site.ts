/** Entities as their sites have them: what the steps of every operation look at, and how what they see is stored. */

import { stringAt } from '../../src/base/json.js';
import type { StepContext } from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import type { Observed, SiteAdapter, SiteRef } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Attributes } from '../../src/occi/model.js';
import { findEntity, linksOf } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { leftAs } from './as-left.js';
import { SITE_CLASSES, siteClassOf, type SiteClass } from './site-class.js';
import { tryLater } from './steps.js';

/** An entity at its site: everything a step needs to begin with. */
export interface Subject {
  readonly entity: EntityRecord;
  readonly siteClass: SiteClass;
  readonly adapter: SiteAdapter;
}

export interface AtSiteServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly observations: Observations;
}

export class AtSite {
  readonly #store: Store;
  readonly #sites: Sites;
  readonly #observations: Observations;

  constructor({ store, sites, observations }: AtSiteServices) {
    this.#store = store;
    this.#sites = sites;
    this.#observations = observations;
  }

  /** The entity of the operation; undefined where no site has to do with it any more. */
  async subject(context: StepContext): Promise<Subject | undefined> {
    const entity = await findEntity(this.#store, context.operation.entity);
    const siteClass = entity && siteClassOf(this.#observations.rootKind(entity.kind));
    if (!entity || !siteClass || entity.site === null) return undefined;
    return { entity, siteClass, adapter: this.#sites.adapter(entity.site) };
  }

  /** What the site says of the links of a machine whose state has changed: theirs changes with it. */
  async linkReports({ entity, adapter }: Subject, signal: AbortSignal): Promise<[string, Attributes][]> {
    const links = (await linksOf(this.#store, [entity.id])).filter((link) => link.siteRef !== null);
    const reports: [string, Attributes][] = [];
    for (const siteClass of SITE_CLASSES) {
      const mine = links.filter((link) => link.kind === siteClass.kind);
      if (mine.length === 0) continue;
      const described = await adapter.describe(
        siteClass.class,
        mine.map((link) => link.siteRef ?? ''),
        { signal },
      );
      for (const link of mine) {
        const report = described.get(link.siteRef ?? '');
        if (report) reports.push([link.id, siteClass.observe(report, link)]);
      }
    }
    return reports;
  }

  /** Stores what the site reported, in the transaction of the step that heard it. */
  storing(subject: Subject, report: Observed): (tx: Tx) => Promise<void> {
    const attributes = { ...subject.siteClass.observe(report, subject.entity), ...leftAs(report) };
    return (tx) => this.#observations.observe(tx, subject.entity.id, attributes);
  }
}

/** What the site says of it now; undefined where the site does not have it. */
export async function reportOn(subject: Subject, ref: SiteRef, signal: AbortSignal): Promise<Observed | undefined> {
  return (await subject.adapter.describe(subject.siteClass.class, [ref], { signal })).get(ref);
}

/** The same of what may only just have been made, in the step that asks. */
export async function reportIn(context: StepContext, subject: Subject): Promise<Observed | undefined> {
  const ref = subject.entity.siteRef ?? refOf(context);
  return ref === undefined ? undefined : reportOn(subject, ref, context.signal);
}

/** The thing at the site that carries the entity's id, for an undo whose make never answered. */
export async function findAtSite({ adapter, siteClass, entity }: Subject): Promise<SiteRef | undefined> {
  for await (const report of adapter.list(siteClass.class)) {
    if (report.id === entity.id) return report.ref;
  }
  return undefined;
}

/** Deletes it at the site. What the site will not delete yet is tried again. */
export async function letGo(subject: Subject, ref: SiteRef, signal: AbortSignal): Promise<void> {
  await subject.adapter.delete(subject.siteClass.class, ref, { signal }).catch(tryLater);
}

/** What a site answered to the step that made it. */
export function refOf(context: StepContext): SiteRef | undefined {
  return stringAt(context.memory, 'ref');
}
