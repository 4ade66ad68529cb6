/**
 * Orderly shutdowns: the guest is asked by ACPI to switch itself off and is switched off when it has not done so in time. That
 * it was asked is written down, so that whoever looks after a crash of VEP goes on counting.
 */

import type { Clock } from '../../../base/clock.js';
import { messageOf } from '../../../base/errors.js';
import type { Log } from '../../../base/log.js';
import type { Domains } from './domains.js';
import type { Home } from './home.js';
import type { Turns } from './turns.js';
import type { Virsh } from './virsh.js';

export interface ShutdownServices {
  readonly home: Home;
  readonly domains: Domains;
  readonly virsh: Virsh;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly log: Log;
  readonly limitMs: number;
}

/** Before the next attempt, when libvirt did not answer. */
const AGAIN_MS = 1000;

export class Shutdowns {
  readonly #services: ShutdownServices;
  readonly #watched = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(services: ShutdownServices) {
    this.#services = services;
  }

  /** Sees to it that a machine that was asked at this time is off when its time is over. */
  watch(uuid: string, since: number): void {
    if (this.#watched.has(uuid) || this.#closed.signal.aborted) return;
    const watch = this.#watch(uuid, since).finally(() => this.#watched.delete(uuid));
    this.#watched.set(uuid, watch);
  }

  async #watch(uuid: string, since: number): Promise<void> {
    const { clock, limitMs, log } = this.#services;
    const { signal } = this.#closed;
    await clock.sleep(Math.max(0, since + limitMs - clock.now()), signal);
    while (!signal.aborted) {
      try {
        return await this.#end(uuid, since);
      } catch (error) {
        if (!signal.aborted) log.warn({ machine: uuid, error: messageOf(error) }, 'a machine cannot be switched off');
        await clock.sleep(AGAIN_MS, signal);
      }
    }
  }

  #end(uuid: string, since: number): Promise<void> {
    const { home, domains, virsh, turns } = this.#services;
    const options = { signal: this.#closed.signal };
    return turns.machine(uuid, options, async () => {
      // Started again meanwhile, or deleted.
      if ((await home.stoppingSince(uuid)) !== since) return;
      const domain = await domains.look(uuid, options);
      if (domain?.active) await virsh.do('destroy', [uuid], options);
      await home.noteStopping(uuid, undefined);
    });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#watched.values());
  }
}
