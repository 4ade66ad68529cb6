/**
 * How far the work on an appliance has come, from its events: every operation counts for the machine, network or image it
 * belongs to, and the outermost operations tell when all of it has ended. Pure: events in, rows out.
 */

import type { WatchEvent } from '../client/index.js';
import type { ProgressRow } from './ui/progress-bar.js';

/** An entity that operations work on, and the row that they count for. */
export interface NamedEntity {
  readonly id: string;
  readonly what: 'machine' | 'resource' | 'link';
  readonly row: string;
  readonly label: string;
}

type State = NonNullable<WatchEvent['state']>;

interface Tracked {
  readonly row: string;
  readonly state: State;
  readonly percent: number;
  readonly note: string;
}

const ENDED: ReadonlySet<State> = new Set(['done', 'failed', 'dead', 'cancelled']);

/** Operations to come for each entity, by the type of the outermost one: only those that are due have sent an event. */
const EXPECTED: Readonly<Record<string, Readonly<Record<NamedEntity['what'], number>>>> = {
  'appliance.deploy': { machine: 2, resource: 2, link: 1 },
  'appliance.undeploy': { machine: 2, resource: 1, link: 1 },
  'appliance.change': { machine: 1, resource: 0, link: 0 },
};

/** Steps that say little by themselves, in words for people. */
const STEPS: Readonly<Record<string, string>> = {
  make: 'is being made',
  settle: 'is being made',
  reach: 'is changing its state',
  stop: 'is stopping',
  delete: 'is being released',
  register: 'is being fetched',
};

export class WorkProgress {
  readonly #since: number;
  readonly #wanted: number;
  readonly #entities = new Map<string, NamedEntity>();
  /** Labels by row, in the order in which the rows were first heard of. */
  readonly #rows = new Map<string, string>();
  readonly #operations = new Map<string, Tracked>();
  readonly #roots = new Map<string, State>();
  /** Operations that were filed before what is followed: their events are history. */
  readonly #past = new Set<string>();
  #type = '';

  /**
   * `since`: milliseconds; an operation first heard of before that is history. `wanted`: how many outermost operations
   * there will be.
   */
  constructor(since: number, wanted: number) {
    this.#since = since;
    this.#wanted = wanted;
  }

  know(entity: NamedEntity): void {
    this.#entities.set(entity.id, entity);
  }

  /** How what is followed has ended; undefined while it is at work. */
  get ending(): State | undefined {
    const ended = [...this.#roots.values()].filter((state) => ENDED.has(state));
    return ended.find((state) => state !== 'done') ?? (ended.length >= this.#wanted ? 'done' : undefined);
  }

  /** Takes in an event; answers the row that changed, if it shows something else than before. */
  take(event: WatchEvent): ProgressRow | undefined {
    const { operation, parent, state } = event;
    if (operation === undefined || state === undefined || this.#isPast(event, operation)) return undefined;
    if (parent === null || parent === undefined) {
      this.#roots.set(operation, state);
      this.#type = event.operationType ?? '';
      return undefined;
    }
    const [row, label] = this.#rowOf(event);
    if (row === undefined) return undefined;
    const before = this.#row(row);
    this.#rows.set(row, label);
    const percent = state === 'done' ? 100 : (event.percent ?? 0);
    this.#operations.set(operation, { row, state, percent, note: noteOf(event) });
    const after = this.#row(row);
    const same = after.state === before.state && after.percent === before.percent && after.note === before.note;
    return same ? undefined : after;
  }

  rows(): ProgressRow[] {
    return [...this.#rows.keys()].map((row) => this.#row(row));
  }

  #isPast({ at }: WatchEvent, operation: string): boolean {
    if (this.#past.has(operation)) return true;
    const known = this.#operations.has(operation) || this.#roots.has(operation);
    if (known || at >= this.#since) return false;
    this.#past.add(operation);
    return true;
  }

  /** An image is no entity that could be listed; its name comes with its progress. */
  #rowOf({ operationType, message, entity }: WatchEvent): [row: string, label: string] | [undefined, ''] {
    const known = this.#entities.get(entity);
    if (known) return [known.row, known.label];
    if (operationType !== 'appliance.image') return [undefined, ''];
    const name = /^(.+): \d+ of /.exec(message ?? '')?.[1];
    return [entity, name === undefined ? (this.#rows.get(entity) ?? 'image') : `image ${name}`];
  }

  #row(id: string): ProgressRow {
    const all = [...this.#operations.values()].filter((operation) => operation.row === id);
    const expected = Math.max(all.length, this.#expected(id), 1);
    const percent = all.reduce((sum, operation) => sum + operation.percent, 0) / expected;
    const bad = all.find(({ state }) => state === 'failed' || state === 'dead');
    const working = all.findLast(({ state }) => state === 'running' || state === 'undoing');
    const finished = all.length >= expected && all.every(({ state }) => state === 'done');
    return {
      label: this.#rows.get(id) ?? '',
      percent,
      state: bad ? 'failed' : finished ? 'done' : all.length > 0 ? 'working' : 'waiting',
      note: (bad ?? working)?.note ?? '',
    };
  }

  #expected(row: string): number {
    const each = EXPECTED[this.#type];
    if (!each) return 0;
    const ofRow = [...this.#entities.values()].filter((entity) => entity.row === row);
    return this.#wanted * ofRow.reduce((sum, entity) => sum + each[entity.what], 0);
  }
}

function noteOf({ step, message, direction, findings }: WatchEvent): string {
  const finding = findings?.at(-1);
  if (finding) return `${finding.class}: ${finding.message}`;
  const what =
    message === undefined || message === '' || message === step ? (STEPS[step ?? ''] ?? step ?? '') : message;
  return direction === 'undo' ? `taken back: ${what}` : what;
}
