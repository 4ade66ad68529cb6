/**
 * What agreements and the sites' capacity have to say about an appliance: admission before its transaction, acceptance
 * inside it, and placement on hosts. The judgement itself is pure (`src/sla`, `src/scheduling`); here it gets the
 * inventories, the caller and the agreements that are kept.
 */

import { levelOfAssurance } from '../../src/access/assurance.js';
import type { Clock } from '../../src/base/clock.js';
import { Problem, problem, type Fault } from '../../src/base/errors.js';
import { newUuid } from '../../src/base/ids.js';
import type { Attachment, RequestContext } from '../../src/extension/extension.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Attributes } from '../../src/occi/model.js';
import type { SiteVerdict } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlacementConstraint } from '../../src/ovf/plan.js';
import { among } from '../../src/scheduling/constraint.js';
import { demandsOf, type MachineDemand, type SiteOffer } from '../../src/scheduling/offer.js';
import { place, type Placed, type Refused } from '../../src/scheduling/placement.js';
import type { Refusal } from '../../src/scheduling/refusals.js';
import type { Tie } from '../../src/scheduling/split.js';
import { admit } from '../../src/sla/admission.js';
import type { SlaSite } from '../../src/sla/admit-site.js';
import type { Agreement } from '../../src/sla/agreement.js';
import { parseAgreementText } from '../../src/sla/parse.js';
import { refusal } from '../../src/sla/unmet.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store } from '../../src/store/sql.js';
import type { Agreements, StandingAgreement } from '../sla/agreements.js';
import { takesWhole } from './hand-over.js';
import { withInstances } from './instances.js';
import {
  layoutOn,
  needsCredential,
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
import { agreementThrough, NO_ACCOUNTS, type OwnAccounts } from './own-accounts.js';
import { offersOf, ownOffers, type SetAside, type Tenant } from './offers.js';
import type { SiteImages } from '../infrastructure/images.js';
import { unpackable } from './parcels.js';
import { inabilities, verdict, verdictOf } from './site-verdict.js';
import { OVF_AGREEMENT } from './vocabulary.js';

export interface GovernanceServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly images: SiteImages;
  readonly agreements: Agreements;
  readonly clock: Clock;
  /** Names under which this provider appears in agreements. */
  readonly providerIds: readonly string[];
  readonly setAside: SetAside;
  readonly policy: SitePolicy;
}

/** What was settled before the transaction of a deployment. */
export interface Governed {
  /** The plan with instances, sizes and constraints as the agreement wants them. */
  readonly plan: DeploymentPlan;
  readonly layout: Layout;
  /** Absent: nothing but capacity was asked. */
  readonly offer?: Offer;
}

/** An appliance that asks to be admitted. */
export interface Applicant {
  readonly plan: DeploymentPlan;
  /** SHA-256 of the descriptor. */
  readonly digest: string;
  /** The agreement document that came along. */
  readonly agreement: Attachment | undefined;
  readonly wish: SiteWish;
}

/** An agreement that came along, with the id its entity will have, or one that stands already. */
export type Offer =
  | { readonly id: string; readonly agreement: Agreement; readonly document: string }
  | { readonly standing: StandingAgreement };

/** Id of the agreement's entity. */
export function agreementId(offer: Offer): string {
  return 'standing' in offer ? offer.standing.id : offer.id;
}

export class Governance {
  readonly #services: GovernanceServices;

  constructor(services: GovernanceServices) {
    this.#services = services;
  }

  get policy(): SitePolicy {
    return this.#services.policy;
  }

  /**
   * Before the transaction: the agreement that came along, or the one named, is judged against plan and sites, and
   * every machine gets a site and a host.
   *
   * @throws Problem `unmet` or `conflict` with every term that cannot be kept; `invalid` for a document that is none
   */
  async admit(context: RequestContext, applicant: Applicant, attributes: Attributes): Promise<Governed> {
    const plan = withInstances(applicant.plan, {});
    const offer = await this.#offer(context, applicant.agreement, attributes);
    const [group] = context.principal.groups;
    if (!offer) return { plan, layout: await this.layOut(this.#services.store, plan, applicant.wish, group) };
    const admitted = await this.#judge(context, { ...applicant, plan }, offer);
    return { plan: withInstances(admitted.plan, {}), layout: admitted, offer };
  }

  async #offer(
    context: RequestContext,
    sent: Attachment | undefined,
    attributes: Attributes,
  ): Promise<Offer | undefined> {
    const named = attributes[OVF_AGREEMENT];
    if (sent && named !== undefined) {
      throw problem('invalid', 'sla.sent-twice', 'the request brings an agreement and names another', {
        place: { field: OVF_AGREEMENT },
        rule: 'K05',
        remedy: 'send the one or name the other',
      });
    }
    if (sent) {
      const document = Buffer.from(sent.bytes ?? []).toString('utf8');
      return { id: newUuid(), agreement: parseAgreementText(document), document };
    }
    return typeof named === 'string'
      ? { standing: await this.#services.agreements.standing(context, named) }
      : undefined;
  }

  async #judge(
    context: RequestContext,
    { plan, digest, wish }: Applicant,
    offer: Offer,
  ): Promise<Layout & { readonly plan: DeploymentPlan }> {
    const { principal } = context;
    const given = 'standing' in offer ? offer.standing.agreement : offer.agreement;
    const agreement = agreementThrough(wish.own ?? NO_ACCOUNTS, given);
    const promised = this.#promised(agreement, wish);
    const candidates = this.#present(promised);
    const able = candidates.length > 1 ? this.#able(plan, candidates) : [];
    const outcome = admit({
      agreement,
      plan: { ...plan, constraints: [...plan.constraints, ...able] },
      descriptor: { sha256: digest },
      sites: await this.#slaSites(candidates, principal.groups[0]),
      ...(promised.maySplit
        ? { split: { ties: this.#ties(plan), constraints: this.#unpackable(plan, candidates) } }
        : {}),
      provider: { ids: this.#services.providerIds },
      caller: { ids: [principal.id, principal.name], vos: principal.groups, loa: levelOfAssurance(principal) },
      governed: await this.#services.agreements.taken('standing' in offer ? offer.standing.id : undefined),
      now: this.#services.clock.now(),
    });
    if ('unmet' in outcome) throw refusal(outcome.unmet);
    const { site, sites, hosts, because } = outcome.admitted;
    return { plan: outcome.admitted.plan, home: site, sites, hosts, because };
  }

  /** An agreement that names sites lets VEP use them (K35), and over several of them split what no one of them takes. */
  #promised({ terms }: Agreement, wish: SiteWish): SiteWish {
    const named = terms.flatMap((term) =>
      term.type === 'placement' && term.rule === 'site' ? term.values.flat() : [],
    );
    const { sites, policy } = this.#services;
    const known = named.filter((name) => sites.has(name) && !policy.required.has(name));
    if (known.length === 0 || wish.named) return wish;
    return {
      ...wish,
      candidates: [...new Set([...wish.candidates, ...known])],
      maySplit: wish.maySplit || known.length > 1,
    };
  }

  /**
   * Inside the transaction: the agreement comes into force for the appliance (K16). Answers the machines' hosts, chosen
   * again now that what others were promised meanwhile can be seen.
   *
   * @throws Problem `conflict` or `unmet` when others have taken the room meanwhile
   */
  async govern(write: Write, appliance: EntityRecord, { plan, layout, offer }: Governed): Promise<Layout> {
    const { agreements } = this.#services;
    const settled = await this.#again(write.tx, plan, layout, appliance.group);
    if (offer && 'standing' in offer) await agreements.attach(write, appliance, offer.standing.id);
    else if (offer) await agreements.accept(write, appliance, offer);
    return settled;
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
    const candidates = this.#present(wish);
    const offers = await offersOf(sites, reader, candidates, this.#tenant(group));
    if (offers.length === 0) return layoutOn(candidates[0] ?? sites.default, plan);
    const demands = demandsOf(plan);
    const able = candidates.length > 1 ? this.#able(plan, candidates) : [];
    const refused: Refusal[] = [];
    let best: { readonly offer: SiteOffer; readonly placed: Placed } | undefined;
    for (const offer of offers) {
      const outcome = await this.#placeOn(
        reader,
        offer,
        demands,
        [...this.#constraints(plan, offer.name), ...able],
        group,
      );
      if ('refused' in outcome) refused.push(...outcome.refused);
      else if (!best || outcome.unkept.length < best.placed.unkept.length) best = { offer, placed: outcome };
      if (best?.placed.unkept.length === 0) break;
    }
    if (best) return layoutOn(best.offer.name, plan, hostsOf(best.placed));
    if (!wish.maySplit || offers.length < 2) throw refusedBy(refused);
    const constraints = [...plan.constraints, ...able, ...this.#unpackable(plan, candidates)];
    const outcome = place(demands, offers, constraints, { ties: this.#ties(plan) });
    if ('refused' in outcome) throw refusedBy(outcome.refused);
    return splitLayout(offers, outcome, refused);
  }

  /**
   * Sites for machines that join others of the appliance: a machine that is tied to one that is there goes to its site, any
   * other to one of the appliance's sites that takes it.
   *
   * @throws Problem `conflict` when none of them has room, `unmet` when a constraint cannot be kept
   */
  async layOutMore(
    reader: SqlReader,
    plan: DeploymentPlan,
    present: ReadonlyMap<string, string>,
    { home, group }: { readonly home: string; readonly group: string },
  ): Promise<Layout> {
    const joining = plan.machines.filter(({ id }) => !present.has(id)).map(({ id }) => id);
    const used = [...new Set([home, ...present.values()])];
    if (used.length === 1) return layoutOn(home, plan);
    const offers = await offersOf(this.#services.sites, reader, used, this.#tenant(group));
    const ties = this.#ties(plan);
    const pins = joining.flatMap((id) => {
      const holding = ties.filter(({ machines, reaches }) => !reaches && machines.has(id));
      const sites = holding.flatMap(({ machines }) => [...machines].flatMap((other) => present.get(other) ?? []));
      return sites.length === 0 ? [] : [onSites([id], [...new Set(sites)], holding[0]?.what ?? '')];
    });
    const demands = demandsOf(plan).filter(({ id }) => joining.includes(id));
    const constraints = [...among([...plan.constraints, ...this.#unpackable(plan, used)], demands), ...pins];
    const outcome = place(demands, offers, constraints, { ties });
    if ('refused' in outcome) throw refusedBy(outcome.refused);
    const placed = [...outcome.assignments].map(([id, at]) => [id, at.site] as const);
    return { home, sites: new Map([...present, ...placed]), hosts: new Map(), because: [] };
  }

  /** The same sites with hosts chosen again. */
  async #again(reader: SqlReader, plan: DeploymentPlan, layout: Layout, group: string): Promise<Layout> {
    const hosts = new Map<string, string>();
    const refused: Refusal[] = [];
    for (const site of sitesOf(layout)) {
      const [offer] = await offersOf(this.#services.sites, reader, [site], this.#tenant(group));
      const demands = demandsOf(plan).filter(({ id }) => siteOf(layout, id) === site);
      if (!offer || demands.length === 0) continue;
      const constraints = among(this.#constraints(plan, site), demands);
      const outcome = await this.#placeOn(reader, offer, demands, constraints, group);
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
    const own = await ownOffers([offer], reader, this.#tenant(group));
    const first = own.length === 0 ? undefined : place(demands, own, constraints);
    return first && 'assignments' in first && first.unkept.length === 0 ? first : place(demands, [offer], constraints);
  }

  /** Where nobody has named them, sites that are down are left out as long as there are others. */
  #present({ candidates, named }: SiteWish): readonly string[] {
    const { sites } = this.#services;
    const up = candidates.filter((name) => sites.status(name).up);
    return named || up.length === 0 ? candidates : up;
  }

  /** What a machine needs and a site cannot do, whoever asks, as constraints: it goes to another. */
  #able(plan: DeploymentPlan, candidates: readonly string[]): readonly PlacementConstraint[] {
    const { sites, images } = this.#services;
    const faultsOn = (site: string, part: DeploymentPlan): readonly Fault[] =>
      inabilities(site, sites.adapter(site).capabilities(), part, images);
    const lacking = candidates.filter((site) => faultsOn(site, plan).length > 0);
    if (lacking.length === 0) return [];
    return plan.machines.flatMap(({ id }) => {
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
  }

  /** Machines that a site which deploys by itself could only take with the whole appliance go to others. */
  #unpackable(plan: DeploymentPlan, candidates: readonly string[]): readonly PlacementConstraint[] {
    const others = candidates.filter((name) => !takesWhole(this.#services.sites, name));
    if (others.length === candidates.length) return [];
    return unpackable(plan).map(({ machines, why }) => onSites(machines, others, why));
  }

  #ties(plan: DeploymentPlan): Tie[] {
    return tiesOf(plan, demandsOf(plan), this.#services.policy);
  }

  /** A site that deploys appliances by itself reads in the descriptor which machines share a host, and which do not. */
  #constraints({ constraints }: DeploymentPlan, site: string): DeploymentPlan['constraints'] {
    return takesWhole(this.#services.sites, site)
      ? constraints.filter(({ rule }) => rule === 'country' || rule === 'zone' || rule === 'site')
      : constraints;
  }

  /** The appliance goes: agreements that governed it alone end. */
  release(write: Write, appliance: EntityRecord): Promise<void> {
    return this.#services.agreements.release(write, appliance);
  }

  /** What each site would say to the plan of that group, with the accounts that it has. */
  verdicts(plan: DeploymentPlan, group: string, own: OwnAccounts): Promise<readonly SiteVerdict[]> {
    const { sites, store, images, policy } = this.#services;
    const names = sites.names.map((name) => own.get(name) ?? name);
    return Promise.all(
      names.map(async (name) =>
        policy.required.has(name)
          ? verdict(name, [needsCredential(name)])
          : verdictOf(sites, store, name, plan, images, this.#tenant(group)),
      ),
    );
  }

  #tenant(group: string): Tenant {
    return { group, setAside: this.#services.setAside };
  }

  async #slaSites(names: readonly string[], group: string): Promise<SlaSite[]> {
    const offers = await offersOf(this.#services.sites, this.#services.store, names, this.#tenant(group));
    return offers.map((offer) => ({
      ...offer,
      // Run-time evaluation comes with a later issue: until then nothing is measured, and no objective is accepted.
      metrics: new Map(),
      promises: new Set(),
      levels: this.#services.sites.adapter(offer.name).capabilities().placement,
    }));
  }
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
function refusedBy(refused: readonly Refusal[]): Problem {
  const reasons = refused.filter(({ code }) => code !== 'placement.other-site');
  const capacity = reasons.every(({ code }) => ROOM.has(code)) && reasons.length > 0;
  return new Problem(capacity ? 'conflict' : 'unmet', refused);
}

const ROOM: ReadonlySet<string> = new Set([
  ...['placement.capacity', 'placement.too-large', 'placement.tied', 'placement.no-split'],
]);
