/**
 * What a failed step means: which class the error belongs to, whether trying again can help, and how long to wait.
 * Transient failures and errors of VEP's own code are tried again, a bounded number of times; everything else is the
 * site's answer and ends the operation.
 */

import { Problem, messageOf, type Fault, type ProblemKind } from '../base/errors.js';
import { IaasError } from '../iaas/adapter.js';
import type { Finding } from './operation.js';

export interface Failure {
  readonly class: Finding['class'];
  readonly message: string;
  readonly said?: string;
  readonly faults?: readonly Fault[];
  readonly retryable: boolean;
  /** Milliseconds the other side asked to wait. */
  readonly retryAfter?: number;
}

const PROBLEM_CLASS: Readonly<Record<ProblemKind, Finding['class']>> = {
  malformed: 'invalid',
  invalid: 'invalid',
  unauthenticated: 'denied',
  forbidden: 'denied',
  'not-found': 'not-found',
  'method-not-allowed': 'unsupported',
  'not-acceptable': 'unsupported',
  timeout: 'transient',
  conflict: 'conflict',
  'precondition-failed': 'conflict',
  'too-large': 'invalid',
  'unsupported-media-type': 'unsupported',
  unmet: 'capacity',
  'too-many-requests': 'transient',
  'not-implemented': 'unsupported',
  unavailable: 'transient',
  internal: 'internal',
};

export function failureOf(error: unknown): Failure {
  if (error instanceof IaasError) {
    const { class: errorClass, message, said } = error;
    return {
      class: errorClass,
      message,
      ...(said === undefined ? {} : { said }),
      retryable: errorClass === 'transient',
    };
  }
  if (error instanceof Problem) {
    const errorClass = PROBLEM_CLASS[error.kind];
    return {
      class: errorClass,
      message: error.message,
      faults: error.faults,
      retryable: errorClass === 'transient' || errorClass === 'internal',
      ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter * 1000 }),
    };
  }
  return { class: 'internal', message: messageOf(error), retryable: true };
}

export interface RetryPolicy {
  /** Runs of one step, the first included, before its operation is dead. */
  readonly attempts: number;
  /** Milliseconds before the second run; doubles each time, up to {@link maxMs}. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** A number in [0, 1): spreads the runs of many operations that failed together. */
  readonly random: () => number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 10, baseMs: 1000, maxMs: 60_000, random: Math.random };

/** Milliseconds to wait after the `attempts`-th failure in a row: between half and all of the doubled base. */
export function backoff(policy: RetryPolicy, attempts: number, retryAfter = 0): number {
  const full = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempts - 1));
  return Math.max(retryAfter, Math.round(full / 2 + (full / 2) * policy.random()));
}
