/**
 * The work at a site, the same for every infrastructure kind: provision, act, resize and release are sagas of idempotent
 * steps (DESIGN, "The way of the work"). Each step stores what the site reported in the transaction that records it, so
 * an entity's state is what was observed, never what was hoped.
 */

import type { Engine } from '../../src/engine/engine.js';
import type { Operation, OperationType, Step, StepContext } from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type Observed, type ResourceClass } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { actSteps } from './acting.js';
import { AtSite, findAtSite, letGo, refOf, reportIn, reportOn, type Subject } from './at-site.js';
import { copyOperation } from './group-copies.js';
import { guardOperations, isGuardedOtherwise } from './guarding.js';
import { Needs } from './needs.js';
import { forgetEntity } from './reserved-address.js';
import { resizeStep } from './resizing.js';
import { filterOf, rulesOf } from './security-rules.js';
import { siteClassOf, type ProvisionInput } from './site-class.js';
import { isOverWith, withoutWishes } from './size-wish.js';
import { ACT, DONE, PROVISION, RELEASE, RESIZE, RULES, again, fallen } from './steps.js';
import { stateAttributes } from './states.js';

export { ACT, PROVISION, RELEASE, RESIZE, RULES } from './steps.js';

/** What a site has less room for while it is there. */
const TAKES_ROOM: ReadonlySet<ResourceClass> = new Set(['compute', 'storage']);

/** Looks up what a provision must hand to the site but no operation may hold: rendered guest environments, images. */
export type ProvisionDetails = (
  operation: Operation,
  entity: EntityRecord,
  signal: AbortSignal,
) => Promise<ProvisionInput>;

export interface OperationServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly engine: Pick<Engine, 'file' | 'unfinished' | 'previous'>;
  readonly observations: Observations;
  readonly details: ProvisionDetails;
  /** Whether a link leads to a volume that nobody may write to. */
  readonly isReadOnly: (link: EntityRecord) => Promise<boolean>;
  /** What others do when an operation on one of their entities has ended. */
  readonly onSettled: readonly SettledHook[];
}

export type SettledHook = (tx: Tx, operation: Operation) => Promise<void>;

export function infrastructureOperations(services: OperationServices): OperationType[] {
  const atSite = new AtSite(services);
  const work = new SiteWork(services, atSite);
  const settled = (tx: Tx, operation: Operation): Promise<void> => work.settled(tx, operation);
  return [
    { name: PROVISION, steps: [work.make(), work.settle()], settled },
    { name: ACT, steps: actSteps(atSite, services.observations), settled },
    { name: RESIZE, steps: [resizeStep(atSite), work.settle()], settled },
    { name: RULES, steps: [work.rules(), work.settle()], settled },
    { name: RELEASE, steps: [work.remove(), work.gone()], settled },
    ...guardOperations(services, settled),
    copyOperation(services),
  ];
}

class SiteWork {
  readonly #store: Store;
  readonly #engine: OperationServices['engine'];
  readonly #atSite: AtSite;
  readonly #needs: Needs;
  readonly #observations: Observations;
  readonly #details: ProvisionDetails;
  readonly #onSettled: readonly SettledHook[];

  constructor(services: OperationServices, atSite: AtSite) {
    this.#store = services.store;
    this.#engine = services.engine;
    this.#atSite = atSite;
    this.#needs = new Needs(services);
    this.#observations = services.observations;
    this.#details = services.details;
    this.#onSettled = services.onSettled;
  }

  make(): Step {
    return {
      name: 'make',
      run: async (context) => {
        const subject = await this.#atSite.subject(context);
        if (!subject) return DONE;
        const { entity, siteClass, adapter } = subject;
        if (entity.siteRef !== null) return DONE;
        const [ends, plugs] = [await this.#needs.ends(entity), await this.#plugs(subject, context.input)];
        if (!ends || !plugs) return again(context);
        const said = await this.#details(context.operation, entity, context.signal);
        const details = { ...said, ...plugs, ...(await this.#needs.reading(entity)) };
        // The entity's own id is the token: whatever operation makes it, it is made once.
        const ref = await siteClass.make(adapter, entity, ends, details, entity.id, { signal: context.signal });
        return { done: true, memory: { ref }, commit: (tx) => this.#observations.placed(tx, entity.id, ref) };
      },
      undo: async (context) => {
        const subject = await this.#atSite.subject(context);
        if (!subject) return DONE;
        const ref = refOf(context) ?? (await findAtSite(subject));
        if (ref === undefined) return DONE;
        await letGo(subject, ref, context.signal);
        const report = await reportOn(subject, ref, context.signal);
        // A disk that came with its machine goes with it, which is undone after the disk.
        if (report && context.input['bootOf'] === undefined) return again(context);
        return { done: true, commit: (tx) => this.#observations.placed(tx, subject.entity.id, null) };
      },
    };
  }

  async #plugs(
    { entity, siteClass, adapter }: Subject,
    input: StepContext['input'],
  ): Promise<ProvisionInput | undefined> {
    // Others are told when each link is made.
    if (siteClass.class !== 'compute' || adapter.capabilities().plugsAtCreation !== true) return {};
    return this.#needs.plugs(entity, Array.isArray(input['readOnly']) ? input['readOnly'] : []);
  }

  /** Waits until the site has come to rest, storing every change of state on the way. */
  settle(): Step {
    return {
      name: 'settle',
      run: async (context) => {
        const subject = await this.#atSite.subject(context);
        if (!subject) return DONE;
        const report = await reportIn(context, subject);
        if (!report) throw new IaasError('not-found', 'the site no longer has what it had accepted');
        const commit = this.#atSite.storing(subject, report);
        if (report.busy) return { ...again(context), commit };
        if (report.state === 'error') throw fallen(report);
        if (!(await this.#guarded(subject, report, context.signal))) return { ...again(context), commit };
        return { done: true, commit };
      },
    };
  }

  /** Groups that a machine was given or lost while an interface was being made are made up for. */
  async #guarded({ entity, adapter }: Subject, report: Observed, signal: AbortSignal): Promise<boolean> {
    if (report.class !== 'nic' || entity.source === null) return true;
    const [guards, machine] = [await this.#needs.guards(entity.source), await findEntity(this.#store, entity.source)];
    if (guards === undefined) return false;
    if (!machine?.siteRef || !isGuardedOtherwise(report, guards)) return true;
    await filterOf(adapter).guard(machine.siteRef, guards, { signal });
    return false;
  }

  /** Tells the site the rules of a security group. */
  rules(): Step {
    return {
      name: 'rules',
      run: async (context) => {
        const subject = await this.#atSite.subject(context);
        const ref = subject?.entity.siteRef;
        if (!subject || !ref) return DONE;
        await filterOf(subject.adapter).update(ref, rulesOf(subject.entity.wanted), { signal: context.signal });
        return DONE;
      },
    };
  }

  remove(): Step {
    return {
      name: 'delete',
      run: async (context) => {
        const subject = await this.#atSite.subject(context);
        if (await this.#linked(context.operation.entity, context.input['keep'] === true)) return again(context);
        const ref = subject?.entity.siteRef;
        if (subject && ref) await letGo(subject, ref, context.signal);
        return DONE;
      },
    };
  }

  /** Waits until the site has really let go; only then is capacity no longer counted (K11). */
  gone(): Step {
    return {
      name: 'gone',
      run: async (context) => {
        const subject = await this.#atSite.subject(context);
        const ref = subject?.entity.siteRef;
        const report = subject && ref ? await reportOn(subject, ref, context.signal) : undefined;
        // A site that has come to rest and still has it has not done what it accepted.
        if (subject && report && !report.busy) await letGo(subject, report.ref, context.signal);
        if (report) return again(context);
        const gaveRoom = subject !== undefined && TAKES_ROOM.has(subject.siteClass.class);
        const forget = context.input['keep'] !== true;
        return {
          done: true,
          commit: async (tx) => {
            if (gaveRoom) await tx.notify('room', subject.entity.site ?? '');
            if (forget) await forgetEntity(tx, this.#observations, context.operation.entity);
            else await this.#observations.placed(tx, context.operation.entity, null);
          },
        };
      },
    };
  }

  /** Brings the entity in line with how its operation ended: no wish is pending any more, failures are shown. */
  async settled(tx: Tx, operation: Operation): Promise<void> {
    const failure = operation.state === 'failed' || operation.state === 'dead' ? operation.findings.at(-1) : undefined;
    const toError = failure !== undefined && operation.type === PROVISION;
    await this.#observations.settled(tx, operation.entity, {
      operation: operation.id,
      ...(failure ? { failure: failure.message, toError } : {}),
    });
    if (toError) await this.#showError(tx, operation.entity);
    if (failure && operation.type === RESIZE) await this.#withdraw(tx, operation);
    for (const hook of this.#onSettled) await hook(tx, operation);
  }

  /** What could not be made so is wanted no more, nor is what was wanted just before and could not be made so either. */
  async #withdraw(tx: Tx, last: Operation): Promise<void> {
    const entity = await findEntity(tx, last.entity);
    let first = last;
    for (;;) {
      const earlier = await this.#engine.previous(tx, first);
      if (!earlier || !isOverWith(earlier, first)) break;
      first = earlier;
    }
    const after = entity && withoutWishes(entity, first, last);
    if (after) await this.#observations.wants(tx, entity, after);
  }

  /** In whatever attributes the kind shows its state. */
  async #showError(tx: Tx, id: string): Promise<void> {
    const entity = await findEntity(tx, id);
    const machine = entity && siteClassOf(this.#observations.rootKind(entity.kind))?.machine;
    if (machine) await this.#observations.noted(tx, id, stateAttributes(machine, 'error'));
  }

  /**
   * Whether links from or to the entity are still being released: they go first. Those that no site knows may stay, and so
   * may those that wait for what the entity will be.
   */
  async #linked(id: string, keep: boolean): Promise<boolean> {
    const counts = keep ? "(site_ref IS NOT NULL OR phase <> 'live')" : 'site IS NOT NULL';
    const row = await this.#store.get(`SELECT 1 FROM entity WHERE (source = ? OR target = ?) AND ${counts} LIMIT 1`, [
      id,
      id,
    ]);
    return row !== undefined;
  }
}
