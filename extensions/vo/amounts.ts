/** Amounts of what is counted for a VO: what an entity takes, what is set aside, what a limit allows. */

import { APPLIANCE } from '../../src/client/appliance.js';
import { isAccount } from '../../src/iaas/account.js';
import { COMPUTE, NETWORK, STORAGE, type Attributes, type TypeId } from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { IPRESERVATION } from '../infrastructure/states.js';
import { RESOURCES, type Resource } from './vocabulary.js';

/** Of each resource, whole numbers; memory and storage in bytes. */
export type Amounts = Readonly<Record<Resource, number>>;
/** Resources that are not named have no limit. */
export type Limits = Readonly<Partial<Record<Resource, number>>>;

const GIB = 2 ** 30;
const IN_GIB: ReadonlySet<Resource> = new Set(['memory', 'storage']);

export const NOTHING: Amounts = amounts(() => 0);

export function amounts(of: (resource: Resource) => number): Amounts {
  return Object.fromEntries(RESOURCES.map((resource) => [resource, of(resource)])) as Record<Resource, number>;
}

export function sum(parts: Iterable<Amounts>): Amounts {
  const all = [...parts];
  return amounts((resource) => all.reduce((total, part) => total + part[resource], 0));
}

/**
 * What an entity takes, from when it is accepted until its site has let it go (K11), whatever its state. What a user pays in an
 * account of their own (K35) takes nothing of the VO's.
 */
export function amountsOf(
  registry: CategoryRegistry,
  { kind, wanted, site }: Pick<EntityRecord, 'kind' | 'wanted' | 'site'>,
): Amounts | undefined {
  const taking = KINDS.find(([root]) => registry.isA(kind, root));
  if (isAccount(site) && taking?.[0] !== APPLIANCE) return undefined;
  return taking && { ...NOTHING, ...taking[1](wanted) };
}

type Taking = (wanted: Attributes) => Partial<Amounts>;

/** The nearest comes first: an address reservation is a network too. */
const KINDS: readonly (readonly [TypeId, Taking])[] = [
  [IPRESERVATION, () => ({ addresses: 1 })],
  [APPLIANCE, () => ({ appliances: 1 })],
  [COMPUTE, (wanted) => ({ machines: 1, ...machineOf(wanted) })],
  [STORAGE, (wanted) => ({ volumes: 1, storage: inside('storage', numberAt(wanted, 'occi.storage.size', 1)) })],
  [NETWORK, () => ({ networks: 1 })],
];

/** What a machine needs of its host. */
export function machineOf(wanted: Attributes): Pick<Amounts, 'cores' | 'memory'> {
  return {
    cores: Math.ceil(numberAt(wanted, 'occi.compute.cores', 1)),
    memory: inside('memory', numberAt(wanted, 'occi.compute.memory', 1)),
  };
}

/** A number as clients write it, in the unit that is counted in. */
export function inside(resource: Resource, value: number): number {
  return IN_GIB.has(resource) ? Math.ceil(value * GIB) : value;
}

/** The other way; GiB to three digits. */
export function outside(resource: Resource, value: number): number {
  return IN_GIB.has(resource) ? Math.round((value / GIB) * 1000) / 1000 : value;
}

export function unitOf(resource: Resource): string {
  return IN_GIB.has(resource) ? `GiB of ${resource}` : resource;
}

/** Numbers at attributes, e.g. the limits of a VO. */
export function limitsAt(attributes: Attributes, nameOf: (resource: Resource) => string): Limits {
  const limits: Partial<Record<Resource, number>> = {};
  for (const resource of RESOURCES) {
    const value = attributes[nameOf(resource)];
    if (typeof value === 'number') limits[resource] = inside(resource, value);
  }
  return limits;
}

function numberAt(attributes: Attributes, name: string, absent: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : absent;
}
