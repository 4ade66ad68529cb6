/**
 * Orderly shutdowns: the guest is asked by ACPI to switch itself off and is switched off when it has not done so in time. A
 * restart is one that ends with a start: of a guest that restarts by itself nobody could tell whether it has. That it was
 * asked is written down, so that whoever looks after a crash of VEP goes on where it ended.
 */

import type { Clock } from '../../../base/clock.js';
import { messageOf } from '../../../base/errors.js';
import type { Log } from '../../../base/log.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { isOwn, type Domains, type OwnDomain } from './domains.js';
import type { Home, Leaving } from './home.js';
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
  /** Starts a machine that is off; called in its turn. */
  readonly start: (domain: OwnDomain, options: CallOptions) => Promise<void>;
}

/** Before the next attempt when libvirt did not answer, and before the next look at a machine that is restarted. */
const AGAIN_MS = 1000;

export class Shutdowns {
  readonly #services: ShutdownServices;
  readonly #watched = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(services: ShutdownServices) {
    this.#services = services;
  }

  /** Sees to it that a machine that was asked is off when its time is over, and then on again if it is restarted. */
  watch(uuid: string, leaving: Leaving): void {
    if (this.#watched.has(uuid) || this.#closed.signal.aborted) return;
    const watch = this.#watch(uuid, leaving).finally(() => this.#watched.delete(uuid));
    this.#watched.set(uuid, watch);
  }

  async #watch(uuid: string, { since, again }: Leaving): Promise<void> {
    const { clock, limitMs, log } = this.#services;
    const { signal } = this.#closed;
    const left = Math.max(0, since + limitMs - clock.now());
    await clock.sleep(again ? Math.min(left, AGAIN_MS) : left, signal);
    while (!signal.aborted) {
      try {
        if (await this.#goOn(uuid, since)) return;
      } catch (error) {
        if (!signal.aborted) log.warn({ machine: uuid, error: messageOf(error) }, 'a machine cannot be switched off');
      }
      await clock.sleep(AGAIN_MS, signal);
    }
  }

  /** Answers whether there is nothing left to do. */
  #goOn(uuid: string, since: number): Promise<boolean> {
    const { home, domains, virsh, turns, clock, limitMs } = this.#services;
    const options = { signal: this.#closed.signal };
    return turns.machine(uuid, options, async () => {
      const leaving = await home.leaving(uuid);
      // Started again meanwhile, or deleted.
      if (leaving?.since !== since) return true;
      const domain = await domains.look(uuid, options);
      if (domain?.active && !leaving.off) {
        if (clock.now() < since + limitMs) return false;
        await virsh.do('destroy', [uuid], options);
      }
      if (domain && leaving.again) await this.#startAgain(uuid, leaving, options);
      await home.noteLeaving(uuid, undefined);
      return true;
    });
  }

  async #startAgain(uuid: string, leaving: Leaving, options: CallOptions): Promise<void> {
    const { home, domains, start, log } = this.#services;
    const domain = await domains.look(uuid, options);
    if (!domain || !isOwn(domain)) return;
    if (domain.active && !leaving.off) throw new IaasError('transient', 'the machine runs on');
    // From here on one that runs is the one that was started.
    await home.noteLeaving(uuid, { ...leaving, off: true });
    await start(domain, options).catch((error: unknown) => {
      if (!(error instanceof IaasError) || error.class === 'transient') throw error;
      // It stays off, which the site shows.
      log.warn({ machine: uuid, error: messageOf(error) }, 'a machine that was restarted cannot be started');
    });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#watched.values());
  }
}
