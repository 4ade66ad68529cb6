/**
 * A deployment plan as OpenNebula templates: an image for each file, a virtual network for each that the appliance brings
 * along, a VM group for machines that belong together or apart, a VM template for each machine, and a service of OneFlow
 * round several. What is free-form
 * goes in base64, because templates expand `$` and cannot hold every text.
 */

import { withInstances } from '../../ovf/instances.js';
import type { DeploymentPlan, PlannedDrive, PlannedInterface, PlannedMachine } from '../../ovf/plan.js';
import { OPENNEBULA_FORMATS } from '../adapters/opennebula/capabilities.js';
import type { Template, Vector } from '../adapters/opennebula/template.js';
import { serviceTemplate } from './oneflow.js';
import { templateText } from './opennebula-text.js';
import {
  ADAPTER_MODELS,
  disksOf,
  mebibytes,
  namer,
  roleOf,
  unsaid,
  unsaidAllocations,
  unsaidByAll,
  unsaidNetworks,
  type GuestsOf,
  type TranslatedDocument,
  type Translation,
} from './translation.js';

export function toOpenNebula(plan: DeploymentPlan, guestsOf: GuestsOf): Translation {
  const writer = new Templates(plan, guestsOf);
  const group = writer.group();
  const service = serviceTemplate(plan);
  const documents = [
    ...plan.images.map(({ id }) => document(`image ${id}`, writer.image(id))),
    ...plan.networks
      .filter(({ mappedTo }) => mappedTo === undefined)
      .map(({ name, description }) => document(`network ${name}`, writer.network(name, description))),
    ...(group ? [document(`VM group ${plan.id}`, group)] : []),
    ...withInstances(plan).machines.map((machine) => document(`machine ${machine.id}`, writer.machine(machine))),
    ...(service === undefined ? [] : [{ title: `service ${plan.title}`, text: service }]),
  ];
  return { mediaType: 'text/plain', documents, notes: notesOf(plan, service !== undefined) };
}

function document(title: string, template: Template): TranslatedDocument {
  return { title, text: templateText(template) };
}

/** `DEV_PREFIX` by the bus of a drive. */
const PREFIXES: Readonly<Record<NonNullable<PlannedDrive['bus']>, string>> = {
  ide: 'hd',
  scsi: 'sd',
  sata: 'sd',
  nvme: 'sd',
  virtio: 'vd',
  usb: 'sd',
};

/** The constraints that a VM group can keep (policies between the machines of a role). */
const POLICIES: ReadonlyMap<string, string> = new Map([
  ['differentHost', 'ANTI_AFFINED'],
  ['sameHost', 'AFFINED'],
]);

class Templates {
  readonly #plan: DeploymentPlan;
  readonly #guestsOf: GuestsOf;
  readonly #disks: ReturnType<typeof disksOf>;
  readonly #images: ReadonlyMap<string, string>;

  constructor(plan: DeploymentPlan, guestsOf: GuestsOf) {
    const name = namer(/[\n\r]+/g, 120);
    this.#plan = plan;
    this.#guestsOf = guestsOf;
    this.#disks = disksOf(plan);
    this.#images = new Map(plan.images.map(({ id }) => [id, name(`${plan.id} ${id}`)]));
  }

  image(id: string): Template {
    const image = this.#plan.images.find((each) => each.id === id);
    const disk = this.#plan.disks.find((each) => each.image === id);
    const optical = !disk || disk.format === 'iso';
    const format = disk?.format ?? 'raw';
    const boots = this.#plan.machines.some(({ drives }) =>
      drives.some((drive) => drive.boot && this.#disks.get(drive.disk ?? '')?.image === id),
    );
    return {
      NAME: this.#imageName(id),
      TYPE: optical ? 'CDROM' : boots ? 'OS' : 'DATABLOCK',
      PATH: image?.href ?? id,
      FORMAT: optical ? undefined : OPENNEBULA_FORMATS.includes(format) ? format : 'qcow2',
      PERSISTENT: disk?.shared ?? false,
    };
  }

  network(name: string, description: string | undefined): Template {
    return {
      NAME: name,
      VN_MAD: 'vxlan',
      AUTOMATIC_VLAN_ID: true,
      DESCRIPTION: description,
      AR: { TYPE: 'ETHER', SIZE: 250 },
    };
  }

  /** One group for the whole plan, a role for each constraint that it can keep. */
  group(): Template | undefined {
    const roles = this.#kept().map(({ rule, origin }) => ({ NAME: origin, POLICY: POLICIES.get(rule) }));
    return roles.length === 0 ? undefined : { NAME: this.#plan.id, ROLE: roles };
  }

  machine(machine: PlannedMachine): Template {
    const { id, hostname, cores, memoryBytes, architecture, firmware, drives } = machine;
    const filled = drives.flatMap((drive) => {
      const disk = this.#disk(drive);
      return disk ? [{ disk, boot: drive.boot }] : [];
    });
    const boot = filled.findIndex((drive) => drive.boot);
    return {
      NAME: hostname,
      CPU: cores.normal,
      VCPU: cores.normal,
      MEMORY: mebibytes(memoryBytes.normal),
      USER_INPUTS: bounds(machine),
      OS: {
        ARCH: architecture === 'x86' ? 'i686' : 'x86_64',
        BOOT: boot < 0 ? undefined : `disk${boot}`,
        FIRMWARE: firmware === 'efi' ? 'UEFI' : undefined,
      },
      DISK: filled.map(({ disk }) => disk),
      NIC: machine.interfaces.flatMap((adapter) => this.#nic(adapter)),
      GRAPHICS: { TYPE: 'VNC', LISTEN: '127.0.0.1' },
      VMGROUP: this.#membership(roleOf(machine)),
      CONTEXT: this.#context(machine),
      VEP_OVF_ID: id,
    };
  }

  #imageName(id: string): string {
    return this.#images.get(id) ?? id;
  }

  /** A copy of an image, a disk of its own, or nothing for a drive without medium. */
  #disk({ kind, bus, disk: diskId, image: medium }: PlannedDrive): Vector | undefined {
    const disk = this.#disks.get(diskId ?? '');
    const image = disk?.image ?? medium;
    // No CD is on a virtio bus.
    const DEV_PREFIX = bus === undefined || (kind === 'cdrom' && bus === 'virtio') ? undefined : PREFIXES[bus];
    const SIZE = disk && mebibytes(disk.capacityBytes);
    if (kind === 'floppy' || (!disk && image === undefined)) return undefined;
    if (image === undefined) return { TYPE: 'fs', SIZE, FORMAT: 'qcow2', DEV_PREFIX };
    const READONLY = disk?.readOnly;
    return { IMAGE: this.#imageName(image), SIZE: kind === 'disk' ? SIZE : undefined, DEV_PREFIX, READONLY };
  }

  #nic({ network, mac, model }: PlannedInterface): readonly Vector[] {
    const planned = this.#plan.networks.find(({ name }) => name === network);
    if (!planned) return [];
    return [
      {
        NETWORK: planned.mappedTo ?? planned.name,
        MAC: mac,
        MODEL: ADAPTER_MODELS.get(model?.toLowerCase() ?? ''),
      },
    ];
  }

  #membership(role: string): Vector | undefined {
    const kept = this.#kept().find(({ machines }) => machines.length === 0 || machines.includes(role));
    return kept && { VMGROUP_NAME: this.#plan.id, ROLE: kept.origin };
  }

  #kept(): DeploymentPlan['constraints'] {
    return this.#plan.constraints.filter(({ rule }) => POLICIES.has(rule));
  }

  #context(machine: PlannedMachine): Vector {
    const guest = this.#guestsOf(machine);
    const waits = this.#plan.startup.some(({ machines }) =>
      machines.some(({ id, waitingForGuest }) => id === roleOf(machine) && waitingForGuest),
    );
    return {
      NETWORK: true,
      SET_HOSTNAME: machine.hostname,
      ...(waits && { TOKEN: true, REPORT_READY: true }),
      ...(guest && {
        USER_DATA: base64(guest.userData),
        USERDATA_ENCODING: 'base64',
        OVF_ENV_BASE64: base64(guest.ovfEnvironment),
      }),
    };
  }
}

/** `ovf:bound` as what the owner may change the size to. */
function bounds({ cores, memoryBytes }: PlannedMachine): Vector | undefined {
  const range = ({ normal, min, max }: typeof cores, unit: (value: number) => number): string | undefined => {
    if (min === undefined && max === undefined) return undefined;
    return `M|range||${unit(min ?? normal)}..${unit(max ?? normal)}|${unit(normal)}`;
  };
  const [VCPU, MEMORY] = [range(cores, (value) => value), range(memoryBytes, mebibytes)];
  return (VCPU ?? MEMORY) === undefined ? undefined : { VCPU, MEMORY };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function notesOf(plan: DeploymentPlan, service: boolean): Translation['notes'] {
  const unplaced = plan.constraints.filter(({ rule }) => !POLICIES.has(rule)).map(({ origin }) => origin);
  const foreign = plan.disks.filter(
    ({ image, format = 'unknown' }) => image !== undefined && format !== 'iso' && !OPENNEBULA_FORMATS.includes(format),
  );
  const addressed = plan.machines.filter(({ interfaces }) => interfaces.some(({ mac }) => mac !== undefined));
  const note = (message: string, remedy: string, values: readonly string[]): Translation['notes'] =>
    values.length === 0 ? [] : [unsaid(message, remedy, values.join(', '))];
  return [
    ...unsaidByAll(plan, service),
    ...unsaidAllocations(plan),
    ...unsaidNetworks(plan),
    ...(service
      ? [
          unsaid(
            'the service names its VM templates by a text in the place of their numbers',
            'register the templates and put the number that each gets into vm_template',
          ),
        ]
      : []),
    ...note(
      'all instances of a role are told what the first is told, its host name too',
      'give the role one instance and instantiate the templates of the others by themselves',
      service ? plan.machines.filter(({ instances }) => instances.normal > 1).map(({ id }) => id) : [],
    ),
    ...note('the placement is not in it', 'add SCHED_REQUIREMENTS for the hosts that are meant', unplaced),
    ...note(
      'NIC/MAC is restricted to oneadmin by default',
      'take it out if an ordinary user instantiates the template',
      addressed.map(({ id }) => id),
    ),
    ...note(
      `images in other formats than ${OPENNEBULA_FORMATS.join(', ')} have to be converted to qcow2 first`,
      'use qemu-img convert',
      foreign.map(({ id, format }) => `${id} (${format})`),
    ),
    ...note(
      'an image has to lie where oned can read it',
      'put the absolute path or URL of the file in the place of PATH',
      plan.images.filter(({ href }) => !/^https?:/i.test(href)).map(({ href }) => href),
    ),
  ];
}
