/** Reads VirtualHardwareSection and the Items of hardware and resource allocation (DSP0243 §8, §9.4). */

import type { Element } from '../xml/element.js';
import type { Bound, ForeignElement, HostResource, Item, Quantity, System, VirtualHardwareSection } from './model.js';
import { at, foreignElement, unsigned, type Reading } from './reading.js';
import { ALLOCATION_PROPERTIES, RASD, VCLOUD } from './vocabulary.js';

const ITEM_ELEMENTS = ['Item', 'StorageItem', 'EthernetPortItem'] as const;

export function readHardware(reading: Reading, section: Element, systemId: string): VirtualHardwareSection {
  const system = reading.child(section, 'System');
  return {
    id: reading.attribute(section, 'id') ?? '',
    transports: (reading.attribute(section, 'transport') ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    info: reading.info(section),
    ...(system === undefined ? {} : { system: readSystem(reading, system, systemId) }),
    items: readItems(reading, section),
    foreign: reading.rest(section, ['Info', 'System', ...ITEM_ELEMENTS]),
    at: at(section),
  };
}

/** The items of a section, those of OVF 2 (StorageItem, EthernetPortItem) included, in document order. */
export function readItems(reading: Reading, section: Element): readonly Item[] {
  const items: Item[] = [];
  for (const child of section.children) {
    const element = ITEM_ELEMENTS.find((name) => name === child.name);
    if (element !== undefined && reading.isOvf(child)) items.push(readItem(reading, child, element));
  }
  return items;
}

function readSystem(reading: Reading, element: Element, systemId: string): System {
  const fields = new Map<string, string>();
  for (const child of element.children) {
    if (reading.vocabulary(child) !== 'vssd') {
      reading.unforeseen(child, element);
      continue;
    }
    const name = instanceIdSpelling(reading, child);
    if (!fields.has(name)) fields.set(name, child.text.trim());
  }
  const identifier = fields.get('VirtualSystemIdentifier');
  const elementName = fields.get('ElementName') || (identifier ?? systemId);
  if (!fields.has('ElementName')) {
    reading.findings.deviation('D16', at(element), 'System lacks its ElementName', `read as "${elementName}"`);
  }
  if (!fields.has('InstanceID')) {
    reading.findings.deviation('D08', at(element), 'System lacks its InstanceID', 'read as 0');
  }
  return {
    elementName,
    instanceId: fields.get('InstanceID') ?? '0',
    ...(identifier === undefined ? {} : { virtualSystemIdentifier: identifier }),
    virtualSystemTypes: (fields.get('VirtualSystemType') ?? '').split(/[\s,]+/).filter((type) => type !== ''),
    fields,
    at: at(element),
  };
}

function readItem(reading: Reading, element: Element, name: Item['element']): Item {
  const properties = itemProperties(reading, element);
  const { fields } = properties;
  if (!fields.has('InstanceID') || fields.get('InstanceID') === '') {
    reading.findings.error('O-047', at(element), `${name} lacks its InstanceID`);
  }
  const item: Writable<Item> = {
    element: name,
    required: reading.boolean(element, 'required', true),
    configurations: reading.configurations(element),
    bound: bound(reading, element),
    instanceId: fields.get('InstanceID') ?? '',
    elementName: fields.get('ElementName') ?? fields.get('Caption') ?? fields.get('Description') ?? '',
    connections: properties.connections,
    hostResources: properties.hostResources,
    fields,
    foreign: properties.foreign,
    at: at(element),
  };
  const type = resourceType(reading, element, fields);
  if (type !== undefined) item.resourceType = type;
  readTexts(fields, item);
  readFlags(fields, item);
  for (const [key, quantity] of properties.quantities) item[key] = quantity;
  return item;
}

/** Filled in one after the other: to spread the parts into one another costs several times as much, for every item. */
type Writable<T> = { -readonly [key in keyof T]: T[key] };

interface ItemProperties {
  readonly fields: ReadonlyMap<string, string>;
  readonly connections: readonly string[];
  readonly hostResources: readonly HostResource[];
  readonly quantities: readonly (readonly [QuantityKey, Quantity])[];
  readonly foreign: readonly ForeignElement[];
}

type QuantityKey = 'virtualQuantity' | 'reservation' | 'limit' | 'weight';

const QUANTITIES: ReadonlyMap<string, QuantityKey> = new Map([
  ['VirtualQuantity', 'virtualQuantity'],
  ['Reservation', 'reservation'],
  ['Limit', 'limit'],
  ['Weight', 'weight'],
]);

function itemProperties(reading: Reading, element: Element): ItemProperties {
  const fields = new Map<string, string>();
  const connections: string[] = [];
  const hostResources: HostResource[] = [];
  const quantities: [QuantityKey, Quantity][] = [];
  const foreign: ForeignElement[] = [];
  for (const child of element.children) {
    if (reading.vocabulary(child) !== 'rasd') {
      if (reading.vocabulary(child) === 'foreign') foreign.push(foreignElement(child));
      reading.unforeseen(child, element);
      continue;
    }
    const name = instanceIdSpelling(reading, child);
    const value = child.text.trim();
    const repeats = ALLOCATION_PROPERTIES.get(name);
    if (repeats === undefined) {
      // The classes of OVF 2 have further properties, none of which VEP acts on.
      if (child.namespace === RASD) {
        reading.findings.deviation('D19', at(child), `${name} is no property of ${element.name}`, 'ignored');
      }
      continue;
    }
    if (!repeats && fields.has(name)) {
      repeated(reading, child, name, value === fields.get(name));
      continue;
    }
    if (!fields.has(name)) fields.set(name, value);
    if (name === 'Connection' && value !== '') connections.push(value);
    if (name === 'HostResource') hostResources.push(...hostResource(reading, child, value));
    const quantity = QUANTITIES.get(name);
    if (quantity !== undefined) {
      const read = reading.quantity(child);
      if (read !== undefined) quantities.push([quantity, read]);
    }
  }
  return { fields, connections, hostResources, quantities, foreign };
}

/** What tells adapters apart that share their InstanceID. */
export function placeOf({ address = '', addressOnParent = '' }: Item): string {
  return JSON.stringify([address, addressOnParent]);
}

/** 1.0 drafts, early ovftool and VirtualBox wrote `InstanceId` (D01). */
function instanceIdSpelling(reading: Reading, element: Element): string {
  if (element.name !== 'InstanceId') return element.name;
  reading.findings.deviation('D01', at(element), 'InstanceId is not the name of the property', 'read as InstanceID');
  return 'InstanceID';
}

function repeated(reading: Reading, element: Element, name: string, same: boolean): void {
  if (same) reading.findings.deviation('D02', at(element), `${name} stands twice`, 'read once');
  else reading.findings.error('D02', at(element), `${name} stands twice with different values`);
}

function hostResource(reading: Reading, element: Element, value: string): readonly HostResource[] {
  const text = value === '' ? vcloudDisk(reading, element) : value;
  if (text === undefined) return [];
  const match = /^(?:ovf:)?\/{1,2}(disk|file)\/(.+)$/.exec(text);
  const target = match === null ? undefined : { kind: match[1] as 'disk' | 'file', id: match[2] as string };
  return [{ text, ...(target === undefined ? {} : { target }), at: at(element) }];
}

/** vCloud gives the size of a blank disk, in MiB, as an attribute of an empty HostResource (D21): declares such a disk. */
function vcloudDisk(reading: Reading, element: Element): string | undefined {
  const capacity = element.attributes.find((attr) => VCLOUD.has(attr.namespace) && attr.name === 'capacity')?.value;
  if (capacity === undefined || !reading.lenient) return undefined;
  const diskId = `vcloud-disk-${reading.declaredDisks.length + 1}`;
  reading.findings.warning(
    'D21',
    at(element),
    `the disk has no entry in the DiskSection; read as the blank disk ${diskId}`,
    capacity,
  );
  reading.declaredDisks.push({
    diskId,
    capacity: capacity.trim(),
    capacityAllocationUnits: 'byte * 2^20',
    shared: false,
    readOnly: false,
    at: at(element),
  });
  return `ovf:/disk/${diskId}`;
}

function bound(reading: Reading, element: Element): Bound {
  const value = reading.attribute(element, 'bound')?.trim();
  if (value === undefined || value === '' || value === 'normal') return 'normal';
  if (value === 'min' || value === 'max') return value;
  reading.findings.error('O-052', at(element), 'ovf:bound is not min, normal or max', value);
  return 'normal';
}

function resourceType(reading: Reading, element: Element, fields: ReadonlyMap<string, string>): number | undefined {
  const value = fields.get('ResourceType');
  if (value === undefined || value === '') {
    // A StorageItem or EthernetPortItem says by its element what it is; an Item says so by this property alone.
    if (element.name === 'StorageItem') return 17;
    if (element.name === 'EthernetPortItem') return 10;
    reading.findings.error('O-046', at(element), 'Item lacks its ResourceType');
    return undefined;
  }
  const number = unsigned(value);
  if (number !== undefined && number <= 65_535n) return Number(number);
  reading.findings.error('O-046', at(element), 'ResourceType is not a number from 0 to 65535', value);
  return undefined;
}

const TEXTS = [
  ['ResourceSubType', 'resourceSubType'],
  ['OtherResourceType', 'otherResourceType'],
  ['Address', 'address'],
  ['AddressOnParent', 'addressOnParent'],
  ['AllocationUnits', 'allocationUnits'],
  ['VirtualQuantityUnits', 'virtualQuantityUnits'],
  ['Caption', 'caption'],
  ['Description', 'description'],
  ['Parent', 'parent'],
] as const;

function readTexts(fields: ReadonlyMap<string, string>, item: Writable<Item>): void {
  for (const [name, key] of TEXTS) {
    const value = fields.get(name);
    if (value !== undefined && value !== '') item[key] = value;
  }
}

const FLAGS = [
  ['AutomaticAllocation', 'automaticAllocation'],
  ['AutomaticDeallocation', 'automaticDeallocation'],
] as const;

function readFlags(fields: ReadonlyMap<string, string>, item: Writable<Item>): void {
  for (const [name, key] of FLAGS) {
    const value = fields.get(name)?.toLowerCase();
    if (value !== undefined && value !== '') item[key] = value === 'true' || value === '1';
  }
}
