/**
 * A background task: an idempotent function without input that runs on a timer and on a nudge (STYLE.md, after
 * omicron's nexus). One run at a time; a nudge during a run causes one more. A run that fails is logged and is no more
 * than a late one: the next does all of it again.
 */

import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { underAny } from '../base/signals.js';

export interface Upkeep {
  readonly name: string;
  /** Milliseconds from the end of one run to the start of the next. */
  readonly everyMs: number;
  /** Called once, with what causes a run at once. */
  wokenBy?(wake: () => void): void;
  /** Must end soon after the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export class BackgroundTask {
  readonly #upkeep: Upkeep;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #nudged = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(upkeep: Upkeep, clock: Clock, log: Log) {
    this.#upkeep = upkeep;
    this.#clock = clock;
    this.#log = log.child({ task: upkeep.name });
  }

  /** Runs at once, and then again and again. */
  start(): void {
    this.#upkeep.wokenBy?.(() => this.nudge());
    this.#loop = this.#repeat();
  }

  nudge(): void {
    this.#nudged.abort();
  }

  /** Resolves when the run at work, if any, has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #repeat(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const nudged = new AbortController();
      this.#nudged = nudged;
      try {
        await this.#upkeep.run(signal);
      } catch (error) {
        this.#log.error({ err: error }, 'run failed');
      }
      await underAny([signal, nudged.signal], (wake) => this.#clock.sleep(this.#upkeep.everyMs, wake));
    }
  }
}
