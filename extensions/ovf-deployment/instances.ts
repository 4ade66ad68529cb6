/** How many instances of a machine there may be (action `scale`): within the bounds of the descriptor and its collections. */

import { problem } from '../../src/base/errors.js';
import { withInstances } from '../../src/ovf/instances.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { memoryOf } from '../../src/ovf/planning/allocation.js';

/** Of one machine; each of them is a machine of the plan. */
const MOST_INSTANCES = 10_000;

/**
 * The plan with so many instances of a role.
 *
 * @throws Problem `invalid` for a role that is no machine, or a number outside the descriptor's bounds
 */
export function scaled(plan: DeploymentPlan, role: string, count: number): DeploymentPlan {
  refuseUnknown(plan, role, count);
  const grown = withInstances(plan, new Map([[role, count]]));
  refuseOverLimit(plan, grown);
  return grown;
}

/** DSP0243 §9.4: no collection grows beyond what its machines may have together. */
function refuseOverLimit(before: DeploymentPlan, after: DeploymentPlan): void {
  for (const { id, allocation } of after.collections) {
    const limit = allocation?.memory?.limit;
    const [had, wanted] = [before, after].map(({ collections, machines }) => memoryOf(id, collections, machines));
    if (limit === undefined || wanted === undefined || wanted <= limit || wanted <= (had ?? 0)) continue;
    throw problem('invalid', 'appliance.collection-limit', `${id} may have ${limit} bytes of memory, not ${wanted}`, {
      place: { field: 'count' },
      rule: 'DSP0243 §9.4',
      remedy: 'ask for fewer instances',
    });
  }
}

function refuseUnknown(plan: DeploymentPlan, role: string, count: number): void {
  const machines = plan.machines.filter(({ instanceOf }) => instanceOf === undefined);
  const machine = machines.find(({ id }) => id === role);
  if (!machine) {
    throw problem('invalid', 'appliance.role-unknown', 'the appliance has no machine of that name', {
      place: { field: 'role' },
      remedy: `name one of ${machines
        .map(({ id }) => id)
        .join(', ')
        .slice(0, 300)}`,
    });
  }
  const { min = 1, max } = machine.instances;
  if (Number.isInteger(count) && count >= min && count <= Math.min(max ?? MOST_INSTANCES, MOST_INSTANCES)) return;
  throw problem(
    'invalid',
    'appliance.count-out-of-bounds',
    `${role} can have ${min} to ${Math.min(max ?? MOST_INSTANCES, MOST_INSTANCES)} instances`,
    {
      place: { field: 'count' },
      rule: 'DSP0243 2.0 §9.14',
      remedy: 'stay within the bounds of the descriptor',
    },
  );
}
