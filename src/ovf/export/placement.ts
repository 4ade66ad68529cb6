/** Placement groups of a plan, as OVF 2 wants them: policies with members, each member in one group (DSP0243 2.x). */

import type { DeploymentPlan } from '../plan.js';

export interface PlacementGroup {
  readonly id: string;
  readonly policy: string;
  /** Ids of the machines, or of the collection round exactly these, that say they are in it. */
  readonly contents: readonly string[];
}

const POLICIES: ReadonlyMap<string, string> = new Map([
  ['sameHost', 'affinity'],
  ['differentHost', 'availability'],
]);
const ORIGIN = 'PlacementGroupSection ';

/** Constraints that came from elsewhere, such as the terms of an agreement, are no part of the appliance. */
export function placementGroups(plan: DeploymentPlan): readonly PlacementGroup[] {
  const groups = new Map<string, { policies: string[]; machines: readonly string[] }>();
  for (const { rule, machines, origin } of plan.constraints) {
    const policy = POLICIES.get(rule);
    if (policy === undefined || !origin.startsWith(ORIGIN)) continue;
    const id = origin.slice(ORIGIN.length);
    const group = groups.get(id) ?? { policies: [], machines };
    group.policies.push(policy);
    groups.set(id, group);
  }
  const taken = new Set<string>();
  return [...groups].map(([id, { policies, machines }]) => {
    const contents = machines.some((machine) => taken.has(machine)) ? collectionRound(plan, machines) : machines;
    for (const content of contents) taken.add(content);
    return { id, policy: policies.join(' '), contents };
  });
}

function collectionRound(plan: DeploymentPlan, machines: readonly string[]): readonly string[] {
  const wanted = [...machines].sort().join('\n');
  const round = plan.collections.find(({ id }) => [...membersOf(plan, id)].sort().join('\n') === wanted);
  return round ? [round.id] : [];
}

/** Ids of the machines of a collection, those of collections in it included, in the order of the plan. */
export function membersOf(plan: DeploymentPlan, collection: string): readonly string[] {
  const inside = new Set([collection]);
  for (const { id, parent } of plan.collections) if (parent !== undefined && inside.has(parent)) inside.add(id);
  return plan.machines.flatMap((machine) => (inside.has(machine.collection ?? '') ? [machine.id] : []));
}
