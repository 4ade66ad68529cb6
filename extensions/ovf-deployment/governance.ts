/**
 * What agreements and the sites' capacity have to say about an appliance: admission before its transaction, acceptance
 * inside it, and placement on hosts. The judgement itself is pure (`src/sla`, `src/scheduling`); here it gets the
 * inventories, the caller and the agreements that are kept.
 */

import { levelOfAssurance } from '../../src/access/assurance.js';
import type { Clock } from '../../src/base/clock.js';
import { Problem, problem } from '../../src/base/errors.js';
import { newUuid } from '../../src/base/ids.js';
import type { RequestContext } from '../../src/extension/extension.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Attributes } from '../../src/occi/model.js';
import type { SiteVerdict } from '../../src/ovf/index.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { demandsOf } from '../../src/scheduling/offer.js';
import { place } from '../../src/scheduling/placement.js';
import { admit, type Admitted } from '../../src/sla/admission.js';
import type { SlaSite } from '../../src/sla/admit-site.js';
import type { Agreement } from '../../src/sla/agreement.js';
import { parseAgreementText } from '../../src/sla/parse.js';
import { refusal } from '../../src/sla/unmet.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store } from '../../src/store/sql.js';
import type { Agreements, StandingAgreement } from '../sla/agreements.js';
import type { Hosts } from './deployment-graph.js';
import { withInstances } from './instances.js';
import { offersOf, ownOffers, type SetAside, type Tenant } from './offers.js';
import type { PreparedDeployment } from './prepared.js';
import type { SiteImages } from '../infrastructure/images.js';
import { verdictOf } from './site-verdict.js';
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
}

/** What was settled before the transaction of a deployment. */
export interface Governed {
  /** The plan with instances, sizes and constraints as the agreement wants them. */
  readonly plan: DeploymentPlan;
  readonly hosts: Hosts;
  /** Absent: nothing but capacity was asked. */
  readonly offer?: Offer;
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

  /**
   * Before the transaction: the agreement that came along, or the one named, is judged against plan and site, and
   * every machine gets a host.
   *
   * @throws Problem `unmet` or `conflict` with every term that cannot be kept; `invalid` for a document that is none
   */
  async admit(context: RequestContext, prepared: PreparedDeployment, attributes: Attributes): Promise<Governed> {
    const plan = withInstances(prepared.plan(), {});
    const offer = await this.#offer(context, prepared, attributes);
    const [group] = context.principal.groups;
    if (!offer) return { plan, hosts: await this.place(this.#services.store, plan, prepared.site, group) };
    const agreement = 'standing' in offer ? offer.standing.agreement : offer.agreement;
    const admitted = await this.#judge(context, prepared, plan, agreement, offer);
    return { plan: withInstances(admitted.plan, {}), hosts: admitted.hosts, offer };
  }

  async #offer(
    context: RequestContext,
    prepared: PreparedDeployment,
    attributes: Attributes,
  ): Promise<Offer | undefined> {
    const named = attributes[OVF_AGREEMENT];
    if (prepared.agreement && named !== undefined) {
      throw problem('invalid', 'sla.sent-twice', 'the request brings an agreement and names another', {
        place: { field: OVF_AGREEMENT },
        rule: 'K05',
        remedy: 'send the one or name the other',
      });
    }
    if (prepared.agreement) {
      const document = Buffer.from(prepared.agreement.bytes ?? []).toString('utf8');
      return { id: newUuid(), agreement: parseAgreementText(document), document };
    }
    return typeof named === 'string'
      ? { standing: await this.#services.agreements.standing(context, named) }
      : undefined;
  }

  async #judge(
    context: RequestContext,
    prepared: PreparedDeployment,
    plan: DeploymentPlan,
    agreement: Agreement,
    offer: Offer,
  ): Promise<Admitted> {
    const { principal } = context;
    const outcome = admit({
      agreement,
      plan,
      descriptor: { sha256: prepared.digest },
      sites: await this.#slaSites([prepared.site], principal.groups[0]),
      provider: { ids: this.#services.providerIds },
      caller: { ids: [principal.id, principal.name], vos: principal.groups, loa: levelOfAssurance(principal) },
      governed: await this.#services.agreements.taken('standing' in offer ? offer.standing.id : undefined),
      now: this.#services.clock.now(),
    });
    if ('unmet' in outcome) throw refusal(outcome.unmet);
    return outcome.admitted;
  }

  /**
   * Inside the transaction: the agreement comes into force for the appliance (K16). Answers the machines' hosts, chosen
   * again now that what others were promised meanwhile can be seen.
   *
   * @throws Problem `conflict` or `unmet` when others have taken the room meanwhile
   */
  async govern(write: Write, appliance: EntityRecord, { plan, offer }: Governed): Promise<Hosts> {
    const { agreements } = this.#services;
    const hosts = await this.place(write.tx, plan, appliance.site ?? '', appliance.group);
    if (offer && 'standing' in offer) await agreements.attach(write, appliance, offer.standing.id);
    else if (offer) await agreements.accept(write, appliance, offer);
    return hosts;
  }

  /**
   * A host for every machine where the site lets VEP choose; nothing where its inventory is not known. What is set aside
   * for the group is filled first, and what is set aside for others is not there.
   *
   * @throws Problem `conflict` when there is no room, `unmet` when a constraint cannot be kept
   */
  async place(reader: SqlReader, plan: DeploymentPlan, site: string, group: string): Promise<Hosts> {
    const tenant = this.#tenant(group);
    const offers = await offersOf(this.#services.sites, reader, [site], tenant);
    if (offers.length === 0) return new Map();
    const own = await ownOffers(offers, reader, tenant);
    const constraints = this.#constraints(plan, site);
    const first = own.length === 0 ? undefined : place(demandsOf(plan), own, constraints);
    const outcome =
      first && 'assignments' in first && first.unkept.length === 0
        ? first
        : place(demandsOf(plan), offers, constraints);
    if ('assignments' in outcome) return new Map([...outcome.assignments].map(([machine, at]) => [machine, at.host]));
    const capacity = outcome.refused.every(
      ({ code }) => code === 'placement.capacity' || code === 'placement.too-large',
    );
    throw new Problem(capacity ? 'conflict' : 'unmet', outcome.refused);
  }

  /** A site that deploys appliances by itself reads in the descriptor which machines share a host, and which do not. */
  #constraints({ constraints }: DeploymentPlan, site: string): DeploymentPlan['constraints'] {
    const whole = this.#services.sites.adapter(site).capabilities().appliances === true;
    return whole ? constraints.filter(({ rule }) => rule === 'country' || rule === 'zone') : constraints;
  }

  /** The appliance goes: agreements that governed it alone end. */
  release(write: Write, appliance: EntityRecord): Promise<void> {
    return this.#services.agreements.release(write, appliance);
  }

  /** What each site would say to the plan of that group. */
  verdicts(plan: DeploymentPlan, group: string): Promise<readonly SiteVerdict[]> {
    const { sites, store, images } = this.#services;
    return Promise.all(sites.names.map((name) => verdictOf(sites, store, name, plan, images, this.#tenant(group))));
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
