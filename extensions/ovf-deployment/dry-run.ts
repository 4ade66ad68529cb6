/**
 * The answer to `?dry-run` (K07): the plan as far as it goes, what the user still has to fill in, every finding, which
 * sites could take it, and the price; what the VO's limits leave no room for too. `docs/plan.schema.json` describes the document.
 */

import type { RequestContext } from '../../src/extension/extension.js';
import type { Planned } from '../../src/extension/admission.js';
import type { DryRun } from '../../src/extension/kind-handler.js';
import { hasErrors, withSeverity, type Fault } from '../../src/base/errors.js';
import { planDocument, type PlanDocument } from '../../src/ovf/index.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { Term } from '../../src/sla/agreement.js';
import { plannedComponents } from './components.js';
import type { Governance } from './governance.js';
import { shownPlan } from './hidden-urls.js';
import { sitesOf, type Layout } from './layout.js';
import type { PreparedDeployment, UnreadableDescriptor } from './prepared.js';
import { PLAN_TYPE } from './vocabulary.js';

/** @param foresee what those who keep account of entities would say */
export async function describePlan(
  governance: Governance,
  context: RequestContext,
  prepared: PreparedDeployment,
  foresee: (planned: readonly Planned[]) => Promise<readonly Fault[]>,
): Promise<DryRun> {
  const { layout, result } = prepared;
  const admission = admissionOf(prepared);
  const sound = !hasErrors(prepared.allFindings);
  const plan = admission.plan ?? result.plan;
  const unmet = [...admission.unmet, ...(sound && plan ? await foresee(plannedComponents(plan, layout)) : [])];
  const told = planDocument(prepared.digest, result, prepared.allFindings);
  const body: PlanDocument = {
    ...told,
    site: layout.home,
    placement: sitesOf(layout).map((site) => ({ site, machines: machinesOn(layout, site) })),
    because: withSeverity(layout.because),
    deployable: told.deployable && unmet.length === 0,
    plan: told.plan && shownPlan(admission.plan ?? told.plan, prepared.images),
    sites: result.draft ? await governance.verdicts(result.draft, context.principal.groups[0], prepared.own) : [],
    unmet: withSeverity(unmet),
    price: admission.terms.filter((term) => term.type === 'price'),
  };
  return { mediaType: PLAN_TYPE, body: JSON.stringify(body) };
}

function machinesOn(layout: Layout, site: string): string[] {
  return [...layout.sites].flatMap(([machine, at]) => (at === site ? [machine] : []));
}

/** The answer for a descriptor that cannot be planned: what is wrong with it, and nothing else. */
export function describeRefusal({ digest, findings }: UnreadableDescriptor): DryRun {
  return { mediaType: PLAN_TYPE, body: JSON.stringify(planDocument(digest, undefined, findings)) };
}

interface Admission {
  readonly plan?: DeploymentPlan;
  readonly unmet: readonly Fault[];
  readonly terms: readonly Term[];
}

/**
 * Whether agreement and capacity would be granted, and everything that stands against it.
 *
 * @throws Problem what is no answer but a fault of the request, as an agreement that cannot be read
 */
function admissionOf({ judgement, allFindings }: PreparedDeployment): Admission {
  if (!judgement || hasErrors(allFindings)) return { unmet: [], terms: [] };
  if ('refusal' in judgement) {
    const { kind, faults } = judgement.refusal;
    if (kind !== 'unmet' && kind !== 'conflict') throw judgement.refusal;
    return { unmet: faults, terms: [] };
  }
  const { plan, offer } = judgement.governed;
  const agreement = offer && ('standing' in offer ? offer.standing.agreement : offer.agreement);
  return { plan, unmet: [], terms: agreement?.terms ?? [] };
}
