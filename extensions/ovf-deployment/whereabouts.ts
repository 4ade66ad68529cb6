/** What a site is told of where a machine is to be: its host, how free the site is to take another one, and its neighbours. Pure. */

import { binds, isOpposite, type Named } from '../../src/scheduling/constraint.js';
import type { PlacementConstraint, PlannedMachine } from '../../src/ovf/plan.js';
import type { MachineComponents } from './components.js';

/** On which host something is, where placement has chosen one. */
export const placed = (host: string | undefined): { readonly host?: string } => (host === undefined ? {} : { host });

/** Rules that leave a site free to take another host than the one that VEP has chosen, if it keeps them. */
const LEAVING_FREE = new Set<PlacementConstraint['rule']>([
  'site',
  'country',
  'zone',
  'differentHost',
  'differentRack',
]);

/** What a site is told of the hosts that a machine may be on besides the chosen one. */
export function freedom(
  of: PlannedMachine,
  constraints: readonly PlacementConstraint[],
): { readonly hostIsWish?: true; readonly zones?: readonly string[] } {
  const bound = constraints.filter((each) => each.hard && (binds(each, named(of)) || isOpposite(each, named(of))));
  const zones = bound.flatMap(({ rule, values = [] }) => (rule === 'zone' ? [values] : []));
  return {
    ...(bound.every(({ rule }) => LEAVING_FREE.has(rule)) ? { hostIsWish: true } : {}),
    ...(zones.length === 0 ? {} : { zones: zones.reduce((all, some) => all.filter((zone) => some.includes(zone))) }),
  };
}

/**
 * Machines of its site (by compute id) that it must not, or must, share a host with, and those that it shall be near to, for sites
 * that see to that beyond the hosts that VEP has chosen.
 */
export function neighbours(
  of: PlannedMachine,
  site: string,
  machines: readonly MachineComponents[],
  constraints: readonly PlacementConstraint[],
): Record<string, string[]> {
  const bound = (hard: boolean, ...rules: readonly PlacementConstraint['rule'][]): string[] => {
    const mine = constraints.filter(
      (constraint) => rules.includes(constraint.rule) && constraint.hard === hard && binds(constraint, named(of)),
    );
    return machines
      .filter(
        ({ machine, compute }) =>
          compute.site === site && machine.id !== of.id && mine.some((constraint) => binds(constraint, named(machine))),
      )
      .map(({ compute }) => compute.id);
  };
  // Racks of their own are hosts of their own.
  const apartFrom = bound(true, 'differentHost', 'differentRack');
  const togetherWith = bound(true, 'sameHost');
  const near = bound(false, 'sameHost', 'sameRack');
  return {
    ...(apartFrom.length > 0 ? { apartFrom } : {}),
    ...(togetherWith.length > 0 ? { togetherWith } : {}),
    ...(near.length > 0 ? { near } : {}),
  };
}

const named = ({ id, instanceOf = id }: PlannedMachine): Named => ({ id, item: instanceOf });
