/** How long a server is waited for that was there and does not answer: long enough for one that is started again. */

import type { Clock } from '../base/clock.js';
import { ClientError } from './client-error.js';

/** Milliseconds between two tries, and for how long in all without success. */
const AGAIN = 1000;
const PATIENCE = 60_000;

export class Patience {
  readonly #clock: Clock;
  #lostAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server has answered. */
  renew(): void {
    this.#lostAt = undefined;
  }

  /** Whether another try makes sense after that failure: not after a refusal, and not when it has lasted for a minute. */
  bears(failure: unknown): boolean {
    if (failure instanceof ClientError && failure.status < 500) return false;
    this.#lostAt ??= this.#clock.now();
    return this.#clock.now() - this.#lostAt <= PATIENCE;
  }

  pause(signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(AGAIN, signal);
  }
}

/** Asks again until there is an answer. @throws the last failure, when patience ends or it is a refusal */
export async function patiently<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  for (const patience = new Patience(clock); ;) {
    try {
      return await ask();
    } catch (error) {
      if (!patience.bears(error)) throw error;
    }
    await patience.pause();
  }
}
