/** Waiting within one call for what oned has accepted and does in its own time. */

import type { Clock } from '../../../base/clock.js';
import { IaasError, type CallOptions } from '../../adapter.js';

/** `said` of the error of whoever has waited in vain. */
export const ON_ITS_WAY = 'on its way';

export class Patience {
  readonly #clock: Clock;
  readonly #settings: { readonly pollMs: number; readonly settleMs: number };

  constructor(clock: Clock, settings: { readonly pollMs: number; readonly settleMs: number }) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /**
   * Asks until there is an answer, for as long as one call may take, the asking included.
   * @param what is waited for, in the words of the error
   * @throws IaasError `transient` when there is none within the patience of one call
   */
  async until<T>(options: CallOptions, what: string, ask: () => Promise<T | undefined>): Promise<T> {
    const { pollMs, settleMs } = this.#settings;
    const end = this.#clock.now() + settleMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (this.#clock.now() >= end || options.signal?.aborted === true)
        throw new IaasError('transient', `${what} is still on its way to another state`, ON_ITS_WAY);
      await this.#clock.sleep(pollMs, options.signal);
    }
  }
}
