/**
 * What `ovf:bound` says of one InstanceID (DSP0243 §8.4, O-052): in each configuration that has a min or a max item there is a
 * normal one, and no quantity of it lies outside of them. Which items stand in a configuration is as the planner chooses.
 */

import { RESOURCE } from './devices.js';
import { mostSpecific } from './hardware.js';
import { comparableQuantity, inUnitsOf, QUANTITIES } from './item-units.js';
import type { Bound, Item } from './model.js';
import type { Reading } from './reading.js';

/** @param configurations those that the envelope declares */
export function checkBounds(reading: Reading, items: readonly Item[], configurations: ReadonlySet<string>): void {
  const bounded = new Set(items.filter(({ bound }) => bound !== 'normal').map(({ instanceId }) => instanceId));
  if (bounded.size === 0) return;
  const instances = new Map<string, Item[]>();
  for (const item of items) if (bounded.has(item.instanceId)) listed(instances, item.instanceId, item);
  for (const same of instances.values()) checkInstance(reading, same, configurations);
}

function checkInstance(reading: Reading, same: readonly Item[], configurations: ReadonlySet<string>): void {
  const general = new Map<Bound, Item>();
  for (const item of same)
    if (item.configurations.length === 0 && !general.has(item.bound)) general.set(item.bound, item);
  const named = new Map<string, Item[]>();
  for (const item of same) for (const id of item.configurations) listed(named, id, item);
  const told = new Set<Item>();
  const check = (specific: readonly Item[]): void => {
    const standing = (bound: Bound): Item | undefined =>
      mostSpecific(specific.filter((item) => item.bound === bound)) ?? general.get(bound);
    checkRange(reading, { min: standing('min'), normal: standing('normal'), max: standing('max') }, told);
  };
  const others = configurations.size === 0 || [...configurations].some((id) => !named.has(id));
  if (others) check([]);
  for (const specific of named.values()) check(specific);
}

function listed(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

type Range = Readonly<Record<Bound, Item | undefined>>;

/** @param told items that have been found wrong in another configuration */
function checkRange(reading: Reading, { min, normal, max }: Range, told: Set<Item>): void {
  const marker = min ?? max;
  if (marker === undefined || told.has(marker)) return;
  if (normal === undefined) {
    told.add(marker);
    reading.findings.error('O-052', marker.at, `there is a ${marker.bound} item but no normal one`, marker.instanceId);
    return;
  }
  for (const [name, key] of QUANTITIES) {
    const of = (item: Item | undefined): bigint | undefined => item && comparableQuantity(inUnitsOf(item, normal), key);
    const [low, amount, high] = [of(min), of(normal), of(max)];
    if (!exceeds(low, amount) && !exceeds(amount, high) && !exceeds(low, high)) continue;
    told.add(marker);
    const unit = normal.resourceType === RESOURCE.memory && key !== 'weight' ? ' bytes' : '';
    const message = `${name}: min ${low ?? '-'}, normal ${amount ?? '-'} and max ${high ?? '-'}${unit} are not in order`;
    reading.findings.error('O-052', marker.at, message, marker.instanceId);
  }
}

function exceeds(lower: bigint | undefined, upper: bigint | undefined): boolean {
  return lower !== undefined && upper !== undefined && lower > upper;
}
