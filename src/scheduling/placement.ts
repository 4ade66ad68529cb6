/**
 * Placement: which machine goes to which host (`spec/scheduling.md` §7 and §17, `spec/sla.md` §18). Hard constraints and
 * capacity hold in every answer; soft ones are kept as far as a greedy choice can. An application stays within one
 * site, or, where it may be split and no one site takes it, goes to several. What cannot be placed is refused with numbers and at once where counting suffices, never queued; the search for
 * the rest is bounded. The same input gives the same answer.
 */

import type { PlacementConstraint } from '../ovf/plan.js';
import { isKept } from './constraint.js';
import type { HostOffer, MachineDemand, SiteOffer } from './offer.js';
import * as refuse from './refusals.js';
import type { Refusal } from './refusals.js';
import { search } from './search.js';
import { prepareSite, type PreparedSite } from './site.js';
import { partsOf, split, type Tie } from './split.js';

export interface PlacementOptions {
  /** How many single placements may be tried on a site before giving up. */
  readonly budget?: number;
  /** What holds machines together where they may be on several sites; absent: they may not. */
  readonly ties?: readonly Tie[];
}

/** Host and site by machine id. */
export type Assignments = ReadonlyMap<string, { readonly site: string; readonly host: string }>;

export interface Placed {
  /** By machine id; machines that were somewhere already are among them. */
  readonly assignments: Assignments;
  /** Origins of the soft constraints that are not kept. */
  readonly unkept: readonly string[];
  /** Why no one site took them all, where they are on several. */
  readonly because?: readonly Refusal[];
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
  const budget = options.budget ?? USUAL_BUDGET;
  let best: Placed | undefined;
  const refused: Refusal[] = [];
  for (const site of sites) {
    const outcome = placeOn(prepareSite(site, machines, constraints), budget);
    if ('refused' in outcome) {
      refused.push(...outcome.refused);
      continue;
    }
    const unkept = unkeptBy(machines, sites, constraints, outcome.assignments);
    if (!best || unkept.length < best.unkept.length) best = { assignments: outcome.assignments, unkept };
    if (best.unkept.length === 0) break;
  }
  if (best) return best;
  if (!options.ties || sites.length < 2 || machines.length < 2) return { refused };
  return placeSplit(machines, sites, constraints, { ties: options.ties, budget, refused });
}

function placeSplit(
  machines: readonly MachineDemand[],
  sites: readonly SiteOffer[],
  constraints: readonly PlacementConstraint[],
  { ties, budget, refused }: { ties: readonly Tie[]; budget: number; refused: readonly Refusal[] },
): Placed | Refused {
  const parts = partsOf(machines, ties, constraints);
  const [whole] = parts;
  if (parts.length === 1 && whole) return { refused: [...refused, refuse.tied(whole, ties)] };
  const placed = (site: SiteOffer, there: readonly MachineDemand[]): { assignments: Assignments } | undefined => {
    const outcome = placeOn(prepareSite(site, there, constraints), budget);
    return 'refused' in outcome ? undefined : outcome;
  };
  const outcome = split({
    parts,
    sites,
    ties,
    constraints,
    trial: (site, there) => {
      const found = placed(site, there);
      return found && { unkept: unkeptBy(there, sites, constraints, found.assignments).length };
    },
  });
  if ('stuck' in outcome) {
    const stuck = outcome.stuck.map((part) => refuse.stuck(part, ties));
    return { refused: [...refused, ...(stuck.length > 0 ? stuck : [refuse.noSplit(parts.length, sites.length)])] };
  }
  const assignments = new Map(
    sites.flatMap((site, index) => {
      const there = parts.flatMap((part, at) => (outcome.sites[at] === index ? part : []));
      return there.length === 0 ? [] : [...(placed(site, there)?.assignments ?? [])];
    }),
  );
  return { assignments, unkept: unkeptBy(machines, sites, constraints, assignments), because: refused };
}

/** Origins of soft constraints that such a placement breaks. */
function unkeptBy(
  machines: readonly MachineDemand[],
  sites: readonly SiteOffer[],
  constraints: readonly PlacementConstraint[],
  assignments: Assignments,
): string[] {
  const soft = constraints.filter(({ hard }) => !hard);
  if (soft.length === 0) return [];
  const hosts = new Map<string, HostOffer>();
  for (const { name, hosts: all } of sites) for (const host of all) hosts.set(`${name} ${host.name}`, host);
  const located = machines.flatMap(({ id, item }) => {
    const at = assignments.get(id);
    const host = hosts.get(`${at?.site ?? ''} ${at?.host ?? ''}`);
    return at && host ? [{ id, item, site: at.site, host }] : [];
  });
  return soft.filter((constraint) => !isKept(constraint, located)).map(({ origin }) => origin);
}

function placeOn(prepared: PreparedSite, budget: number): { readonly assignments: Assignments } | Refused {
  const { site, faults, problem } = prepared;
  if (faults.length > 0) return { refused: faults };
  const outcome = search(problem, budget);
  if ('failed' in outcome) return { refused: [notFound(site, outcome.failed, budget)] };
  const assignments = new Map(prepared.staying);
  problem.blocks.forEach((block, index) => {
    const host = site.hosts[outcome.hosts[index] ?? -1]?.name ?? '';
    for (const machine of block.machines) assignments.set(machine.id, { site: site.name, host });
  });
  return { assignments };
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
