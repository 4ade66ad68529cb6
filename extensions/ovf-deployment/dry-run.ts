/**
 * The answer to `?dry-run` (K07): the plan as far as it goes, what the user still has to fill in, every finding, which
 * sites could take it, and the price; what the VO's limits leave no room for too. `docs/plan.schema.json` describes the document.
 */

import type { RequestContext } from '../../src/extension/extension.js';
import type { Planned } from '../../src/extension/admission.js';
import type { DryRun } from '../../src/extension/kind-handler.js';
import { Problem, type Fault } from '../../src/base/errors.js';
import type { Attributes } from '../../src/occi/model.js';
import { planDocument, type PlanDocument } from '../../src/ovf/index.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { Term } from '../../src/sla/agreement.js';
import { plannedComponents } from './components.js';
import type { Governance } from './governance.js';
import type { PreparedDeployment, UnreadableDescriptor } from './prepared.js';
import { PLAN_TYPE } from './vocabulary.js';

/** @param foresee what those who keep account of entities would say */
export async function describePlan(
  governance: Governance,
  context: RequestContext,
  prepared: PreparedDeployment,
  attributes: Attributes,
  foresee: (planned: readonly Planned[]) => Promise<readonly Fault[]>,
): Promise<DryRun> {
  const { draft, plan: made } = prepared.result;
  const sound = prepared.allFindings.every(({ severity = 'error' }) => severity !== 'error');
  const admission = !sound || made === undefined ? NOT_JUDGED : await judged(governance, context, prepared, attributes);
  const plan = admission.plan ?? made;
  const unmet = [...admission.unmet, ...(sound && plan ? await foresee(plannedComponents(plan)) : [])];
  const told = planDocument(prepared.digest, prepared.result, prepared.allFindings);
  const body: PlanDocument = {
    ...told,
    site: prepared.site,
    deployable: told.deployable && unmet.length === 0,
    plan: admission.plan ?? told.plan,
    sites: draft ? await governance.verdicts(draft, context.principal.groups[0]) : [],
    unmet,
    price: admission.terms.filter((term) => term.type === 'price'),
  };
  return { mediaType: PLAN_TYPE, body: JSON.stringify(body) };
}

/** The answer for a descriptor that cannot be planned: what is wrong with it, and nothing else. */
export function describeRefusal({ digest, faults }: UnreadableDescriptor): DryRun {
  return { mediaType: PLAN_TYPE, body: JSON.stringify(planDocument(digest, undefined, faults)) };
}

interface Admission {
  readonly plan?: DeploymentPlan;
  readonly unmet: readonly Fault[];
  readonly terms: readonly Term[];
}

const NOT_JUDGED: Admission = { unmet: [], terms: [] };

/** Whether agreement and capacity would be granted, and everything that stands against it. */
async function judged(
  governance: Governance,
  context: RequestContext,
  prepared: PreparedDeployment,
  attributes: Attributes,
): Promise<Admission> {
  try {
    const { plan, offer } = await governance.admit(context, prepared, attributes);
    const agreement = offer && ('standing' in offer ? offer.standing.agreement : offer.agreement);
    return { plan, unmet: [], terms: agreement?.terms ?? [] };
  } catch (error) {
    if (error instanceof Problem && (error.kind === 'unmet' || error.kind === 'conflict')) {
      return { unmet: error.faults, terms: [] };
    }
    throw error;
  }
}
