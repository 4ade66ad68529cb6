/**
 * Seeded failures of a simulated site: rules that say which call fails in which way. Rules and their counters are part
 * of the folded state, so a failure happens once for all processes and survives a restart. The kinds are those that
 * real sites were seen to have: a refusal, silence, an answer lost after the work was done, work that was accepted and
 * then failed or came to nothing, a host that dies.
 */

import type { JsonObject } from '../../../base/json.js';
import type { IaasErrorClass } from '../../adapter.js';
import { chance } from './chance.js';

export type FaultKind =
  | 'refuse' // says no with `class`, nothing is done
  | 'transient' // says to try again, nothing is done
  | 'time-out' // never answers, nothing is done
  | 'lose-answer' // does the work, the answer never arrives
  | 'slow' // does the work and answers `delayMs` late
  | 'error-state' // accepts, and the thing ends in state error
  | 'silent' // accepts, and the thing quietly stays as it was
  | 'host-death'; // does the work, then the host dies

export interface FaultRule {
  /** Method of the adapter, of one kind of thing or action after a colon (`delete:network`, `actCompute:stop`), or `*`. */
  readonly operation: string;
  readonly kind: FaultKind;
  /** Strikes the nth matching call, counted from 1; absent: every one. */
  readonly nth?: number;
  /** Strikes with this probability instead. */
  readonly probability?: number;
  /** Strikes at most so often; default 1 with `nth`, else without end. */
  readonly times?: number;
  /** What a refusal is classed as. Default `fatal`. */
  readonly class?: IaasErrorClass;
  /** How late a slow answer is. Default 5000. */
  readonly delayMs?: number;
  /** Which host dies. Default: the one of the machine concerned. */
  readonly host?: string;
}

/** A rule with what it has counted so far. */
export interface ArmedFault {
  readonly rule: FaultRule;
  readonly seen: number;
  readonly struck: number;
}

/** Counts a call against all rules; the first rule that strikes wins, and the counters of all move on. */
export function strike(
  armed: readonly ArmedFault[],
  seed: number,
  operation: string,
  detail: string | undefined,
): { readonly armed: readonly ArmedFault[]; readonly struck?: FaultRule } {
  let struck: FaultRule | undefined;
  const next = armed.map((fault, index) => {
    if (!concerns(fault.rule, operation, detail)) return fault;
    const seen = fault.seen + 1;
    const hit = struck === undefined && isDue(fault, seen, seed, index);
    if (hit) struck = fault.rule;
    return { rule: fault.rule, seen, struck: fault.struck + (hit ? 1 : 0) };
  });
  return struck ? { armed: next, struck } : { armed: next };
}

/** Whether any rule that can still strike looks at such calls: reads need not be logged otherwise. */
export function isWatched(armed: readonly ArmedFault[], operation: string, detail: string | undefined): boolean {
  return armed.some((fault) => concerns(fault.rule, operation, detail) && fault.struck < timesOf(fault.rule));
}

function concerns(rule: FaultRule, operation: string, detail: string | undefined): boolean {
  return rule.operation === '*' || rule.operation === operation || rule.operation === `${operation}:${detail ?? ''}`;
}

function isDue({ rule, struck }: ArmedFault, seen: number, seed: number, index: number): boolean {
  if (struck >= timesOf(rule)) return false;
  if (rule.nth !== undefined) return seen >= rule.nth;
  return rule.probability === undefined || chance(seed, 'fault', index, rule.operation, seen) < rule.probability;
}

const timesOf = (rule: FaultRule): number => rule.times ?? (rule.nth === undefined ? Infinity : 1);

/** JSON Schema of a rule, as it stands in the configuration. */
export const faultRuleSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['operation', 'kind'],
  properties: {
    operation: { type: 'string', pattern: '^(\\*|[a-zA-Z]+(:[a-z]+)?)$' },
    kind: { enum: ['refuse', 'transient', 'time-out', 'lose-answer', 'slow', 'error-state', 'silent', 'host-death'] },
    nth: { type: 'integer', minimum: 1 },
    probability: { type: 'number', minimum: 0, maximum: 1 },
    times: { type: 'integer', minimum: 1 },
    class: {
      enum: ['not-found', 'conflict', 'quota', 'capacity', 'denied', 'invalid', 'unsupported', 'transient', 'fatal'],
    },
    delayMs: { type: 'integer', minimum: 0 },
    host: { type: 'string', minLength: 1 },
  },
};
