/**
 * Resource and elasticity terms against the descriptor (`spec/sla.md` §5.4, §5.5, §12.4, §12.8): what sizes the bounds
 * lead to, which of them contradict each other or the descriptor. Of several terms on one metric the nearest to a machine
 * counts: one that names the machine before one on its collection, that before one on the application.
 */

import type { DeploymentPlan, PlannedMachine, QuantityRange } from '../ovf/plan.js';
import type { Agreement, ElasticityTerm, ResourceTerm } from './agreement.js';
import { leastInteger, type Bound } from './bound.js';
import type { Requirements } from './effective-plan.js';
import type { Links } from './link-items.js';
import type { UnmetTerm } from './unmet.js';

type Sizes = Omit<Requirements, 'constraints'>;

/** A bound with the term it comes from. */
interface Demand {
  readonly term: string;
  readonly bound: Bound;
}

/** The sizes the agreement leads to; what cannot be met stays as the descriptor has it and is told. */
export function requiredSizes(
  agreement: Agreement,
  plan: DeploymentPlan,
  links: Links,
): { readonly sizes: Sizes; readonly unmet: readonly UnmetTerm[] } {
  const sizing = new Sizing(agreement, plan, links);
  return { sizes: sizing.sizes(), unmet: sizing.unmet };
}

class Sizing {
  readonly unmet: UnmetTerm[] = [];
  readonly #plan: DeploymentPlan;
  readonly #links: Links;
  readonly #resources: readonly ResourceTerm[];
  readonly #elasticity: readonly ElasticityTerm[];

  constructor({ terms }: Agreement, plan: DeploymentPlan, links: Links) {
    this.#plan = plan;
    this.#links = links;
    this.#resources = terms.filter((term) => term.type === 'resource');
    this.#elasticity = terms.filter((term) => term.type === 'elasticity');
  }

  sizes(): Sizes {
    return {
      cores: this.#perMachine('vm.cores', (machine) => machine.cores, 'cores'),
      memory: this.#perMachine('vm.memory', (machine) => machine.memoryBytes, 'bytes of memory'),
      instances: this.#instances(),
      disks: this.#disks(),
    };
  }

  #perMachine(metric: string, range: (machine: PlannedMachine) => QuantityRange, what: string): Map<string, number> {
    const sizes = new Map<string, number>();
    for (const machine of this.#plan.machines) {
      const demands = this.#nearest(metric, machine.id);
      const size = this.#size(machine.id, demands, range(machine), what);
      if (size !== undefined && demands.length > 0) sizes.set(machine.id, size);
    }
    return sizes;
  }

  /** The least size from the descriptor's upwards that keeps all bounds. */
  #size(item: string, demands: readonly Demand[], range: QuantityRange, what: string): number | undefined {
    const bounds = demands.map(({ bound }) => bound);
    const size = leastInteger(bounds, range.normal);
    if (size !== undefined && (range.max === undefined || size <= range.max)) return size;
    const terms = demands.map(({ term }) => term);
    if (leastInteger(bounds, 0) === undefined) {
      const message = `no number of ${what} keeps ${terms.length > 1 ? `the terms ${terms.join(', ')}` : 'the term'}`;
      this.#conflict('sla.contradiction', terms, item, message);
    } else if (size === undefined) {
      const message = `the descriptor asks for ${range.normal} ${what}, more than is agreed`;
      this.#conflict('sla.conflict', terms, item, message, range.normal);
    } else {
      const message = `the descriptor allows at most ${range.max ?? size} ${what}, less than is agreed`;
      this.#conflict('sla.conflict', terms, item, message, range.max);
    }
    return undefined;
  }

  #instances(): Map<string, QuantityRange> {
    const instances = new Map<string, QuantityRange>();
    for (const machine of this.#plan.machines) {
      const elastic = this.#elasticity.filter((term) => this.#links.machinesOf(term).includes(machine.id));
      const demands = [
        ...this.#nearest('vm.count', machine.id),
        ...elastic.map(({ id, min, max }): Demand => ({ term: id, bound: { op: 'BETWEEN', low: min, high: max } })),
        ...elastic.map(({ id, initial }): Demand => ({ term: id, bound: { op: 'GE', value: initial } })),
      ];
      if (demands.length === 0) continue;
      const normal = this.#size(machine.id, demands, machine.instances, 'instances');
      if (normal !== undefined) instances.set(machine.id, this.#instanceRange(machine, elastic, normal));
    }
    return instances;
  }

  /** Bounds for later scaling: the agreement's, within the descriptor's. */
  #instanceRange(machine: PlannedMachine, elastic: readonly ElasticityTerm[], normal: number): QuantityRange {
    const { min, max } = machine.instances;
    for (const term of elastic) {
      if (max === undefined || term.max <= max) continue;
      const message = `it scales to ${term.max} instances, the descriptor allows ${max}`;
      this.#conflict('sla.conflict', [term.id], machine.id, message, max);
    }
    const lowest = Math.max(min ?? 0, ...elastic.map((term) => term.min));
    const highest = Math.min(max ?? Number.POSITIVE_INFINITY, ...elastic.map((term) => term.max));
    return {
      normal,
      ...(min === undefined && elastic.length === 0 ? {} : { min: lowest }),
      ...(highest === Number.POSITIVE_INFINITY ? {} : { max: highest }),
    };
  }

  #disks(): Map<string, number> {
    const demands = new Map<string, Demand[]>();
    for (const { id, bound, scope, metric } of this.#resources) {
      if (metric !== 'vm.disk.size') continue;
      for (const linked of this.#links.scopeOf({ scope })) {
        if (linked.item.kind === 'Disk') linked.disks.forEach((disk) => note(demands, disk, { term: id, bound }));
        else
          [...linked.machines.keys()].forEach((machine) => this.#wholeMachine(demands, machine, { term: id, bound }));
      }
    }
    const sizes = new Map<string, number>();
    for (const disk of this.#plan.disks) {
      const own = demands.get(disk.id) ?? [];
      const size = this.#size(disk.id, own, { normal: disk.capacityBytes }, 'bytes of disk');
      if (size !== undefined && own.length > 0) sizes.set(disk.id, size);
    }
    return sizes;
  }

  /** A bound on a machine's storage: raises its only disk; with several, their sum is as the descriptor has it. */
  #wholeMachine(demands: Map<string, Demand[]>, id: string, demand: Demand): void {
    const drives = this.#plan.machines.find((machine) => machine.id === id)?.drives ?? [];
    const disks = this.#plan.disks.filter((disk) => drives.some((drive) => drive.disk === disk.id));
    const [only, ...others] = disks;
    if (only && others.length === 0) {
      note(demands, only.id, demand);
      return;
    }
    const total = disks.reduce((sum, disk) => sum + disk.capacityBytes, 0);
    this.#size(id, [demand], { normal: total, max: total }, 'bytes of disk');
  }

  /** Bounds on a metric of a machine, from the terms that are nearest to it. */
  #nearest(metric: string, machine: string): readonly Demand[] {
    const candidates = this.#resources
      .filter((term) => term.metric === metric)
      .flatMap((term) =>
        this.#links.scopeOf(term).flatMap((linked) => {
          const distance = linked.machines.get(machine);
          return distance === undefined ? [] : [{ term: term.id, bound: term.bound, distance }];
        }),
      );
    const least = Math.min(...candidates.map(({ distance }) => distance));
    return candidates.filter(({ distance }) => distance === least);
  }

  #conflict(code: string, terms: readonly string[], item: string, message: string, offered?: number): void {
    for (const term of new Set(terms)) {
      this.unmet.push({ code, term, item, message, ...(offered === undefined ? {} : { offered }) });
    }
  }
}

function note(demands: Map<string, Demand[]>, key: string, demand: Demand): void {
  const list = demands.get(key);
  if (list) list.push(demand);
  else demands.set(key, [demand]);
}
