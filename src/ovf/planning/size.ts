/**
 * Processors and memory of a machine (DSP0243 §8.3): how many, how much, and within which bounds. What the
 * descriptor does not say is assumed small and marked as assumed, so that the user can confirm it; never guessed large.
 */

import { RESOURCE } from '../envelope/devices.js';
import { comparableQuantity, inUnitsOf } from '../envelope/item-units.js';
import type { At, Item, Quantity } from '../envelope/model.js';
import type { QuantityRange } from '../plan.js';
import type { Findings } from './findings.js';
import type { EffectiveItem } from './items.js';

export const ASSUMED_CORES = 1;
export const ASSUMED_MEMORY_BYTES = 2 ** 30;

/** More than any host has; keeps a plan's sums exact. */
const MAX_CORES = 65_536n;

export function planCores(
  items: readonly EffectiveItem[],
  hardware: At | undefined,
  findings: Findings,
): QuantityRange {
  const processors = items.filter(
    ({ item }) => item.resourceType === RESOURCE.processor && item.resourceSubType?.toLowerCase() !== 'cpuspeed',
  );
  return planQuantity('processor', processors, hardware, ASSUMED_CORES, readCores, findings);
}

export function planMemory(
  items: readonly EffectiveItem[],
  hardware: At | undefined,
  findings: Findings,
): QuantityRange {
  const memory = items.filter(({ item }) => item.resourceType === RESOURCE.memory);
  return planQuantity('memory', memory, hardware, ASSUMED_MEMORY_BYTES, readMemory, findings);
}

/** Undefined where the quantity says nothing, which the reader has told. */
type QuantityReader = (item: Item, quantity: Quantity, findings: Findings) => number | undefined;

function planQuantity(
  what: string,
  items: readonly EffectiveItem[],
  hardware: At | undefined,
  assumed: number,
  read: QuantityReader,
  findings: Findings,
): QuantityRange {
  const [first] = items;
  if (!first?.item.virtualQuantity) {
    const place = first?.item.at ?? hardware;
    // Of a system without any hardware the reader has told.
    if (place)
      findings.warning(first ? 'O-051' : 'O-050', `the system has no ${what} item with a quantity`, {
        place,
        remedy: `add one; ${assumed === ASSUMED_CORES ? '1 virtual processor' : '1 GiB'} is assumed`,
      });
    return { normal: assumed, assumed: true };
  }
  return readRange(first, read, findings) ?? { normal: assumed, assumed: true };
}

function readRange(
  { item, min, max }: EffectiveItem,
  read: QuantityReader,
  findings: Findings,
): QuantityRange | undefined {
  /** A bound without a VirtualQuantity is one of the reservation. */
  const amount = (of: Item | undefined): number | undefined =>
    of?.virtualQuantity && read(inUnitsOf(of, item), of.virtualQuantity, findings);
  const normal = amount(item);
  const low = min === item ? undefined : amount(min);
  const high = max === item ? undefined : amount(max);
  if (normal === undefined) return undefined;
  return { normal, ...(low !== undefined && { min: low }), ...(high !== undefined && { max: high }) };
}

/** `rasd:AllocationUnits` of a processor is about its reservation and limit, never about the count. */
function readCores(_item: Item, { value, text, at }: Quantity, findings: Findings): number | undefined {
  if (value === undefined) return undefined;
  if (value > 0n && value <= MAX_CORES) return Number(value);
  findings.error('O-051', 'the number of virtual processors is not a whole number from 1 to 65536', {
    place: at,
    remedy: 'give the number of virtual processors',
    value: text,
  });
  return undefined;
}

function readMemory(item: Item, { text, at }: Quantity, findings: Findings): number | undefined {
  const bytes = comparableQuantity(item, 'virtualQuantity');
  if (bytes === undefined) return undefined;
  if (bytes <= Number.MAX_SAFE_INTEGER) return Number(bytes);
  findings.error('O-051', 'the memory is over 8 PiB', { place: at, remedy: 'check quantity and unit', value: text });
  return undefined;
}
