/**
 * One at a time, also across processes: whoever changes a machine, or gives away addresses, ports and volumes, holds the
 * turn of that name. It is an exclusive transaction on a small file, which the operating system drops with the process.
 */

import Database from 'better-sqlite3';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.js';
import { Mutex } from '../../../base/mutex.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { digestOf } from './marks.js';

/** Machines share so many turns: a file for each would never go. */
const STRIPES = 16;
const AGAIN_MS = 20;

export class Turns {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #here = new Map<string, Mutex>();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** Of one machine. Within it the turn of the site may be taken, never the other way round. */
  machine<T>(uuid: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    return this.#run(`machine-${stripeOf(uuid)}`, options, work);
  }

  /** Of everything that machines could want to have at the same time. */
  site<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return this.#run('site', options, work);
  }

  /** Of what QEMU copies of one machine, beside everything else that is done with it. */
  copying<T>(uuid: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    return this.#run(`copying-${stripeOf(uuid)}`, options, work);
  }

  /** Of one long piece of work, or nothing when somebody is at it. */
  async alone<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    const held = await this.#take(name);
    if (!held) return undefined;
    try {
      return await work();
    } finally {
      held.close();
      await rm(this.#file(name), { force: true });
    }
  }

  #run<T>(name: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    const here = this.#here.get(name) ?? new Mutex();
    this.#here.set(name, here);
    return here.run(async () => {
      for (;;) {
        if (options.signal?.aborted === true)
          throw new IaasError('transient', 'the call was given up before its turn came');
        const held = await this.#take(name);
        if (!held) {
          await this.#clock.sleep(AGAIN_MS, options.signal);
          continue;
        }
        try {
          return await work();
        } finally {
          held.close();
        }
      }
    });
  }

  async #take(name: string): Promise<Database.Database | undefined> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const lock = new Database(this.#file(name), { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      lock.close();
      if (String((error as { readonly code?: unknown }).code).startsWith('SQLITE_BUSY')) return undefined;
      throw error;
    }
  }

  #file(name: string): string {
    return join(this.#directory, `${name}.lock`);
  }
}

function stripeOf(uuid: string): number {
  return Number.parseInt(digestOf(uuid).slice(0, 4), 16) % STRIPES;
}
