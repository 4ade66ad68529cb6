/**
 * An application over several sites, where none takes all of it. What is tied together stays on one site: machines that
 * share a network which does not reach over sites, a disk, a host or a rack. The parts that are left go to as few sites as a
 * depth-first search finds, the most bound and the largest first. What is apart by a constraint is so on two sites as well.
 */

import type { PlacementConstraint } from '../ovf/plan.js';
import { binds, joined } from './constraint.js';
import { together, type MachineDemand, type SiteOffer } from './offer.js';

/** Machines (their ids) that a network or a disk holds together. */
export interface Tie {
  /** What holds them, for messages: `network backend`. */
  readonly what: string;
  readonly machines: ReadonlySet<string>;
  /** Sites over which it reaches: between these it ties nothing. */
  readonly reaches?: ReadonlySet<string>;
}

/** Machines that can only be on one site together. */
export type Part = readonly MachineDemand[];

/** What one part, or several together, would do on a site: nothing where they cannot be placed. */
export type Trial = (site: SiteOffer, machines: readonly MachineDemand[]) => { readonly unkept: number } | undefined;

export interface SplitProblem {
  readonly parts: readonly Part[];
  readonly sites: readonly SiteOffer[];
  readonly ties: readonly Tie[];
  readonly constraints: readonly PlacementConstraint[];
  readonly trial: Trial;
}

/** Site index by part index; otherwise the parts that no site takes even alone. */
export type SplitOutcome = { readonly sites: readonly number[] } | { readonly stuck: readonly Part[] };

/** How many steps the search may take, and how many complete answers it may have placed host by host. */
const MOST_STEPS = 20_000;
const MOST_ANSWERS = 32;

/** The machines in parts, in the order of the first of each. */
export function partsOf(
  machines: readonly MachineDemand[],
  ties: readonly Tie[],
  constraints: readonly PlacementConstraint[],
): readonly Part[] {
  const near = constraints.filter(({ hard, rule }) => hard && (rule === 'sameHost' || rule === 'sameRack'));
  return joined(machines, [
    ...ties
      .filter(({ reaches }) => !reaches)
      .map(
        (tie) =>
          ({ id }: MachineDemand) =>
            tie.machines.has(id),
      ),
    ...near.map((constraint) => (machine: MachineDemand) => binds(constraint, machine)),
  ]);
}

export function split(problem: SplitProblem): SplitOutcome {
  const { parts, sites, trial } = problem;
  const alone = trials(problem);
  const stuck = parts.filter((_, index) => alone[index]?.length === 0);
  if (stuck.length > 0) return { stuck };
  const order = parts
    .map((_, index) => index)
    .sort(
      (one, other) =>
        (alone[one]?.length ?? 0) - (alone[other]?.length ?? 0) || sizeOf(parts[other]) - sizeOf(parts[one]),
    );
  const chosen = new Array<number>(parts.length).fill(-1);
  const room = sites.map(roomOf);
  let steps = MOST_STEPS;
  let answers = MOST_ANSWERS;

  const isPlaced = (): boolean => {
    answers -= 1;
    return sites.every((site, index) => {
      const there = parts.flatMap((part, at) => (chosen[at] === index ? part : []));
      return there.length === 0 || trial(site, there) !== undefined;
    });
  };
  const reachable = ties(problem, chosen);
  const choices = (part: number): readonly number[] => {
    const used = new Set(chosen);
    const wishes = new Map(alone[part]);
    return [...wishes.keys()]
      .filter((site) => fits(parts[part] ?? [], room[site]) && reachable(part, site))
      .sort(
        (one, other) =>
          (wishes.get(one) ?? 0) - (wishes.get(other) ?? 0) ||
          Number(used.has(other)) - Number(used.has(one)) ||
          one - other,
      );
  };
  const open: { readonly sites: readonly number[]; next: number }[] = [];
  for (let depth = 0; depth >= 0 && steps > 0 && answers > 0; steps -= 1) {
    const part = order[depth];
    if (part === undefined) {
      if (isPlaced()) return { sites: chosen };
      depth -= 1;
      continue;
    }
    const before = chosen[part] ?? -1;
    if (before >= 0) {
      move(room[before], parts[part] ?? [], 1);
      chosen[part] = -1;
    }
    const level = (open[depth] ??= { sites: choices(part), next: 0 });
    const site = level.sites[level.next++];
    if (site === undefined) {
      open.pop();
      depth -= 1;
      continue;
    }
    chosen[part] = site;
    move(room[site], parts[part] ?? [], -1);
    depth += 1;
  }
  return { stuck: [] };
}

/** Per part the sites that take it alone, with how many wishes it leaves open there. Parts that look alike are tried once. */
function trials({
  parts,
  sites,
  constraints,
  trial,
}: SplitProblem): readonly (readonly (readonly [number, number])[])[] {
  const known = new Map<string, readonly (readonly [number, number])[]>();
  return parts.map((part) => {
    const key = JSON.stringify(
      part.map((machine) => [
        machine.cores,
        machine.memoryBytes,
        machine.diskBytes,
        constraints.flatMap((constraint, index) => (binds(constraint, machine) ? [index] : [])),
      ]),
    );
    const found =
      known.get(key) ??
      sites.flatMap((site, index) => {
        const outcome = trial(site, part);
        return outcome ? [[index, outcome.unkept] as const] : [];
      });
    known.set(key, found);
    return found;
  });
}

/** Whether a part can be on a site, the others being where they are: a network between two sites reaches both, or neither is used. */
function ties(
  { parts, sites, ties: all }: SplitProblem,
  chosen: readonly number[],
): (part: number, site: number) => boolean {
  const reaching = all.flatMap(({ machines, reaches }) => {
    const members = parts.flatMap((part, index) => (part.some(({ id }) => machines.has(id)) ? [index] : []));
    return reaches ? [{ members, reaches }] : [];
  });
  const nameOf = (site: number | undefined): string => sites[site ?? -1]?.name ?? '';
  return (part, site) =>
    reaching.every(({ members, reaches }) => {
      if (!members.includes(part)) return true;
      const others = members.map((member) => chosen[member] ?? -1).filter((other) => other >= 0 && other !== site);
      return others.every((other) => reaches.has(nameOf(other)) && reaches.has(nameOf(site)));
    });
}

interface Room {
  cores: number;
  memoryBytes: number;
  diskBytes: number;
}

function roomOf(site: SiteOffer): Room {
  const up = site.hosts.filter((host) => host.up);
  return {
    cores: together(up, (host) => Math.max(0, host.freeCores), site),
    memoryBytes: together(up, (host) => Math.max(0, host.freeMemoryBytes), site),
    diskBytes: site.freeStorageBytes,
  };
}

function fits(part: Part, room: Room | undefined): boolean {
  if (!room) return false;
  const left = { ...room };
  move(left, part, -1);
  return left.cores >= 0 && left.memoryBytes >= 0 && left.diskBytes >= 0;
}

function move(room: Room | undefined, part: Part, by: 1 | -1): void {
  if (!room) return;
  for (const { cores, memoryBytes, diskBytes, at } of part) {
    if (at) continue;
    room.cores += by * cores;
    room.memoryBytes += by * memoryBytes;
    room.diskBytes += by * diskBytes;
  }
}

function sizeOf(part: Part | undefined): number {
  return (part ?? []).reduce((sum, { cores, memoryBytes }) => sum + cores + memoryBytes / 2 ** 32, 0);
}
