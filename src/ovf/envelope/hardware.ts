/** Reads VirtualHardwareSection and the Items of hardware and resource allocation (DSP0243 §8, §9.4). */

import type { Element } from '../xml/element.js';
import { QUANTITIES } from './item-units.js';
import type { Bound, HostResource, Item, System, VirtualHardwareSection } from './model.js';
import { numberUpTo, type Reading } from './reading.js';
import { ALLOCATION_PROPERTIES, RASD, VCLOUD, VMW } from './vocabulary.js';

const ITEM_ELEMENTS = ['Item', 'StorageItem', 'EthernetPortItem'] as const;

export function readHardware(reading: Reading, section: Element, systemId: string): VirtualHardwareSection {
  const system = reading.child(section, 'System');
  const isFirmware = (child: Element): boolean => firmwareOfVMware(child) !== undefined;
  reading.rest(section, ['Info', 'System', ...ITEM_ELEMENTS], isFirmware);
  return {
    id: reading.attribute(section, 'id') ?? '',
    transports: (reading.attribute(section, 'transport') ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    info: reading.info(section),
    system: system && readSystem(reading, system, systemId),
    items: readItems(reading, section),
    firmware: section.children.map(firmwareOfVMware).find((firmware) => firmware !== undefined),
    at: section.at,
  };
}

/** `<vmw:Config vmw:key="firmware" vmw:value="efi"/>`: the firmware that VMware has a machine start with, where VEP knows it. */
function firmwareOfVMware({ namespace, name, attributes }: Element): 'efi' | 'bios' | undefined {
  if (namespace !== VMW || name !== 'Config') return undefined;
  const of = (wanted: string): string | undefined =>
    attributes.find((attribute) => attribute.namespace === VMW && attribute.name === wanted)?.value;
  const value = of('value');
  return of('key') === 'firmware' && (value === 'efi' || value === 'bios') ? value : undefined;
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
    reading.findings.deviation('D16', element.at, 'System lacks its ElementName', `read as "${elementName}"`);
  }
  if (!fields.has('InstanceID')) {
    reading.findings.deviation('D08', element.at, 'System lacks its InstanceID', 'read as 0');
  }
  return {
    elementName,
    instanceId: fields.get('InstanceID') ?? '0',
    virtualSystemIdentifier: identifier,
    virtualSystemTypes: (fields.get('VirtualSystemType') ?? '').split(/[\s,]+/).filter((type) => type !== ''),
    at: element.at,
  };
}

function readItem(reading: Reading, element: Element, name: Item['element']): Item {
  const properties = itemProperties(reading, element);
  const instanceId = textOf(properties, 'InstanceID') ?? '';
  if (instanceId === '') reading.findings.error('O-047', element.at, `${name} lacks its InstanceID`);
  const required = reading.boolean(element, 'required', undefined);
  const item: Draft = {
    element: name,
    required: required ?? true,
    requiredInWriting: required === true,
    configurations: reading.configurations(element),
    bound: bound(reading, element),
    instanceId,
    elementName:
      textOf(properties, 'ElementName') ?? textOf(properties, 'Caption') ?? textOf(properties, 'Description') ?? '',
    connections: [],
    hostResources: [],
    at: element.at,
  };
  const type = resourceType(reading, element, textOf(properties, 'ResourceType') ?? '');
  if (type !== undefined) item.resourceType = type;
  for (const property of properties) fill(reading, item, property);
  return item;
}

/** Filled in one after the other: to spread the parts into one another costs several times as much, for every item. */
type Draft = { -readonly [key in keyof Item]: Item[key] } & { connections: string[]; hostResources: HostResource[] };

const TEXTS: ReadonlyMap<string, TextKey> = new Map([
  ['ResourceSubType', 'resourceSubType'],
  ['Address', 'address'],
  ['AddressOnParent', 'addressOnParent'],
  ['AllocationUnits', 'allocationUnits'],
  ['VirtualQuantityUnits', 'virtualQuantityUnits'],
  ['Parent', 'parent'],
]);

type TextKey =
  'resourceSubType' | 'address' | 'addressOnParent' | 'allocationUnits' | 'virtualQuantityUnits' | 'parent';

function fill(reading: Reading, item: Draft, { name, text, element }: ItemProperty): void {
  const textKey = TEXTS.get(name);
  const quantityKey = QUANTITIES.get(name);
  if (textKey !== undefined && text !== '') item[textKey] = text;
  else if (quantityKey !== undefined) {
    const quantity = reading.quantity(element);
    if (quantity !== undefined) item[quantityKey] = quantity;
  } else if (name === 'Connection' && text !== '') item.connections.push(text);
  else if (name === 'HostResource') addHostResource(item.hostResources, hostResource(reading, element, text));
}

/** A property of the item's class, under its name as it should be. */
interface ItemProperty {
  readonly name: string;
  readonly text: string;
  readonly element: Element;
}

/** Those that the class has, in document order; of those that may not repeat, the first. */
function itemProperties(reading: Reading, element: Element): readonly ItemProperty[] {
  const properties: ItemProperty[] = [];
  for (const child of element.children) {
    if (reading.vocabulary(child) !== 'rasd') {
      reading.unforeseen(child, element);
      continue;
    }
    const name = instanceIdSpelling(reading, child);
    const repeats = ALLOCATION_PROPERTIES.get(name);
    if (repeats === undefined) {
      // The classes of OVF 2 have further properties, none of which VEP acts on.
      if (child.namespace === RASD) {
        reading.findings.deviation('D19', child.at, `${name} is no property of ${element.name}`, 'ignored');
      }
      continue;
    }
    const text = child.text.trim();
    const before = repeats ? undefined : textOf(properties, name);
    if (before === undefined) properties.push({ name, text, element: child });
    else repeated(reading, child, name, text === before);
  }
  return properties;
}

function textOf(properties: readonly ItemProperty[], name: string): string | undefined {
  for (const property of properties) if (property.name === name) return property.text;
  return undefined;
}

/** What tells adapters apart that share their InstanceID. */
export function placeOf({ address = '', addressOnParent = '' }: Item): string {
  return JSON.stringify([address, addressOnParent]);
}

/** Of items that name a configuration, the one that stands in it: the one naming the fewest, then the last. */
export function mostSpecific(items: readonly Item[]): Item | undefined {
  const [winner] = items.toReversed().sort((a, b) => a.configurations.length - b.configurations.length);
  return winner;
}

/** 1.0 drafts, early ovftool and VirtualBox wrote `InstanceId` (D01). */
function instanceIdSpelling(reading: Reading, element: Element): string {
  if (element.name !== 'InstanceId') return element.name;
  reading.findings.deviation('D01', element.at, 'InstanceId is not the name of the property', 'read as InstanceID');
  return 'InstanceID';
}

function repeated(reading: Reading, element: Element, name: string, same: boolean): void {
  if (same) reading.findings.deviation('D02', element.at, `${name} stands twice`, 'read once');
  else reading.findings.error('D02', element.at, `${name} stands twice with different values`);
}

function hostResource(reading: Reading, element: Element, value: string): HostResource | undefined {
  const text = value === '' ? vcloudDisk(reading, element) : value;
  if (text === undefined) return undefined;
  const match = /^(?:ovf:)?\/{1,2}(disk|file)\/(.+)$/.exec(text);
  const target = match === null ? undefined : { kind: match[1] as 'disk' | 'file', id: match[2] as string };
  return { text, target, at: element.at };
}

/** What says the same as one before it is read once. */
function addHostResource(resources: HostResource[], added: HostResource | undefined): void {
  if (added === undefined || resources.some((each) => meaningOf(each) === meaningOf(added))) return;
  resources.push(added);
}

function meaningOf({ target, text }: HostResource): string {
  return target === undefined ? text : `ovf:/${target.kind}/${target.id}`;
}

/** vCloud gives the size of a blank disk, in MiB, as an attribute of an empty HostResource (D21): declares such a disk. */
function vcloudDisk(reading: Reading, element: Element): string | undefined {
  const capacity = element.attributes.find((attr) => VCLOUD.has(attr.namespace) && attr.name === 'capacity')?.value;
  if (capacity === undefined || !reading.lenient) return undefined;
  const diskId = `vcloud-disk-${reading.declaredDisks.length + 1}`;
  reading.findings.warning(
    'D21',
    element.at,
    `the disk has no entry in the DiskSection; read as the blank disk ${diskId}`,
    capacity,
  );
  reading.declaredDisks.push({
    diskId,
    capacity: capacity.trim(),
    capacityAllocationUnits: 'byte * 2^20',
    shared: false,
    readOnly: false,
    at: element.at,
  });
  return `ovf:/disk/${diskId}`;
}

function bound(reading: Reading, element: Element): Bound {
  const value = reading.attribute(element, 'bound')?.trim();
  if (value === undefined || value === '' || value === 'normal') return 'normal';
  if (value === 'min' || value === 'max') return value;
  reading.findings.error('O-052', element.at, 'ovf:bound is not min, normal or max', value);
  return 'normal';
}

function resourceType(reading: Reading, element: Element, text: string): number | undefined {
  if (text === '') {
    // A StorageItem or EthernetPortItem says by its element what it is; an Item says so by this property alone.
    if (element.name === 'StorageItem') return 17;
    if (element.name === 'EthernetPortItem') return 10;
    reading.findings.error('O-046', element.at, 'Item lacks its ResourceType');
    return undefined;
  }
  const type = numberUpTo(65_535, text);
  if (type !== undefined) return type;
  reading.findings.error('O-046', element.at, 'ResourceType is not a number from 0 to 65535', text);
  return undefined;
}
