/**
 * Admission (`spec/sla.md` §12): whether an agreement can be promised for an appliance, judged on the plan and on what
 * the sites declare, before anything is deployed. Every unmet term is told, not the first. Pure: the inventory comes in
 * as a value, and nothing is booked.
 */

import { foldReplicas } from '../ovf/instances.js';
import type { DeploymentPlan } from '../ovf/plan.js';
import type { Agreement, PriceTerm } from './agreement.js';
import { overQuota, type Taken } from './admit-quota.js';
import { requiredSizes } from './admit-resources.js';
import { askSite, askTogether, type SiteAnswer, type SlaSite, type Split, type Standing } from './admit-site.js';
import type { Refusal } from '../scheduling/refusals.js';
import { raisePlan, type Requirements } from './effective-plan.js';
import { linkItems } from './link-items.js';
import type { UnmetTerm } from './unmet.js';

export interface AdmissionRequest {
  readonly agreement: Agreement;
  readonly plan: DeploymentPlan;
  /** SHA-256 of the descriptor the plan was made from, in hex. */
  readonly descriptor: { readonly sha256: string };
  /** In order of preference. */
  readonly sites: readonly SlaSite[];
  /** What binds machines where they may be on several sites; absent: they may not. */
  readonly split?: Split;
  /** Names under which this provider appears in agreements. */
  readonly provider: { readonly ids: readonly string[] };
  readonly caller: Caller;
  /** What appliances take that the agreement governs already; quotas count them. */
  readonly governed: Taken;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Caller {
  /** Identifiers and names of the caller. */
  readonly ids: readonly string[];
  readonly vos: readonly string[];
  /** Level of assurance of the authentication, 1…4; null: unknown. */
  readonly loa: number | null;
}

export interface Admitted {
  /** The plan with sizes and constraints of the agreement. */
  readonly plan: DeploymentPlan;
  readonly requirements: Requirements;
  /** The site, or the first of several. */
  readonly site: string;
  /** Site by machine id; replicas are called `<machine>-<n>`. */
  readonly sites: ReadonlyMap<string, string>;
  /** Why no one site takes all, where it is on several. */
  readonly because: readonly Refusal[];
  /** Host by machine id. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Ids of preferred placement terms that are not kept. */
  readonly unkept: readonly string[];
  readonly prices: readonly PriceTerm[];
}

/** Admits, or lists what stands against it at the site where the least does. */
export function admit(
  request: AdmissionRequest,
): { readonly admitted: Admitted } | { readonly unmet: readonly UnmetTerm[] } {
  const { agreement } = request;
  const plan = foldReplicas(request.plan);
  const linked = linkItems(agreement, plan, request.descriptor);
  const { sizes, unmet: contradictions } = requiredSizes(agreement, plan, linked.links);
  const sized = raisePlan(plan, { ...sizes, constraints: [] });
  const unmet = [
    ...wrongParties(request),
    ...outOfTime(request),
    ...linked.unmet,
    ...contradictions,
    ...overQuota(agreement, { plan: sized, links: linked.links, governed: request.governed }),
  ];
  const standing = { agreement, plan: sized, links: linked.links, loa: request.caller.loa, now: request.now };
  const answers = request.sites
    .map((site) => askSite(site, standing))
    .sort((one, other) => one.unmet.length - other.unmet.length);
  const [alone] = answers;
  const best = alone && splitWhereNeeded(request, standing, alone);
  if (!best) return { unmet: [...unmet, noSite()] };
  if (unmet.length + best.unmet.length > 0) return { unmet: [...unmet, ...best.unmet] };
  const requirements = { ...sizes, constraints: best.constraints };
  return {
    admitted: {
      plan: raisePlan(request.plan, requirements),
      requirements,
      site: best.site,
      sites: best.sites,
      because: best.because,
      hosts: best.hosts,
      unkept: best.unkept,
      prices: agreement.terms.filter((term) => term.type === 'price'),
    },
  };
}

/** Several sites together where no one of them can promise all, if that helps. */
function splitWhereNeeded({ sites, split }: AdmissionRequest, standing: Standing, alone: SiteAnswer): SiteAnswer {
  if (alone.unmet.length === 0 || !split || sites.length < 2) return alone;
  const together = askTogether(sites, standing, split);
  return together.unmet.length === 0 ? together : alone;
}

function noSite(): UnmetTerm {
  return { code: 'sla.capacity', term: null, item: null, message: 'there is no site to deploy on' };
}

/** The customer must be the caller or one of the caller's Virtual Organizations, the provider this one (§12.1). */
function wrongParties({ agreement, caller, provider }: AdmissionRequest): UnmetTerm[] {
  const { parties } = agreement;
  const about = (item: string, message: string, offered?: string): UnmetTerm => ({
    code: 'sla.party',
    term: null,
    item,
    message,
    ...(offered === undefined ? {} : { offered }),
  });
  if (agreement.kind === 'Template' || !parties) {
    return [about('kind', 'a template is no offer: fill it in and send it as an Agreement')];
  }
  const { customer } = parties;
  const isCaller = caller.ids.includes(customer.id) || caller.vos.includes(customer.id);
  const isMember = customer.vo === undefined || caller.vos.includes(customer.vo);
  return [
    ...(isCaller ? [] : [about('customer', 'the customer is neither you nor a Virtual Organization of yours')]),
    ...(isMember ? [] : [about('customer', 'you are no member of the Virtual Organization of the customer')]),
    ...(provider.ids.includes(parties.provider.id)
      ? []
      : [about('provider', 'the provider is not this one', provider.ids[0])]),
  ];
}

function outOfTime({ agreement, now }: AdmissionRequest): UnmetTerm[] {
  if (agreement.effectiveUntil === null || agreement.effectiveUntil > now) return [];
  const message = `it ended at ${new Date(agreement.effectiveUntil).toISOString()}`;
  return [{ code: 'sla.expired', term: null, item: null, message }];
}
