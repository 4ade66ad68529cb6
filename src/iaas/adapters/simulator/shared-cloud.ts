/**
 * One process's view of a simulated site: the folded state, kept up with the log that other processes write too. All
 * folding goes through one queue; what the fold is given is always the text that the log holds, so every process folds
 * the very same thing.
 */

import type { Clock } from '../../../base/clock.js';
import { Mutex } from '../../../base/mutex.js';
import { messageOf } from '../../../base/errors.js';
import { IaasError } from '../../adapter.js';
import { CLASSES, newCloud, type Cloud, type Touch } from './cloud.js';
import type { Call, Command } from './command.js';
import type { CommandLog, LogTail } from './command-log.js';
import { apply, type Outcome } from './fold.js';
import { readSnapshot, writeSnapshot } from './snapshot.js';

/** A snapshot is due after this many commands, or as many as the site has things if those are more. */
const SNAPSHOT_AFTER = 200;

export class SharedCloud {
  readonly #log: CommandLog;
  readonly #clock: Clock;
  readonly #turns = new Mutex();
  readonly #followers = new Set<(touched: readonly Touch[]) => void>();
  #cloud: Cloud = newCloud();
  #sinceSnapshot = 0;
  #closed = false;

  constructor(log: CommandLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The site as the log has it now. To be looked at, not kept: it moves on. */
  read(): Promise<Cloud> {
    return this.#turn(async () => {
      this.#take(await this.#log.read(this.#cloud.applied));
      return this.#cloud;
    });
  }

  /** Has `choose` look at the site, and folds and stores what it asks; the outcome is durable when this resolves. */
  run(choose: (cloud: Cloud) => Call | undefined): Promise<Outcome | undefined> {
    return this.#turn(async () => {
      let outcome: Outcome | undefined;
      await this.#log.append(this.#cloud.applied, (tail) => {
        this.#take(tail);
        const call = choose(this.#cloud);
        if (!call) return undefined;
        const command = JSON.stringify({ ...call, at: Math.max(this.#clock.now(), this.#cloud.time) });
        outcome = this.#fold(command);
        const due =
          this.#sinceSnapshot >=
          Math.max(
            SNAPSHOT_AFTER,
            CLASSES.reduce((sum, what) => sum + this.#cloud.things[what].size, 0),
          );
        if (!due) return { command };
        this.#sinceSnapshot = 0;
        return { command, snapshot: writeSnapshot(this.#cloud) };
      });
      return outcome;
    });
  }

  /** Tells `follower` what every command touched, from now on. Answers how to stop. */
  follow(follower: (touched: readonly Touch[]) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.run(() => this.#log.close());
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      if (this.#closed) throw new IaasError('fatal', 'the simulated site has been closed');
      try {
        return await work();
      } catch (error) {
        // Whatever was folded may not be in the log: begin again from what is.
        this.#cloud = newCloud();
        if (error instanceof IaasError) throw error;
        throw new IaasError('transient', `the simulated site cannot be reached: ${messageOf(error)}`, undefined, error);
      }
    });
  }

  #take(tail: LogTail): void {
    if (tail.snapshot !== undefined) {
      this.#cloud = readSnapshot(tail.snapshot);
      this.#sinceSnapshot = 0;
      // What lies between is not known one by one any more: anything may have changed.
      this.#tell(
        CLASSES.flatMap((what) =>
          [...this.#cloud.things[what].keys()].map((ref) => ({ class: what, ref, at: this.#cloud.time })),
        ),
      );
    }
    for (const command of tail.commands) this.#fold(command);
  }

  #fold(command: string): Outcome {
    const outcome = apply(this.#cloud, JSON.parse(command) as Command);
    this.#sinceSnapshot += 1;
    this.#tell(outcome.touched);
    return outcome;
  }

  #tell(touched: readonly Touch[]): void {
    if (touched.length > 0) for (const follower of this.#followers) follower(touched);
  }
}
