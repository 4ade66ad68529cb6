/**
 * Where machines would be: on which site each, and there on which host, as far as VEP may choose. The search itself is
 * pure (`src/scheduling`); here it gets the inventories and what only the sites' adapters know.
 */

import { Problem, type Fault } from '../../src/base/errors.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { DeploymentPlan, PlacementConstraint } from '../../src/ovf/plan.js';
import { among } from '../../src/scheduling/constraint.js';
import { demandsOf, type MachineDemand, type SiteOffer } from '../../src/scheduling/offer.js';
import { place, type Placed, type Refused } from '../../src/scheduling/placement.js';
import type { Refusal } from '../../src/scheduling/refusals.js';
import type { Tie } from '../../src/scheduling/split.js';
import type { SqlReader } from '../../src/store/sql.js';
import type { SiteImages } from '../infrastructure/images.js';
import { takesWhole } from './hand-over.js';
import {
  layoutOn,
  onSites,
  partOf,
  siteOf,
  sitesOf,
  tiesOf,
  type Hosts,
  type Layout,
  type SitePolicy,
  type SiteWish,
} from './layout.js';
import { offersOf, ownOffers, type SetAside, type Tenant } from './offers.js';
import { unpackable } from './parcels.js';
import { downAmong, inabilities } from './site-verdict.js';

/** By id: machines that are somewhere already. */
export type Present = ReadonlyMap<string, { readonly site: string; readonly isOn: (host: string) => boolean }>;

/** Of the sites in question, in the same order, those that can do all that a plan needs. */
export interface Able {
  readonly sites: readonly string[];
  /** What sends machines to sites that can do what they need. */
  readonly constraints: readonly PlacementConstraint[];
  /** What the only site in question cannot do: there is no other. */
  readonly faults: readonly Fault[];
}

export interface LayoutServices {
  readonly sites: Sites;
  readonly images: SiteImages;
  readonly setAside: SetAside;
  readonly policy: SitePolicy;
}

export class Layouts {
  readonly #services: LayoutServices;

  constructor(services: LayoutServices) {
    this.#services = services;
  }

  /**
   * A site for every machine, and a host where the site lets VEP choose and its inventory is known: all on the first site
   * that takes them and keeps most wishes, else split over several if they may be. What is set aside for the group is filled
   * first, and what is set aside for others is not there.
   *
   * @throws Problem `conflict` when there is no room, `unmet` when a constraint cannot be kept
   */
  async layOut(reader: SqlReader, plan: DeploymentPlan, wish: SiteWish, group: string): Promise<Layout> {
    const { sites } = this.#services;
    const candidates = this.present(wish);
    const offers = await offersOf(sites, reader, candidates, this.tenant(group));
    const able = this.able(plan, candidates);
    if (offers.length === 0 && able.faults.length === 0)
      return layoutOn(able.sites[0] ?? candidates[0] ?? sites.default, plan);
    const demands = demandsOf(plan);
    const refused: Refusal[] = [];
    let best: { readonly offer: SiteOffer; readonly placed: Placed } | undefined;
    for (const offer of offers) {
      const outcome = await this.#placeOn(
        reader,
        offer,
        demands,
        [...this.#constraints(plan, offer.name), ...able.constraints],
        group,
      );
      if ('refused' in outcome) refused.push(...outcome.refused);
      else if (!best || outcome.unkept.length < best.placed.unkept.length) best = { offer, placed: outcome };
      if (best?.placed.unkept.length === 0) break;
    }
    const leftOut = this.leftOut(wish);
    if (able.faults.length > 0) throw new Problem('unmet', [...able.faults, ...refused, ...leftOut]);
    if (best) return layoutOn(best.offer.name, plan, hostsOf(best.placed));
    if (!wish.maySplit || offers.length < 2) throw refusedBy(refused, leftOut);
    const constraints = [...plan.constraints, ...able.constraints, ...this.unpackable(plan, candidates)];
    const outcome = place(demands, offers, constraints, { ties: this.ties(plan) });
    if ('refused' in outcome) throw refusedBy(outcome.refused, leftOut);
    return splitLayout(offers, outcome, refused);
  }

  /**
   * Sites and hosts for machines that join others of the appliance: a machine that is tied to one that is there goes to its site, any
   * other to one of the appliance's sites that takes it; and those that are there stay where they are.
   *
   * @throws Problem `conflict` when none of them has room, `unmet` when a constraint cannot be kept
   */
  async layOutMore(
    reader: SqlReader,
    plan: DeploymentPlan,
    present: Present,
    { home, group }: { readonly home: string; readonly group: string },
  ): Promise<Layout> {
    const there = new Map([...present].map(([id, { site }]) => [id, site]));
    const joining = plan.machines.filter(({ id }) => !there.has(id)).map(({ id }) => id);
    const used = [...new Set([home, ...there.values()])];
    if (joining.length === 0 || used.length === 1)
      return this.layOutAgain(reader, plan, layoutOn(home, plan), group, present);
    const offers = await offersOf(this.#services.sites, reader, used, this.tenant(group));
    const ties = this.ties(plan);
    const pins = joining.flatMap((id) => {
      const holding = ties.filter(({ machines, reaches }) => !reaches && machines.has(id));
      const sites = holding.flatMap(({ machines }) => [...machines].flatMap((other) => there.get(other) ?? []));
      return sites.length === 0 ? [] : [onSites([id], [...new Set(sites)], holding[0]?.what ?? '')];
    });
    const demands = demandsOf(plan).filter(({ id }) => joining.includes(id));
    const constraints = [...among([...plan.constraints, ...this.unpackable(plan, used)], demands), ...pins];
    const outcome = place(demands, offers, constraints, { ties });
    if ('refused' in outcome) throw refusedBy(outcome.refused);
    const placed = [...outcome.assignments].map(([id, at]) => [id, at.site] as const);
    const layout = { home, sites: new Map([...there, ...placed]), hosts: new Map(), because: [] };
    return this.layOutAgain(reader, plan, layout, group, present);
  }

  /** The same sites with hosts chosen again, but for machines that are present. */
  async layOutAgain(
    reader: SqlReader,
    plan: DeploymentPlan,
    layout: Layout,
    group: string,
    present: Present = new Map(),
  ): Promise<Layout> {
    const hosts = new Map<string, string>();
    const refused: Refusal[] = [];
    for (const site of sitesOf(layout)) {
      const [offer] = await offersOf(this.#services.sites, reader, [site], this.tenant(group));
      const demands = demandsOf(plan).filter(({ id }) => siteOf(layout, id) === site);
      const settled = offer ? settledOn(offer, demands, present) : [];
      if (!offer || settled.every(({ at }) => at)) continue;
      const constraints = among(this.#constraints(plan, site), settled);
      const outcome = await this.#placeOn(reader, offer, settled, constraints, group);
      if ('refused' in outcome) refused.push(...outcome.refused);
      else for (const [machine, { host }] of outcome.assignments) hosts.set(machine, host);
    }
    if (refused.length > 0) throw refusedBy(refused);
    return { ...layout, hosts };
  }

  async #placeOn(
    reader: SqlReader,
    offer: SiteOffer,
    demands: readonly MachineDemand[],
    constraints: readonly PlacementConstraint[],
    group: string,
  ): Promise<Placed | Refused> {
    const own = await ownOffers([offer], reader, this.tenant(group));
    const first = own.length === 0 ? undefined : place(demands, own, constraints);
    return first && 'assignments' in first && first.unkept.length === 0 ? first : place(demands, [offer], constraints);
  }

  /** Where nobody has named them, sites that are down are left out as long as there are others. */
  present({ candidates, named }: SiteWish): readonly string[] {
    const { sites } = this.#services;
    const up = candidates.filter((name) => sites.status(name).up);
    return named || up.length === 0 ? candidates : up;
  }

  /** Sites that {@link present} leaves out: where nothing else takes an appliance, one of them may, once it is back. */
  leftOut(wish: SiteWish): readonly Fault[] {
    const present = this.present(wish);
    const others = wish.candidates.filter((name) => !present.includes(name));
    return downAmong(this.#services.sites, others);
  }

  /** What a plan needs and sites cannot do, whoever asks. */
  able(plan: DeploymentPlan, candidates: readonly string[]): Able {
    const { sites, images } = this.#services;
    const faultsOn = (site: string, part: DeploymentPlan): readonly Fault[] =>
      inabilities(site, sites.adapter(site).capabilities(), part, images);
    const lacking = candidates.filter((site) => faultsOn(site, plan).length > 0);
    const able = candidates.filter((site) => !lacking.includes(site));
    if (lacking.length === 0) return { sites: able, constraints: [], faults: [] };
    const [only = '', ...others] = candidates;
    if (others.length === 0) return { sites: [], constraints: [], faults: faultsOn(only, plan) };
    const constraints = plan.machines.flatMap(({ id }) => {
      const part = partOf(plan, (machine) => machine === id);
      const faults = lacking.flatMap((site) =>
        faultsOn(site, part)
          .slice(0, 1)
          .map((fault) => ({ site, fault })),
      );
      if (faults.length === 0) return [];
      const unable = new Set(faults.map(({ site }) => site));
      const origin = faults.map(({ site, fault }) => `${fault.message} (site ${site})`).join('; ');
      return [
        onSites(
          [id],
          candidates.filter((site) => !unable.has(site)),
          origin,
        ),
      ];
    });
    return { sites: able, constraints, faults: [] };
  }

  /** Machines that a site which deploys by itself could only take with the whole appliance go to others. */
  unpackable(plan: DeploymentPlan, candidates: readonly string[]): readonly PlacementConstraint[] {
    const others = candidates.filter((name) => !takesWhole(this.#services.sites, name));
    if (others.length === candidates.length) return [];
    return unpackable(plan).map(({ machines, why }) => onSites(machines, others, why));
  }

  ties(plan: DeploymentPlan): Tie[] {
    return tiesOf(plan, demandsOf(plan), this.#services.policy);
  }

  /** A site that deploys appliances by itself reads in the descriptor which machines share a host, and which do not. */
  #constraints({ constraints }: DeploymentPlan, site: string): DeploymentPlan['constraints'] {
    return takesWhole(this.#services.sites, site)
      ? constraints.filter(({ rule }) => rule === 'country' || rule === 'zone' || rule === 'site')
      : constraints;
  }

  tenant(group: string): Tenant {
    return { group, setAside: this.#services.setAside };
  }
}

/** Machines that are present with the hosts they are on; of those of which it is not known nothing can be said. */
function settledOn(offer: SiteOffer, demands: readonly MachineDemand[], present: Present): readonly MachineDemand[] {
  return demands.flatMap((demand) => {
    const there = present.get(demand.id);
    if (!there) return [demand];
    const host = offer.hosts.find(({ name }) => there.isOn(name));
    return host ? [{ ...demand, at: { site: offer.name, host: host.name } }] : [];
  });
}

function hostsOf({ assignments }: Placed): Hosts {
  return new Map([...assignments].map(([machine, { host }]) => [machine, host]));
}

function splitLayout(offers: readonly SiteOffer[], placed: Placed, because: readonly Refusal[]): Layout {
  const sites = new Map([...placed.assignments].map(([machine, { site }]) => [machine, site]));
  const used = new Set(sites.values());
  const home = offers.find(({ name }) => used.has(name))?.name ?? '';
  return { home, sites, hosts: hostsOf(placed), because };
}

/** Not enough room on the sites that it may be on is a conflict with what runs; anything else cannot be promised at all. */
function refusedBy(refused: readonly Refusal[], leftOut: readonly Fault[] = []): Problem {
  const reasons = refused.filter(({ code }) => code !== 'placement.other-site');
  const capacity = reasons.every(({ code }) => ROOM.has(code)) && reasons.length > 0;
  return new Problem(capacity ? 'conflict' : 'unmet', [...refused, ...leftOut]);
}

const ROOM: ReadonlySet<string> = new Set([
  ...['placement.capacity', 'placement.too-large', 'placement.tied', 'placement.no-split'],
]);
