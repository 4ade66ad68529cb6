/**
 * Placement and scale-out, which OVF 2 added (DSP0243 2.x PlacementGroupSection, PlacementSection, ScaleOutSection) and
 * VMware writes into 1.x descriptors: groups become constraints, instance counts become bounds.
 */

import { excerpt } from '../../base/errors.js';
import type { Content, Envelope } from '../envelope/model.js';
import type { PlacementConstraint, QuantityRange } from '../plan.js';
import type { Findings } from './findings.js';

/** Availability is a promise about failures and therefore hard; affinity is a wish for nearness and therefore soft. */
const POLICIES: ReadonlyMap<string, Pick<PlacementConstraint, 'rule' | 'hard'>> = new Map([
  ['affinity', { rule: 'sameHost', hard: false }],
  ['availability', { rule: 'differentHost', hard: true }],
]);

export function planPlacement(envelope: Envelope, findings: Findings): readonly PlacementConstraint[] {
  const members = groupMembers(envelope.content);
  return envelope.placementGroups.flatMap((group) => {
    const machines = members.get(group.id) ?? [];
    return group.policy.split(/[\s,]+/).flatMap((policy) => {
      const constraint = POLICIES.get(policy);
      if (constraint)
        return machines.length === 0 ? [] : [{ ...constraint, machines, origin: `PlacementGroupSection ${group.id}` }];
      findings.warning('O-084', `the placement policy "${excerpt(policy)}" is not known and not kept`, {
        place: group.at,
        remedy: 'use affinity or availability',
      });
      return [];
    });
  });
}

/** Ids of the systems in each group, themselves or through a collection round them. */
function groupMembers(root: Content): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, string[]>();
  const visit = (content: Content, outer: readonly string[]): void => {
    const own = content.placement?.group;
    const groups = own === undefined || outer.includes(own) ? outer : [...outer, own];
    if (content.kind === 'VirtualSystemCollection') for (const child of content.children) visit(child, groups);
    else
      for (const group of groups) {
        const ids = members.get(group);
        if (ids) ids.push(content.id);
        else members.set(group, [content.id]);
      }
  };
  visit(root, []);
  return members;
}

/** Far more than anybody deploys at once; each becomes a machine of the plan. */
const MAX_INSTANCES = 10_000;

/** How many instances of a system there shall be in the chosen configuration: one, unless the descriptor says otherwise. */
export function planInstances(content: Content, configuration: string | undefined, findings: Findings): QuantityRange {
  const section = content.scaleOut;
  const counts = section?.instanceCounts ?? [];
  const count =
    counts.find(({ configurations }) => configuration !== undefined && configurations.includes(configuration)) ??
    counts.find(({ configurations }) => configurations.length === 0);
  if (!count) return { normal: 1 };
  const { default: normal, minimum: min, maximum: max } = count;
  if (normal > MAX_INSTANCES) {
    findings.error('O-051', `more than ${MAX_INSTANCES} instances are asked for at once`, {
      place: count.at,
      remedy: 'ask for fewer, and scale when they are there',
      value: String(normal),
    });
    return { normal: 1 };
  }
  return { normal, min, ...(max !== undefined && { max }) };
}
