/**
 * Placement: which machine goes to which host (`spec/scheduling.md` §7 and §17, `spec/sla.md` §18). Hard constraints and
 * capacity hold in every answer; soft ones are kept as far as a greedy choice can. An application stays within one
 * site. What cannot be placed is refused with numbers and at once where counting suffices, never queued; the search for
 * the rest is bounded. The same input gives the same answer.
 */

import type { PlacementConstraint } from '../ovf/plan.js';
import type { MachineDemand, SiteOffer } from './offer.js';
import type { Refusal } from './refusals.js';
import { search } from './search.js';
import { prepareSite, type PreparedSite } from './site.js';

export interface PlacementOptions {
  /** How many single placements may be tried on a site before giving up. */
  readonly budget?: number;
}

export interface Placed {
  /** By machine id; machines that were somewhere already are among them. */
  readonly assignments: ReadonlyMap<string, { readonly site: string; readonly host: string }>;
  /** Origins of the soft constraints that are not kept. */
  readonly unkept: readonly string[];
}

export interface Refused {
  /**
   * Why no site takes the machines. `place.field` is the site's name, `value` the machine or the origin of the
   * constraint.
   */
  readonly refused: readonly Refusal[];
}

const USUAL_BUDGET = 20_000;

/**
 * Places all machines on the first site that breaks the fewest soft constraints, or refuses them with the reasons of
 * every site. A machine without a constraint goes where it fits most tightly.
 */
export function place(
  machines: readonly MachineDemand[],
  sites: readonly SiteOffer[],
  constraints: readonly PlacementConstraint[],
  options: PlacementOptions = {},
): Placed | Refused {
  const items = new Set(machines.flatMap(({ id, item }) => [id, item]));
  const unknown = constraints.flatMap((constraint) => unknownMachines(constraint, items));
  if (unknown.length > 0) return { refused: unknown };
  if (sites.length === 0) return { refused: [noSite()] };
  let best: Placed | undefined;
  const refused: Refusal[] = [];
  for (const site of sites) {
    const outcome = placeOn(prepareSite(site, machines, constraints), options.budget ?? USUAL_BUDGET);
    if ('refused' in outcome) refused.push(...outcome.refused);
    else if (!best || outcome.unkept.length < best.unkept.length) best = outcome;
    if (best?.unkept.length === 0) break;
  }
  return best ?? { refused };
}

function placeOn(prepared: PreparedSite, budget: number): Placed | Refused {
  const { site, faults, problem } = prepared;
  if (faults.length > 0) return { refused: faults };
  const outcome = search(problem, budget);
  if ('failed' in outcome) return { refused: [notFound(site, outcome.failed, budget)] };
  const assignments = new Map(prepared.staying);
  problem.blocks.forEach((block, index) => {
    const host = site.hosts[outcome.hosts[index] ?? -1]?.name ?? '';
    for (const machine of block.machines) assignments.set(machine.id, { site: site.name, host });
  });
  return { assignments, unkept: prepared.unkept(assignments) };
}

function unknownMachines(
  { machines, values, rule, origin, hard }: PlacementConstraint,
  items: ReadonlySet<string>,
): Refusal[] {
  const named = rule === 'separateItems' ? [...machines, ...(values ?? [])] : machines;
  if (!hard) return [];
  return named
    .filter((machine) => !items.has(machine))
    .map((machine) => ({
      code: 'placement.unknown-machine',
      message: `${origin} asks for ${rule} of "${machine}", which is not among the machines`,
      value: origin,
      remedy: 'name machines of the appliance',
    }));
}

function noSite(): Refusal {
  return {
    code: 'placement.no-host',
    message: 'there is no site to place anything on',
    remedy: 'ask the provider to configure a site',
  };
}

function notFound(site: SiteOffer, failed: 'impossible' | 'budget', budget: number): Refusal {
  const place = { field: site.name };
  if (failed === 'impossible') {
    return {
      code: 'placement.impossible',
      message: `no placement on site ${site.name} keeps all constraints and the hosts' capacity together`,
      place,
      remedy: 'relax a constraint, or ask for smaller or fewer machines',
    };
  }
  return {
    code: 'placement.not-found',
    message: `no placement on site ${site.name} was found in ${budget} attempts`,
    place,
    remedy: 'relax a constraint, or ask for smaller or fewer machines',
  };
}
