/**
 * Appliances made by chance: an OVF package (DSP0243) of several machines with networks, disks with and without an
 * image, and a start order, and how many things a site must hold once it is deployed.
 */

import type { ResourceClass } from '../../src/iaas/adapter.js';
import { qcow2 } from '../iaas/simulator-harness.js';
import { between, type Chance } from './chance.js';

export interface TestPackage {
  readonly descriptor: string;
  /** Files that the descriptor refers to, by their href. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Things of each class that the site holds while it is deployed. */
  readonly things: Readonly<Record<ResourceClass, number>>;
}

interface Machine {
  readonly id: string;
  readonly image: string;
  readonly dataDisks: number;
  readonly networks: readonly string[];
  readonly order: number;
}

const IMAGES = ['debian', 'database'];
export const NETWORKS = ['front', 'middle', 'back'];

/** A package of `count` machines in two to three start groups. */
export function testPackage(chance: Chance, count: number): TestPackage {
  const machines = Array.from({ length: count }, (_, index): Machine => ({
    id: `vm${index + 1}`,
    image: IMAGES[index % IMAGES.length] ?? '',
    dataDisks: between(chance, 0, 2),
    networks: NETWORKS.slice(0, between(chance, 1, NETWORKS.length)),
    order: between(chance, 1, 3),
  }));
  const sum = (of: (machine: Machine) => number): number => machines.reduce((total, each) => total + of(each), 0);
  const disks = sum((machine) => 1 + machine.dataDisks);
  const used = new Set(machines.map((machine) => machine.image));
  return {
    descriptor: envelope(machines),
    files: new Map(IMAGES.map((image, index) => [`${image}.qcow2`, emptyDisk((index + 1) * 64 * 2 ** 20)])),
    things: {
      compute: count,
      network: NETWORKS.length,
      storage: disks,
      attachment: disks,
      nic: sum((machine) => machine.networks.length),
      image: used.size,
      securitygroup: 0,
    },
  };
}

/** A sound image of a disk on which nothing has been written: its level 1 table, at byte 512, is empty. */
function emptyDisk(virtualSizeBytes: number): Uint8Array {
  return qcow2(virtualSizeBytes, (header) => header.writeBigUInt64BE(512n, 40));
}

function envelope(machines: readonly Machine[]): string {
  const cim = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="${cim}ResourceAllocationSettingData" xmlns:vssd="${cim}VirtualSystemSettingData">
  <References>${IMAGES.map((image) => `<File ovf:id="${image}" ovf:href="${image}.qcow2"/>`).join('')}</References>
  <DiskSection><Info>Disks</Info>${machines.map(disks).join('')}</DiskSection>
  <NetworkSection><Info>Networks</Info>${NETWORKS.map((name) => `<Network ovf:name="${name}"/>`).join('')}</NetworkSection>
  <VirtualSystemCollection ovf:id="fleet"><Info>Machines made by chance</Info>
    <StartupSection><Info>Start order</Info>${machines.map(startup).join('')}</StartupSection>
    ${machines.map(virtualSystem).join('')}
  </VirtualSystemCollection>
</Envelope>`;
}

function disks({ id, image, dataDisks }: Machine): string {
  const root = `<Disk ovf:diskId="${id}-root" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30"
    ovf:fileRef="${image}" ovf:format="http://www.gnome.org/~markmc/qcow-image-format.html"/>`;
  const data = dataDiskIds(id, dataDisks).map(
    (disk) => `<Disk ovf:diskId="${disk}" ovf:capacity="2" ovf:capacityAllocationUnits="byte * 2^30"/>`,
  );
  return [root, ...data].join('');
}

function dataDiskIds(id: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${id}-data${index + 1}`);
}

function startup({ id, order }: Machine): string {
  return `<Item ovf:id="${id}" ovf:order="${order}" ovf:startDelay="0" ovf:stopAction="powerOff"/>`;
}

function virtualSystem({ id, dataDisks, networks }: Machine): string {
  const drives = [`${id}-root`, ...dataDiskIds(id, dataDisks)].map((disk, index) =>
    item(10 + index, { ResourceType: 17, HostResource: `ovf:/disk/${disk}`, Parent: 3, AddressOnParent: index }),
  );
  const adapters = networks.map((network, index) =>
    item(20 + index, { ResourceType: 10, Connection: network, AutomaticAllocation: 'true' }),
  );
  const items = [
    item(1, { ResourceType: 3, VirtualQuantity: 1 }),
    item(2, { ResourceType: 4, VirtualQuantity: 512, AllocationUnits: 'byte * 2^20' }),
    item(3, { ResourceType: 6 }),
    ...drives,
    ...adapters,
  ];
  return `<VirtualSystem ovf:id="${id}"><Info>A machine</Info><VirtualHardwareSection><Info>Hardware</Info>
    <System><vssd:ElementName>Hardware</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID></System>
    ${items.join('\n    ')}
  </VirtualHardwareSection></VirtualSystem>`;
}

/** An Item with its properties in alphabetical order, as the schema wants them (DSP0243 §8.3). */
function item(id: number, properties: Readonly<Record<string, string | number>>): string {
  const all = Object.entries({ ...properties, InstanceID: id, ElementName: `item ${id}` }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return `<Item>${all.map(([name, value]) => `<rasd:${name}>${value}</rasd:${name}>`).join('')}</Item>`;
}
