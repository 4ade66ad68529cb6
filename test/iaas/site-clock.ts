/** A clock that tests move: sleepers wake when their time has come, in order, and see the very time they asked for. */

import type { Clock } from '../../src/base/clock.js';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export class SiteClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(start = 1_800_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper: Sleeper = {
        until: this.#now + Math.max(0, ms),
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Moves time on, letting everything that wakes on the way run first. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await turn();
      const next = this.#sleepers.filter((sleeper) => sleeper.until <= end).sort((a, b) => a.until - b.until)[0];
      if (!next) break;
      this.#now = Math.max(this.#now, next.until);
      next.wake();
    }
    this.#now = end;
    await turn();
  }
}

/** Lets promises and the callbacks of sockets and files that are ready run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
