/**
 * From the items of an agreement to what they mean in a deployment plan (`spec/sla.md` §5): machines, disks and networks
 * by their OVF ids. An item that the plan does not have is never ignored.
 */

import type { DeploymentPlan, PlannedMachine } from '../ovf/plan.js';
import type { Agreement, Item, Service, Term } from './agreement.js';
import type { UnmetTerm } from './unmet.js';

export interface LinkedItem {
  readonly item: Item;
  /** Machine ids with their distance: 0 named itself, then by collection outwards; infinite for the application. */
  readonly machines: ReadonlyMap<string, number>;
  readonly disks: readonly string[];
  readonly networks: readonly string[];
}

export class Links {
  readonly #items: ReadonlyMap<string, LinkedItem>;
  readonly #application: LinkedItem;

  constructor(items: ReadonlyMap<string, LinkedItem>, application: LinkedItem) {
    this.#items = items;
    this.#application = application;
  }

  /** What a term applies to; what could not be resolved is left out. */
  scopeOf(term: Pick<Term, 'scope'>): readonly LinkedItem[] {
    return term.scope.length === 0 ? [this.#application] : this.items(term.scope);
  }

  items(ids: readonly string[]): readonly LinkedItem[] {
    return ids.flatMap((id) => this.#items.get(id) ?? []);
  }

  /** Ids of the machines of a term's scope, each once. */
  machinesOf(term: Pick<Term, 'scope'>): readonly string[] {
    return machinesOf(this.scopeOf(term));
  }
}

export function machinesOf(items: readonly LinkedItem[]): readonly string[] {
  return [...new Set(items.flatMap((item) => [...item.machines.keys()]))];
}

/** Resolves every item against the plan of the descriptor with that digest (hex, lower case). */
export function linkItems(
  agreement: Agreement,
  plan: DeploymentPlan,
  descriptor: { readonly sha256: string },
): { readonly links: Links; readonly unmet: readonly UnmetTerm[] } {
  const resolver = new Resolver(plan);
  const items = new Map<string, LinkedItem>();
  const unmet = agreement.services.flatMap((service) => otherDescriptor(service, descriptor.sha256));
  for (const item of agreement.services.flatMap((service) => service.items)) {
    const linked = resolver.resolve(item);
    if (linked) items.set(item.id, linked);
    else unmet.push(unknownItem(item));
  }
  return { links: new Links(items, resolver.application({ id: plan.id, kind: 'Application' })), unmet };
}

function otherDescriptor({ name, ovf }: Service, sha256: string): UnmetTerm[] {
  if (ovf?.sha256 === undefined || ovf.sha256 === sha256.toLowerCase()) return [];
  const message = `service ${name} is about the descriptor with SHA-256 ${ovf.sha256}; the one received has another`;
  return [{ code: 'sla.ovf.digest', term: null, item: name, message, offered: sha256 }];
}

function unknownItem({ id, kind, ref }: Item): UnmetTerm {
  const message = `item ${id} refers to the ${kind} "${ref ?? ''}", which the descriptor does not have`;
  return { code: 'sla.item.unknown', term: null, item: id, message };
}

class Resolver {
  readonly #plan: DeploymentPlan;
  readonly #parents: ReadonlyMap<string, string | undefined>;

  constructor(plan: DeploymentPlan) {
    this.#plan = plan;
    this.#parents = new Map(plan.collections.map((collection) => [collection.id, collection.parent]));
  }

  resolve(item: Item): LinkedItem | undefined {
    const ref = item.ref ?? '';
    switch (item.kind) {
      case 'Application':
        return this.application(item);
      case 'VirtualSystem': {
        const machine = this.#plan.machines.find((candidate) => candidate.id === ref);
        return machine && this.#system(item, machine);
      }
      case 'VirtualSystemCollection':
        return this.#parents.has(ref) ? this.#collection(item, ref) : undefined;
      case 'Disk':
        if (!this.#plan.disks.some((disk) => disk.id === ref)) return undefined;
        return { item, machines: new Map(), disks: [ref], networks: [] };
      case 'Network':
        if (!this.#plan.networks.some((network) => network.name === ref)) return undefined;
        return { item, machines: new Map(), disks: [], networks: [ref] };
    }
  }

  application(item: Item): LinkedItem {
    const { machines, disks, networks } = this.#plan;
    return {
      item,
      machines: new Map(machines.map((machine) => [machine.id, Number.POSITIVE_INFINITY])),
      disks: disks.map((disk) => disk.id),
      networks: networks.map((network) => network.name),
    };
  }

  #system(item: Item, machine: PlannedMachine): LinkedItem {
    const disks = machine.drives.flatMap((drive) => drive.disk ?? []);
    return { item, machines: new Map([[machine.id, 0]]), disks, networks: [] };
  }

  #collection(item: Item, id: string): LinkedItem {
    const machines = new Map<string, number>();
    for (const machine of this.#plan.machines) {
      const distance = this.#ancestors(machine).indexOf(id);
      if (distance >= 0) machines.set(machine.id, distance + 1);
    }
    return { item, machines, disks: [], networks: [] };
  }

  /** Collections round a machine, the nearest first. */
  #ancestors(machine: PlannedMachine): readonly string[] {
    const chain: string[] = [];
    for (let id = machine.collection; id !== undefined && !chain.includes(id); id = this.#parents.get(id))
      chain.push(id);
    return chain;
  }
}
