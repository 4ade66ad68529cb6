/**
 * The reconciler: compares what VEP knows of each site with what the site reports, in batches, and tells the difference:
 * found but unknown, known but missing, and state drift (DESIGN.md, "The way of the work"). It decides nothing itself;
 * what an entity is and what to file for it is the business of the {@link ReconcileSource}.
 *
 * A site that cannot be reached keeps its last known state and holds up no other, and so does a part of one. Nothing is called missing or orphaned
 * on the word of a single list: missing things are asked for by name once more, orphans have to stay for a while.
 */

import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Uuid } from '../base/ids.js';
import type { Log } from '../base/log.js';
import { underAny } from '../base/signals.js';
import {
  askedOf,
  IaasError,
  PartUnasked,
  type Observed,
  type ResourceClass,
  type SiteAdapter,
  type SiteRef,
} from '../iaas/adapter.js';
import type { Store, Tx } from '../store/sql.js';
import type { Upkeep } from './background-task.js';

/** What VEP believes to have on a site. */
export interface KnownEntity {
  readonly id: Uuid;
  /** The site's reference; null while it is not known yet. */
  readonly ref: SiteRef | null;
  /** Operations on it are unfinished: they speak for its state, not the reconciler. */
  readonly busy: boolean;
}

export interface Found<K extends KnownEntity> {
  readonly entity: K;
  readonly observed: Observed;
}

export interface Orphan<K extends KnownEntity> {
  readonly observed: Observed;
  /** The entity whose id it carries, if VEP knows it: then the site holds a second thing for it, or a left-over. */
  readonly entity?: K;
}

/**
 * What the reconciler asks and tells. The callbacks with a transaction look at their entities again inside it: an
 * operation may have been filed, or may have ended, since {@link known} was read.
 */
export interface ReconcileSource<K extends KnownEntity = KnownEntity> {
  readonly classes: readonly ResourceClass[];
  /** Those that this process visits. */
  sites(): readonly SiteAdapter[];
  /** Aborts when another process has come to visit the site; nothing where one does already. */
  term(site: string): AbortSignal | undefined;
  /** Called once, with what to call when this process has come to visit more sites. */
  onMoreSites(more: () => void): void;
  /** By entity id, everything of a class that is or shall be on the site, whatever is being done to it. */
  known(site: string, what: ResourceClass): Promise<ReadonlyMap<Uuid, K>>;
  /** Those of a class that a site has under these references. */
  byRef(site: string, what: ResourceClass, refs: readonly SiteRef[]): Promise<readonly K[]>;
  /** Whether the report differs from what is stored: only then it is worth a transaction. */
  drifted(found: Found<K>): boolean;
  /** Stores what the site reports. */
  observe(tx: Tx, site: string, found: readonly Found<K>[]): Promise<void>;
  /** The site does not have these any more, or never had. */
  missing(tx: Tx, site: string, what: ResourceClass, entities: readonly K[]): Promise<void>;
  /** The site has had these for the grace period, with a token of VEP and without an entity they belong to. */
  orphaned(tx: Tx, site: string, orphans: readonly Orphan<K>[]): Promise<void>;
  /** The end of a visit; `error` if the site, or a part of it, could not be read and its state is as old as before. */
  visited(tx: Tx, site: string, visit: { readonly at: number; readonly error?: string }): Promise<void>;
}

export interface ReconcilerSettings {
  readonly everyMs: number;
  /** Milliseconds for which an unknown thing must have been seen before it counts as an orphan. */
  readonly graceMs: number;
  /** Milliseconds a visit to one site may take. */
  readonly visitMs: number;
}

const BATCH = 100;

export class Reconciler<K extends KnownEntity> implements Upkeep {
  readonly name = 'reconcile';
  readonly everyMs: number;
  readonly #source: ReconcileSource<K>;
  readonly #parts: { readonly store: Store; readonly clock: Clock; readonly log: Log };
  readonly #settings: ReconcilerSettings;
  /** Sites whose last visit has not come back, even if it was given up. */
  readonly #visiting = new Set<string>();
  /** When each unknown thing was first seen, by site, class and reference. */
  readonly #strangers = new Map<string, number>();

  constructor(
    source: ReconcileSource<K>,
    parts: { readonly store: Store; readonly clock: Clock; readonly log: Log },
    settings: ReconcilerSettings,
  ) {
    this.everyMs = settings.everyMs;
    this.#source = source;
    this.#parts = parts;
    this.#settings = settings;
  }

  wokenBy(wake: () => void): void {
    this.#source.onMoreSites(wake);
  }

  /** Visits all sites at once. Never rejects for a site's sake. */
  async run(signal: AbortSignal): Promise<void> {
    const idle = this.#source.sites().filter((adapter) => !this.#visiting.has(adapter.site));
    await Promise.all(
      idle.map(async (adapter) => {
        const term = this.#source.term(adapter.site);
        if (term) await underAny([signal, term], (either) => this.#visit(adapter, either));
      }),
    );
  }

  /**
   * Looks at single things to which something is said to have happened. What is not known, or busy with an operation, is left
   * alone. Answers the references of what the site itself is still at work on.
   */
  async look(
    adapter: SiteAdapter,
    what: ResourceClass,
    refs: readonly SiteRef[],
    signal: AbortSignal,
  ): Promise<readonly SiteRef[]> {
    if (!this.#source.classes.includes(what)) return [];
    const busy: SiteRef[] = [];
    for (const batch of batches(refs)) {
      const known = (await this.#source.byRef(adapter.site, what, batch)).filter((entity) => !entity.busy);
      const { described, asked } = await describedOf(adapter, what, known, signal);
      const found = known.flatMap((entity) => {
        const observed = described.get(entity.ref ?? '');
        if (observed?.busy) busy.push(observed.ref);
        return observed && this.#source.drifted({ entity, observed }) ? [{ entity, observed }] : [];
      });
      await this.#observe(adapter.site, found, signal);
      const absent = asked.filter(({ ref }) => !described.has(ref ?? ''));
      // Not on the word of one answer: it is asked for once more.
      const again = await describedOf(adapter, what, absent, signal);
      const gone = again.asked.filter(({ ref }) => !again.described.has(ref ?? ''));
      await this.#tell(gone, signal, (tx, entities) => this.#source.missing(tx, adapter.site, what, entities));
    }
    return busy;
  }

  async #visit(adapter: SiteAdapter, signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { site } = adapter;
    const at = clock.now();
    let error: string | undefined;
    try {
      await this.#inTime(adapter, signal);
    } catch (caught) {
      error = messageOf(caught);
      log.warn({ err: caught, site }, 'site not reconciled');
    }
    if (signal.aborted) return;
    try {
      await store.write((tx) => this.#source.visited(tx, site, { at, ...(error === undefined ? {} : { error }) }));
    } catch (caught) {
      log.error({ err: caught, site }, 'visit not recorded');
    }
  }

  async #inTime(adapter: SiteAdapter, signal: AbortSignal): Promise<void> {
    const { visitMs } = this.#settings;
    const late = new AbortController();
    const over = new AbortController();
    this.#visiting.add(adapter.site);
    const visit = underAny([signal, late.signal], (either) => this.#compare(adapter, either)).finally(() => {
      this.#visiting.delete(adapter.site);
      over.abort();
    });
    const limit = underAny([signal, over.signal], (either) => this.#parts.clock.sleep(visitMs, either)).then(
      () => 'over' as const,
    );
    const first = await Promise.race([visit, limit]);
    if (first !== 'over' || over.signal.aborted) return visit;
    late.abort();
    visit.catch(() => undefined);
    if (!signal.aborted)
      throw new IaasError('transient', `the site did not answer within ${Math.round(visitMs / 1000)} s`);
  }

  async #compare(adapter: SiteAdapter, signal: AbortSignal): Promise<void> {
    let unasked: PartUnasked | undefined;
    for (const what of this.#source.classes) {
      try {
        await this.#compareClass(adapter, what, signal);
      } catch (error) {
        if (error instanceof PartUnasked) unasked = error;
        // A site without, say, volumes has none to compare.
        else if (!(error instanceof IaasError && error.class === 'unsupported')) throw error;
      }
    }
    await this.#tidy(adapter, signal);
    if (unasked) throw unasked;
  }

  /** What stays lying there is met again at the next visit; what was seen of the site is as true without. */
  async #tidy(adapter: SiteAdapter, signal: AbortSignal): Promise<void> {
    try {
      await adapter.tidy?.({ signal });
    } catch (err) {
      if (!signal.aborted) this.#parts.log.warn({ err, site: adapter.site }, 'site not tidied');
    }
  }

  /** @throws PartUnasked at the end, when everything else has been compared */
  async #compareClass(adapter: SiteAdapter, what: ResourceClass, signal: AbortSignal): Promise<void> {
    const { site } = adapter;
    // Read before the list: what is created meanwhile is not missing. What is committed meanwhile is not orphaned
    // either, for that takes a second visit.
    const known = await this.#source.known(site, what);
    const listed = new Set<Uuid>();
    const strangers: Orphan<K>[] = [];
    let drifted: Found<K>[] = [];
    const things = new WhatCanBeListed(adapter, what, signal);
    for await (const observed of things) {
      signal.throwIfAborted();
      const entity = observed.id === undefined ? undefined : known.get(observed.id);
      if (entity && belongs(entity, observed)) {
        listed.add(entity.id);
        if (!entity.busy && this.#source.drifted({ entity, observed })) drifted.push({ entity, observed });
      } else if (observed.id !== undefined) {
        strangers.push({ observed, ...(entity ? { entity } : {}) });
      }
      if (drifted.length >= BATCH) await this.#observe(site, drifted.splice(0), signal);
    }
    drifted = [...drifted, ...(await this.#missing(adapter, what, known, listed, signal))];
    await this.#observe(site, drifted, signal);
    await this.#orphans(site, what, strangers, signal);
    if (things.unasked) throw things.unasked;
  }

  async #observe(site: string, found: readonly Found<K>[], signal: AbortSignal): Promise<void> {
    await this.#tell(found, signal, (tx, batch) => this.#source.observe(tx, site, batch));
  }

  /** Asks by name for what was not in the list. Answers what turned up after all, changed. */
  async #missing(
    adapter: SiteAdapter,
    what: ResourceClass,
    known: ReadonlyMap<Uuid, K>,
    listed: ReadonlySet<Uuid>,
    signal: AbortSignal,
  ): Promise<Found<K>[]> {
    const absent = [...known.values()].filter(
      (entity) => entity.ref !== null && !entity.busy && !listed.has(entity.id),
    );
    const found: Found<K>[] = [];
    for (const batch of batches(absent)) {
      const { described, asked } = await describedOf(adapter, what, batch, signal);
      const gone = asked.filter(({ ref }) => ref !== null && !described.has(ref));
      await this.#tell(gone, signal, (tx, entities) => this.#source.missing(tx, adapter.site, what, entities));
      for (const entity of batch) {
        const observed = entity.ref === null ? undefined : described.get(entity.ref);
        if (observed && this.#source.drifted({ entity, observed })) found.push({ entity, observed });
      }
    }
    return found;
  }

  async #orphans(
    site: string,
    what: ResourceClass,
    strangers: readonly Orphan<K>[],
    signal: AbortSignal,
  ): Promise<void> {
    const now = this.#parts.clock.now();
    const place = `${site} ${what} `;
    const seen = new Map(strangers.map((stranger) => [place + stranger.observed.ref, stranger]));
    for (const key of this.#strangers.keys()) {
      if (key.startsWith(place) && !seen.has(key)) this.#strangers.delete(key);
    }
    const orphans: Orphan<K>[] = [];
    for (const [key, stranger] of seen) {
      const since = this.#strangers.get(key);
      if (since === undefined) this.#strangers.set(key, now);
      else if (now - since >= this.#settings.graceMs && !stranger.entity?.busy) orphans.push(stranger);
    }
    await this.#tell(orphans, signal, (tx, batch) => this.#source.orphaned(tx, site, batch));
  }

  async #tell<T>(
    all: readonly T[],
    signal: AbortSignal,
    tell: (tx: Tx, batch: readonly T[]) => Promise<void>,
  ): Promise<void> {
    for (const batch of batches(all)) {
      signal.throwIfAborted();
      await this.#parts.store.write((tx) => tell(tx, batch));
    }
  }
}

/** What a site lists, and whether a part of it could not be asked. */
class WhatCanBeListed implements AsyncIterable<Observed> {
  readonly #things: AsyncIterable<Observed>;
  unasked: PartUnasked | undefined;

  constructor(adapter: SiteAdapter, what: ResourceClass, signal: AbortSignal) {
    this.#things = adapter.list(what, { signal });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Observed> {
    try {
      yield* this.#things;
    } catch (error) {
      if (!(error instanceof PartUnasked)) throw error;
      this.unasked = error;
    }
  }
}

/** What the site says of these by name, and of which of them it could be asked; nobody is asked for nothing. */
async function describedOf<K extends KnownEntity>(
  adapter: SiteAdapter,
  what: ResourceClass,
  entities: readonly K[],
  signal: AbortSignal,
): Promise<{ readonly described: ReadonlyMap<SiteRef, Observed>; readonly asked: readonly K[] }> {
  const named = entities.flatMap(({ ref }) => (ref === null ? [] : [ref]));
  const { said, asked } = await askedOf(named, (refs) =>
    refs.length === 0
      ? Promise.resolve<ReadonlyMap<SiteRef, Observed>>(new Map())
      : adapter.describe(what, refs, { signal }),
  );
  return { described: said, asked: entities.filter(({ ref }) => ref === null || asked.has(ref)) };
}

/** Whether the thing is the entity's own: under its reference, or under none while it is being made. */
function belongs(entity: KnownEntity, observed: Observed): boolean {
  return entity.ref === null ? entity.busy : entity.ref === observed.ref;
}

function batches<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, index) =>
    all.slice(index * BATCH, (index + 1) * BATCH),
  );
}
