/**
 * One look at the pool of machines for three lists: whoever compares everything asks for NICs, then for disks, then for
 * machines, and oned tells all of it in one document of some five kilobytes a machine. What was seen for the first list
 * serves the other two, once each, if they follow at once and VEP has changed nothing in between.
 */

import type { Clock } from '../../../base/clock.js';
import type { CallOptions, Observed } from '../../adapter.js';
import type { MachinePool } from './machine-pool.js';
import { observeMachine, type Machine } from './machine.js';
import type { Oned } from './oned.js';
import { observePlugs } from './plugs.js';

type Later = 'attachment' | 'compute';

interface Seen {
  readonly at: number;
  readonly changes: number;
  readonly lists: Map<Later, readonly Observed[]>;
}

/** Milliseconds for which a look counts as the present. */
const FRESH_MS = 1_000;

export class Visit {
  readonly #oned: Oned;
  readonly #pool: MachinePool;
  readonly #clock: Clock;
  #seen: Seen | undefined;

  constructor(oned: Oned, pool: MachinePool, clock: Clock) {
    this.#oned = oned;
    this.#pool = pool;
    this.#clock = clock;
  }

  /** All NICs of VEP's machines. */
  async *begin(options: CallOptions): AsyncIterable<Observed> {
    const { changes } = this.#oned;
    const [attachment, compute]: [Observed[], Observed[]] = [[], []];
    for await (const machine of this.#pool.all(options)) {
      attachment.push(...observed('attachment', machine));
      compute.push(...observed('compute', machine));
      yield* observed('nic', machine);
    }
    const lists = new Map<Later, readonly Observed[]>([
      ['attachment', attachment],
      ['compute', compute],
    ]);
    this.#seen = { at: this.#clock.now(), changes, lists };
  }

  /** All disks of VEP's machines, or all machines. */
  async *goOn(what: Later, options: CallOptions): AsyncIterable<Observed> {
    const seen = this.#seen;
    const list = seen?.lists.get(what);
    seen?.lists.delete(what);
    if (list && seen?.changes === this.#oned.changes && this.#clock.now() - seen.at <= FRESH_MS) {
      yield* list;
      return;
    }
    for await (const machine of this.#pool.all(options)) yield* observed(what, machine);
  }
}

function observed(what: Later | 'nic', machine: Machine): readonly Observed[] {
  if (!machine.marks) return [];
  if (what !== 'compute') return observePlugs(machine, what);
  const seen = observeMachine(machine);
  return seen ? [seen] : [];
}
