/**
 * Why machines cannot be placed, in numbers: what is needed and what can be had, never what others use (K23). Every
 * fault names the site in `place.field` and in `value` the origin of the constraint that cannot be kept, or the machine.
 */

import { excerpt, type Fault } from '../base/errors.js';
import type { PlacementConstraint } from '../ovf/plan.js';
import type { HostOffer, MachineDemand } from './offer.js';
import type { Part, Tie } from './split.js';

const GIB = 2 ** 30;

/** A fault with a counter proposal: how much could be had. */
export interface Refusal extends Fault {
  readonly offered?: string | number;
}

export function noHost(
  site: string,
  machines: readonly MachineDemand[],
  why: string,
  origin: string | undefined,
): Refusal {
  return {
    code: 'placement.no-host',
    message: `there is no host on site ${site} for ${called(machines)}: ${excerpt(why)}`,
    place: { field: site },
    value: origin ?? machines[0]?.item ?? '',
    remedy: 'ask for what the site has, or for another site',
  };
}

export function tooLarge(
  site: string,
  machines: readonly MachineDemand[],
  demand: { readonly cores: number; readonly memoryBytes: number },
  hosts: readonly HostOffer[],
): Refusal {
  const cores = hosts.reduce((most, host) => Math.max(most, host.freeCores), 0);
  const memory = hosts.reduce((most, host) => Math.max(most, host.freeMemoryBytes), 0);
  return {
    code: 'placement.too-large',
    message:
      `${called(machines)}: ${demand.cores} cores and ${gib(demand.memoryBytes)} of memory are needed on one host; ` +
      `site ${site} can give at most ${cores} cores and ${gib(memory)}`,
    place: { field: site },
    value: machines[0]?.item ?? '',
    remedy: 'ask for smaller machines',
    offered: `${cores} cores, ${gib(memory)}`,
  };
}

/** Needed and to be had, of each resource. */
export interface Totals {
  readonly cores: readonly [needed: number, free: number];
  readonly memoryBytes: readonly [needed: number, free: number];
  readonly diskBytes: readonly [needed: number, free: number];
}

export function shortOf(site: string, { cores, memoryBytes, diskBytes }: Totals): Refusal[] {
  const short = (what: string, needed: string, free: string): Refusal => ({
    code: 'placement.capacity',
    message: `the machines need ${needed} of ${what} together; site ${site} can give ${free}`,
    place: { field: site },
    value: what,
    remedy: 'ask for less, or for another site',
    offered: free,
  });
  return [
    ...(cores[0] > cores[1] ? [short('cores', String(cores[0]), String(cores[1]))] : []),
    ...(memoryBytes[0] > memoryBytes[1] ? [short('memory', gib(memoryBytes[0]), gib(memoryBytes[1]))] : []),
    ...(diskBytes[0] > diskBytes[1] ? [short('storage', gib(diskBytes[0]), gib(diskBytes[1]))] : []),
  ];
}

export function pigeonhole(site: string, constraint: PlacementConstraint, machines: number, places: number): Refusal {
  const what = constraint.rule === 'differentHost' ? 'hosts' : 'racks';
  return {
    code: `placement.too-few-${what}`,
    message: `${constraint.origin} keeps ${machines} machines on different ${what}; site ${site} has ${places} that can take them`,
    place: { field: site },
    value: constraint.origin,
    remedy: `ask for at most ${places} such machines`,
    offered: places,
  };
}

export function contradiction(
  site: string,
  machines: readonly MachineDemand[],
  constraint: PlacementConstraint,
): Refusal {
  return {
    code: 'placement.contradiction',
    message: `${called(machines)} must share a host and, by ${constraint.origin} (${constraint.rule}), must not`,
    place: { field: site },
    value: constraint.origin,
    remedy: 'take one of the constraints away',
  };
}

export function otherSite(
  site: string,
  machines: readonly MachineDemand[],
  { origin, values = [] }: PlacementConstraint,
): Refusal {
  const where = values.length === 0 ? 'on none of the sites here' : `on ${excerpt(values.join(' or '))}`;
  return {
    code: 'placement.other-site',
    message: `${called(machines)} must be ${where} by ${origin}, and not on site ${site}`,
    place: { field: site },
    value: origin,
    remedy: 'let the appliance be split over sites, or take the constraint away',
  };
}

/** Nothing can be split off: everything hangs together. */
export function tied(part: Part, ties: readonly Tie[]): Refusal {
  return {
    code: 'placement.tied',
    message: `the machines cannot be split over sites: ${called(part)} stay together ${by(part, ties)}`,
    remedy: 'map the network to one on each site, or ask the provider for a site with more room',
  };
}

/** A part that no site takes, even alone. */
export function stuck(part: Part, ties: readonly Tie[]): Refusal {
  return {
    code: 'placement.stuck',
    message: `no site can take ${called(part)}${part.length > 1 ? `, which stay together ${by(part, ties)}` : ''}`,
    value: part[0]?.item ?? '',
    remedy: 'ask for less, or relax what keeps them together or from a site',
  };
}

export function noSplit(parts: number, sites: number): Refusal {
  return {
    code: 'placement.no-split',
    message: `no way was found to share the ${parts} independent parts of the appliance out among ${sites} sites`,
    remedy: 'ask for less, or relax a constraint',
  };
}

function by(part: Part, ties: readonly Tie[]): string {
  const holding = ties.filter(
    ({ machines, reaches }) => !reaches && part.filter(({ id }) => machines.has(id)).length > 1,
  );
  return holding.length === 0
    ? 'by a placement constraint'
    : `on ${excerpt(
        holding
          .map(({ what }) => what)
          .slice(0, 3)
          .join(', '),
      )}`;
}

export function elsewhere(site: string): Refusal {
  return {
    code: 'placement.elsewhere',
    message: `machines of the application are on another site than ${site}, or on a host it no longer has`,
    place: { field: site },
    remedy: 'place on the site where the application is',
  };
}

function called(machines: readonly MachineDemand[]): string {
  const names = machines.slice(0, 5).map((machine) => machine.id);
  return `${excerpt(names.join(', '))}${machines.length > 5 ? ` and ${machines.length - 5} more` : ''}`;
}

function gib(bytes: number): string {
  return `${Number((bytes / GIB).toFixed(2))} GiB`;
}
