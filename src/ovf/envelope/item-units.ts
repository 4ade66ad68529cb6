/**
 * The units in which an item counts (DSP0243 §8.3, §8.4; `rasd:AllocationUnits`): of memory and of what else has a
 * unit. Those of a processor are about its reservation and limit, never about the count.
 */

import { parseUnit, toBytes, toHertz } from '../units.js';
import { RESOURCE } from './devices.js';
import type { Item } from './model.js';

/** CIM would have a missing unit of memory mean bytes; whoever leaves it out means megabytes. */
export const ASSUMED_MEMORY_UNIT = 'byte * 2^20';

/** An item with `ovf:bound` has only quantities of its own: where it names no unit it counts in that of its normal item. */
export function inUnitsOf(bound: Item, normal: Item): Item {
  if (unitOf(bound) !== undefined) return bound;
  const { allocationUnits, virtualQuantityUnits } = normal;
  return { ...bound, allocationUnits, virtualQuantityUnits };
}

/** As written; a unit of bytes one element further (VirtualQuantityUnits) is meant too. */
export function unitOf({ allocationUnits, virtualQuantityUnits: other }: Item): string | undefined {
  if (allocationUnits !== undefined) return allocationUnits;
  return other !== undefined && parseUnit(other, 'lenient').unit?.dimensions.has('byte') ? other : undefined;
}

export type QuantityKey = 'virtualQuantity' | 'reservation' | 'limit' | 'weight';

/** The quantities of an item, by the names of their properties. */
export const QUANTITIES: ReadonlyMap<string, QuantityKey> = new Map([
  ['VirtualQuantity', 'virtualQuantity'],
  ['Reservation', 'reservation'],
  ['Limit', 'limit'],
  ['Weight', 'weight'],
]);

/**
 * What can be compared with other items of one InstanceID: bytes of memory, hertz set aside of processors, else the plain
 * number; undefined where there is none, or its unit says nothing.
 */
export function comparableQuantity(item: Item, key: QuantityKey): bigint | undefined {
  const quantity = item[key]?.value;
  const memory = item.resourceType === RESOURCE.memory;
  const hertz = item.resourceType === RESOURCE.processor && key !== 'virtualQuantity';
  if (quantity === undefined || key === 'weight' || !(memory || hertz)) return quantity;
  const { unit } = parseUnit((memory ? (unitOf(item) ?? ASSUMED_MEMORY_UNIT) : item.allocationUnits) ?? '', 'lenient');
  const amount = unit && (memory ? toBytes : toHertz)(quantity, unit);
  return amount && 'value' in amount ? amount.value : undefined;
}
