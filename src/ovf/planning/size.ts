/**
 * Processors and memory of a machine (DSP0243 §8.3): how many, how much, and within which bounds. What the
 * descriptor does not say is assumed small and marked as assumed, so that the user can confirm it; never guessed large.
 */

import { excerpt } from '../../base/errors.js';
import { RESOURCE } from '../envelope/devices.js';
import { ASSUMED_MEMORY_UNIT, inUnitsOf, unitOf } from '../envelope/item-units.js';
import type { At, Item, Quantity } from '../envelope/model.js';
import type { QuantityRange } from '../plan.js';
import { parseUnit, toBytes } from '../units.js';
import type { Findings } from './findings.js';
import type { EffectiveItem } from './items.js';

export const ASSUMED_CORES = 1;
export const ASSUMED_MEMORY_BYTES = 2 ** 30;

/** More than any host has; keeps a plan's sums exact. */
const MAX_CORES = 65_536n;

export function planCores(items: readonly EffectiveItem[], system: At, findings: Findings): QuantityRange {
  const processors = items.filter(
    ({ item }) => item.resourceType === RESOURCE.processor && item.resourceSubType?.toLowerCase() !== 'cpuspeed',
  );
  return planQuantity('processor', processors, system, ASSUMED_CORES, readCores, findings);
}

export function planMemory(items: readonly EffectiveItem[], system: At, findings: Findings): QuantityRange {
  const memory = items.filter(({ item }) => item.resourceType === RESOURCE.memory);
  return planQuantity('memory', memory, system, ASSUMED_MEMORY_BYTES, readMemory, findings);
}

type QuantityReader = (item: Item, quantity: Quantity, findings: Findings) => number | undefined;

function planQuantity(
  what: string,
  items: readonly EffectiveItem[],
  system: At,
  assumed: number,
  read: QuantityReader,
  findings: Findings,
): QuantityRange {
  const [first, ...others] = items;
  if (!first?.item.virtualQuantity) {
    findings.warning('O-050', `the system has no ${what} item with a quantity`, {
      place: first?.item.at ?? system,
      remedy: `add one; ${assumed === ASSUMED_CORES ? '1 virtual processor' : '1 GiB'} is assumed`,
    });
    return { normal: assumed, assumed: true };
  }
  for (const { item } of others) {
    findings.warning('O-050', `the system has more than one ${what} item`, {
      place: item.at,
      remedy: 'keep one; the first is taken',
      value: item.instanceId,
    });
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
  if (value !== undefined && value > 0n && value <= MAX_CORES) return Number(value);
  findings.error('O-051', 'the number of virtual processors is not a whole number from 1 to 65536', {
    place: at,
    remedy: 'give the number of virtual processors',
    value: text,
  });
  return undefined;
}

function readMemory(item: Item, quantity: Quantity, findings: Findings): number | undefined {
  const parsed = parseUnit(memoryUnit(item, findings), findings.mode);
  for (const fault of parsed.faults) findings.add(fault, item.at);
  if (!parsed.unit) return undefined;
  const bytes = toBytes(quantity.value ?? quantity.text, parsed.unit);
  if ('fault' in bytes) {
    findings.add({ ...bytes.fault, code: 'ovf.O-051', rule: 'O-051' }, quantity.at);
    return undefined;
  }
  if (bytes.value <= Number.MAX_SAFE_INTEGER) return Number(bytes.value);
  findings.error('O-051', 'the memory is over 8 PiB', {
    place: quantity.at,
    remedy: 'check quantity and unit',
    value: quantity.text,
  });
  return undefined;
}

function memoryUnit(item: Item, findings: Findings): string {
  if (item.allocationUnits !== undefined) return item.allocationUnits;
  const assumed = unitOf(item) ?? ASSUMED_MEMORY_UNIT;
  findings.deviation('O-035', 'the memory item has no AllocationUnits', {
    place: item.at,
    remedy: `give rasd:AllocationUnits; "${excerpt(assumed)}" is assumed`,
  });
  return assumed;
}
