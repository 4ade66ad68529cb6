/**
 * The VirtualHardwareSection of a planned machine (DSP0243 §8): its items such that whoever reads them plans the same
 * machine, drives in the same order on controllers of the same kind.
 */

import type { Element } from '@xmldom/xmldom';
import type {
  Allocation,
  PlannedAllocation,
  PlannedDrive,
  PlannedInterface,
  PlannedMachine,
  QuantityRange,
} from '../plan.js';
import { RESOURCE } from '../envelope/devices.js';
import type { OvfDocument } from './xml.js';

/**
 * @param extensions what stands behind its items
 * @returns the section, and in which order its drives are tried, where the plan says so: OVF 1.1 has no section for that,
 *   VMware's readers have one
 */
export function hardwareSection(
  document: OvfDocument,
  machine: PlannedMachine,
  extensions: readonly Element[],
): readonly Element[] {
  const { cores, memoryBytes, allocation, virtualSystemType, environment, firmware } = machine;
  const items = new Items(document, machine.interfaces);
  const section = document.element(
    'VirtualHardwareSection',
    { transport: environment.transports.length > 0 ? environment.transports.join(' ') : undefined },
    document.element('Info', {}, 'Virtual hardware'),
    document.element(
      'System',
      {},
      document.element('vssd:ElementName', {}, 'Virtual hardware family'),
      document.element('vssd:InstanceID', {}, '0'),
      document.element('vssd:VirtualSystemIdentifier', {}, machine.id),
      virtualSystemType !== undefined && document.element('vssd:VirtualSystemType', {}, virtualSystemType),
    ),
    ...items.quantity(PROCESSORS, cores, allocation?.processors),
    ...items.quantity(MEMORY, memoryBytes, allocation?.memory),
    ...items.drives(machine.drives),
    ...items.interfaces(machine.interfaces),
    firmware === 'efi' &&
      document.element('vmw:Config', { required: false, 'vmw:key': 'firmware', 'vmw:value': 'efi' }),
    ...extensions,
  );
  return [section, ...items.bootOrder()];
}

const PROCESSORS = { type: RESOURCE.processor, name: 'Virtual processors', units: 'hertz' };
const MEMORY = { type: RESOURCE.memory, name: 'Memory', units: 'byte' };

/** The items of a ResourceAllocationSection (DSP0243 §9.4). */
export function allocationItems(
  document: OvfDocument,
  { processors, memory }: PlannedAllocation,
): readonly (Element | undefined)[] {
  const items = new Items(document, []);
  return [processors && items.allocation(PROCESSORS, processors), memory && items.allocation(MEMORY, memory)];
}

interface Measured {
  readonly type: number;
  readonly name: string;
  readonly units: string;
}

/** Properties of an item by their names without prefix, in any order. */
type ItemProperties = Readonly<Record<string, string | number | boolean | undefined>>;

type Bus = NonNullable<PlannedDrive['bus']>;

/** In the order in which firmware looks at controllers, and the devices one of each takes. */
const CONTROLLERS = [
  { type: RESOURCE.ideController, name: 'IDE controller', devices: 2 },
  { type: RESOURCE.scsiController, name: 'SCSI controller', devices: 15 },
  { type: RESOURCE.otherStorage, name: 'SATA or NVMe controller', devices: 15 },
  { type: RESOURCE.usbController, name: 'USB controller', devices: 15 },
] as const;

const RANK: Readonly<Record<Exclude<Bus, 'virtio'>, number>> = { ide: 0, scsi: 1, sata: 2, nvme: 2, usb: 3 };
const SUBTYPES: Readonly<Partial<Record<Bus, string>>> = {
  sata: 'AHCI',
  nvme: 'vmware.nvme.controller',
  virtio: 'virtio',
};
const DRIVES = {
  disk: { type: RESOURCE.disk, name: 'Hard disk' },
  cdrom: { type: RESOURCE.cd, name: 'CD drive' },
  floppy: { type: RESOURCE.floppy, name: 'Floppy drive' },
} as const;

class Items {
  readonly #document: OvfDocument;
  /** Taken by the interfaces, which keep theirs. */
  readonly #taken: ReadonlySet<string>;
  /** InstanceIDs of the drives that have a turn at boot. */
  readonly #turns: { readonly id: string; readonly kind: PlannedDrive['kind']; readonly turn: number }[] = [];
  #last = 0;

  constructor(document: OvfDocument, interfaces: readonly PlannedInterface[]) {
    this.#document = document;
    this.#taken = new Set(interfaces.map(({ id }) => id));
  }

  /** The item with its bounds (DSP0243 §8.4). */
  quantity(
    { type, name, units }: Measured,
    { normal, min, max }: QuantityRange,
    allocation: Allocation | undefined,
  ): readonly Element[] {
    const common = { AllocationUnits: units, ElementName: name, InstanceID: this.#next(), ResourceType: type };
    const bounds = [
      ['min', min],
      ['max', max],
    ] as const;
    return [
      this.#item({ ...common, ...setAside(allocation), VirtualQuantity: normal }),
      ...bounds.flatMap(([bound, value]) =>
        value === undefined ? [] : [this.#item({ ...common, VirtualQuantity: value }, { bound })],
      ),
    ];
  }

  allocation({ type, name, units }: Measured, allocation: Allocation): Element {
    const common = { AllocationUnits: units, ElementName: name, InstanceID: this.#next(), ResourceType: type };
    return this.#item({ ...common, ...setAside(allocation) });
  }

  /** Controllers as many as it takes, then the drives; those without a bus stand for themselves. */
  drives(drives: readonly PlannedDrive[]): readonly Element[] {
    const controllers: Element[] = [];
    const items: Element[] = [];
    const open = new Map<number, { id: string; address: number; used: number; bus: Bus }>();
    for (const { drive, rank } of ranked(drives)) {
      const { bus } = drive;
      if (rank === undefined || bus === undefined) {
        items.push(this.#drive(drive, {}));
        continue;
      }
      const kind = CONTROLLERS[rank] ?? CONTROLLERS[1];
      let controller = open.get(rank);
      if (controller?.bus !== bus || controller.used === kind.devices) {
        const address = controller === undefined ? 0 : controller.address + 1;
        controller = { id: this.#next(), address, used: 0, bus };
        open.set(rank, controller);
        const properties = { Address: address, ElementName: `${kind.name} ${address}`, ResourceSubType: SUBTYPES[bus] };
        controllers.push(this.#item({ ...properties, InstanceID: controller.id, ResourceType: kind.type }));
      }
      items.push(this.#drive(drive, { AddressOnParent: controller.used, Parent: controller.id }));
      controller.used += 1;
    }
    return [...controllers, ...items];
  }

  interfaces(interfaces: readonly PlannedInterface[]): readonly Element[] {
    return interfaces.map(({ id, name, network, mac, model }, index) =>
      this.#item({
        Address: mac,
        AddressOnParent: index,
        AutomaticAllocation: true,
        Connection: network,
        ElementName: `Network adapter ${name}`,
        InstanceID: id,
        ResourceSubType: model,
        ResourceType: RESOURCE.ethernet,
      }),
    );
  }

  bootOrder(): readonly Element[] {
    return this.#turns
      .toSorted((a, b) => a.turn - b.turn)
      .map(({ id, kind }) =>
        this.#document.element(
          'vmw:BootOrderSection',
          { required: false, 'vmw:instanceId': id, 'vmw:type': kind },
          this.#document.element('Info', {}, 'A device to boot from'),
        ),
      );
  }

  #drive({ kind, disk, image, turn }: PlannedDrive, place: ItemProperties): Element {
    const { type, name } = DRIVES[kind];
    const medium = disk === undefined ? image && `ovf:/file/${image}` : `ovf:/disk/${disk}`;
    const id = this.#next();
    if (turn !== undefined) this.#turns.push({ id, kind, turn });
    return this.#item({
      ...place,
      AutomaticAllocation: kind === 'disk' ? undefined : true,
      ElementName: `${name} ${id}`,
      HostResource: medium,
      InstanceID: id,
      ResourceType: type,
    });
  }

  #next(): string {
    do this.#last += 1;
    while (this.#taken.has(String(this.#last)));
    return String(this.#last);
  }

  /** The schema wants the properties in alphabetical order. */
  #item(properties: ItemProperties, attributes: Readonly<Record<string, string>> = {}): Element {
    const written = Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => this.#document.element(`rasd:${name}`, {}, String(value)));
    return this.#document.element('Item', attributes, ...written);
  }
}

function setAside({ reservation, limit, weight }: Allocation = {}): ItemProperties {
  return { Reservation: reservation, Limit: limit, Weight: weight };
}

interface RankedDrive {
  readonly drive: PlannedDrive;
  readonly rank: number | undefined;
}

/**
 * Drives sorted by the kind of their controllers, as a reader will sort them. A virtio drive may be on a controller of
 * any kind: it goes to the one that keeps it where it is, the one it boots from to the first.
 */
function ranked(drives: readonly PlannedDrive[]): readonly RankedDrive[] {
  const rankOf = ({ bus }: PlannedDrive): number | undefined =>
    bus === undefined || bus === 'virtio' ? undefined : RANK[bus];
  const first = Math.min(RANK.scsi, ...drives.flatMap((drive) => rankOf(drive) ?? []));
  let before = first;
  const all = drives.map((drive): RankedDrive => {
    if (drive.bus === undefined) return { drive, rank: undefined };
    const rank = drive.bus === 'virtio' ? (drive.boot ? first : before) : RANK[drive.bus];
    if (!drive.boot) before = rank;
    return { drive, rank };
  });
  const last = CONTROLLERS.length;
  return all.toSorted((a, b) => (a.rank ?? last) - (b.rank ?? last));
}
