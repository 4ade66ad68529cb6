/** A clock on which sleeping takes no time, and which remembers how long was slept. */

import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.js';

export class FakeClock implements Clock {
  readonly slept: number[] = [];
  #now = 1_000_000;

  now(): number {
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#now += ms;
    await setImmediate();
  }
}
