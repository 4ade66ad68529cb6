/**
 * What agreements and the sites' capacity have to say about an appliance: admission before its transaction, acceptance
 * inside it, and placement on hosts. The judgement itself is pure (`src/sla`, `src/scheduling`); here it gets the
 * inventories, the caller and the agreements that are kept.
 */

import { levelOfAssurance } from '../../src/access/assurance.js';
import type { Clock } from '../../src/base/clock.js';
import { Problem, problem } from '../../src/base/errors.js';
import { newUuid } from '../../src/base/ids.js';
import type { Attachment, RequestContext } from '../../src/extension/extension.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { Attributes } from '../../src/occi/model.js';
import type { SiteVerdict } from '../../src/ovf/index.js';
import { withInstances } from '../../src/ovf/instances.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { admit } from '../../src/sla/admission.js';
import type { SlaSite } from '../../src/sla/admit-site.js';
import type { Agreement } from '../../src/sla/agreement.js';
import { parseAgreementText } from '../../src/sla/parse.js';
import { refusal } from '../../src/sla/unmet.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import type { Agreements, StandingAgreement } from '../sla/agreements.js';
import { needsCredential, type Layout, type SitePolicy, type SiteWish } from './layout.js';
import { Layouts, type LayoutServices } from './layouts.js';
import { offersOf } from './offers.js';
import { agreementThrough, NO_ACCOUNTS, type OwnAccounts } from './own-accounts.js';
import { verdict, verdictOf } from './site-verdict.js';
import { OVF_AGREEMENT } from './vocabulary.js';

export interface GovernanceServices extends LayoutServices {
  readonly store: Store;
  readonly agreements: Agreements;
  readonly clock: Clock;
  /** Names under which this provider appears in agreements. */
  readonly providerIds: readonly string[];
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
  readonly layouts: Layouts;
  readonly #services: GovernanceServices;

  constructor(services: GovernanceServices) {
    this.layouts = new Layouts(services);
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
    const plan = withInstances(applicant.plan);
    const offer = await this.#offer(context, applicant.agreement, attributes);
    const [group] = context.principal.groups;
    if (!offer) return { plan, layout: await this.layouts.layOut(this.#services.store, plan, applicant.wish, group) };
    const admitted = await this.#judge(context, { ...applicant, plan }, offer);
    return { plan: withInstances(admitted.plan), layout: admitted, offer };
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
    const candidates = this.layouts.present(promised);
    const able = this.layouts.able(plan, candidates);
    const outcome = admit({
      agreement,
      plan: { ...plan, constraints: [...plan.constraints, ...able.constraints] },
      descriptor: { sha256: digest },
      sites: await this.#slaSites(candidates, principal.groups[0]),
      ...(promised.maySplit
        ? { split: { ties: this.layouts.ties(plan), constraints: this.layouts.unpackable(plan, candidates) } }
        : {}),
      provider: { ids: this.#services.providerIds },
      caller: { ids: [principal.id, principal.name], vos: principal.groups, loa: levelOfAssurance(principal) },
      governed: await this.#services.agreements.taken('standing' in offer ? offer.standing.id : undefined),
      now: this.#services.clock.now(),
    });
    const leftOut = this.layouts.leftOut(promised);
    const unmet = 'unmet' in outcome ? refusal(outcome.unmet).faults : [];
    if (able.faults.length > 0) throw new Problem('unmet', [...able.faults, ...unmet, ...leftOut]);
    if ('unmet' in outcome) throw new Problem(refusal(outcome.unmet).kind, [...unmet, ...leftOut]);
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
    const settled = await this.layouts.layOutAgain(write.tx, plan, layout, appliance.group);
    if (offer && 'standing' in offer) await agreements.attach(write, appliance, offer.standing.id);
    else if (offer) await agreements.accept(write, appliance, offer);
    return settled;
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
          : verdictOf(sites, store, name, plan, images, this.layouts.tenant(group)),
      ),
    );
  }

  async #slaSites(names: readonly string[], group: string): Promise<SlaSite[]> {
    const offers = await offersOf(this.#services.sites, this.#services.store, names, this.layouts.tenant(group));
    return offers.map((offer) => ({
      ...offer,
      // Run-time evaluation comes with a later issue: until then nothing is measured, and no objective is accepted.
      metrics: new Map(),
      promises: new Set(),
      levels: this.#services.sites.adapter(offer.name).capabilities().placement,
    }));
  }
}
