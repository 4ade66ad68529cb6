/**
 * The feed that watchers follow: what happened to the operations of an appliance, in the order of commits. Events are
 * rows with a number that counts within their subject, so that a server-sent event stream resumes where it broke off
 * (`Last-Event-ID`, HTML Living Standard §9.2) on any process. The number is taken under the subject's lock: a reader
 * never sees a later number before an earlier one.
 */

import type { Clock } from '../base/clock.js';
import type { Uuid } from '../base/ids.js';
import type { JsonObject } from '../base/json.js';
import { underAny } from '../base/signals.js';
import type { Store, Tx } from '../store/sql.js';

export interface NewEvent {
  /** Id of the appliance, or of an entity that stands alone: what watchers name. */
  readonly subject: Uuid;
  readonly entity: Uuid;
  /** `operation`, or a word of the extension that records it. */
  readonly type: string;
  readonly data: JsonObject;
}

export interface ProgressEvent extends NewEvent {
  /** Rises by one from event to event of a subject. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface WatchOptions {
  /** Last number already seen; absent: from the first event that is kept. */
  readonly after?: number;
  readonly signal: AbortSignal;
}

interface EventRow {
  readonly seq: number;
  readonly entity: string;
  readonly type: string;
  readonly data: string;
  readonly at: number;
}

const PAGE = 200;

export class ProgressFeed {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #waiting = new Map<Uuid, Set<() => void>>();

  /** `pollMs`: how often to look for events that other processes recorded. */
  constructor(store: Store, clock: Clock, pollMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#pollMs = pollMs;
  }

  /** Adds an event in the caller's transaction; watchers of this process hear of it when that has committed. */
  async record(tx: Tx, event: NewEvent): Promise<void> {
    const [seq] = await tx.pluck<number>(
      `INSERT INTO operation_subject (subject, turn, seq) VALUES (?, 0, 1)
       ON CONFLICT (subject) DO UPDATE SET seq = operation_subject.seq + 1 RETURNING seq`,
      [event.subject],
    );
    await tx.run('INSERT INTO operation_event (subject, seq, entity, type, data, at) VALUES (?, ?, ?, ?, ?, ?)', [
      event.subject,
      seq ?? 1,
      event.entity,
      event.type,
      JSON.stringify(event.data),
      this.#clock.now(),
    ]);
    tx.afterCommit(() => this.#wake(event.subject));
  }

  /** Events of a subject, those kept and then those to come, until the signal aborts. */
  async *watch(subject: Uuid, { after = 0, signal }: WatchOptions): AsyncGenerator<ProgressEvent, void, undefined> {
    let last = after;
    while (!signal.aborted) {
      // Asked for before reading, so that an event recorded in between ends the wait at once.
      const news = this.#news(subject, signal);
      const rows = await this.#store.all<EventRow>(
        `SELECT seq, entity, type, data, at FROM operation_event WHERE subject = ? AND seq > ? ORDER BY seq LIMIT ${PAGE}`,
        [subject, last],
      );
      for (const row of rows) {
        if (signal.aborted) break;
        last = row.seq;
        yield { ...row, subject, data: JSON.parse(row.data) as JsonObject };
      }
      if (rows.length === 0) await news.wait();
      news.forget();
    }
  }

  #news(subject: Uuid, signal: AbortSignal): { wait(): Promise<void>; forget(): void } {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    const waiting = this.#waiting.get(subject) ?? new Set();
    this.#waiting.set(subject, waiting.add(wake));
    return {
      wait: () => underAny([signal, woken.signal], (either) => this.#clock.sleep(this.#pollMs, either)),
      forget: () => {
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(subject) === waiting) this.#waiting.delete(subject);
      },
    };
  }

  #wake(subject: Uuid): void {
    for (const wake of this.#waiting.get(subject) ?? []) wake();
  }
}
