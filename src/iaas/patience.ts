/** Waiting within one call for what a site has accepted, and shows some time after it has answered. */

import type { Clock } from '../base/clock.js';
import { IaasError, type CallOptions } from './adapter.js';

export interface PatienceOptions {
  /**
   * The first pause between two looks for a change that has been accepted ({@link growingPauses}), and for how long it is looked for
   * within one call. Milliseconds.
   */
  readonly pollMs: number;
  readonly settleMs: number;
}

/** How many times the first pause the longest is. */
const MOST_GROWTH = 20;

/** Each twice as long as the one before, up to twenty times the first: what takes its time is asked less and less often. */
export function* growingPauses(firstMs: number): Generator<number, never> {
  for (let pause = firstMs; ; pause = Math.min(2 * pause, MOST_GROWTH * firstMs)) yield pause;
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
    for (const pause of growingPauses(pollMs)) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      const left = end - this.#clock.now();
      if (left <= 0 || call.signal?.aborted === true) break;
      await this.#clock.sleep(Math.min(pause, left), call.signal);
    }
    throw new IaasError('transient', what, ON_ITS_WAY);
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
