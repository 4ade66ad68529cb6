/**
 * What is set aside for a machine or a collection beyond its size (DSP0243 §8.3 `rasd:Reservation`, `Limit`, `Weight`; §9.4
 * ResourceAllocationSection): processors in hertz, memory in bytes, weights relative to one another.
 */

import { excerpt } from '../../base/errors.js';
import { RESOURCE } from '../envelope/devices.js';
import { ASSUMED_MEMORY_UNIT, unitOf } from '../envelope/item-units.js';
import type { At, Item, Quantity, ResourceAllocationSection } from '../envelope/model.js';
import type { Allocation, PlannedAllocation, PlannedCollection, PlannedMachine } from '../plan.js';
import { parseUnit, toBytes, toHertz } from '../units.js';
import type { Findings } from './findings.js';
import { effectiveItems, type EffectiveItem } from './items.js';

/** @param sized true for the items of a machine, of which `planMemory` judges the unit where it reads the size */
export function planAllocation(
  items: readonly EffectiveItem[],
  sized: boolean,
  findings: Findings,
): { readonly allocation?: PlannedAllocation } {
  const processors = allocationOf(items, RESOURCE.processor, sized, findings);
  const memory = allocationOf(items, RESOURCE.memory, sized, findings);
  if (!processors && !memory) return {};
  return { allocation: { ...(processors && { processors }), ...(memory && { memory }) } };
}

/** The allocation of a collection as a whole, as its section says it in the chosen configuration. */
export function planCollectionAllocation(
  section: ResourceAllocationSection | undefined,
  configuration: string | undefined,
  findings: Findings,
): { readonly allocation?: PlannedAllocation } {
  if (!section) return {};
  const items = effectiveItems(section.items, configuration, findings);
  for (const { item } of items) if (!isAllocated(item)) reportUnallocated(item, findings);
  return planAllocation(items, false, findings);
}

/** Of an item without a type the reader has told. */
function isAllocated({ resourceType }: Item): boolean {
  return resourceType === undefined || resourceType === RESOURCE.processor || resourceType === RESOURCE.memory;
}

/** As with devices of machines: how gravely depends on whether the item says that it can be done without. */
function reportUnallocated(item: Item, findings: Findings): void {
  const message = `"${excerpt(item.elementName)}" is not set aside for the collection: only processors and memory are`;
  const details = { place: item.at, value: `ResourceType ${item.resourceType}` };
  const remedy = 'mark the item ovf:required="false" if the collection runs without it, or ask for it in the agreement';
  if (item.requiredInWriting) findings.error('O-055', message, { ...details, remedy });
  else if (item.required) findings.deviation('O-055', message, { ...details, remedy });
  else findings.info('O-084', message, { ...details, remedy: 'nothing to do: the item says that it is optional' });
}

/**
 * Says where a collection cannot be held to its section. VEP gives every machine its memory for itself: a limit is kept
 * as long as the machines stay below it together, and a reservation up to what they have.
 */
export function checkCollectionAllocations(
  collections: readonly { readonly planned: PlannedCollection; readonly section: ResourceAllocationSection }[],
  all: readonly PlannedCollection[],
  machines: readonly PlannedMachine[],
  findings: Findings,
): void {
  for (const { planned, section } of collections) {
    const bytes = memoryOf(planned.id, all, machines);
    const { limit, reservation } = planned.allocation?.memory ?? {};
    const details = (remedy: string): { place: ResourceAllocationSection['at']; remedy: string; value: string } => ({
      place: section.at,
      remedy,
      value: planned.id,
    });
    if (limit !== undefined && bytes > limit) {
      findings.warning(
        'O-084',
        `the machines of the collection have ${bytes} bytes of memory together, more than its limit of ${limit}`,
        details('they get what they ask for, and no more instances; raise the limit or give the machines less'),
      );
    }
    if (reservation !== undefined && reservation > bytes) {
      findings.warning(
        'O-084',
        `the reservation of ${reservation} bytes of memory is kept up to the ${bytes} that the machines have`,
        details('reserve as much as the machines have, or ask for the rest in the agreement'),
      );
    }
  }
}

/** Bytes of memory of all machines in a collection and those nested in it, each as often as it has instances. */
export function memoryOf(
  collection: string,
  collections: readonly PlannedCollection[],
  machines: readonly PlannedMachine[],
): number {
  const inside = new Set([collection]);
  // Outer collections come first.
  for (const { id, parent } of collections) if (parent !== undefined && inside.has(parent)) inside.add(id);
  return machines
    .filter((machine) => machine.collection !== undefined && inside.has(machine.collection))
    .reduce((sum, { memoryBytes, instances }) => sum + memoryBytes.normal * instances.normal, 0);
}

type Resource = typeof RESOURCE.processor | typeof RESOURCE.memory;

function allocationOf(
  items: readonly EffectiveItem[],
  resource: Resource,
  sized: boolean,
  findings: Findings,
): Allocation | undefined {
  const ofResource = items.filter(({ item }) => item.resourceType === resource);
  for (const each of ofResource) reportBounds(each, findings);
  const first = (key: AllocationKey): Item | undefined =>
    ofResource.find(({ item }) => (item[key]?.value ?? 0n) > 0n)?.item;
  const amount = (key: 'reservation' | 'limit'): number | undefined => {
    const item = first(key);
    return item && inBaseUnit(item, item[key] as Quantity, resource, sized, findings);
  };
  const reservation = amount('reservation');
  const limit = amount('limit');
  const weight = Number(first('weight')?.weight?.value ?? 0);
  if (reservation !== undefined && limit !== undefined && reservation > limit) {
    findings.warning('O-052', `the reservation of ${reservation} is above the limit of ${limit}`, {
      place: first('reservation')?.at,
      remedy: 'raise the limit, or set less aside',
    });
  }
  if (reservation === undefined && limit === undefined && weight === 0) return undefined;
  return {
    ...(reservation !== undefined && { reservation }),
    ...(limit !== undefined && { limit }),
    ...(weight > 0 && Number.isSafeInteger(weight) && { weight }),
  };
}

const ALLOCATION_KEYS = ['reservation', 'limit', 'weight'] as const;
type AllocationKey = (typeof ALLOCATION_KEYS)[number];

/** No site keeps a range of what is set aside: the normal amount counts. */
function reportBounds({ min, max }: EffectiveItem, findings: Findings): void {
  for (const bound of [min, max]) {
    if (bound === undefined || ALLOCATION_KEYS.every((key) => bound[key] === undefined)) continue;
    findings.info('O-084', `the ${bound.bound} of what is set aside is not acted on`, {
      place: bound.at,
      remedy: 'nothing to do: what the normal item sets aside counts',
      value: bound.instanceId,
    });
  }
}

/** Not in hertz, but in processors: CIM allows `count`; XenServer writes the other with every machine. */
const COUNTED = /^(count|processor cores)$/i;

/** Hertz or bytes. Memory without a unit is in megabytes, as its size is (O-035). */
function inBaseUnit(
  item: Item,
  { value, at }: Quantity,
  resource: Resource,
  sized: boolean,
  findings: Findings,
): number | undefined {
  const memory = resource === RESOURCE.memory;
  const text = memory ? (unitOf(item) ?? ASSUMED_MEMORY_UNIT) : (item.allocationUnits ?? '').trim();
  if (!memory && (text === '' || COUNTED.test(text))) {
    reportCounted(text, at, findings);
    return undefined;
  }
  const { unit, faults } = parseUnit(text, findings.mode);
  const judged = sized && memory && item.virtualQuantity !== undefined;
  if (!judged) for (const fault of faults) findings.add(fault, at);
  const converted = unit && (memory ? toBytes : toHertz)(value ?? 0n, unit);
  if (converted === undefined) return undefined;
  if ('fault' in converted) {
    findings.add(converted.fault, at);
    return undefined;
  }
  if (converted.value <= Number.MAX_SAFE_INTEGER) return Number(converted.value);
  findings.info('O-084', `what is set aside of ${memory ? 'memory' : 'processors'} is more than any host has`, {
    place: at,
    remedy: 'nothing to do: it is taken as if it were not given',
    value: `${value} ${text}`,
  });
  return undefined;
}

function reportCounted(text: string, place: At, findings: Findings): void {
  const message = 'what is set aside of processors is not in hertz: it is not acted on';
  const details = { place, remedy: 'give rasd:AllocationUnits as a multiple of hertz', value: text };
  if (text === 'count') findings.info('O-084', message, details);
  else findings.deviation('O-035', message, details);
}
