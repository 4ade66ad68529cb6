/**
 * Appliances on sites that deploy them by themselves (another VEP): handed over, mirrored here as the components they would have
 * had anyway, and taken back (`docs/decisions/0011-appliances-handed-over-whole.md`). One that is on such a site alone goes there
 * whole and is acted on as a whole; of one that is on several sites, parcels go (`parcels.ts`). Each step can run again after a
 * crash: the site knows what was handed over by its id.
 */

import { isJsonObject, stringAt, type JsonObject } from '../../src/base/json.js';
import { newUuid } from '../../src/base/ids.js';
import {
  untilNextLook,
  type NewChild,
  type Operation,
  type OperationType,
  type Step,
  type StepContext,
  type StepOutcome,
} from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type SiteRef } from '../../src/iaas/adapter.js';
import type { ApplianceAction, ApplianceReport, ApplianceSite, ApplianceSpec } from '../../src/iaas/appliance-site.js';
import type { Sites } from '../../src/iaas/sites.js';
import { NETWORK } from '../../src/occi/model.js';
import { componentsOf, findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Tx } from '../../src/store/sql.js';
import { isFileUrl } from '../../src/transfer/sources.js';
import { siteClassOf } from '../infrastructure/site-class.js';
import { tryLater } from '../infrastructure/steps.js';
import { SLA } from '../sla/agreements.js';
import { Deliveries, shownPackageUrl, type DeliveryServices } from './delivery.js';
import { PACKAGE } from './deployment-graph.js';
import { isForgotten } from './forgotten.js';
import { mirrored } from './mirror.js';
import { isOpen } from './package.js';
import { HAND_OVER, TAKE_BACK } from './parcels.js';
import type { ApplianceRow } from './tables.js';
import { OVF_ID } from './vocabulary.js';

export const SITE_ACT = 'appliance.site-act';

const UPLOAD_MS = 6 * 3600 * 1000;

export interface HandOverServices extends DeliveryServices {
  readonly sites: Sites;
  readonly observations: Observations;
}

/** Whether a site deploys appliances by itself. */
export function takesWhole(sites: Sites, site: string | null): site is string {
  return site !== null && sites.has(site) && sites.adapter(site).capabilities().appliances === true;
}

/** The site has taken the appliance whole. */
export function isWhole({ siteRef }: EntityRecord): boolean {
  return siteRef !== null;
}

/** Whether something may have been handed over to a site: of one that has not answered yet nobody knows what it takes. */
export function mayHave(sites: Sites, site: string | null): boolean {
  return site !== null && sites.has(site) && sites.adapter(site).appliances !== undefined;
}

/** A child of a graph that is about the whole appliance. Its subject is its own: the parent's is the appliance. */
export function wholeChild(
  type: typeof HAND_OVER | typeof SITE_ACT | typeof TAKE_BACK,
  appliance: EntityRecord,
  input: JsonObject = {},
  after: readonly string[] = [],
): NewChild {
  const { id, site } = appliance;
  return { key: type, type, entity: newUuid(), site, input: { ...input, appliance: id }, after };
}

/**
 * What brings a whole appliance to its site: one that goes as an agreement has settled it goes with its files, and so does
 * one whose files the site cannot fetch; they have to be here first.
 */
export function wholeHandOver(entity: EntityRecord, { images }: ApplianceRow): readonly NewChild[] {
  const withFiles = entity.mixins.includes(SLA) || isFileUrl(shownPackageUrl(entity) ?? '');
  if (!withFiles || !isOpen(images)) return [wholeChild(HAND_OVER, entity)];
  const input = { appliance: entity.id };
  const unpacking = { key: 'package', type: PACKAGE, entity: newUuid(), site: null, input, after: [] };
  return [unpacking, wholeChild(HAND_OVER, entity, {}, [unpacking.key])];
}

export function handOverOperations(services: HandOverServices): OperationType[] {
  const work = new HandOver(services);
  return [
    { name: HAND_OVER, limits: { stepMs: UPLOAD_MS }, steps: [work.send(), work.arrive()] },
    { name: SITE_ACT, steps: [work.act(), work.arrive()] },
    { name: TAKE_BACK, steps: [work.remove()] },
  ];
}

/** What an operation hands over, moves or takes back. */
interface Subject {
  readonly entity: EntityRecord;
  readonly site: string;
  readonly at: ApplianceSite;
  /** Under which the site knows it. */
  readonly id: string;
  /** Ids of the computes of a parcel; absent: it is the whole appliance. */
  readonly computes?: ReadonlySet<string>;
}

class HandOver {
  readonly #services: HandOverServices;
  readonly #deliveries: Deliveries;

  constructor(services: HandOverServices) {
    this.#services = services;
    this.#deliveries = new Deliveries(services);
  }

  send(): Step {
    return {
      name: 'send',
      run: async (context) => {
        const subject = await this.#subject(context.operation);
        const { entity, at, computes } = subject;
        if (!computes && entity.siteRef !== null) return { done: true };
        const spec = computes ? await this.#part(subject, computes) : await this.#deliveries.whole(entity);
        const ref = await at.create(spec, { signal: context.signal });
        if (computes) return { done: true, memory: { ref } };
        return { done: true, commit: (tx) => this.#services.observations.placed(tx, entity.id, ref) };
      },
      undo: (context) => this.#letGo(context),
    };
  }

  async #part({ entity, site, id }: Subject, computes: ReadonlySet<string>): Promise<ApplianceSpec> {
    const components = await componentsOf(this.#services.store, entity.id);
    const item = ({ observed }: EntityRecord): string => stringAt(observed, OVF_ID) ?? '';
    const machines = components.filter((component) => computes.has(component.id)).map(item);
    const networks = components.filter((component) => component.kind === NETWORK && component.site === site);
    return this.#deliveries.part(entity, {
      id,
      site,
      machines: new Set(machines),
      networks: new Map(networks.map((network) => [item(network), network])),
    });
  }

  /** Waits until the site has done what it was asked for, and mirrors what there is there. */
  arrive(): Step {
    return {
      name: 'arrive',
      run: async (context) => {
        const subject = await this.#subject(context.operation);
        const ref = refOf(subject, context);
        const options = { signal: context.signal };
        const report = await subject.at.report(ref, options);
        if (!report) throw new IaasError('not-found', 'the site no longer has the appliance');
        if (report.busy) {
          const percent = Number(/(\d{1,3}) %/.exec(report.message ?? '')?.[1] ?? 0);
          return {
            done: false,
            again: untilNextLook(context.operation),
            progress: { percent, message: report.message ?? 'at work' },
          };
        }
        const to = stringAt(context.input, 'to') ?? 'active';
        if (report.state !== to) {
          const failure = await subject.at.failure(ref, options);
          throw failure ?? new IaasError('fatal', report.message ?? `the site reports ${report.state}`);
        }
        return { done: true, commit: (tx) => this.#mirror(tx, subject, context.operation, report) };
      },
    };
  }

  act(): Step {
    return {
      name: 'act',
      run: async (context) => {
        const subject = await this.#subject(context.operation);
        const parameters = isJsonObject(context.input['parameters']) ? context.input['parameters'] : {};
        const action = stringAt(context.input, 'term') as ApplianceAction;
        const options = { signal: context.signal };
        const ref = refOf(subject, context);
        await subject.at.act(ref, action, parameters as Record<string, string | number>, options);
        return { done: true };
      },
    };
  }

  remove(): Step {
    return { name: 'remove', run: (context) => this.#letGo(context) };
  }

  /** Whatever stands in the way, it is tried again, and shown when it keeps failing: what a site has is never forgotten (K11). */
  #letGo(context: StepContext): Promise<StepOutcome> {
    return this.#takeBack(context).catch(tryLater);
  }

  async #takeBack({ operation, memory, signal }: StepContext): Promise<StepOutcome> {
    const subject = await this.#subject(operation);
    const { entity, site, at, id } = subject;
    const known = stringAt(memory, 'ref') ?? (subject.computes ? undefined : (entity.siteRef ?? undefined));
    if (known === undefined && isForgotten(entity, site)) return { done: true };
    const ref = known ?? (await at.find(id, { signal }));
    if (ref === undefined) return { done: true };
    await at.remove(ref, { signal });
    if (await at.report(ref, { signal })) return { done: false, again: untilNextLook(operation) };
    return { done: true, commit: (tx) => this.#unplace(tx, subject) };
  }

  /** The site has let go of everything with it: nothing is left there to be released one by one. */
  async #unplace(tx: Tx, subject: Subject): Promise<void> {
    const { observations } = this.#services;
    if (!subject.computes) await observations.placed(tx, subject.entity.id, null);
    for (const { id } of await this.#components(tx, subject)) await observations.placed(tx, id, null);
  }

  async #mirror(tx: Tx, subject: Subject, operation: Operation, { members }: ApplianceReport): Promise<void> {
    const { observations } = this.#services;
    const components = await this.#components(tx, subject);
    for (const [component, observed] of mirrored(components, await this.#ends(tx, components), members)) {
      const attributes = siteClassOf(observations.rootKind(component.kind))?.observe(observed, component) ?? {};
      await observations.placed(tx, component.id, observed.ref);
      await observations.observe(tx, component.id, attributes);
      await observations.settled(tx, component.id, { operation: operation.id });
    }
  }

  /** References that components outside have already: networks it is mapped to, and those that a parcel finds there. */
  async #ends(tx: Tx, components: readonly EntityRecord[]): Promise<ReadonlyMap<string, SiteRef>> {
    const own = new Set(components.map(({ id }) => id));
    const refs = new Map<string, SiteRef>();
    for (const { target } of components) {
      if (target === null || own.has(target)) continue;
      const end = await findEntity(tx, target);
      if (end?.siteRef) refs.set(target, end.siteRef);
    }
    return refs;
  }

  /** What it consists of at the site: all but the links that only say so. */
  async #components(tx: Tx, { entity, computes }: Subject): Promise<EntityRecord[]> {
    const { observations } = this.#services;
    const all = (await componentsOf(tx, entity.id)).filter(
      ({ kind }) => siteClassOf(observations.rootKind(kind)) !== undefined,
    );
    if (!computes) return all;
    const links = all.filter(({ source }) => source !== null && computes.has(source));
    const inside = new Set([...computes, ...links.flatMap(({ id, target }) => [id, target ?? ''])]);
    return all.filter(({ id, kind }) => inside.has(id) && observations.rootKind(kind) !== NETWORK);
  }

  async #subject({ input, site }: Operation): Promise<Subject> {
    const entity = await findEntity(this.#services.store, stringAt(input, 'appliance') ?? '');
    const at = this.#services.sites.adapter(site ?? '').appliances;
    if (!entity) throw new IaasError('not-found', 'the appliance is gone');
    if (!at) throw new IaasError('unsupported', 'the site takes no appliances, only what they consist of');
    const id = stringAt(input, 'parcel');
    const whole = { entity, site: site ?? '', at, id: entity.id };
    return id === undefined ? whole : { ...whole, id, computes: new Set(input['computes'] as readonly string[]) };
  }
}

function refOf({ entity, computes }: Subject, { memory }: StepContext): SiteRef {
  const ref = computes ? stringAt(memory, 'ref') : entity.siteRef;
  if (ref !== undefined && ref !== null) return ref;
  throw new IaasError('not-found', 'the site has not taken the appliance');
}
