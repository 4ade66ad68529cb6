/**
 * One machine of the plan: a VirtualSystem (DSP0243 §7.2) with the hardware section, operating system, interfaces and
 * environment that hold in the chosen configuration.
 */

import { excerpt } from '../../base/errors.js';
import { driveKind, isAdapter, isController, refersToPackage, RESOURCE } from '../envelope/devices.js';
import type { Item, OperatingSystemSection, VirtualHardwareSection, VirtualSystem } from '../envelope/model.js';
import type { EnvironmentPath, PlannedInterface, PlannedMachine, ResolvedProperty } from '../plan.js';
import { planAllocation } from './allocation.js';
import { planDrives, type Media } from './drives.js';
import type { Findings } from './findings.js';
import { effectiveItems, type EffectiveItem } from './items.js';
import type { MacAddresses } from './mac-addresses.js';
import { planInstances } from './placement.js';
import { planCores, planMemory } from './size.js';
import { titleOf } from './title.js';

export interface MachineContext {
  readonly configuration: string | undefined;
  readonly media: Media;
  /** Id of the collection the system is in. */
  readonly collection: string | undefined;
  readonly properties: readonly ResolvedProperty[];
  readonly files: readonly EnvironmentPath[];
  /** Gives a host name that no other machine of the plan has. */
  readonly hostname: (wish: string) => string;
  /** Those that adapters of the plan have. */
  readonly addresses: MacAddresses;
  readonly findings: Findings;
}

export function planMachine(system: VirtualSystem, context: MachineContext): PlannedMachine {
  const { configuration, findings, collection, properties } = context;
  const { hardware, type } = chooseHardware(system, findings);
  const items = effectiveItems(hardware?.items ?? [], configuration, findings);
  reportUnused(items, findings);
  if (hardware) checkTransport(hardware, properties, findings);
  const { operatingSystem, install } = system;
  const architecture = operatingSystem && architectureOf(operatingSystem);
  return {
    id: system.id,
    title: titleOf(system),
    hostname: context.hostname(system.ovfId),
    ...(collection !== undefined && { collection }),
    cores: planCores(items, hardware?.at, findings),
    memoryBytes: planMemory(items, hardware?.at, findings),
    ...planAllocation(items, true, findings),
    ...(architecture && { architecture }),
    ...([hardware?.firmware, system.firmware].includes('efi') ? { firmware: 'efi' as const } : {}),
    ...(operatingSystem && { operatingSystem: describeSystem(operatingSystem) }),
    ...(type !== undefined && { virtualSystemType: type }),
    drives: planDrives(items, context.media, system.bootOrder, findings),
    interfaces: planInterfaces(items, context),
    environment: {
      transports: hardware?.transports ?? [],
      properties,
      ...(context.files.length > 0 && { files: context.files }),
    },
    ...(install && { install: { bootStopDelay: install.initialBootStopDelay } }),
    instances: planInstances(system, configuration, findings),
  };
}

/* --- hardware -------------------------------------------------------------------------------------------------- */

/** Families of virtual system types whose machines any of VEP's sites can run. */
const SUPPORTED_TYPE = /^(vmx-|xen|virtualbox-|kvm|qemu|hvm)/i;

/** The first alternative with a supported type, else the first (O-054). */
function chooseHardware(
  system: VirtualSystem,
  findings: Findings,
): { readonly hardware?: VirtualHardwareSection; readonly type?: string } {
  const supported = (section: VirtualHardwareSection): string | undefined =>
    section.system?.virtualSystemTypes.find((name) => SUPPORTED_TYPE.test(name));
  const hardware = system.hardware.find((section) => supported(section) !== undefined) ?? system.hardware[0];
  if (!hardware) return {};
  const types = hardware.system?.virtualSystemTypes ?? [];
  const type = supported(hardware) ?? types[0];
  if (type !== undefined && !SUPPORTED_TYPE.test(type)) {
    findings.deviation('O-054', 'no VirtualSystemType of the system is one that VEP knows', {
      place: hardware.system?.at ?? hardware.at,
      remedy: 'name a supported type too, e.g. vmx-07, xen-3 or kvm; the machine is made of what its items say',
      value: types.join(' '),
    });
  }
  return { hardware, ...(type !== undefined && { type }) };
}

/** Serial ports and graphics: the site gives them to a machine without being asked. */
const GIVEN_TYPES: ReadonlySet<number> = new Set([21, 24]);

/** Devices that no site of VEP can give a machine: bus adapters, passed-through hardware, tapes. */
const UNAVAILABLE_TYPES: ReadonlySet<number> = new Set([7, 8, 9, 11, 12, 13, 18, 25, 26, 27, 30]);

/**
 * What a site is not asked for is at least said (O-084); what the guest is said to need and cannot have, loudly (O-055), and so
 * is what the package holds for a device that is none of its machine. Where that is written, rather than the default of
 * `ovf:required`, it is refused.
 */
function reportUnused(items: readonly EffectiveItem[], findings: Findings): void {
  for (const { item } of items) {
    // Of an item without a type the reader has told.
    if (item.resourceType === undefined || driveKind(item) !== undefined || isAdapter(item)) continue;
    if (refersToPackage(item)) reportLost(item, findings);
    else if (!isUsed(item)) reportDevice(item, findings);
  }
}

function reportLost(item: Item, findings: Findings): void {
  const message = `what the item "${excerpt(item.elementName)}" refers to does not reach the machine: it is neither drive nor adapter`;
  const details = {
    place: item.at,
    value: typeOf(item),
    remedy: 'give disks ResourceType 17, CDs 15 and adapters 10, or mark the item ovf:required="false"',
  };
  if (item.requiredInWriting) findings.error('O-055', message, details);
  else if (item.required) findings.deviation('O-055', message, details);
  else findings.info('O-084', message, details);
}

function reportDevice(item: Item, findings: Findings): void {
  const { resourceType: type, requiredInWriting } = item;
  const details = { place: item.at, value: typeOf(item) };
  const message = `no site can give the machine the device "${excerpt(item.elementName)}"`;
  const remedy = 'mark the item ovf:required="false" if the guest runs without the device';
  if (requiredInWriting && (type === undefined || !GIVEN_TYPES.has(type))) {
    findings.error('O-055', message, { ...details, remedy });
  } else if (item.required && type !== undefined && UNAVAILABLE_TYPES.has(type)) {
    findings.deviation('O-055', message, { ...details, remedy });
  } else {
    findings.info('O-084', `the item "${excerpt(item.elementName)}" is left to the site`, {
      ...details,
      remedy: 'nothing to do, unless the guest cannot run without this device',
    });
  }
}

function typeOf({ resourceType }: Item): string {
  return `ResourceType ${resourceType ?? '(none)'}`;
}

function isUsed(item: Item): boolean {
  return item.resourceType === RESOURCE.processor || item.resourceType === RESOURCE.memory || isController(item);
}

/* --- interfaces ------------------------------------------------------------------------------------------------ */

function planInterfaces(
  items: readonly EffectiveItem[],
  context: Pick<MachineContext, 'addresses' | 'findings'>,
): readonly PlannedInterface[] {
  const adapters = items
    .map(({ item }) => item)
    .filter(isAdapter)
    .sort((a, b) => slotNumber(a) - slotNumber(b));
  const ids = new Set(items.map(({ item }) => item.instanceId));
  const taken = new Set<string>();
  return adapters.map((item, index) => {
    const id = taken.has(item.instanceId) ? freeId(item.instanceId, ids) : item.instanceId;
    taken.add(id);
    ids.add(id);
    return { ...planInterface(item, index, context), id };
  });
}

/** For one of several adapters with the same InstanceID. */
function freeId(id: string, taken: ReadonlySet<string>): string {
  let number = 2;
  while (taken.has(`${id}-${number}`)) number += 1;
  return `${id}-${number}`;
}

function slotNumber({ addressOnParent }: Item): number {
  const slot = Number(addressOnParent ?? NaN);
  return Number.isNaN(slot) ? Number.MAX_SAFE_INTEGER : slot;
}

function planInterface(
  item: Item,
  index: number,
  { addresses, findings }: Pick<MachineContext, 'addresses' | 'findings'>,
): Omit<PlannedInterface, 'id'> {
  const [network, ...others] = item.connections;
  if (others.length > 0) {
    findings.warning('O-043', 'the adapter has several connections', {
      place: item.at,
      remedy: 'use one adapter for each network; the first connection is taken',
    });
  }
  const mac = addresses.of(item, network);
  const model = item.resourceSubType?.trim().split(/[\s,]+/)[0];
  return {
    name: `eth${index}`,
    ...(network !== undefined && { network }),
    ...(mac !== undefined && { mac }),
    ...(model && { model }),
  };
}

/* --- operating system ------------------------------------------------------------------------------------------ */

/** CIM OsTypes whose name says 64 bits, and those whose name says 32. */
const X64_TYPES: ReadonlySet<number> = new Set([
  ...[70, 71, 74, 77, 78, 80, 81, 83, 85, 90, 92, 94, 96, 98, 100, 101, 102, 103, 107, 109, 114, 115],
]);
const X86_TYPES: ReadonlySet<number> = new Set([106, 108]);

function architectureOf({ id, vendorType = '' }: OperatingSystemSection): 'x86' | 'x64' | undefined {
  if (X64_TYPES.has(id) || /(64Guest|_64|_x64)$/.test(vendorType)) return 'x64';
  return X86_TYPES.has(id) ? 'x86' : undefined;
}

function describeSystem({
  id,
  description,
  version,
}: OperatingSystemSection): NonNullable<PlannedMachine['operatingSystem']> {
  return { id, ...(description && { description: description.text }), ...(version !== undefined && { version }) };
}

/* --- environment ----------------------------------------------------------------------------------------------- */

/** `iso` is DSP0243's; guestInfo is VMware's variable, for which VEP gives user data. */
const KNOWN_TRANSPORTS: ReadonlySet<string> = new Set(['iso', 'com.vmware.guestInfo']);

function checkTransport(
  hardware: VirtualHardwareSection,
  properties: readonly ResolvedProperty[],
  findings: Findings,
): void {
  if (properties.length === 0 || hardware.transports.some((name) => KNOWN_TRANSPORTS.has(name))) return;
  const details = {
    place: hardware.at,
    remedy: 'write ovf:transport="iso"; the properties are offered as a CD and as user data anyway',
    value: hardware.transports.join(' '),
  };
  if (hardware.transports.length > 0) findings.deviation('O-065', 'no known transport for the properties', details);
  else findings.warning('O-065', 'there are properties but no transport to bring them to the guest', details);
}
