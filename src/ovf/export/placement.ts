/** Placement groups of a plan, as OVF 2 wants them: policies with members, each member in one group (DSP0243 2.x). */

import { problem } from '../../base/errors.js';
import type { DeploymentPlan } from '../plan.js';

export interface PlacementGroup {
  readonly id: string;
  readonly policy: string;
  /** Ids of the machines, or of collections that hold no others, that say they are in it: the outermost that are in none yet. */
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
  const pathOf = pathsIn(plan);
  const all = membersIn(
    plan.machines.map(({ id }) => id),
    pathOf,
  );
  const taken = new Set<string>();
  return [...groups].map(([id, { policies, machines }]) => {
    const members = membersIn(machines, pathOf);
    const isFree = (content: string): boolean => members.get(content) === all.get(content) && !taken.has(content);
    const contents = new Set(machines.map((machine) => pathOf(machine).find(isFree) ?? unsayable(id)));
    for (const content of contents) taken.add(content);
    return { id, policy: policies.join(' '), contents: [...contents] };
  });
}

/** A content can say of one group that it is in it. Whatever was read in is in groups that can be told so again. */
function unsayable(group: string): never {
  throw problem('conflict', 'ovf.export-placement', 'a machine is in more placement groups than a descriptor can say', {
    value: group.slice(0, 80),
    remedy: 'deploy the appliance with fewer groups',
  });
}

/** Ids of the collections round a machine, outermost first, and its own. */
function pathsIn({ machines, collections }: DeploymentPlan): (machine: string) => readonly string[] {
  const parents = new Map([
    ...machines.map(({ id, collection }) => [id, collection] as const),
    ...collections.map(({ id, parent }) => [id, parent] as const),
  ]);
  return (machine) => {
    const path: string[] = [];
    for (let id: string | undefined = machine; id !== undefined; id = parents.get(id)) path.unshift(id);
    return path;
  };
}

/** How many of the machines are in each content. */
function membersIn(
  machines: readonly string[],
  pathOf: (machine: string) => readonly string[],
): ReadonlyMap<string, number> {
  const members = new Map<string, number>();
  for (const content of machines.flatMap(pathOf)) members.set(content, (members.get(content) ?? 0) + 1);
  return members;
}

/** Ids of the machines of a collection, those of collections in it included, in the order of the plan. */
export function membersOf(plan: DeploymentPlan, collection: string): readonly string[] {
  const inside = new Set([collection]);
  for (const { id, parent } of plan.collections) if (parent !== undefined && inside.has(parent)) inside.add(id);
  return plan.machines.flatMap((machine) => (inside.has(machine.collection ?? '') ? [machine.id] : []));
}
