/**
 * Instances of a machine (OVF 2 ScaleOutSection, action `scale`): replicas are machines of the plan in their own right,
 * called `<prototype>-<number>` (`spec/ovf.md` §9), with disks of their own.
 */

import { problem } from '../../src/base/errors.js';
import { givenNames, instanceNumbers } from '../../src/ovf/instances.js';
import type { DeploymentPlan, PlannedMachine } from '../../src/ovf/plan.js';
import { memoryOf } from '../../src/ovf/planning/allocation.js';

/** Of one machine; each of them is a machine of the plan. */
const MOST_INSTANCES = 10_000;

/**
 * The plan with the wanted number of instances of each role; a role that is not named gets what the plan says, or keeps
 * what it has.
 *
 * @throws Problem `invalid` for a role that is no machine, or a number outside the descriptor's bounds
 */
export function withInstances(plan: DeploymentPlan, counts: Readonly<Record<string, number>>): DeploymentPlan {
  for (const role of Object.keys(counts)) refuseUnknown(plan, role, counts[role] ?? 1);
  const prototypes = plan.machines.filter(({ instanceOf }) => instanceOf === undefined);
  const given = givenNames(prototypes);
  const machines = prototypes.flatMap((prototype) => {
    const present = plan.machines.filter(({ instanceOf }) => instanceOf === prototype.id).length + 1;
    const asked = Object.hasOwn(counts, prototype.id) ? counts[prototype.id] : undefined;
    const wanted = asked ?? Math.max(present, prototype.instances.normal);
    // Each stands for itself from now on; the bounds stay with it for the next time.
    const single = { ...prototype, instances: { ...prototype.instances, normal: 1 } };
    return [single, ...instanceNumbers(single, wanted - 1, given).map((number) => replica(single, number))];
  });
  const grown = { ...plan, machines };
  if (Object.keys(counts).length > 0) refuseOverLimit(plan, grown);
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

function replica(prototype: PlannedMachine, number: number): PlannedMachine {
  const interfaces = prototype.interfaces.map(({ mac: _mac, ...nic }) => nic);
  return {
    ...prototype,
    id: `${prototype.id}-${number}`,
    instanceOf: prototype.id,
    title: `${prototype.title} ${number}`,
    hostname: `${prototype.hostname}-${number}`,
    interfaces,
  };
}

function refuseUnknown(plan: DeploymentPlan, role: string, count: number): void {
  const machine = plan.machines.find((candidate) => candidate.id === role);
  if (!machine) {
    throw problem('invalid', 'appliance.role-unknown', 'the appliance has no machine of that name', {
      place: { field: 'role' },
      remedy: `name one of ${plan.machines
        .map((candidate) => candidate.id)
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
