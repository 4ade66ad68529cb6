/**
 * What kind of device an item describes (DSP0243 §8.3, §8.4): by its CIM resource type, and those of OVF 2 by their
 * element too, since a StorageItem is storage and an EthernetPortItem an adapter whatever type is written in it.
 */

import type { Item } from './model.js';

/** CIM resource types (`CIM_ResourceAllocationSettingData.ResourceType`) that a plan is made of. */
export const RESOURCE = {
  processor: 3,
  memory: 4,
  ideController: 5,
  scsiController: 6,
  ethernet: 10,
  floppy: 14,
  cd: 15,
  dvd: 16,
  disk: 17,
  storageExtent: 19,
  otherStorage: 20,
  usbController: 23,
  logicalDisk: 31,
  storageVolume: 32,
  ethernetConnection: 33,
} as const;

export type DriveKind = 'disk' | 'cdrom' | 'floppy';

const DRIVE_KINDS: ReadonlyMap<number, DriveKind> = new Map([
  [RESOURCE.disk, 'disk'],
  [RESOURCE.logicalDisk, 'disk'],
  [RESOURCE.cd, 'cdrom'],
  [RESOURCE.dvd, 'cdrom'],
  [RESOURCE.floppy, 'floppy'],
]);

/** Storage of a host, unless the item names what of the package is on it: then it is a disk. */
const STORAGE: ReadonlySet<number> = new Set([RESOURCE.storageExtent, RESOURCE.storageVolume]);

/** The drive that an item describes; undefined where it is none. */
export function driveKind({ element, resourceType = 0, hostResources }: Item): DriveKind | undefined {
  const kind = DRIVE_KINDS.get(resourceType);
  if (kind !== undefined) return kind;
  return element === 'StorageItem' || (STORAGE.has(resourceType) && hostResources.length > 0) ? 'disk' : undefined;
}

const ADAPTERS: ReadonlySet<number> = new Set([RESOURCE.ethernet, RESOURCE.ethernetConnection]);

export function isAdapter({ element, resourceType = 0 }: Item): boolean {
  return element === 'EthernetPortItem' || ADAPTERS.has(resourceType);
}

/** Controllers of drives, in the order in which firmware looks at them. */
export const CONTROLLERS: readonly number[] = [
  RESOURCE.ideController,
  RESOURCE.scsiController,
  RESOURCE.otherStorage,
  RESOURCE.usbController,
];

export function isController(item: Item): boolean {
  return CONTROLLERS.includes(item.resourceType ?? 0) && driveKind(item) === undefined;
}

/** True for an item that names a disk, a file or a network of the package. */
export function refersToPackage({ hostResources, connections }: Item): boolean {
  return connections.length > 0 || hostResources.some(({ target }) => target !== undefined);
}
