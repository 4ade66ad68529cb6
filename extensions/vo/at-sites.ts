/**
 * Virtual Organizations at the sites: what a VO may have is held by VEP everywhere, and written into the site's own quotas
 * and rules where it has some ({@link Capabilities.limits}). Written when a VO is first met at a site, when its limits or
 * what is set aside change, and looked after now and then, as somebody may have changed it there. What fails is told to
 * administrators (`vep sites check`, `vep vo show`) and tried again; no deployment waits for it to succeed.
 */

import { messageOf } from '../../src/base/errors.js';
import type { Clock } from '../../src/base/clock.js';
import { canonicalJson, type JsonValue } from '../../src/base/json.js';
import type { Operation } from '../../src/engine/operation.js';
import type { SiteFinding } from '../../src/iaas/adapter.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import { LIMITED, NO_SHARE, type Limited, type TenantReport, type TenantShare } from '../../src/iaas/tenant.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import type { ProvisionInput } from '../infrastructure/site-class.js';
import { forgetAtSite, keptAtSites, keepAtSite, type AtSite } from './at-site-rows.js';
import { sharesAt } from './site-shares.js';

export interface AtSitesServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly keeping: SiteKeeping;
  readonly clock: Clock;
}

/** What was written is looked at again after so many milliseconds, and what could not be. */
const AGAIN_MS = 600_000;
const FAILED_AGAIN_MS = 60_000;

export class VoAtSites {
  readonly #services: AtSitesServices;
  /** One at a time for each VO at each site. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(services: AtSitesServices) {
    this.#services = services;
  }

  /** Upkeep: every VO at every site that this process keeps. */
  async run(signal: AbortSignal): Promise<void> {
    const { sites, keeping } = this.#services;
    for (const site of sites.names) if (keeping.term(site) && this.#limits(site)) await this.#all(site, signal);
  }

  /** Before something is made for a VO at a site: it may be the first thing, which shall find the limits there. */
  detail = async (
    _operation: Operation,
    { group, site }: EntityRecord,
    signal: AbortSignal,
  ): Promise<ProvisionInput> => {
    if (site !== null && this.#limits(site)) await this.#all(site, signal, group);
    return {};
  };

  /** What keeps the limits of VOs from being written at a site, for `vep sites check`. */
  async findings(site: string): Promise<readonly SiteFinding[]> {
    if (!this.#limits(site)) return [];
    const kept = await keptAtSites(this.#services.store, { site });
    return kept.flatMap(({ vo, findings }) =>
      findings.map((finding) => ({ ...finding, message: `for the Virtual Organization ${vo}: ${finding.message}` })),
    );
  }

  #limits(site: string): ReadonlySet<Limited> | undefined {
    return this.#services.sites.adapter(site).capabilities().limits;
  }

  async #all(site: string, signal: AbortSignal, vo?: string): Promise<void> {
    const { store } = this.#services;
    const shares = await sharesAt(store, site, this.#limits(site) ?? new Set(), vo);
    const rows = await keptAtSites(store, { site, ...(vo === undefined ? {} : { vo }) });
    const kept = new Map(rows.map((each) => [each.vo, each]));
    for (const name of new Set([...shares.keys(), ...kept.keys()])) {
      if (signal.aborted) return;
      const share = shares.get(name) ?? NO_SHARE;
      if (this.#isDue(share, kept.get(name))) await this.#once(name, site, share, kept.get(name), signal);
    }
  }

  #isDue(share: TenantShare, known: AtSite | undefined): boolean {
    if (!known) return !isEmpty(share);
    if (!same(share, known.share)) return true;
    const again = known.findings.length > 0 ? FAILED_AGAIN_MS : AGAIN_MS;
    return this.#services.clock.now() - known.at >= again;
  }

  #once(vo: string, site: string, share: TenantShare, known: AtSite | undefined, signal: AbortSignal): Promise<void> {
    const key = JSON.stringify([vo, site]);
    const running = this.#running.get(key) ?? this.#settle(vo, site, share, known, signal);
    this.#running.set(key, running);
    return running.finally(() => this.#running.delete(key));
  }

  async #settle(
    vo: string,
    site: string,
    share: TenantShare,
    known: AtSite | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock } = this.#services;
    const before = known?.held ?? NO_SHARE;
    const now = clock.now();
    // Said before it is done: what is written and then not answered for is taken back too.
    const held = united(before, share);
    if (!same(held, before))
      await store.write((tx) =>
        keepAtSite(tx, { vo, site, share: known?.share ?? NO_SHARE, held, findings: [], at: 0 }),
      );
    const report = await this.#asked(vo, site, share, before, signal);
    if (!report) return;
    const { name, findings } = report;
    const gone = isEmpty(share) && findings.length === 0;
    await store.write((tx) =>
      gone
        ? forgetAtSite(tx, vo, site)
        : keepAtSite(tx, {
            ...{ vo, site, share, findings, at: now },
            held: findings.length === 0 ? share : held,
            ...(name === undefined ? {} : { name }),
          }),
    );
  }

  /** Nothing when it was given up, which says nothing about the site. */
  async #asked(
    vo: string,
    site: string,
    share: TenantShare,
    before: TenantShare,
    signal: AbortSignal,
  ): Promise<TenantReport | undefined> {
    try {
      return await this.#services.sites.adapter(site).tenants?.settle(vo, share, before, { signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      const remedy = 'it is tried again every minute; until then VEP alone holds the limits';
      return { findings: [{ code: 'vo.site-limits', message: messageOf(error), remedy }] };
    }
  }
}

function isEmpty(share: TenantShare): boolean {
  return same(share, NO_SHARE);
}

function same(one: TenantShare, other: TenantShare): boolean {
  return canonicalJson(one as unknown as JsonValue) === canonicalJson(other as unknown as JsonValue);
}

/** All that either has; of limits, the names matter. */
function united(one: TenantShare, other: TenantShare): TenantShare {
  const both = (a: readonly string[], b: readonly string[]): readonly string[] => [...new Set([...a, ...b])].sort();
  const limits = Object.fromEntries(
    LIMITED.flatMap((each) => {
      const value = other.limits[each] ?? one.limits[each];
      return value === undefined ? [] : [[each, value]];
    }),
  );
  return {
    limits,
    hosts: both(one.hosts, other.hosts),
    networks: both(one.networks, other.networks),
    volumes: both(one.volumes, other.volumes),
  };
}
