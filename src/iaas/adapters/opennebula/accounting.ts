/**
 * OpenNebula's own accounting (`one.vmpool.accounting`): records of where a machine was and when it ran. oned cuts a new record
 * at every snapshot, attachment and migration; what follows at once, with the same host and size, is one run.
 */

import type { CallOptions } from '../../adapter.js';
import type { AccountingSite, MachineRun, Span } from '../../accounting.js';
import type { Branch } from '../../document.js';
import { readMachine } from './machine.js';
import type { Oned } from './oned.js';

/** Everybody's. */
const ALL = -2;
/** Times are whole seconds: what begins within the next one has not been off. */
const GAP_MS = 1000;

export class Accounting implements AccountingSite {
  readonly #oned: Oned;
  readonly #realm: string;

  constructor(oned: Oned, realm: string) {
    this.#oned = oned;
    this.#realm = realm;
  }

  async runs({ from, until }: Span, options: CallOptions = {}): Promise<readonly MachineRun[]> {
    const span = [ALL, Math.floor(from / 1000), Math.ceil(until / 1000)];
    const records = await this.#oned.document('one.vmpool.accounting', span, options);
    const runs: MachineRun[] = [];
    for (const record of inOrder(records.all('HISTORY'))) {
      const run = this.#read(record);
      if (!run) continue;
      const last = runs.at(-1);
      if (last && follows(last, run)) runs.push(joined(runs.pop() ?? last, run));
      else runs.push(run);
    }
    return runs.filter((run) => run.from < until && (run.until ?? until) > from);
  }

  #read(record: Branch): MachineRun | undefined {
    const body = record.child('VM');
    const from = record.number(0, 'RSTIME') * 1000;
    if (!body || from === 0) return undefined;
    const { id, marks, owner, cores, memoryBytes } = readMachine(body, this.#realm);
    if (!marks) return undefined;
    const until = (record.number(0, 'RETIME') || record.number(0, 'ETIME')) * 1000;
    const [group, host] = [body.value('GNAME') ?? '', record.value('HOSTNAME')];
    return {
      ...{ ref: String(id), id: marks.id, user: owner.user, group, cores, memoryBytes, from },
      ...(host === undefined ? {} : { host }),
      ...(until === 0 ? {} : { until }),
    };
  }
}

function inOrder(records: readonly Branch[]): readonly Branch[] {
  const by = (one: Branch, other: Branch, name: string): number => one.number(0, name) - other.number(0, name);
  return [...records].sort((one, other) => by(one, other, 'OID') || by(one, other, 'SEQ'));
}

function follows(last: MachineRun, next: MachineRun): boolean {
  const same = last.ref === next.ref && last.host === next.host;
  const size = last.cores === next.cores && last.memoryBytes === next.memoryBytes;
  return same && size && last.until !== undefined && next.from - last.until <= GAP_MS;
}

function joined({ until: _until, ...first }: MachineRun, { until }: MachineRun): MachineRun {
  return until === undefined ? first : { ...first, until };
}
