/**
 * Which security groups guard a machine at its site. The links say so, and the site is told the whole of it each time: what
 * changes while it is told is told again, so that the last word is always that of the links.
 */

import type { Engine } from '../../src/engine/engine.js';
import type { OperationType, Step, StepContext, StepOutcome } from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type Observed, type SiteRef } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { findEntity, linksOf } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store, Tx } from '../../src/store/sql.js';
import { filterOf } from './security-rules.js';
import { copyIdOf, findCopy, releaseUnused } from './group-copies.js';
import { forgetEntity } from './reserved-address.js';
import { DONE, GUARD, UNGUARD, again, tryLater } from './steps.js';
import { SECURITYGROUP, SECURITYGROUPLINK, stateMachineOf } from './states.js';

export interface GuardServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly engine: Pick<Engine, 'file' | 'unfinished'>;
  readonly observations: Observations;
}

/** What it takes to know which groups stand at a site. */
export interface StandingServices {
  readonly store: SqlReader;
  readonly engine: Pick<Engine, 'unfinished'>;
  readonly observations: Pick<Observations, 'rootKind'>;
}

type Settled = NonNullable<OperationType['settled']>;

export function guardOperations(services: GuardServices, settled: Settled): OperationType[] {
  return [
    { name: GUARD, steps: [guardStep(services)], settled: showingFailure(services.observations, settled) },
    { name: UNGUARD, steps: [unguardStep(services)], settled },
  ];
}

/** A link whose group could not be given to its machine guards nothing, and shows it. */
function showingFailure(observations: Observations, settled: Settled): Settled {
  return async (tx, operation) => {
    await settled(tx, operation);
    const failed = operation.state === 'failed' || operation.state === 'dead';
    if (failed) await observations.noted(tx, operation.entity, { [LINK_STATE]: 'error' });
  };
}

const LINK_STATE = stateMachineOf(SECURITYGROUPLINK).attribute;
const GROUP_STATE = stateMachineOf(SECURITYGROUP).attribute;

/** The groups of a machine's links, by the references that its site gave them; undefined while it is making one of them. */
export async function guardsOf(
  { store, engine, observations }: StandingServices,
  compute: string,
): Promise<readonly SiteRef[] | undefined> {
  const refs = new Set<SiteRef>();
  for (const link of await linksOf(store, [compute])) {
    if (observations.rootKind(link.kind) !== SECURITYGROUPLINK || link.target === null) continue;
    const group = await findEntity(store, link.target);
    if (group?.phase !== 'live') continue;
    const { ref, failed } = await standingAt(store, engine, group, link.site ?? '');
    if (ref === null && failed)
      throw new IaasError('conflict', 'a security group of the machine could not be made by the site');
    if (ref === null) return undefined;
    refs.add(ref);
  }
  return [...refs].sort();
}

/** A group as it stands at a site: itself at its own, a copy at others. While a copy is worked on, it may be on its way out. */
async function standingAt(
  store: SqlReader,
  engine: Pick<Engine, 'unfinished'>,
  group: EntityRecord,
  site: string,
): Promise<{ readonly ref: SiteRef | null; readonly failed: boolean }> {
  if (group.site === site) return { ref: group.siteRef, failed: group.observed[GROUP_STATE] === 'error' };
  const copy = await findCopy(store, copyIdOf(group.id, site));
  if (!copy || (await engine.unfinished(store, copy.id)).length > 0) return { ref: null, failed: false };
  return { ref: copy.ref, failed: copy.failure !== null };
}

/** Whether an interface is guarded by others than it shall be, as far as its site tells. */
export function isGuardedOtherwise(report: Observed, guards: readonly SiteRef[]): boolean {
  if (report.class !== 'nic' || report.securityGroups === undefined) return false;
  return [...report.securityGroups].sort().join('\n') !== guards.join('\n');
}

function guardStep(services: GuardServices): Step {
  return {
    name: 'guard',
    run: async (context) => {
      const { store, engine, observations } = services;
      const link = await findEntity(store, context.operation.entity);
      if (link?.phase !== 'live') return DONE;
      const compute = link.source === null ? undefined : await findEntity(store, link.source);
      if (compute?.phase !== 'live') throw new IaasError('not-found', 'the machine is no longer there');
      if (compute.siteRef === null) return notMade(compute, context);
      if (!(await tell(services, compute, context.signal))) return again(context);
      return {
        done: true,
        commit: async (tx) => {
          await observations.observe(tx, link.id, { [LINK_STATE]: 'active' });
          // It may have been moved from another group.
          await releaseUnused(tx, engine, link.site, context.operation.principal);
        },
      };
    },
  };
}

function notMade(compute: EntityRecord, context: StepContext): StepOutcome {
  if (compute.observed['occi.compute.state'] !== 'error') return again(context);
  throw new IaasError('conflict', 'the machine could not be made by the site');
}

/** A link that goes takes its group from the machine. One whose machine goes too has nothing to take it from. */
function unguardStep(services: GuardServices): Step {
  return {
    name: 'unguard',
    run: async (context) => {
      const { store, engine, observations } = services;
      const { entity, principal } = context.operation;
      const link = await findEntity(store, entity);
      const compute = link?.source ? await findEntity(store, link.source) : undefined;
      const stays = compute?.phase === 'live' && compute.siteRef !== null;
      if (stays && !(await letGo(services, compute, context.signal))) return again(context);
      return {
        done: true,
        commit: async (tx: Tx) => {
          await forgetEntity(tx, observations, entity);
          await releaseUnused(tx, engine, link?.site ?? null, principal);
        },
      };
    },
  };
}

/** Answers whether the site has been told, or there is nobody to be guarded any more. */
async function letGo(services: GuardServices, compute: EntityRecord, signal: AbortSignal): Promise<boolean> {
  try {
    return await tell(services, compute, signal);
  } catch (error) {
    if (error instanceof IaasError && error.class === 'not-found') return true;
    return tryLater(error);
  }
}

/** Tells the site what guards a machine. False while it is not known yet, or is no longer what was told. */
async function tell(services: GuardServices, compute: EntityRecord, signal: AbortSignal): Promise<boolean> {
  const guards = await guardsOf(services, compute.id);
  if (guards === undefined) return false;
  await filterOf(services.sites.adapter(compute.site ?? '')).guard(compute.siteRef ?? '', guards, { signal });
  const now = await guardsOf(services, compute.id);
  return now?.join('\n') === guards.join('\n');
}
