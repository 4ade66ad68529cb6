/**
 * One step of the fold: the site, the time, the failure that strikes this call if any, and the few moves that every
 * kind of thing shares. A step first checks everything and then changes the site, so that a refusal changes nothing.
 */

import { excerpt } from '../../../base/errors.js';
import { IaasError, type IaasErrorClass, type ResourceClass, type SiteRef } from '../../adapter.js';
import { GONE, tokenKey, type Change, type Cloud, type Thing, type Things, type Touch } from './cloud.js';
import type { Latencies, SimulatorConfig } from './config.js';
import type { FaultRule } from './faults.js';

export interface Step {
  readonly cloud: Cloud;
  readonly config: SimulatorConfig;
  readonly at: number;
  readonly fault: FaultRule | undefined;
  readonly touched: Touch[];
}

/** What the site answers when it does not do what was asked. */
export function refuse(errorClass: IaasErrorClass, message: string): never {
  throw new IaasError(errorClass, message, message);
}

/** A change that takes as long as the site takes for such things, or what the failure that strikes makes of it. */
export function underway(
  step: Step,
  present: string,
  takes: keyof Latencies | readonly (keyof Latencies)[],
  to: string,
  more: Pick<Change, 'set' | 'shown' | 'message'> = {},
): Change {
  const latencies = typeof takes === 'string' ? [takes] : takes;
  const sum = latencies.reduce((ms, name) => ms + step.config.latenciesMs[name], 0);
  const until = step.at + Math.ceil(sum / step.config.timeFactor);
  if (step.fault?.kind === 'error-state') return { until, to: 'error', message: 'the site accepted this and failed' };
  if (step.fault?.kind === 'silent') return { until, to: present };
  return { until, to, ...more };
}

/** What an earlier call with this token made, if it is still there. */
export function madeBefore(step: Step, what: ResourceClass, token: string): SiteRef | undefined {
  checkText('token', token, 1024);
  const ref = step.cloud.tokens.get(tokenKey(what, token));
  const thing = ref === undefined ? undefined : step.cloud.things[what].get(ref);
  if (thing?.change?.to === GONE)
    refuse('transient', `${ref} of an earlier call with this token is still being deleted`);
  return thing?.ref;
}

/** The thing of a ref, or a refusal when there is none. */
export function find<C extends ResourceClass>(step: Step, what: C, ref: SiteRef): Things[C] {
  const thing = step.cloud.things[what].get(ref);
  if (!thing) refuse('not-found', `this site has no ${what} ${excerpt(ref)}`);
  return thing;
}

/** The same for a thing that is about to be changed: it must be VEP's own. */
export function findOwn<C extends ResourceClass>(step: Step, what: C, ref: SiteRef): Things[C] {
  const thing = find(step, what, ref);
  if (thing.id === undefined) refuse('denied', `${ref} was not made by this account`);
  return thing;
}

/** Refuses while another change is under way: with `transient`, since asking again later may do. */
export function mustRest(thing: Thing): void {
  if (thing.change?.to === GONE) refuse('conflict', `${thing.ref} is being deleted`);
  if (thing.change) refuse('transient', `${thing.ref} is still on its way to ${thing.change.to}`);
}

export function nextRef(step: Step, prefix: string): { readonly ref: SiteRef; readonly number: number } {
  const number = ++step.cloud.serial;
  return { ref: `${prefix}-${number}`, number };
}

/** A thing with a change under way; an earlier message no longer holds. */
export function changed<T extends Thing>(thing: T, change: Change): T {
  const { message: _earlier, ...rest } = thing;
  return { ...rest, change } as unknown as T;
}

/** Text from outside is kept as it is, whatever it holds, up to a length. */
export function checkText(field: string, value: string, longest = 4096): void {
  if (value.length === 0 || value.length > longest) refuse('invalid', `${field} must have 1 to ${longest} characters`);
}

export function checkCount(field: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    refuse('invalid', `${field} must be a whole number from 1 on, not ${excerpt(value)}`);
}

/** A limit of VEP's account: refuses when `wanted` would lie above it. */
export function checkQuota(what: string, wanted: number, limit: number | undefined): void {
  if (limit !== undefined && wanted > limit)
    refuse('quota', `Quota exceeded for ${what}: ${wanted} wanted, ${limit} allowed`);
}

export function checkPool(step: Step, bytes: number): void {
  const free = step.config.storageBytes - step.cloud.storageClaimedBytes;
  if (bytes > free) refuse('capacity', `the storage pool has ${Math.max(0, free)} bytes left, ${bytes} are wanted`);
}
