/** A check: how a statement is put to a server. */

import type { Trial } from './trial.js';

export interface Check {
  /** How it is seen, in a clause, for the report: `a compute is made and read in both renderings`. */
  readonly how: string;
  /** True where it touches entities that the run has not made (K28). */
  readonly destructive?: true;
  /** Ends when the statement holds, and throws otherwise. */
  readonly run: (trial: Trial) => Promise<void>;
}

/** Statements that nobody outside can see, and why; where they are seen instead. */
export interface Unobservable {
  readonly reason: string;
  /** The test of VEP that holds it. */
  readonly test: string;
}

/** By id of the statement. */
export type Checks = Readonly<Record<string, Check>>;
