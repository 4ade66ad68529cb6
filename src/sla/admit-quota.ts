/** Quota terms against what an appliance takes (`spec/sla.md` §12.8): now, and when it has scaled as far as it may. */

import type { DeploymentPlan } from '../ovf/plan.js';
import { demandsOf, type MachineDemand } from '../scheduling/offer.js';
import type { Agreement, ElasticityTerm, QuotaTerm } from './agreement.js';
import type { Links } from './link-items.js';
import type { UnmetTerm } from './unmet.js';

/** By quota metric, in base units. */
export interface Taken {
  readonly 'vm.count': number;
  readonly 'vm.cores': number;
  readonly 'vm.memory': number;
  readonly 'vm.disk.size': number;
}

export const NOTHING_TAKEN: Taken = { 'vm.count': 0, 'vm.cores': 0, 'vm.memory': 0, 'vm.disk.size': 0 };

/** The appliance as the agreement makes it, and what is counted beside it. */
export interface QuotaContext {
  readonly plan: DeploymentPlan;
  readonly links: Links;
  readonly governed: Taken;
}

export function overQuota(agreement: Agreement, context: QuotaContext): UnmetTerm[] {
  const elastic = agreement.terms.filter((term) => term.type === 'elasticity');
  return agreement.terms.filter((term) => term.type === 'quota').flatMap((term) => judge(term, context, elastic));
}

function judge(
  term: QuotaTerm,
  { plan, links, governed }: QuotaContext,
  elastic: readonly ElasticityTerm[],
): UnmetTerm[] {
  const item = term.scope[0] ?? null;
  const { metric } = term;
  if (!isCounted(metric) || term.per === 'user') {
    const message = `${metric} per ${term.per} is not counted here`;
    return [{ code: 'sla.unsupported', term: term.id, item, message }];
  }
  const machines = new Set(links.machinesOf(term));
  const amounts = demandsOf(plan)
    .filter((demand) => machines.has(demand.item) || machines.has(demand.id))
    .map((demand) => amountOf(metric, demand));
  const earlier = term.scope.length === 0 ? governed[metric] : 0;
  const taken = term.per === 'total' ? earlier + amounts.reduce((sum, one) => sum + one, 0) : Math.max(0, ...amounts);
  const most = metric === 'vm.count' && term.per === 'total' ? taken + headroom(machines, plan, links, elastic) : taken;
  const unmet: UnmetTerm[] = [];
  if (term.limit !== undefined && most > term.limit) {
    const when = taken > term.limit ? 'takes' : 'may scale to';
    const message = `the appliance ${when} ${most} of ${metric}, the limit is ${term.limit}`;
    unmet.push({ code: 'sla.quota', term: term.id, item, message, offered: term.limit });
  }
  if (term.guaranteed !== undefined && term.guaranteed > taken) {
    const message = `no capacity is kept beyond what the appliance takes: ${taken} of ${metric}`;
    unmet.push({ code: 'sla.unsupported', term: term.id, item, message, offered: taken });
  }
  return unmet;
}

function isCounted(metric: string): metric is keyof Taken {
  return Object.hasOwn(NOTHING_TAKEN, metric);
}

function amountOf(metric: keyof Taken, demand: MachineDemand): number {
  switch (metric) {
    case 'vm.count':
      return 1;
    case 'vm.cores':
      return demand.cores;
    case 'vm.memory':
      return demand.memoryBytes;
    case 'vm.disk.size':
      return demand.diskBytes;
  }
}

/** How many instances more there may be by the elasticity terms. */
function headroom(
  machines: ReadonlySet<string>,
  plan: DeploymentPlan,
  links: Links,
  elastic: readonly ElasticityTerm[],
): number {
  return plan.machines.reduce((sum, { id, instances }) => {
    const terms = machines.has(id) ? elastic.filter((term) => links.machinesOf(term).includes(id)) : [];
    return sum + Math.max(0, ...terms.map((term) => term.max - instances.normal));
  }, 0);
}
