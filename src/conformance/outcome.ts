/**
 * How a check ends: it passes by ending, and says everything else by what it throws.
 *
 * A {@link Violation} is a statement that does not hold. {@link Inapplicable} is a statement about something that the server
 * does not offer, and need not. {@link Blocked} is a statement that could not be looked at, because something failed that it
 * needs and that another statement is about.
 */

import type { Exchange } from './exchange.js';

export class Violation extends Error {
  override readonly name = 'Violation';
  /** Where it was seen. */
  readonly exchange: Exchange | undefined;

  constructor(message: string, exchange?: Exchange) {
    super(message);
    this.exchange = exchange;
  }
}

export class Inapplicable extends Error {
  override readonly name = 'Inapplicable';
}

export class Blocked extends Error {
  override readonly name = 'Blocked';
}

/**
 * `passed`, `failed`; `blocked`: could not be looked at; `inapplicable`: the server has no such thing and need not;
 * `skipped`: the run was not allowed to, or nobody outside can see it.
 */
export type Outcome = 'passed' | 'failed' | 'blocked' | 'inapplicable' | 'skipped';

export const OUTCOMES: readonly Outcome[] = ['passed', 'failed', 'blocked', 'inapplicable', 'skipped'];
