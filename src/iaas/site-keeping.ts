/**
 * Who looks after a site. Of the processes that share a store one at a time is the *keeper* of each site: it alone compares the site
 * with what VEP wants, listens to what it tells, and says whether it is up; the others take its word ({@link Sites.believe}), so
 * that all of them show the same. Everything else, work above all, is done at a site by every process.
 *
 * A keeper says again and again that it is there. One that does not (`kill -9`, a lost network) is succeeded when its time has run
 * out, one that finds a site down by another process that has had an answer since, and one that keeps many by one that keeps few.
 * Whoever succeeds goes on from what was known. On SQLite the one process keeps all.
 */

import type { Clock } from '../base/clock.js';
import { newUuid, type Uuid } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { Store, Tx } from '../store/sql.js';
import { keeperRows, keeps, putKeeper, releaseKeeper, removeKeeper, type KeeperRow } from './keeper-rows.js';
import type { SiteHealth, Sites } from './sites.js';

export interface SiteKeepingServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds after which a keeper that has not said that it is there is succeeded. */
  readonly keepMs: number;
}

/** So often it is looked who keeps what, and how the sites are. */
const EVERY_MS = 1000;
/** What nobody has kept for so long is not there any more, for any process. */
const FORGOTTEN_MS = 24 * 3600 * 1000;

/** A site that this process keeps. */
interface Term {
  readonly ending: AbortController;
  row: KeeperRow;
}

export class SiteKeeping {
  readonly name = 'site-keeping';
  readonly everyMs = EVERY_MS;
  readonly #id: Uuid = newUuid();
  readonly #services: SiteKeepingServices;
  readonly #terms = new Map<string, Term>();
  readonly #succeeded = new Set<() => void>();

  constructor(services: SiteKeepingServices) {
    this.#services = services;
  }

  /** The sites that this process keeps now. */
  get kept(): readonly string[] {
    return this.#services.sites.all.filter((site) => this.term(site) !== undefined);
  }

  /** Aborts when this process does not keep the site any more; nothing where it does not now. */
  term(site: string): AbortSignal | undefined {
    const term = this.#terms.get(site);
    return term && this.#lasts(term.row) ? term.ending.signal : undefined;
  }

  /** Whether this process keeps the site, for what a transaction writes on the strength of it. */
  async holds(tx: Tx, site: string): Promise<boolean> {
    return this.#isAlone ? this.#terms.has(site) : keeps(tx, site, this.#id);
  }

  /** Calls back whenever this process has come to keep a site that another one kept before. */
  onSuccession(succeeded: () => void): void {
    this.#succeeded.add(succeeded);
  }

  /** Upkeep: says what this process keeps, hears what others do, and takes over what nobody does. */
  async run(): Promise<void> {
    const { store, sites } = this.#services;
    const rows = await keeperRows(store);
    const shared = this.#shared(rows);
    const wanted = sites.all.flatMap((site) => this.#wanted(site, rows.get(site), site === shared) ?? []);
    const gone = [...rows.values()].filter((row) => !sites.has(row.site) && this.#mayRemove(row));
    const put = wanted.length + gone.length === 0 ? [] : await store.write((tx) => this.#put(tx, wanted, rows, gone));
    for (const { site } of gone) this.#end(site);
    const mine = new Map([...rows, ...put.map((row) => [row.site, row] as const)]);
    for (const site of sites.all) this.#settle(site, mine.get(site));
    const isSuccessor = put.some(({ site }) => ![undefined, this.#id].includes(rows.get(site)?.keeper));
    if (isSuccessor) for (const succeeded of this.#succeeded) succeeded();
  }

  /** Another process says something new. */
  wokenBy(wake: () => void): void {
    this.#services.store.hear('keeping', (keeper) => {
      if (keeper !== this.#id) wake();
    });
  }

  /** Gives everything back, so that others need not wait for its time to run out. */
  async close(): Promise<void> {
    const { store, log } = this.#services;
    for (const site of [...this.#terms.keys()]) this.#end(site);
    if (this.#isAlone) return;
    const giveBack = async (tx: Tx): Promise<void> => {
      if ((await releaseKeeper(tx, this.#id)) > 0) await tx.notify('keeping', this.#id);
    };
    await store.write(giveBack).catch((error: unknown) => log.warn({ err: error }, 'sites were not given back'));
  }

  get #isAlone(): boolean {
    return this.#services.store.dialect === 'sqlite';
  }

  #lasts({ until }: KeeperRow): boolean {
    return this.#isAlone || until > this.#services.clock.now();
  }

  /** The row that this process would write of a site; nothing where there is nothing to say, or another keeps it. */
  #wanted(site: string, row: KeeperRow | undefined, isShared: boolean): KeeperRow | undefined {
    const { sites, clock, keepMs } = this.#services;
    const now = clock.now();
    const isMine = row?.keeper === this.#id;
    const staysAway = row && !isMine && this.#isInOffice(row) && !isShared;
    if (staysAway && !this.#knowsBetter(row, sites.foundHealth(site))) return undefined;
    if (row && !isMine) sites.succeed(site, row.health);
    const health = sites.foundHealth(site);
    const isDue = !this.#isAlone && isMine && row.until - now < (2 * keepMs) / 3;
    if (isMine && !isDue && isSame(health, row.health)) return undefined;
    return { site, keeper: this.#id, until: now + keepMs, health };
  }

  /** Another process keeps it. On SQLite whatever is written there is of one that is no more. */
  #isInOffice(row: KeeperRow): boolean {
    return !this.#isAlone && row.until > this.#services.clock.now();
  }

  /**
   * A site to take from the process that keeps most, where that keeps at least two more than this one: one at a look, until they are
   * shared out. Only one that has answered this process, too, so that nothing changes but who asks.
   */
  #shared(rows: ReadonlyMap<string, KeeperRow>): string | undefined {
    const { sites } = this.#services;
    const kept = new Map<string, KeeperRow[]>();
    for (const site of sites.all) {
      const row = rows.get(site);
      if (row && this.#isInOffice(row)) kept.set(row.keeper, [...(kept.get(row.keeper) ?? []), row]);
    }
    const [most = []] = [...kept.values()].sort((one, other) => other.length - one.length);
    if (most.length - (kept.get(this.#id)?.length ?? 0) < 2) return undefined;
    return most.find(({ site, health }) => health.up && answers(sites.foundHealth(site)))?.site;
  }

  /** Of a site that is not there any more. */
  #mayRemove({ keeper, until }: KeeperRow): boolean {
    return keeper === this.#id || until < this.#services.clock.now() - FORGOTTEN_MS;
  }

  /** The keeper finds the site down, and this process has had an answer since: the way there is open from here. */
  #knowsBetter({ health }: KeeperRow, found: SiteHealth): boolean {
    return !health.up && found.up && (found.answeredAt ?? 0) > (health.lastError?.at ?? health.since);
  }

  async #put(
    tx: Tx,
    wanted: readonly KeeperRow[],
    rows: ReadonlyMap<string, KeeperRow>,
    gone: readonly KeeperRow[],
  ): Promise<readonly KeeperRow[]> {
    const put: KeeperRow[] = [];
    for (const row of wanted) if (await putKeeper(tx, row, rows.get(row.site))) put.push(row);
    for (const { site, keeper } of gone) await removeKeeper(tx, site, keeper);
    for (const { site, keeper, health } of put) {
      const before = rows.get(site);
      if (before?.keeper !== keeper || !isSame(before.health, health)) await tx.notify('keeping', keeper);
    }
    return put;
  }

  #settle(site: string, row: KeeperRow | undefined): void {
    const { sites } = this.#services;
    if (row?.keeper !== this.#id) {
      this.#end(site);
      sites.believe(site, row?.health);
      return;
    }
    sites.believe(site, undefined);
    const term = this.#terms.get(site);
    if (term) term.row = row;
    else this.#terms.set(site, { ending: new AbortController(), row });
  }

  #end(site: string): void {
    this.#terms.get(site)?.ending.abort();
    this.#terms.delete(site);
  }
}

function answers({ up, answeredAt }: SiteHealth): boolean {
  return up && answeredAt !== undefined;
}

/** Nothing but times that go on differs. */
function isSame(one: SiteHealth, other: SiteHealth): boolean {
  return (
    one.up === other.up &&
    one.isRefused === other.isRefused &&
    one.since === other.since &&
    one.lastError?.message === other.lastError?.message
  );
}
