/**
 * One site made ready for the search: which hosts each block of machines may use at all, the rules among the blocks, and
 * every reason that counting alone finds why the machines cannot be there (the pigeonhole checks of
 * `spec/scheduling.md` §17).
 */

import type { PlacementConstraint } from '../ovf/plan.js';
import { binds, hostGroups, isOpposite, keptApart, rackKey, suits, suitsSite } from './constraint.js';
import { Apart, Separate, Together, type Neighbourhood, type Side } from './neighbourhood.js';
import { together, type HostOffer, type MachineDemand, type SiteOffer } from './offer.js';
import * as refuse from './refusals.js';
import type { Refusal } from './refusals.js';
import type { Block, Membership, RackGroup, SearchProblem } from './search.js';

type Whereabouts = ReadonlyMap<string, { readonly site: string; readonly host: string }>;

export interface PreparedSite {
  readonly site: SiteOffer;
  /** Why no search is needed: it cannot succeed. */
  readonly faults: readonly Refusal[];
  readonly problem: SearchProblem;
  /** Where the machines are that have a host already. */
  readonly staying: Whereabouts;
}

export function prepareSite(
  site: SiteOffer,
  machines: readonly MachineDemand[],
  constraints: readonly PlacementConstraint[],
): PreparedSite {
  return new SitePreparation(site, machines, constraints).prepared();
}

/** Machines that may use the same hosts, and why, where there are none. */
interface Feasibility {
  readonly hosts: readonly number[];
  readonly refusal?: (machines: readonly MachineDemand[]) => Refusal;
  readonly machines: MachineDemand[];
}

class SitePreparation {
  readonly #site: SiteOffer;
  readonly #machines: readonly MachineDemand[];
  readonly #constraints: readonly PlacementConstraint[];
  readonly #hostIndex: ReadonlyMap<string, number>;
  readonly #rackOf: Int32Array;
  readonly #faults: Refusal[] = [];

  constructor(site: SiteOffer, machines: readonly MachineDemand[], constraints: readonly PlacementConstraint[]) {
    this.#site = site;
    this.#machines = machines;
    this.#constraints = constraints;
    this.#hostIndex = new Map(site.hosts.map((host, index) => [host.name, index]));
    this.#rackOf = Int32Array.from(numbered(site.hosts, rackKey));
  }

  prepared(): PreparedSite {
    const staying = this.#machines.filter((machine) => machine.at);
    const rules = this.#constraints.map((constraint) => this.#ruleOf(constraint));
    const hostRules = this.#constraints.filter((constraint) => constraint.hard && isAboutHosts(constraint));
    const feasibility = new Map<string, Feasibility>();
    const blocks = hostGroups(this.#machines, this.#constraints).flatMap((group) => {
      const moving = group.filter((machine) => !machine.at);
      return moving.length === 0 ? [] : [this.#block(group, moving, rules, hostRules, feasibility)];
    });
    for (const { machines, refusal } of feasibility.values()) if (refusal) this.#faults.push(refusal(machines));
    const used = this.#settle(staying, rules);
    this.#checkSite();
    this.#checkTotals(blocks);
    this.#constraints.forEach((constraint, index) => this.#checkPigeons(constraint, rules[index], blocks));
    return {
      site: this.#site,
      faults: this.#faults,
      problem: {
        blocks,
        freeCores: Float64Array.from(this.#site.hosts, (host) => (host.up ? Math.max(0, host.freeCores) : 0)),
        freeMemoryBytes: Float64Array.from(this.#site.hosts, (host) =>
          host.up ? Math.max(0, host.freeMemoryBytes) : 0,
        ),
        rackOf: this.#rackOf,
        classOf: Int32Array.from(numbered(this.#site.hosts, appearance)),
        used,
        rackGroups: this.#rackGroups(rules, blocks),
      },
      staying: new Map(staying.flatMap(({ id, at }) => (at ? [[id, at]] : []))),
    };
  }

  #block(
    group: readonly MachineDemand[],
    moving: readonly MachineDemand[],
    rules: readonly (Neighbourhood | undefined)[],
    hostRules: readonly PlacementConstraint[],
    known: Map<string, Feasibility>,
  ): Block {
    const cores = sum(moving, (machine) => machine.cores);
    const memoryBytes = sum(moving, (machine) => machine.memoryBytes);
    const own = hostRules.filter((constraint) => group.some((machine) => binds(constraint, machine)));
    const pinned = group.flatMap(({ at }) => (at ? [at] : []));
    const key = JSON.stringify([cores, memoryBytes, own.map((constraint) => hostRules.indexOf(constraint)), pinned]);
    const feasible = known.get(key) ?? { ...this.#feasible({ cores, memoryBytes }, own, pinned), machines: [] };
    known.set(key, feasible);
    feasible.machines.push(...moving);
    const memberships = this.#memberships(moving, rules);
    return {
      machines: moving,
      cores,
      memoryBytes,
      hosts: feasible.hosts,
      memberships,
      disappointments: this.#disappointments(moving),
    };
  }

  /** Hosts that are up, keep the constraints about hosts, and are large enough; or why there is none. */
  #feasible(
    demand: { readonly cores: number; readonly memoryBytes: number },
    constraints: readonly PlacementConstraint[],
    pinned: readonly NonNullable<MachineDemand['at']>[],
  ): Pick<Feasibility, 'hosts' | 'refusal'> {
    const { hosts, name } = this.#site;
    const none = (why: string, origin?: string): Pick<Feasibility, 'hosts' | 'refusal'> => ({
      hosts: [],
      refusal: (machines) => refuse.noHost(name, machines, why, origin),
    });
    let left = hosts.map((host, index) => ({ host, index })).filter(({ host }) => host.up);
    if (left.length === 0) return none('no host is up');
    for (const constraint of constraints) {
      left = left.filter(({ host }) => suits(constraint, host));
      if (left.length === 0) return none(describe(constraint), constraint.origin);
    }
    left = left.filter(({ host }) => pinned.every((at) => at.site === name && at.host === host.name));
    if (left.length === 0) return none('on the host of the machines it must be with');
    const fitting = left.filter(({ host }) => fits(demand, host)).map(({ index }) => index);
    if (fitting.length > 0) return { hosts: fitting };
    const usable = left.map(({ host }) => host);
    return { hosts: [], refusal: (machines) => refuse.tooLarge(name, machines, demand, usable) };
  }

  #memberships(moving: readonly MachineDemand[], rules: readonly (Neighbourhood | undefined)[]): Membership[] {
    return this.#constraints.flatMap((constraint, index) => {
      const rule = rules[index];
      if (!rule) return [];
      const sides = moving.flatMap((machine) => sidesOf(constraint, machine));
      const contradictory =
        constraint.rule === 'separateItems'
          ? sides.includes(0) && sides.includes(1)
          : isApart(constraint) && sides.length > 1;
      if (contradictory && constraint.hard) {
        this.#faults.push(refuse.contradiction(this.#site.name, moving, constraint));
      }
      return sides.map((side) => ({ rule, side }));
    });
  }

  /** How many soft constraints about the host itself each host leaves open; undefined if there are none. */
  #disappointments(moving: readonly MachineDemand[]): Uint16Array | undefined {
    const wishes = this.#constraints.filter(
      (constraint) =>
        !constraint.hard && isAboutHosts(constraint) && moving.some((machine) => binds(constraint, machine)),
    );
    if (wishes.length === 0) return undefined;
    return Uint16Array.from(this.#site.hosts, (host) => wishes.filter((wish) => !suits(wish, host)).length);
  }

  #ruleOf({ rule, hard }: PlacementConstraint): Neighbourhood | undefined {
    const hosts = Int32Array.from(this.#site.hosts, (_, index) => index);
    const most = Int32Array.from(this.#site.hosts, (host) => keptApart(host, hard));
    switch (rule) {
      case 'differentHost':
        return new Apart(hard, hosts, most);
      case 'differentRack':
        return new Apart(hard, this.#rackOf, most);
      case 'sameRack':
        return new Together(hard, this.#rackOf);
      case 'sameHost':
        return hard ? undefined : new Together(hard, hosts);
      case 'separateItems':
        return new Separate(hard, hosts.length);
      default:
        return undefined;
    }
  }

  /** Tells the rules of the machines that stay where they are. Answers their hosts. */
  #settle(staying: readonly MachineDemand[], rules: readonly (Neighbourhood | undefined)[]): ReadonlySet<number> {
    const used = new Set<number>();
    for (const machine of staying) {
      const { at } = machine;
      const host = at?.site === this.#site.name ? this.#hostIndex.get(at.host) : undefined;
      if (host === undefined) {
        this.#faults.push(refuse.elsewhere(this.#site.name));
        break;
      }
      used.add(host);
      this.#constraints.forEach((constraint, index) => {
        for (const side of sidesOf(constraint, machine)) rules[index]?.put(host, side);
      });
    }
    return used;
  }

  /** Machines that are to be on other sites. */
  #checkSite(): void {
    const { name } = this.#site;
    for (const constraint of this.#constraints) {
      if (!constraint.hard || suitsSite(constraint, name)) continue;
      const bound = this.#machines.filter((machine) => !machine.at && binds(constraint, machine));
      if (bound.length > 0) this.#faults.push(refuse.otherSite(name, bound, constraint));
    }
  }

  #checkTotals(blocks: readonly Block[]): void {
    const { hosts, name, freeStorageBytes } = this.#site;
    const usable = hosts.filter((host) => host.up);
    const fault = refuse.shortOf(name, {
      cores: [sum(blocks, (block) => block.cores), together(usable, (host) => Math.max(0, host.freeCores), this.#site)],
      memoryBytes: [
        sum(blocks, (block) => block.memoryBytes),
        together(usable, (host) => Math.max(0, host.freeMemoryBytes), this.#site),
      ],
      diskBytes: [sum(blocks, (block) => sum(block.machines, (machine) => machine.diskBytes)), freeStorageBytes],
    });
    this.#faults.push(...fault);
  }

  /** k machines to be apart need k hosts, or k racks, that can take any of them. */
  #checkPigeons(constraint: PlacementConstraint, rule: Neighbourhood | undefined, blocks: readonly Block[]): void {
    if (!constraint.hard || !(rule instanceof Apart)) return;
    const members = blocks.filter((block) => block.memberships.some((membership) => membership.rule === rule));
    if (members.some((block) => block.hosts.length === 0)) return;
    const places = new Map<number, number>();
    for (const block of members) {
      for (const host of block.hosts) {
        const place = constraint.rule === 'differentHost' ? host : (this.#rackOf[host] ?? 0);
        places.set(place, Math.max(0, rule.room(host)));
      }
    }
    const room = [...places.values()].reduce((total, each) => total + each, 0);
    const there = this.#machines.filter((machine) => machine.at && binds(constraint, machine)).length;
    if (members.length > room) {
      this.#faults.push(refuse.pigeonhole(this.#site.name, constraint, there + members.length, there + room));
    }
  }

  #rackGroups(rules: readonly (Neighbourhood | undefined)[], blocks: readonly Block[]): RackGroup[] {
    return rules.flatMap((rule) => {
      if (!(rule instanceof Together) || !rule.hard) return [];
      const members = blocks.filter((block) => block.memberships.some((membership) => membership.rule === rule));
      return [
        {
          rule,
          cores: sum(members, (block) => block.cores),
          memoryBytes: sum(members, (block) => block.memoryBytes),
        },
      ];
    });
  }
}

function isAboutHosts({ rule }: PlacementConstraint): boolean {
  return rule === 'country' || rule === 'zone' || rule === 'hostTrait' || rule === 'dedicatedHost';
}

function isApart({ rule }: PlacementConstraint): boolean {
  return rule === 'differentHost' || rule === 'differentRack';
}

function sidesOf(constraint: PlacementConstraint, machine: MachineDemand): readonly Side[] {
  const first: readonly Side[] = binds(constraint, machine) ? [0] : [];
  return isOpposite(constraint, machine) ? [...first, 1] : first;
}

function describe({ rule, values = [] }: PlacementConstraint): string {
  return values.length === 0 ? rule : `${rule} ${values.join(', ')}`;
}

function fits(demand: { readonly cores: number; readonly memoryBytes: number }, host: HostOffer): boolean {
  return host.freeCores >= demand.cores && host.freeMemoryBytes >= demand.memoryBytes;
}

function appearance(host: HostOffer): string {
  const { rack, zone, country, up, occupied, freeCores, freeMemoryBytes } = host;
  return JSON.stringify([rack, zone, country, up, occupied, freeCores, freeMemoryBytes, [...host.traits].sort()]);
}

/** A number for each element, the same for elements with the same key. */
function numbered<T>(list: readonly T[], key: (element: T) => string): number[] {
  const numbers = new Map<string, number>();
  return list.map((element) => {
    const name = key(element);
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  });
}

function sum<T>(list: readonly T[], amount: (element: T) => number): number {
  return list.reduce((total, element) => total + amount(element), 0);
}
