/**
 * How far the work on an appliance has come, from its events: every operation counts for the machine, network or image it
 * belongs to, and the outermost operation tells when all of it has ended. Pure: events in, rows out.
 */

import type { WatchEvent } from '../client/index.js';
import type { ProgressRow } from './ui/progress-bar.js';

export interface NamedRow {
  readonly id: string;
  readonly label: string;
}

type State = NonNullable<WatchEvent['state']>;

interface Tracked {
  readonly row: string;
  readonly state: State;
  readonly percent: number;
  readonly message: string;
}

const ENDED: ReadonlySet<State> = new Set(['done', 'failed', 'dead', 'cancelled']);

export class WorkProgress {
  readonly #since: number;
  readonly #rows = new Map<string, NamedRow>();
  readonly #names = new Map<string, NamedRow>();
  readonly #operations = new Map<string, Tracked>();
  /** Operations that were filed before what is followed: their events are history. */
  readonly #past = new Set<string>();
  #root: { readonly id: string; readonly state: State } | undefined;

  /** `since`: milliseconds; what was first heard of an operation before that makes it history. */
  constructor(since: number) {
    this.#since = since;
  }

  /** Lets the operations of an entity count for a row. */
  name(entity: string, row: NamedRow): void {
    this.#names.set(entity, row);
  }

  /** How the operation that is followed ended; undefined while it is at work. */
  get ending(): State | undefined {
    return this.#root && ENDED.has(this.#root.state) ? this.#root.state : undefined;
  }

  /** Takes in an event; answers the row that changed, if what it shows is another than before. */
  take(event: WatchEvent): ProgressRow | undefined {
    const { operation, parent, state, entity } = event;
    if (operation === undefined || state === undefined || this.#isPast(event, operation)) return undefined;
    if (parent === null || parent === undefined) {
      this.#root = { id: operation, state };
      return undefined;
    }
    const row = this.#rowOf(event, entity);
    if (!row) return undefined;
    const before = this.#row(row);
    this.#rows.set(row.id, row);
    const percent = state === 'done' ? 100 : (event.percent ?? 0);
    this.#operations.set(operation, { row: row.id, state, percent, message: noteOf(event) });
    const after = this.#row(row);
    return after.state === before.state && after.percent === before.percent && after.note === before.note
      ? undefined
      : after;
  }

  /** In the order in which they were first heard of. */
  rows(): ProgressRow[] {
    return [...this.#rows.values()].map((row) => this.#row(row));
  }

  /** The parent's event may come after its children's: what has begun is told by when it was first heard of. */
  #isPast({ at }: WatchEvent, operation: string): boolean {
    if (this.#past.has(operation)) return true;
    const known = this.#operations.has(operation) || this.#root?.id === operation;
    if (known || at >= this.#since) return false;
    this.#past.add(operation);
    return true;
  }

  #rowOf({ operationType, message }: WatchEvent, entity: string): NamedRow | undefined {
    if (operationType !== 'appliance.image') return this.#names.get(entity);
    const name = /^(.+): \d/.exec(message ?? '')?.[1];
    const known = this.#rows.get(entity);
    return name === undefined ? (known ?? { id: entity, label: 'image' }) : { id: entity, label: `image ${name}` };
  }

  #row({ id, label }: NamedRow): ProgressRow {
    const all = [...this.#operations.values()].filter((operation) => operation.row === id);
    const percent = all.length === 0 ? 0 : all.reduce((sum, operation) => sum + operation.percent, 0) / all.length;
    const bad = all.find(({ state }) => state === 'failed' || state === 'dead');
    const working = all.findLast(({ state }) => state === 'running' || state === 'undoing');
    const finished = all.length > 0 && all.every(({ state }) => state === 'done');
    const state = bad ? 'failed' : finished ? 'done' : working ? 'working' : 'waiting';
    return { label, percent, state, note: (bad ?? working)?.message ?? (finished ? 'done' : '') };
  }
}

function noteOf({ step, message, direction, findings }: WatchEvent): string {
  const finding = findings?.at(-1);
  if (finding) return `${finding.class}: ${finding.message}`;
  const what = message !== undefined && message !== '' ? message : (step ?? '');
  return direction === 'undo' ? `taking back: ${what}` : what;
}
