/**
 * The search behind placement: depth first, the least free block of machines first, each on the host where it breaks the
 * fewest wishes and then fits most tightly. It steps back when a block finds no host, and stops when its budget is used
 * up. Hosts that cannot be told apart are tried once.
 */

import type { MachineDemand } from './offer.js';
import type { Neighbourhood, Side, Together } from './neighbourhood.js';

/** Machines that go to one host together; mostly a single one. */
export interface Block {
  readonly machines: readonly MachineDemand[];
  readonly cores: number;
  readonly memoryBytes: number;
  /** Hosts that its own constraints and the capacity allow, ascending. */
  readonly hosts: readonly number[];
  readonly memberships: readonly Membership[];
  /** How many wishes about the host itself (country, zone, …) a host leaves open, by host. */
  readonly disappointments: Uint16Array | undefined;
}

export interface Membership {
  readonly rule: Neighbourhood;
  readonly side: Side;
}

/** A rule that all of a group go to one rack, with what the whole group needs there. */
export interface RackGroup {
  readonly rule: Together;
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface SearchProblem {
  readonly blocks: readonly Block[];
  readonly freeCores: Float64Array;
  readonly freeMemoryBytes: Float64Array;
  readonly rackOf: Int32Array;
  /** Equal for hosts that differ in nothing but the name while nothing of the application is on them. */
  readonly classOf: Int32Array;
  /** Hosts with machines of the application from the beginning. */
  readonly used: ReadonlySet<number>;
  readonly rackGroups: readonly RackGroup[];
}

/** Host index by block index, or why there is none. */
export type SearchOutcome = { readonly hosts: Int32Array } | { readonly failed: 'impossible' | 'budget' };

export function search(problem: SearchProblem, budget: number): SearchOutcome {
  const state = new SearchState(problem);
  const order = mostBoundFirst(problem);
  const open: { readonly candidates: readonly number[]; next: number }[] = [];
  const chosen = new Int32Array(problem.blocks.length).fill(-1);
  let left = budget;
  for (let depth = 0; depth < order.length;) {
    const index = order[depth] ?? 0;
    const block = problem.blocks[index];
    if (!block) break;
    const level = (open[depth] ??= { candidates: state.candidates(block), next: 0 });
    const host = level.candidates[level.next++];
    if (host !== undefined) {
      if (left-- <= 0) return { failed: 'budget' };
      state.put(block, host);
      chosen[index] = host;
      depth += 1;
      continue;
    }
    open.pop();
    if (depth === 0) return { failed: 'impossible' };
    depth -= 1;
    const before = order[depth] ?? 0;
    const earlier = problem.blocks[before];
    if (earlier) state.take(earlier, chosen[before] ?? 0);
  }
  return { hosts: chosen };
}

/** Groups that share a rack first, then whoever has the least choice, the larger first; ties by id. */
function mostBoundFirst({ blocks, rackGroups }: SearchProblem): readonly number[] {
  const groupSizes = new Map<Neighbourhood, number>();
  for (const block of blocks) {
    for (const { rule } of block.memberships) {
      if (rule.hard) groupSizes.set(rule, (groupSizes.get(rule) ?? 0) + 1);
    }
  }
  const rackGroupOf = (block: Block): number => {
    const position = rackGroups.findIndex((group) => block.memberships.some(({ rule }) => rule === group.rule));
    return position < 0 ? rackGroups.length : position;
  };
  const keys = blocks.map((block) => ({
    rackGroup: rackGroupOf(block),
    choice: block.hosts.length - Math.max(0, ...block.memberships.map(({ rule }) => groupSizes.get(rule) ?? 0)),
    id: block.machines[0]?.id ?? '',
  }));
  const size = relativeSize(blocks);
  return blocks
    .map((_, index) => index)
    .sort((left, right) => {
      const [one, other] = [keys[left], keys[right]];
      if (!one || !other) return 0;
      return (
        one.rackGroup - other.rackGroup ||
        one.choice - other.choice ||
        (size[right] ?? 0) - (size[left] ?? 0) ||
        (one.id < other.id ? -1 : 1)
      );
    });
}

/** Cores and memory as shares of the largest, added up (`spec/scheduling.md` §7.2). */
function relativeSize(blocks: readonly Block[]): readonly number[] {
  const mostCores = blocks.reduce((most, block) => Math.max(most, block.cores), 1);
  const mostMemory = blocks.reduce((most, block) => Math.max(most, block.memoryBytes), 1);
  return blocks.map((block) => block.cores / mostCores + block.memoryBytes / mostMemory);
}

/** What is free and who is where at one point of the search. */
class SearchState {
  readonly #problem: SearchProblem;
  readonly #freeCores: Float64Array;
  readonly #freeMemory: Float64Array;
  readonly #rackCores: Float64Array;
  readonly #rackMemory: Float64Array;
  readonly #blocksOn: Int32Array;
  readonly #mostCores: number;
  readonly #mostMemory: number;

  constructor(problem: SearchProblem) {
    this.#problem = problem;
    this.#freeCores = problem.freeCores.slice();
    this.#freeMemory = problem.freeMemoryBytes.slice();
    const hosts = this.#freeCores.length;
    this.#rackCores = new Float64Array(hosts);
    this.#rackMemory = new Float64Array(hosts);
    this.#blocksOn = new Int32Array(hosts);
    for (const host of problem.used) add(this.#blocksOn, host, 1);
    for (let host = 0; host < hosts; host += 1) {
      add(this.#rackCores, get(problem.rackOf, host), get(this.#freeCores, host));
      add(this.#rackMemory, get(problem.rackOf, host), get(this.#freeMemory, host));
    }
    this.#mostCores = this.#freeCores.reduce((most, free) => Math.max(most, free), 1);
    this.#mostMemory = this.#freeMemory.reduce((most, free) => Math.max(most, free), 1);
  }

  /** Hosts for a block, best first. */
  candidates(block: Block): readonly number[] {
    const hard = block.memberships.filter(({ rule }) => rule.hard);
    const soft = block.memberships.filter(({ rule }) => !rule.hard);
    const opening = this.#problem.rackGroups.filter(
      ({ rule }) => rule.open && block.memberships.some((membership) => membership.rule === rule),
    );
    const seen = new Set<number>();
    const candidates: { readonly host: number; readonly wishes: number; readonly slack: number }[] = [];
    for (const host of block.hosts) {
      if (!this.#fits(block, host) || !opening.every((group) => this.#rackTakes(group, host))) continue;
      if (hard.some(({ rule, side }) => rule.clashes(host, side))) continue;
      if (get(this.#blocksOn, host) === 0) {
        const hostClass = get(this.#problem.classOf, host);
        if (seen.has(hostClass)) continue;
        seen.add(hostClass);
      }
      const clashes = soft.reduce((sum, { rule, side }) => sum + (rule.clashes(host, side) ? 1 : 0), 0);
      const wishes = clashes + (block.disappointments?.[host] ?? 0);
      candidates.push({ host, wishes, slack: this.#slack(host) });
    }
    candidates.sort((one, other) => one.wishes - other.wishes || one.slack - other.slack || one.host - other.host);
    return candidates.map(({ host }) => host);
  }

  put(block: Block, host: number): void {
    this.#move(block, host, 1);
    for (const { rule, side } of block.memberships) rule.put(host, side);
  }

  take(block: Block, host: number): void {
    this.#move(block, host, -1);
    for (const { rule, side } of block.memberships) rule.take(host, side);
  }

  #move(block: Block, host: number, by: 1 | -1): void {
    const rack = get(this.#problem.rackOf, host);
    add(this.#freeCores, host, -by * block.cores);
    add(this.#rackCores, rack, -by * block.cores);
    add(this.#freeMemory, host, -by * block.memoryBytes);
    add(this.#rackMemory, rack, -by * block.memoryBytes);
    add(this.#blocksOn, host, by);
  }

  #fits(block: Block, host: number): boolean {
    return get(this.#freeCores, host) >= block.cores && get(this.#freeMemory, host) >= block.memoryBytes;
  }

  #rackTakes(group: RackGroup, host: number): boolean {
    const rack = get(this.#problem.rackOf, host);
    return get(this.#rackCores, rack) >= group.cores && get(this.#rackMemory, rack) >= group.memoryBytes;
  }

  #slack(host: number): number {
    return get(this.#freeCores, host) / this.#mostCores + get(this.#freeMemory, host) / this.#mostMemory;
  }
}

type Numbers = Int32Array | Float64Array;

function get(list: Numbers, index: number): number {
  return list[index] ?? 0;
}

function add(list: Numbers, index: number, amount: number): void {
  list[index] = get(list, index) + amount;
}
