/**
 * What is over a limit already is refused before anything of it is made: many who come at once meet in the account of their VO,
 * and each would make its whole appliance to be refused at the end. The account is judged there all the same (S-083).
 */

import { Problem } from '../../src/base/errors.js';
import { OVER_LIMIT } from '../../src/extension/admission.js';
import type { Entities } from '../../src/extension/entities.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { plannedComponents } from './components.js';
import type { Layout } from './layout.js';

/** @throws Problem `unmet` with every limit in the way */
export async function refuseOverLimit(
  entities: Entities,
  { tx, context, registry }: Write,
  plan: DeploymentPlan,
  layout: Layout,
): Promise<void> {
  const faults = await entities.foresee(context, registry, plannedComponents(plan, layout), tx);
  if (faults.length > 0 && faults.every(({ code }) => code === OVER_LIMIT)) throw new Problem('unmet', faults);
}
