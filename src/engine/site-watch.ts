/**
 * What sites tell by themselves: a site that has events is listened to, and what it says has changed is looked at soon after, by the
 * reconciler and in batches. Visits to the whole site stay behind this: an event may get lost, and a stream may break.
 */

import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { underAny } from '../base/signals.js';
import type { ResourceClass, SiteAdapter, SiteEvent, SiteRef } from '../iaas/adapter.js';
import type { Upkeep } from './background-task.js';

/** Where changes are brought: see {@link Reconciler.look}. */
export interface Lookout {
  /** Answers the references of what is still on its way to another state. */
  look(
    adapter: SiteAdapter,
    what: ResourceClass,
    refs: readonly SiteRef[],
    signal: AbortSignal,
  ): Promise<readonly SiteRef[]>;
}

/** The sites that may have something to tell. */
export interface Watched {
  sites(): readonly SiteAdapter[];
  /** Aborts when it is not for this process any more to listen to a site; nothing where it is not now. */
  term(site: string): AbortSignal | undefined;
}

export interface SiteWatchSettings {
  /** Milliseconds from one look at a site to the next: what changes meanwhile is looked at together. */
  readonly pauseMs: number;
  /** Milliseconds before a stream that broke is opened again; doubles each time, up to a minute. */
  readonly reopenMs: number;
}

/** More than this many changes at a time are left to the next visit of the whole site. */
const MOST_PENDING = 2_000;
/** So often something that is busy is looked at again. */
const MOST_LOOKS = 10;
const LONGEST_PAUSE_MS = 60_000;

export class SiteWatch implements Upkeep {
  readonly name = 'site-watch';
  readonly everyMs: number;
  readonly #watched: Watched;
  readonly #lookout: Lookout;
  readonly #parts: { readonly clock: Clock; readonly log: Log };
  readonly #settings: SiteWatchSettings;

  constructor(
    watched: Watched,
    lookout: Lookout,
    parts: { readonly clock: Clock; readonly log: Log },
    settings: SiteWatchSettings,
  ) {
    this.everyMs = settings.reopenMs;
    this.#watched = watched;
    this.#lookout = lookout;
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Listens to every site that tells events, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watched.sites().map((adapter) => this.#watch(adapter, signal)));
  }

  async #watch(adapter: SiteAdapter, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    let pause = this.#settings.reopenMs;
    while (!signal.aborted) {
      const term = this.#watched.term(adapter.site);
      // A site that was away may say only later what it can do.
      if (term && adapter.capabilities().events) {
        const began = clock.now();
        await this.#listen(adapter, signal, term).catch((error: unknown) => {
          log.debug({ err: error, site: adapter.site }, 'the events of a site broke off');
        });
        pause =
          clock.now() - began > LONGEST_PAUSE_MS ? this.#settings.reopenMs : Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
      if (!signal.aborted) await clock.sleep(pause, signal);
    }
  }

  async #listen(adapter: SiteAdapter, signal: AbortSignal, term: AbortSignal): Promise<void> {
    const changes = new Changes();
    const over = new AbortController();
    await underAny([signal, term, over.signal], async (listening) => {
      const looking = this.#look(adapter, changes, listening);
      try {
        for await (const event of adapter.events(listening)) changes.add(event);
      } finally {
        over.abort();
        await looking;
      }
    });
  }

  /** Looks at what has changed, once a pause. */
  async #look(adapter: SiteAdapter, changes: Changes, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(this.#settings.pauseMs, signal);
      for (const [what, refs] of signal.aborted ? [] : changes.take()) {
        try {
          const busy = await this.#lookout.look(adapter, what, [...refs.keys()], signal);
          for (const ref of busy) changes.again(what, ref, refs.get(ref) ?? 0);
        } catch (error) {
          // The next visit finds out.
          log.debug({ err: error, site: adapter.site }, 'changes of a site were not looked at');
        }
      }
    }
  }
}

/** What has changed at one site since it was looked at last, each thing once with how often it was busy. */
class Changes {
  readonly #pending = new Map<ResourceClass, Map<SiteRef, number>>();

  add({ class: what, ref }: SiteEvent): void {
    this.#put(what, ref, 0);
  }

  again(what: ResourceClass, ref: SiteRef, looks: number): void {
    if (looks < MOST_LOOKS) this.#put(what, ref, looks + 1);
  }

  take(): readonly (readonly [ResourceClass, ReadonlyMap<SiteRef, number>])[] {
    const all = [...this.#pending];
    this.#pending.clear();
    return all;
  }

  #put(what: ResourceClass, ref: SiteRef, looks: number): void {
    const pending = this.#pending.get(what) ?? new Map<SiteRef, number>();
    this.#pending.set(what, pending);
    if (pending.has(ref) || pending.size < MOST_PENDING) pending.set(ref, Math.min(looks, pending.get(ref) ?? looks));
  }
}
