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

/** By id of the statement. */
export type Checks = Readonly<Record<string, Check>>;
