/**
 * What is over a limit already is refused before its transaction: many who come at once meet in the account of their VO, and each
 * would make the whole appliance before it is refused. The transaction judges all the same, and it alone accepts (S-083).
 */

import type { Access } from '../../src/access/index.js';
import { Problem } from '../../src/base/errors.js';
import { OVER_LIMIT } from '../../src/extension/admission.js';
import type { Entities } from '../../src/extension/entities.js';
import type { NewEntity } from '../../src/extension/entity-draft.js';
import type { RequestContext } from '../../src/extension/extension.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { plannedComponents } from './components.js';
import { APPLIANCE } from './vocabulary.js';

export interface LimitServices {
  readonly access: Access;
  readonly entities: () => Entities;
}

/**
 * Who may make no appliance, or repeats a request of before (K12), is not judged here.
 * @throws Problem `unmet` with every limit in the way
 */
export async function refuseOverLimit(
  { access, entities }: LimitServices,
  context: RequestContext,
  registry: CategoryRegistry,
  { replayKey }: NewEntity,
  plan: DeploymentPlan,
): Promise<void> {
  const { principal } = context;
  const own = { id: '', kind: APPLIANCE, owner: principal.id, group: principal.groups[0], appliance: null };
  if (replayKey !== undefined || !access.decide(principal, 'create', own)) return;
  const faults = await entities().foresee(context, registry, plannedComponents(plan));
  if (faults.length > 0 && faults.every(({ code }) => code === OVER_LIMIT)) throw new Problem('unmet', faults);
}
