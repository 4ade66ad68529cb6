/**
 * The work at a site, the same for every infrastructure kind: provision, act, resize and release are sagas of idempotent
 * steps (DESIGN, "The way of the work"). Each step stores what the site reported in the transaction that records it, so
 * an entity's state is what was observed, never what was hoped.
 */

import type { Attributes } from '../../src/occi/model.js';
import { stringAt } from '../../src/base/json.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Operation, OperationType, Step, StepContext } from '../../src/engine/operation.js';
import {
  IaasError,
  type Observed,
  type ResourceClass,
  type SiteAdapter,
  type SiteRef,
} from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Observations } from '../../src/extension/observations.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { findEntity, linksOf } from '../../src/store/entities.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { copyOperation } from './group-copies.js';
import { guardOperations, isGuardedOtherwise } from './guarding.js';
import { Needs } from './needs.js';
import { forgetEntity } from './reserved-address.js';
import { filterOf, rulesOf } from './security-rules.js';
import { ACT, DONE, PROVISION, RELEASE, RESIZE, RULES, again, tryLater } from './steps.js';
import { stateAttributes } from './states.js';
import { imageSaved } from './templates.js';
import { LEFT_SIZE, SITE_CLASSES, siteClassOf, sizeOf, type ProvisionInput, type SiteClass } from './site-class.js';

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
  readonly engine: Pick<Engine, 'file' | 'unfinished'>;
  readonly observations: Observations;
  readonly details: ProvisionDetails;
  /** What others do when an operation on one of their entities has ended. */
  readonly onSettled: readonly SettledHook[];
}

export type SettledHook = (tx: Tx, operation: Operation) => Promise<void>;

export function infrastructureOperations(services: OperationServices): OperationType[] {
  const work = new SiteWork(services);
  const settled = (tx: Tx, operation: Operation): Promise<void> => work.settled(tx, operation);
  return [
    { name: PROVISION, steps: [work.make(), work.settle()], settled },
    { name: ACT, steps: [work.act(), work.reach()], settled },
    { name: RESIZE, steps: [work.resize(), work.settle()], settled },
    { name: RULES, steps: [work.rules(), work.settle()], settled },
    { name: RELEASE, steps: [work.remove(), work.gone()], settled },
    ...guardOperations(services, settled),
    copyOperation(services),
  ];
}

/** An entity at its site: everything a step needs to begin with. */
interface Subject {
  readonly entity: EntityRecord;
  readonly siteClass: SiteClass;
  readonly adapter: SiteAdapter;
}

class SiteWork {
  readonly #store: Store;
  readonly #sites: Sites;
  readonly #needs: Needs;
  readonly #observations: Observations;
  readonly #details: ProvisionDetails;
  readonly #onSettled: readonly SettledHook[];

  constructor(services: OperationServices) {
    this.#store = services.store;
    this.#sites = services.sites;
    this.#needs = new Needs(services);
    this.#observations = services.observations;
    this.#details = services.details;
    this.#onSettled = services.onSettled;
  }

  make(): Step {
    return {
      name: 'make',
      run: async (context) => {
        const subject = await this.#subject(context);
        if (!subject) return DONE;
        const { entity, siteClass, adapter } = subject;
        if (entity.siteRef !== null) return DONE;
        const [ends, plugs] = [await this.#needs.ends(entity), await this.#plugs(subject, context.input)];
        if (!ends || !plugs) return again(context);
        const details = { ...(await this.#details(context.operation, entity, context.signal)), ...plugs };
        // The entity's own id is the token: whatever operation makes it, it is made once.
        const ref = await siteClass.make(adapter, entity, ends, details, entity.id, { signal: context.signal });
        return { done: true, memory: { ref }, commit: (tx) => this.#observations.placed(tx, entity.id, ref) };
      },
      undo: async (context) => {
        const subject = await this.#subject(context);
        if (!subject) return DONE;
        const ref = refOf(context) ?? (await this.#find(subject));
        if (ref === undefined) return DONE;
        await this.#letGo(subject, ref, context.signal);
        const report = await this.#report(subject, ref, context.signal);
        if (report) return again(context);
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
        const subject = await this.#subject(context);
        if (!subject) return DONE;
        const report = await this.#reportOf(subject, context);
        if (!report) throw new IaasError('not-found', 'the site no longer has what it had accepted');
        const commit = this.#storing(subject, report);
        if (report.busy) return { ...again(context), commit };
        if (report.state === 'error') throw new IaasError('fatal', report.message ?? 'the site reports an error');
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

  act(): Step {
    return {
      name: 'act',
      run: async (context) => {
        const subject = await this.#subject(context);
        if (!subject) return DONE;
        const ref = subject.entity.siteRef;
        if (ref === null) throw new IaasError('not-found', 'the site has not made it');
        const commit = await this.#invoke(subject, ref, context);
        return commit ? { done: true, commit } : DONE;
      },
    };
  }

  /** Waits until the site reports the state that the action leads to. */
  reach(): Step {
    return {
      name: 'reach',
      run: async (context) => {
        const subject = await this.#subject(context);
        if (!subject) return DONE;
        const report = await this.#reportOf(subject, context);
        if (!report) throw new IaasError('not-found', 'the site no longer has it');
        const commit = this.#storing(subject, report);
        if (report.busy) return { ...again(context), commit };
        const to = context.input['to'];
        if (typeof to === 'string' && report.state !== to) {
          const message = report.message ?? `the site reports ${report.state} where ${to} was expected`;
          throw new IaasError('fatal', message);
        }
        const links = await this.#linkReports(subject, context.signal);
        return {
          done: true,
          commit: async (tx) => {
            await commit(tx);
            for (const [link, attributes] of links) await this.#observations.observe(tx, link, attributes);
          },
        };
      },
    };
  }

  resize(): Step {
    return {
      name: 'resize',
      run: async (context) => {
        const subject = await this.#subject(context);
        const ref = subject?.entity.siteRef;
        if (!subject || !ref) return DONE;
        const { adapter, entity, siteClass } = subject;
        const options = { signal: context.signal };
        if (siteClass.class === 'storage') {
          await adapter.resizeStorage(ref, gibAttribute(entity, 'occi.storage.size'), options);
          return DONE;
        }
        const size = {
          cores: Number(entity.wanted['occi.compute.cores'] ?? 1),
          memoryBytes: gibAttribute(entity, 'occi.compute.memory'),
        };
        const report = await this.#report(subject, ref, context.signal);
        if (!report || report.busy) return again(context);
        const sized =
          report.class === 'compute' && report.cores === size.cores && report.memoryBytes === size.memoryBytes;
        const cold = !adapter.capabilities().liveResize;
        // Cold: stop, resize, start; each look at the site finds out which of the three comes next.
        if (cold && !sized && report.state === 'active') {
          await adapter.actCompute(ref, 'stop', 'graceful', options);
          return { ...again(context), memory: { restart: true } };
        }
        if (!sized) {
          await adapter.resizeCompute(ref, size, options);
          return again(context);
        }
        if (context.memory['restart'] === true && report.state === 'inactive') {
          await adapter.actCompute(ref, 'start', undefined, options);
        }
        return DONE;
      },
    };
  }

  /** Tells the site the rules of a security group. */
  rules(): Step {
    return {
      name: 'rules',
      run: async (context) => {
        const subject = await this.#subject(context);
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
        const subject = await this.#subject(context);
        if (await this.#linked(context.operation.entity, context.input['keep'] === true)) return again(context);
        const ref = subject?.entity.siteRef;
        if (subject && ref) await this.#letGo(subject, ref, context.signal);
        return DONE;
      },
    };
  }

  /** Waits until the site has really let go; only then is capacity no longer counted (K11). */
  gone(): Step {
    return {
      name: 'gone',
      run: async (context) => {
        const subject = await this.#subject(context);
        const ref = subject?.entity.siteRef;
        const report = subject && ref ? await this.#report(subject, ref, context.signal) : undefined;
        // A site that has come to rest and still has it has not done what it accepted.
        if (subject && report && !report.busy) await this.#letGo(subject, report.ref, context.signal);
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
    for (const hook of this.#onSettled) await hook(tx, operation);
  }

  /** In whatever attributes the kind shows its state. */
  async #showError(tx: Tx, id: string): Promise<void> {
    const entity = await findEntity(tx, id);
    const machine = entity && siteClassOf(this.#observations.rootKind(entity.kind))?.machine;
    if (machine) await this.#observations.noted(tx, id, stateAttributes(machine, 'error'));
  }

  async #subject(context: StepContext): Promise<Subject | undefined> {
    const entity = await findEntity(this.#store, context.operation.entity);
    const siteClass = entity && siteClassOf(this.#observations.rootKind(entity.kind));
    if (!entity || !siteClass || entity.site === null) return undefined;
    return { entity, siteClass, adapter: this.#sites.adapter(entity.site) };
  }

  /** What the site says of the links of a machine whose state has changed: theirs changes with it. */
  async #linkReports({ entity, adapter }: Subject, signal: AbortSignal): Promise<[string, Attributes][]> {
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

  async #reportOf(subject: Subject, context: StepContext): Promise<Observed | undefined> {
    const ref = subject.entity.siteRef ?? refOf(context);
    return ref === undefined || ref === null ? undefined : this.#report(subject, ref, context.signal);
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

  async #letGo(subject: Subject, ref: SiteRef, signal: AbortSignal): Promise<void> {
    await subject.adapter.delete(subject.siteClass.class, ref, { signal }).catch(tryLater);
  }

  async #report(subject: Subject, ref: SiteRef, signal: AbortSignal): Promise<Observed | undefined> {
    return (await subject.adapter.describe(subject.siteClass.class, [ref], { signal })).get(ref);
  }

  /** The thing at the site that carries the entity's id, for an undo whose make never answered. */
  async #find(subject: Subject): Promise<SiteRef | undefined> {
    for await (const report of subject.adapter.list(subject.siteClass.class)) {
      if (report.id === subject.entity.id) return report.ref;
    }
    return undefined;
  }

  #storing(subject: Subject, report: Observed): (tx: Tx) => Promise<void> {
    const size = sizeOf(report);
    const attributes: Attributes = {
      ...subject.siteClass.observe(report, subject.entity),
      ...(size === undefined ? {} : { [LEFT_SIZE]: size }),
    };
    return (tx) => this.#observations.observe(tx, subject.entity.id, attributes);
  }

  async #invoke(subject: Subject, ref: SiteRef, context: StepContext): Promise<((tx: Tx) => Promise<void>) | void> {
    const { adapter, entity, siteClass } = subject;
    const options = { signal: context.signal };
    const method = stringAt(context.input, 'method');
    const term = stringAt(context.input, 'term');
    switch (siteClass.class) {
      case 'compute':
        if (term === 'start' || term === 'stop' || term === 'restart' || term === 'suspend') {
          return adapter.actCompute(ref, term, method, options);
        }
        if (term === 'save') {
          const image = await adapter.saveCompute(
            ref,
            stringAt(context.input, 'name') ?? '',
            method,
            context.token,
            options,
          );
          const template = stringAt(context.input, 'template') ?? '';
          return (tx) => imageSaved(tx, { template, site: entity.site ?? '', image });
        }
        break;
      case 'network':
        if (term === 'up' || term === 'down') return adapter.actNetwork(ref, term, options);
        break;
      case 'storage':
        if (term === 'online' || term === 'offline' || term === 'backup' || term === 'snapshot') {
          return adapter.actStorage(ref, term, options);
        }
        break;
      case 'nic':
      case 'attachment':
      case 'image':
      case 'securitygroup':
        break;
    }
    throw new IaasError('unsupported', `no site knows the action ${term ?? ''} on ${siteClass.class}`);
  }
}

function refOf(context: StepContext): SiteRef | undefined {
  return stringAt(context.memory, 'ref');
}

function gibAttribute(entity: EntityRecord, name: string): number {
  return Math.ceil(Number(entity.wanted[name] ?? 1) * 2 ** 30);
}
