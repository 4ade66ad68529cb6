/**
 * The findings about one request: all of them are collected, and together they decide what kind of refusal it is. A
 * request that is wrong in itself is `invalid` even if it also asks for something forbidden.
 */

import { Problem, type Fault, type ProblemKind } from '../../base/errors.js';

/** More than these are not collected from one request. */
const MOST_FINDINGS = 100;
const PRECEDENCE = ['invalid', 'forbidden', 'conflict'] as const satisfies readonly ProblemKind[];

export type FindingKind = (typeof PRECEDENCE)[number];

export class Findings {
  readonly #faults: Fault[] = [];
  readonly #kinds = new Set<FindingKind>();

  add(kind: FindingKind, fault: Fault): void {
    this.#kinds.add(kind);
    if (this.#faults.length < MOST_FINDINGS) this.#faults.push(fault);
  }

  /** @throws Problem of the weightiest kind, with all faults, if there are any. */
  throwIfAny(): void {
    const kind = PRECEDENCE.find((candidate) => this.#kinds.has(candidate));
    if (kind !== undefined) throw new Problem(kind, this.#faults);
  }
}
