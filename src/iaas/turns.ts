/** At most so many calls at a time, in the order in which they came: what a service takes without refusing connections. */

import { IaasError } from './adapter.js';

export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /**
   * Does the work when its turn has come.
   *
   * @throws IaasError `transient` where the signal aborts before
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(givenUp(signal));
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const mine = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        const place = this.#waiting.indexOf(mine);
        if (place !== -1) this.#waiting.splice(place, 1);
        reject(givenUp(signal));
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(mine);
    });
  }
}

export function givenUp(signal: AbortSignal): IaasError {
  return new IaasError('transient', 'the call was given up before the site answered', undefined, signal.reason);
}
