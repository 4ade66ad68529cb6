/**
 * Rules of what has a unit (DSP0243 §8.3, §9.1; O-035, O-051): that the unit can be read, and that the quantity comes to whole
 * bytes, whether or not the element is of the configuration or the hardware that is chosen.
 */

import { excerpt } from '../../base/errors.js';
import { parseUnit, toBytes, type Unit } from '../units.js';
import { RESOURCE } from './devices.js';
import { ASSUMED_MEMORY_UNIT, unitOf } from './item-units.js';
import type { At, Item } from './model.js';
import type { Reading } from './reading.js';

/** The unit, undefined after an error. */
export function checkUnit({ findings }: Reading, at: At, text: string): Unit | undefined {
  const { unit, faults } = parseUnit(text, findings.mode);
  for (const { severity, message } of faults) {
    if (severity === 'warning') findings.warning('O-035', at, message, text);
    else findings.error('O-035', at, message, text);
  }
  return unit;
}

/** The sizes of memory items, each by itself. */
export function checkMemorySizes(reading: Reading, items: readonly Item[]): void {
  for (const item of items) if (item.resourceType === RESOURCE.memory) checkMemorySize(reading, item);
}

function checkMemorySize(reading: Reading, item: Item): void {
  const { value, text, at } = item.virtualQuantity ?? {};
  if (value === undefined || at === undefined) return;
  const isBound = item.bound !== 'normal';
  if (value === 0n) {
    if (isBound) reading.findings.error('O-051', at, `the ${item.bound} item of the memory is 0`, text);
    return;
  }
  const written = unitOf(item);
  // A bound without a unit counts in that of its normal item.
  if (isBound && written === undefined) return;
  if (item.allocationUnits === undefined) {
    const assumption = `"${excerpt(written ?? ASSUMED_MEMORY_UNIT)}" is assumed`;
    reading.findings.deviation('O-035', item.at, 'the memory item has no AllocationUnits', assumption);
  }
  const unit = checkUnit(reading, item.at, written ?? ASSUMED_MEMORY_UNIT);
  const bytes = unit && toBytes(value, unit);
  if (bytes && 'fault' in bytes) reading.findings.error('O-035', at, bytes.fault.message, text);
}
