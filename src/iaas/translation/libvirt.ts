/**
 * A deployment plan as libvirt documents (https://libvirt.org/format.html): a network for each that the appliance brings
 * along, a domain for each machine. Disks are volumes of a storage pool; the OVF environment is a CD, whose files stand
 * beside its machine. Networks and domains are schema-valid as they stand (`virt-xml-validate`).
 */

import { ENVIRONMENT_FILE, NO_CLOUD_VOLUME } from '../../ovf/index.js';
import { withInstances } from '../../ovf/instances.js';
import type { DeploymentPlan, PlannedDrive, PlannedInterface, PlannedMachine } from '../../ovf/plan.js';
import {
  ADAPTER_MODELS,
  disksOf,
  namer,
  unsaid,
  unsaidAllocations,
  unsaidByAll,
  unsaidNetworks,
  type GuestsOf,
  type TranslatedDocument,
  type Translation,
} from './translation.js';
import { domainLiteral, VEP_NAMESPACE } from './libvirt-domain.js';
import { xml, xmlText, type XmlLiteral } from './xml.js';

export interface LibvirtChoices {
  /** Storage pool that holds the volumes. */
  readonly pool: string;
  /** `kvm` only where a probe has shown that guests run under it. */
  readonly type: 'qemu' | 'kvm';
}

export const LIBVIRT_CHOICES: LibvirtChoices = { pool: 'default', type: 'qemu' };

/** Buses of a disk's target; QEMU's machines boot from none of `nvme` through libvirt 9, and NVMe guests know SATA. */
const BUSES: Readonly<Record<NonNullable<PlannedDrive['bus']>, string>> = {
  ide: 'ide',
  scsi: 'scsi',
  sata: 'sata',
  nvme: 'sata',
  virtio: 'virtio',
  usb: 'usb',
};

/** First letters of device names by bus, and how many the bus takes. */
const DEVICES: Readonly<Record<string, readonly [prefix: string, room: number]>> = {
  ide: ['hd', 4],
  virtio: ['vd', 700],
  fdc: ['fd', 2],
};

export function toLibvirt(
  plan: DeploymentPlan,
  guestsOf: GuestsOf,
  choices: LibvirtChoices = LIBVIRT_CHOICES,
): Translation {
  const domains = new Domains(plan, guestsOf, choices);
  const networks = plan.networks
    .filter(({ mappedTo }) => mappedTo === undefined)
    .map(({ name, description }): TranslatedDocument => {
      const described =
        description === undefined ? [] : [xml('vep:description', { 'xmlns:vep': VEP_NAMESPACE }, description)];
      const literal = xml('network', {}, [
        xml('name', {}, domains.networkName(name)),
        described.length === 0 ? undefined : xml('metadata', {}, described),
      ]);
      return { title: `network ${name}`, text: xmlText(literal) };
    });
  const machines = withInstances(plan).machines.flatMap((machine) => [
    { title: `machine ${machine.id}`, text: xmlText(domains.domain(machine)) },
    ...domains.guestFiles(machine),
  ]);
  const notes = [...notesOf(plan), ...domains.notes()];
  return { mediaType: 'application/xml', documents: [...networks, ...machines], notes };
}

class Domains {
  readonly #disks: ReturnType<typeof disksOf>;
  readonly #networks: ReadonlyMap<string, string>;
  readonly #guestsOf: GuestsOf;
  readonly #choices: LibvirtChoices;
  /** Those that bring guests their environment. */
  readonly #media = new Set<string>();
  readonly #volumeName = namer(/[^A-Za-z0-9._-]+/g, 100);

  constructor(plan: DeploymentPlan, guestsOf: GuestsOf, choices: LibvirtChoices) {
    const networkName = namer(/[/\n\r]+/g, 100);
    this.#disks = disksOf(plan);
    this.#networks = new Map(plan.networks.map(({ name, mappedTo }) => [name, mappedTo ?? networkName(name)]));
    this.#guestsOf = guestsOf;
    this.#choices = choices;
  }

  networkName(name: string): string {
    return this.#networks.get(name) ?? name;
  }

  domain(machine: PlannedMachine): XmlLiteral {
    const { hostname: name, title, id, cores, memoryBytes, architecture, firmware } = machine;
    const oldChipset = machine.drives.some(({ bus, kind }) => bus === 'ide' || kind === 'floppy');
    const weight = machine.allocation?.processors?.weight;
    const devices = new DeviceNames();
    const drives = this.#drives(machine, oldChipset, devices);
    return domainLiteral({
      type: this.#choices.type,
      name,
      title,
      metadata: xml('vep:machine', { 'xmlns:vep': VEP_NAMESPACE, id }),
      memoryBytes,
      cores,
      architecture: architecture === 'x86' ? 'x86' : 'x64',
      chipset: oldChipset ? 'pc' : 'q35',
      ...(firmware === 'efi' ? { firmware } : {}),
      ...(weight === undefined ? {} : { weight }),
      devices: [
        ...(devices.buses.has('scsi') ? [xml('controller', { type: 'scsi', index: 0, model: 'virtio-scsi' })] : []),
        ...drives,
        ...machine.interfaces.map((adapter) => this.#interface(adapter)),
        xml('serial', { type: 'pty' }),
        xml('graphics', { type: 'vnc', port: -1, autoport: 'yes', listen: '127.0.0.1' }),
        xml('video', {}, [xml('model', { type: 'vga' })]),
        xml('memballoon', { model: 'virtio' }, [xml('stats', { period: 2 })]),
      ],
    });
  }

  /** What lies on the CD of a machine, as a document for each file. */
  guestFiles(machine: PlannedMachine): readonly TranslatedDocument[] {
    const guest = this.#guestsOf(machine);
    if (!guest) return [];
    const medium = this.#guestMedium(machine);
    return [
      { title: `${ENVIRONMENT_FILE} on ${medium}`, text: guest.ovfEnvironment },
      { title: `meta-data on ${medium}`, mediaType: 'text/plain', text: guest.metaData },
      { title: `user-data on ${medium}`, mediaType: 'text/plain', text: guest.userData },
    ];
  }

  notes(): Translation['notes'] {
    if (this.#media.size === 0) return [];
    const remedy = `put the files of each into the root of a CD with the volume name ${NO_CLOUD_VOLUME} (xorriso -as mkisofs -J -R -V ${NO_CLOUD_VOLUME})`;
    return [unsaid('the CDs with the environment are to be made', remedy, [...this.#media].join(', '))];
  }

  #guestMedium({ hostname }: PlannedMachine): string {
    const medium = this.#volumeName(`${hostname}-ovf-env.iso`);
    this.#media.add(medium);
    return medium;
  }

  #drives(machine: PlannedMachine, oldChipset: boolean, devices: DeviceNames): readonly XmlLiteral[] {
    const disks = machine.drives.map((drive) => this.#drive(machine, drive, devices));
    if (!this.#guestsOf(machine)) return disks;
    const medium = this.#guestMedium(machine);
    const target = devices.next(oldChipset ? 'ide' : 'sata');
    return [...disks, this.#disk('cdrom', medium, 'raw', target, [xml('readonly')])];
  }

  #drive({ hostname }: PlannedMachine, drive: PlannedDrive, devices: DeviceNames): XmlLiteral {
    const { kind, boot } = drive;
    const disk = this.#disks.get(drive.disk ?? '');
    // No CD is on a virtio bus.
    const wished = kind === 'cdrom' && drive.bus === 'virtio' ? undefined : drive.bus;
    const bus = kind === 'floppy' ? 'fdc' : BUSES[wished ?? (kind === 'cdrom' ? 'sata' : 'virtio')];
    const more = [
      disk?.shared ? xml('shareable') : undefined,
      kind === 'cdrom' || disk?.readOnly ? xml('readonly') : undefined,
      boot ? xml('boot', { order: 1 }) : undefined,
    ];
    const target = devices.next(bus);
    if (disk) {
      // QEMU shares raw disks only.
      const format = disk.shared ? 'raw' : 'qcow2';
      const owner = disk.shared ? '' : `${hostname}-`;
      const volume = this.#volumeName(`${owner}${disk.id}.${format}`, `disk ${owner} ${disk.id}`);
      return this.#disk(kind, volume, format, target, more);
    }
    const medium =
      drive.image === undefined ? undefined : this.#volumeName(`${drive.image}.iso`, `image ${drive.image}`);
    return this.#disk(kind, medium, 'raw', target, more);
  }

  #disk(
    kind: PlannedDrive['kind'],
    volume: string | undefined,
    format: string,
    target: XmlLiteral,
    more: readonly (XmlLiteral | undefined)[],
  ): XmlLiteral {
    return xml('disk', { type: volume === undefined ? 'file' : 'volume', device: kind }, [
      xml('driver', { name: 'qemu', type: format }),
      volume === undefined ? undefined : xml('source', { pool: this.#choices.pool, volume }),
      target,
      ...more,
    ]);
  }

  #interface({ network, mac, model = '' }: PlannedInterface): XmlLiteral {
    const address = mac === undefined ? undefined : xml('mac', { address: mac });
    const kind = xml('model', { type: ADAPTER_MODELS.get(model.toLowerCase()) ?? 'virtio' });
    if (network === undefined)
      return xml('interface', { type: 'user' }, [address, kind, xml('link', { state: 'down' })]);
    return xml('interface', { type: 'network' }, [
      address,
      xml('source', { network: this.networkName(network) }),
      kind,
    ]);
  }
}

/** Device names of one machine's disks: each bus family counts by itself, and SCSI takes what a bus has no room for. */
class DeviceNames {
  /** Those that have something on them. */
  readonly buses = new Set<string>();
  readonly #used = new Map<string, number>();

  next(bus: string): XmlLiteral {
    const [prefix, room] = DEVICES[bus] ?? ['sd', 700];
    const position = this.#used.get(prefix) ?? 0;
    if (position >= room) return this.next('scsi');
    this.#used.set(prefix, position + 1);
    this.buses.add(bus);
    const letter = (index: number): string => String.fromCharCode(97 + index);
    const letters = position < 26 ? letter(position) : letter(Math.floor(position / 26) - 1) + letter(position % 26);
    return xml('target', { dev: prefix + letters, bus });
  }
}

function notesOf(plan: DeploymentPlan): Translation['notes'] {
  const ordered = plan.startup.length > 1;
  const placed = plan.constraints.length > 0;
  return [
    ...unsaidByAll(plan),
    ...unsaidAllocations(plan, ['processors.weight']),
    ...unsaidNetworks(plan),
    ...(ordered
      ? [unsaid('the order in which the domains start is not in it', 'start them in the order of the plan')]
      : []),
    ...(placed
      ? [unsaid('placement is not in it: a domain is defined on the host it is to run on', 'choose the hosts')]
      : []),
  ];
}
