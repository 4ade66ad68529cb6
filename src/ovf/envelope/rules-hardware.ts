/**
 * Rules of one VirtualHardwareSection (DSP0243 §8; O-014, O-033, O-044 to O-051, O-056). Two items concern one another
 * only where some configuration has both.
 */

import { driveKind, isAdapter, RESOURCE } from './devices.js';
import { placeOf } from './hardware.js';
import { comparableQuantity } from './item-units.js';
import { isMulticast, macOf } from './mac-address.js';
import type { Item, VirtualHardwareSection } from './model.js';
import type { Reading } from './reading.js';
import { checkBounds } from './rules-bounds.js';
import { checkMemorySizes } from './rules-units.js';

/** Devices that others cannot be attached to. */
const NO_CONTROLLERS: ReadonlySet<number> = new Set([3, 4, 10, 11, 14, 15, 16, 17, 18, 19, 24, 31, 32, 33]);

/** Ids of the files, disks and configurations that the envelope declares. */
export interface Declared {
  readonly files: ReadonlySet<string>;
  readonly disks: ReadonlySet<string>;
  readonly configurations: ReadonlySet<string>;
}

export function checkHardware(reading: Reading, declared: Declared, section: VirtualHardwareSection): void {
  checkItems(reading, section.items, declared.configurations);
  checkTopology(reading, section.items);
  checkComputing(reading, section, RESOURCE.processor, 'processor');
  checkComputing(reading, section, RESOURCE.memory, 'memory');
  checkMemorySizes(reading, section.items);
  for (const item of section.items) {
    checkHostResources(reading, item, declared);
    if (isAdapter(item)) checkAdapter(reading, item);
  }
}

/** What holds of the items of any section: O-047 and O-052. */
export function checkItems(reading: Reading, items: readonly Item[], configurations: ReadonlySet<string>): void {
  checkIdentity(reading, items);
  checkBounds(reading, items, configurations);
}

/** O-047: an InstanceID stands once for each bound and set of configurations. */
function checkIdentity(reading: Reading, items: readonly Item[]): void {
  const seen = new Map<string, Item>();
  for (const item of items) {
    if (item.instanceId === '') continue;
    const key = `${item.bound} ${identityOf(item)}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, item);
    else if (isProcessorSpeed(first) || isProcessorSpeed(item)) {
      const message = 'a processor item for the speed repeats the InstanceID of the processor';
      reading.findings.deviation('O-047', item.at, message, 'read as an item of its own', item.instanceId);
    } else if (isAdapter(first) && isAdapter(item) && placeOf(first) !== placeOf(item)) {
      const message = 'two adapters have the same InstanceID, but addresses of their own';
      reading.findings.deviation('O-047', item.at, message, 'both are meant', item.instanceId);
    } else reading.findings.error('O-047', item.at, 'two items have the same InstanceID', item.instanceId);
  }
}

/** What items share that concern one another: configurations, in which no white space can be, then the InstanceID. */
function identityOf({ configurations, instanceId }: Item): string {
  return configurations.length === 0 ? `\n${instanceId}` : `${configurations.toSorted().join(' ')}\n${instanceId}`;
}

/** ASCETiC's way to ask for a clock rate: a second processor item of this sub-type. */
function isProcessorSpeed(item: Item): boolean {
  return item.resourceType === RESOURCE.processor && item.resourceSubType?.toLowerCase() === 'cpuspeed';
}

function checkTopology(reading: Reading, items: readonly Item[]): void {
  const byId = new Map(items.map((item) => [item.instanceId, item]));
  const slots = new Map<string, Item>();
  for (const item of items) {
    if (item.parent === undefined) continue;
    const parent = byId.get(item.parent);
    if (parent === undefined) {
      reading.findings.deviation(
        'O-048',
        item.at,
        'rasd:Parent names no item of the section',
        'attached to a controller of its kind',
        item.parent,
      );
    } else if (parent.resourceType !== undefined && NO_CONTROLLERS.has(parent.resourceType)) {
      reading.findings.warning('O-048', item.at, 'rasd:Parent names an item that is no controller', item.parent);
    }
    if (item.addressOnParent === undefined || item.bound !== 'normal') continue;
    const key = JSON.stringify([item.parent, item.addressOnParent]);
    const other = slots.get(key);
    if (other !== undefined && other.instanceId !== item.instanceId && together(other, item)) {
      reading.findings.deviation(
        'O-049',
        item.at,
        'two devices have the same address on one controller',
        'moved to a free one',
        item.addressOnParent,
      );
    }
    slots.set(key, item);
  }
}

function together(one: Item, other: Item): boolean {
  if (one.configurations.length === 0 || other.configurations.length === 0) return true;
  const others = new Set(other.configurations);
  return one.configurations.some((id) => others.has(id));
}

function comparable(item: Item): bigint | undefined {
  return comparableQuantity(item, 'virtualQuantity');
}

/** O-050, O-051: one item each for processors and memory, with a quantity. */
function checkComputing(reading: Reading, section: VirtualHardwareSection, type: number, what: string): void {
  const items = section.items.filter(
    (item) => item.resourceType === type && item.bound === 'normal' && !isProcessorSpeed(item),
  );
  if (items.length === 0) {
    reading.findings.warning('O-050', section.at, `the section has no ${what} item: the default of the site is taken`);
  }
  const distinct: Item[] = [];
  for (const item of items) {
    const rivals = distinct.filter((other) => other.instanceId !== item.instanceId && together(other, item));
    const message = `there is more than one ${what} item`;
    if (rivals.some((other) => comparable(other) !== comparable(item))) {
      reading.findings.error('O-050', item.at, `${message}, with different quantities`, item.instanceId);
    } else if (rivals.length > 0) {
      reading.findings.deviation('O-050', item.at, message, 'one of them counts', item.instanceId);
    }
    if (distinct.length < 16) distinct.push(item);
    const quantity = item.virtualQuantity;
    if (quantity === undefined) {
      reading.findings.deviation(
        'O-051',
        item.at,
        `the ${what} item has no VirtualQuantity`,
        'the default of the site is taken',
      );
    } else if (quantity.value === 0n) {
      reading.findings.error('O-051', quantity.at, `the VirtualQuantity of the ${what} item is 0`, quantity.text);
    }
  }
}

function checkHostResources(reading: Reading, item: Item, { disks, files }: Declared): void {
  const [, second] = item.hostResources;
  if (second !== undefined) {
    reading.findings.error('O-056', second.at, 'the item has several HostResources that differ', second.text);
  }
  for (const { text, target, at } of item.hostResources) {
    if (target === undefined) {
      const message = 'HostResource has none of the known forms';
      if (item.required && driveKind(item) === 'disk') reading.findings.error('O-056', at, message, text);
      else reading.findings.deviation('O-056', at, message, 'ignored', text);
    } else if (target.kind === 'disk' && !disks.has(target.id)) {
      reading.findings.error('O-033', at, 'HostResource names no disk', text);
    } else if (target.kind === 'file' && !files.has(target.id)) {
      reading.findings.error('O-014', at, 'HostResource names no file', text);
    }
  }
}

function checkAdapter(reading: Reading, item: Item): void {
  if (item.connections.length === 0)
    reading.findings.warning('O-044', item.at, 'the adapter has no Connection', item.instanceId);
  if (item.address === undefined) return;
  const mac = macOf(item.address);
  if (mac !== undefined && !isMulticast(mac)) return;
  const what = mac === undefined ? 'is no MAC address' : 'is the MAC address of a group';
  reading.findings.deviation('O-045', item.at, `the address of the adapter ${what}`, 'ignored', item.address);
}
