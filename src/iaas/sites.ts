/**
 * The sites of this VEP by name: each an adapter behind its guard, with what is known of its health and the last
 * inventory it gave. A site that does not answer is shown as down, keeps its last inventory with its age, and holds up
 * nobody: calls to it end by their limit.
 */

import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { isAccount } from './account.js';
import { IaasError, type IaasErrorClass, type Inventory, type SiteAdapter, type SiteFinding } from './adapter.js';
import { CALL_LIMITS, GuardedSite, isRefused, type CallLimits } from './guarded-site.js';

/** How a site is, as one process has found it. */
export interface SiteHealth {
  readonly up: boolean;
  /** It is an account of a user's own, whose credential the site does not take; it is down then. */
  readonly isRefused?: true;
  /** Since when it has been up or down, milliseconds since the epoch. */
  readonly since: number;
  /** When it last answered, if only with a refusal. */
  readonly answeredAt?: number;
  readonly lastError?: { readonly class: IaasErrorClass; readonly message: string; readonly at: number };
}

export interface SiteStatus extends SiteHealth {
  readonly name: string;
  readonly type: string;
  /** When the inventory that is known was taken. */
  readonly inventoryAt?: number;
}

export interface KnownInventory {
  readonly inventory: Inventory;
  readonly ageMs: number;
}

export interface SitesOptions {
  readonly clock: Clock;
  readonly limits?: CallLimits;
}

/** A site counts as down after this many calls in a row without an answer: a single one may be bad luck. */
const DOWN_AFTER = 3;

/** How old an inventory may be before the site is asked again. */
const FRESH_MS = 5_000;
/** How long more is waited for that is given back along with the first. */
const NUDGE_MS = 200;

export class Sites {
  readonly #clock: Clock;
  readonly #limits: CallLimits;
  readonly #further: ((name: string) => Promise<readonly SiteFinding[]>)[] = [];
  readonly #sites = new Map<string, SiteRecord>();
  readonly #proposed = new Set<string>();

  constructor(options: SitesOptions) {
    this.#clock = options.clock;
    this.#limits = options.limits ?? CALL_LIMITS;
  }

  /** Takes a site in; from now on it is closed with the others. @param holder of an account, where it is known */
  add(adapter: SiteAdapter, holder?: string): void {
    if (this.#sites.has(adapter.site)) throw new IaasError('conflict', `two sites are named ${adapter.site}`);
    this.#sites.set(adapter.site, new SiteRecord(adapter, this.#clock, this.#limits, holder));
  }

  /** Takes an account in that nobody looks into before it is confirmed. */
  propose(adapter: SiteAdapter): void {
    this.add(adapter);
    this.#proposed.add(adapter.site);
  }

  confirm(name: string): void {
    this.#proposed.delete(name);
  }

  /** Lets go of an account, or puts another adapter in its place. What the old one was asked is given up. */
  async exchange(name: string, adapter?: SiteAdapter, holder?: string): Promise<void> {
    const old = this.#sites.get(name);
    this.#sites.delete(name);
    this.#proposed.delete(name);
    if (adapter) this.add(adapter, holder);
    await old?.close();
  }

  /** Those of the configuration, in its order. */
  get names(): readonly string[] {
    return [...this.#sites.keys()].filter((name) => !isAccount(name));
  }

  /** The same, and then the accounts of users at them, as far as they are confirmed. */
  get all(): readonly string[] {
    return [...this.#sites.keys()].filter((name) => !this.#proposed.has(name));
  }

  /** The site that is meant when none is named: the first. */
  get default(): string {
    const first = this.names[0];
    if (first === undefined) throw new IaasError('not-found', 'no site is configured');
    return first;
  }

  has(name: string): boolean {
    return this.#sites.has(name);
  }

  /**
   * The guarded adapter of a site.
   *
   * @throws IaasError `not-found` when no site has that name.
   */
  adapter(name: string): GuardedSite {
    return this.#record(name).guarded;
  }

  status(name: string): SiteStatus {
    return this.#record(name).status();
  }

  /** What this process has found by itself, whatever it was told. */
  foundHealth(name: string): SiteHealth {
    return this.#record(name).found;
  }

  /** Takes the word of the process that keeps a site ({@link SiteKeeping}) for how it is; of nobody: goes by what it finds itself. */
  believe(name: string, told: SiteHealth | undefined): void {
    this.#record(name).told = told;
  }

  /** Goes on from what the process has found that kept a site before. */
  succeed(name: string, before: SiteHealth): void {
    this.#record(name).succeed(before);
  }

  statuses(): readonly SiteStatus[] {
    return [...this.#sites.values()].map((record) => record.status());
  }

  /**
   * What a site has: asked for when what is known is older than `maxAgeMs`, by one caller for all. When the site does
   * not answer, the last known inventory is given with its age.
   *
   * @throws IaasError the site's failure when nothing is known of it yet.
   */
  inventoryOf(name: string, maxAgeMs: number = FRESH_MS): Promise<KnownInventory> {
    return this.#record(name).inventory(maxAgeMs);
  }

  /** Something was given back at a site: what it has is asked for anew soon, once for all that is given back meanwhile. */
  nudge(name: string): void {
    this.#sites.get(name)?.nudge();
  }

  /** Adds what others have to say about a site to its check. */
  alsoCheck(further: (name: string) => Promise<readonly SiteFinding[]>): void {
    this.#further.push(further);
  }

  /** What keeps a site from being used: nothing when it can be. A site that does not answer is a finding too. */
  async check(name: string): Promise<readonly SiteFinding[]> {
    const adapter = this.adapter(name);
    const further = await Promise.all(this.#further.map((check) => check(name)));
    return [...(await this.#answered(adapter)), ...further.flat()];
  }

  async #answered(adapter: SiteAdapter): Promise<readonly SiteFinding[]> {
    try {
      return await adapter.check();
    } catch (error) {
      const remedy = 'see to the address of the site, its credentials and the way there';
      return [{ code: 'site-unusable', message: messageOf(error), remedy }];
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sites.values()].map((record) => record.close()));
  }

  #record(name: string): SiteRecord {
    const record = this.#sites.get(name);
    if (!record)
      throw new IaasError('not-found', `no site is named ${name.slice(0, 80)}; there are: ${this.names.join(', ')}`);
    return record;
  }
}

class SiteRecord {
  readonly guarded: GuardedSite;
  readonly #clock: Clock;
  /** What the process that keeps the site says of it, where that is another one. */
  told: SiteHealth | undefined;
  #found: SiteHealth;
  /** Calls in a row without an answer. */
  #silent = 0;
  #inventory: Inventory | undefined;
  #asking: Promise<Inventory> | undefined;
  #nudged = false;
  readonly #closed = new AbortController();

  constructor(adapter: SiteAdapter, clock: Clock, limits: CallLimits, holder: string | undefined) {
    this.#clock = clock;
    this.#found = { up: true, since: clock.now() };
    this.guarded = new GuardedSite(adapter, clock, limits, (failure) => this.#reached(failure), holder);
  }

  status(): SiteStatus {
    return {
      name: this.guarded.site,
      type: this.guarded.type,
      ...this.#health,
      ...(this.#inventory ? { inventoryAt: this.#inventory.takenAt } : {}),
    };
  }

  get #health(): SiteHealth {
    return this.told ?? this.#found;
  }

  get found(): SiteHealth {
    return this.#found;
  }

  succeed(before: SiteHealth): void {
    const { up, isRefused, answeredAt, lastError } = this.#found;
    if (answeredAt === undefined && lastError === undefined) this.#found = before;
    else if (up === before.up && isRefused === before.isRefused) {
      const latest = Math.max(answeredAt ?? 0, before.answeredAt ?? 0);
      this.#found = { ...this.#found, since: before.since, ...(latest > 0 ? { answeredAt: latest } : {}) };
    }
  }

  async inventory(maxAgeMs: number): Promise<KnownInventory> {
    const known = this.#inventory;
    if (known && this.#ageOf(known) <= maxAgeMs) return { inventory: known, ageMs: this.#ageOf(known) };
    this.#asking ??= this.#take().finally(() => (this.#asking = undefined));
    // A site that is down is asked in the background: nobody waits for it while there is something to show.
    if (known && !this.#health.up) {
      this.#asking.then((taken) => (this.#inventory = taken)).catch(() => undefined);
      return { inventory: known, ageMs: this.#ageOf(known) };
    }
    try {
      const taken = await this.#asking;
      this.#inventory = taken;
      return { inventory: taken, ageMs: this.#ageOf(taken) };
    } catch (error) {
      if (!known) throw error;
      return { inventory: known, ageMs: this.#ageOf(known) };
    }
  }

  nudge(): void {
    if (this.#nudged) return;
    this.#nudged = true;
    void this.#afresh().catch(() => undefined);
  }

  async #afresh(): Promise<void> {
    await this.#clock.sleep(NUDGE_MS, this.#closed.signal);
    this.#nudged = false;
    if (this.#closed.signal.aborted) return;
    // What is being asked for now may have been asked before the room was there.
    await this.#asking?.catch(() => undefined);
    await this.inventory(0);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.guarded.close();
  }

  /** Dated by VEP's own clock, to when it was asked for: the site's clock may run otherwise. */
  async #take(): Promise<Inventory> {
    const takenAt = this.#clock.now();
    return { ...(await this.guarded.inventory()), takenAt };
  }

  #ageOf(inventory: Inventory): number {
    return Math.max(0, this.#clock.now() - inventory.takenAt);
  }

  #reached(failure: IaasError | undefined): void {
    const at = this.#clock.now();
    const before = this.#found;
    this.#silent = failure ? this.#silent + 1 : 0;
    const refused = isRefused(failure);
    const up = !refused && this.#silent < DOWN_AFTER && (before.up || !failure);
    const answeredAt = failure ? before.answeredAt : at;
    const lastError = failure ? { class: failure.class, message: failure.message, at } : before.lastError;
    this.#found = {
      up,
      ...(refused ? { isRefused: true } : {}),
      since: up === before.up ? before.since : at,
      ...(answeredAt === undefined ? {} : { answeredAt }),
      ...(lastError ? { lastError } : {}),
    };
  }
}
