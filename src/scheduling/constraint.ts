/**
 * What the placement rules mean (`spec/sla.md` §18): on one host by itself, and on machines that are somewhere. The
 * first serves the choice of hosts; the second says afterwards, and after every migration, whether a rule is kept.
 *
 * A constraint binds the machines it names and their instances, all machines if it names none. `separateItems` has two
 * sides: its machines, and the machines in its values.
 */

import type { PlacementConstraint } from '../ovf/plan.js';
import type { HostOffer, MachineDemand } from './offer.js';

export type Named = Pick<MachineDemand, 'id' | 'item'>;

export interface LocatedMachine extends Named {
  readonly site: string;
  readonly host: HostOffer;
}

/** Whether the constraint binds the machine: by its own id, or as an instance. */
export function binds({ machines }: PlacementConstraint, machine: Named): boolean {
  return machines.length === 0 || isNamed(machines, machine);
}

/** Whether the machine is on the other side of a `separateItems`. */
export function isOpposite({ rule, values = [] }: PlacementConstraint, machine: Named): boolean {
  return rule === 'separateItems' && isNamed(values, machine);
}

function isNamed(names: readonly string[], { id, item }: Named): boolean {
  return names.includes(item) || names.includes(id);
}

/** Whether a host suits a constraint that is about the host itself; true for those that are about neighbours. */
export function suits({ rule, values = [] }: PlacementConstraint, host: HostOffer): boolean {
  switch (rule) {
    case 'country':
      return values.includes(host.country);
    case 'zone':
      return values.includes(host.zone);
    case 'hostTrait':
      return values.every((trait) => host.traits.includes(trait));
    case 'dedicatedHost':
      return !host.occupied;
    default:
      return true;
  }
}

/** Whether a site suits a constraint that is about the site; true for all others. */
export function suitsSite({ rule, values = [] }: PlacementConstraint, site: string): boolean {
  return rule !== 'site' || values.includes(site);
}

/** Whether the machines, where they are, keep the constraint. */
export function isKept(constraint: PlacementConstraint, machines: readonly LocatedMachine[]): boolean {
  const bound = machines.filter((machine) => binds(constraint, machine));
  const hosts = bound.map(hostKey);
  const rackOf = ({ site, host }: LocatedMachine): string => `${site} ${rackKey(host)}`;
  const racks = bound.map(rackOf);
  switch (constraint.rule) {
    case 'differentHost':
      return areApart(bound, hostKey, constraint);
    case 'sameHost':
      return new Set(hosts).size <= 1;
    case 'differentRack':
      return areApart(bound, rackOf, constraint);
    case 'sameRack':
      return new Set(racks).size <= 1;
    case 'separateItems': {
      const others = machines.filter((machine) => isOpposite(constraint, machine));
      const taken = new Set(others.map(hostKey));
      return !hosts.some((host) => taken.has(host));
    }
    default:
      return bound.every(({ site, host }) => suits(constraint, host) && suitsSite(constraint, site));
  }
}

/** Whether no place has more of the machines than it keeps apart by itself. */
function areApart(
  machines: readonly LocatedMachine[],
  placeOf: (machine: LocatedMachine) => string,
  { hard }: PlacementConstraint,
): boolean {
  const counts = new Map<string, number>();
  return machines.every((machine) => {
    const count = (counts.get(placeOf(machine)) ?? 0) + 1;
    counts.set(placeOf(machine), count);
    return count <= keptApart(machine.host, hard);
  });
}

/** How many machines a place keeps apart. A wish for it is not passed on to the site: for that, each counts as one host. */
export function keptApart({ apart = 1 }: Pick<HostOffer, 'apart'>, hard: boolean): number {
  return hard ? apart : 1;
}

/** Hosts of equal name on two sites are two hosts. */
function hostKey({ site, host }: LocatedMachine): string {
  return `${site} ${host.name}`;
}

/** Racks are told apart within their zone. */
export function rackKey(host: Pick<HostOffer, 'rack' | 'zone'>): string {
  return JSON.stringify([host.zone, host.rack]);
}

/** Machines that must share a host, grouped: every machine is in exactly one group, in the order of the first of each. */
export function hostGroups(
  machines: readonly MachineDemand[],
  constraints: readonly PlacementConstraint[],
): readonly (readonly MachineDemand[])[] {
  const together = constraints.filter(({ hard, rule }) => hard && rule === 'sameHost');
  return joined(
    machines,
    together.map((constraint) => (machine) => binds(constraint, machine)),
  );
}

/** Machines in groups: those that one of the bonds holds together, directly or through others, are in one. */
export function joined(
  machines: readonly MachineDemand[],
  bonds: readonly ((machine: MachineDemand) => boolean)[],
): readonly (readonly MachineDemand[])[] {
  const leaders = machines.map((_, index) => index);
  const leaderOf = (index: number): number => {
    let leader = index;
    while (leaders[leader] !== leader) leader = leaders[leader] ?? leader;
    return leader;
  };
  for (const holds of bonds) {
    let first: number | undefined;
    machines.forEach((machine, index) => {
      if (!holds(machine)) return;
      first ??= leaderOf(index);
      const [one, other] = [leaderOf(first), leaderOf(index)];
      leaders[Math.max(one, other)] = Math.min(one, other);
    });
  }
  const groups = new Map<number, MachineDemand[]>();
  machines.forEach((machine, index) => {
    const leader = leaderOf(index);
    const group = groups.get(leader);
    if (group) group.push(machine);
    else groups.set(leader, [machine]);
  });
  return [...groups.values()];
}

/** The constraints as far as they are about these machines: what is elsewhere, or not yet, they do not name. */
export function among(
  constraints: readonly PlacementConstraint[],
  machines: readonly Named[],
): readonly PlacementConstraint[] {
  const here = new Set(machines.flatMap(({ id, item }) => [id, item]));
  return constraints.flatMap((constraint) => {
    const sides = constraint.rule === 'separateItems' ? (constraint.values ?? []) : undefined;
    const named = constraint.machines.filter((machine) => here.has(machine));
    const opposite = sides?.filter((machine) => here.has(machine));
    if (constraint.machines.length > 0 && named.length === 0) return [];
    if (opposite?.length === 0) return [];
    return [{ ...constraint, machines: named, ...(opposite ? { values: opposite } : {}) }];
  });
}
