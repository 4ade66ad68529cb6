/** Waiting within one call for what a site has accepted, and shows some time after it has answered. */

import type { Clock } from '../base/clock.js';
import { IaasError, type CallOptions } from './adapter.js';

export interface PatienceOptions {
  /** How often a change that has been accepted is looked for, and for how long within one call. Milliseconds. */
  readonly pollMs: number;
  readonly settleMs: number;
}

export class Patience {
  readonly #clock: Clock;
  readonly #options: PatienceOptions;

  constructor(clock: Clock, options: PatienceOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * Asks until there is an answer. What the site takes to answer counts as well as the pauses between.
   * @param what is said when there is none
   * @throws IaasError `transient` when there is none within the patience of one call
   */
  async until<T>(call: CallOptions, what: string, ask: () => Promise<T | undefined>): Promise<T> {
    const { pollMs, settleMs } = this.#options;
    const end = this.#clock.now() + settleMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (this.#clock.now() >= end || call.signal?.aborted === true) throw new IaasError('transient', what, ON_ITS_WAY);
      await this.#clock.sleep(pollMs, call.signal);
    }
  }

  /** The same for a change that may also come to nothing: whoever looks sees the old state. */
  async settled(call: CallOptions, changed: () => Promise<boolean>): Promise<void> {
    await this.until(call, 'it is on its way', async () => ((await changed()) ? true : undefined)).catch(
      (error: unknown) => {
        if (!(error instanceof IaasError) || error.said !== ON_ITS_WAY) throw error;
      },
    );
  }
}

const ON_ITS_WAY = 'on its way';
