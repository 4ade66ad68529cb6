/**
 * What is set aside for a machine or a collection beyond its size (DSP0243 §8.3 `rasd:Reservation`, `Limit`, `Weight`; §9.4
 * ResourceAllocationSection): processors in hertz, memory in bytes, weights relative to one another.
 */

import { RESOURCE } from '../envelope/devices.js';
import { ASSUMED_MEMORY_UNIT } from '../envelope/item-units.js';
import type { Item, Quantity, ResourceAllocationSection } from '../envelope/model.js';
import type { Allocation, PlannedAllocation, PlannedCollection, PlannedMachine } from '../plan.js';
import { parseUnit, toBytes, toHertz } from '../units.js';
import type { Findings } from './findings.js';
import { effectiveItems, type EffectiveItem } from './items.js';

export function planAllocation(
  items: readonly EffectiveItem[],
  findings: Findings,
): { readonly allocation?: PlannedAllocation } {
  const processors = allocationOf(items, RESOURCE.processor, findings);
  const memory = allocationOf(items, RESOURCE.memory, findings);
  if (!processors && !memory) return {};
  return { allocation: { ...(processors && { processors }), ...(memory && { memory }) } };
}

/** The allocation of a collection as a whole, as its section says it in the chosen configuration. */
export function planCollectionAllocation(
  section: ResourceAllocationSection | undefined,
  configuration: string | undefined,
  findings: Findings,
): { readonly allocation?: PlannedAllocation } {
  return section ? planAllocation(effectiveItems(section.items, configuration, findings), findings) : {};
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

function allocationOf(items: readonly EffectiveItem[], resource: Resource, findings: Findings): Allocation | undefined {
  const ofResource = items.map(({ item }) => item).filter(({ resourceType }) => resourceType === resource);
  const amount = (key: 'reservation' | 'limit'): number | undefined => {
    const item = ofResource.find((each) => (each[key]?.value ?? 0n) > 0n);
    return item && inBaseUnit(item, item[key] as Quantity, resource, findings);
  };
  const reservation = amount('reservation');
  const limit = amount('limit');
  const weight = Number(ofResource.find(({ weight: each }) => (each?.value ?? 0n) > 0n)?.weight?.value ?? 0);
  if (reservation === undefined && limit === undefined && weight === 0) return undefined;
  return {
    ...(reservation !== undefined && { reservation }),
    ...(limit !== undefined && { limit }),
    ...(weight > 0 && Number.isSafeInteger(weight) && { weight }),
  };
}

/** Hertz or bytes. Memory without a unit is in megabytes, as its size is (O-035). */
function inBaseUnit(item: Item, { value, at }: Quantity, resource: Resource, findings: Findings): number | undefined {
  const memory = resource === RESOURCE.memory;
  const text = item.allocationUnits ?? (memory ? ASSUMED_MEMORY_UNIT : '');
  const { unit } = parseUnit(text, 'lenient');
  const converted = unit && (memory ? toBytes : toHertz)(value ?? 0n, unit);
  if (converted && 'value' in converted && converted.value <= Number.MAX_SAFE_INTEGER) return Number(converted.value);
  findings.info('O-084', `what is set aside of ${memory ? 'memory' : 'processors'} is in a unit that says nothing`, {
    place: at,
    remedy: `give rasd:AllocationUnits as a multiple of ${memory ? 'byte' : 'hertz'}`,
    value: text,
  });
  return undefined;
}
