/**
 * A deployment plan as OpenNebula templates: an image for each file, a virtual network for each that the appliance brings
 * along, a VM group for machines that belong together or apart, and a VM template for each machine. What is free-form
 * goes in base64, because templates expand `$` and cannot hold every text.
 */

import type { DeploymentPlan, PlannedDrive, PlannedInterface } from '../../ovf/plan.js';
import { templateText, type Template, type TemplateVector } from './opennebula-template.js';
import {
  disksOf,
  instancesOf,
  mebibytes,
  namer,
  unsaid,
  unsaidByAll,
  type GuestsOf,
  type Instance,
  type TranslatedDocument,
  type Translation,
} from './translation.js';

export function toOpenNebula(plan: DeploymentPlan, guestsOf: GuestsOf): Translation {
  const writer = new Templates(plan, guestsOf);
  const documents = [
    ...plan.images.map(({ id }) => document(`image ${id}`, writer.image(id))),
    ...plan.networks
      .filter(({ mappedTo }) => mappedTo === undefined)
      .map(({ name, description }) => document(`network ${name}`, writer.network(name, description))),
    ...writer.groups().map(([name, template]) => document(`VM group ${name}`, template)),
    ...instancesOf(plan).map((instance) => document(`machine ${instance.id}`, writer.machine(instance))),
  ];
  return { mediaType: 'text/plain', documents, notes: notesOf(plan) };
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

/** Formats that OpenNebula's datastores tell apart; anything else is converted by VEP first. */
const FORMATS: ReadonlySet<string> = new Set(['qcow2', 'raw', 'vmdk']);

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
    const name = namer(/["\\\n\r]+/g, 120);
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
    return [
      ['NAME', this.#imageName(id)],
      ['TYPE', optical ? 'CDROM' : boots ? 'OS' : 'DATABLOCK'],
      ['PATH', image?.href ?? id],
      ...(optical ? [] : ([['FORMAT', FORMATS.has(format) ? format : 'qcow2']] as const)),
      ['PERSISTENT', disk?.shared ? 'YES' : 'NO'],
    ];
  }

  network(name: string, description: string | undefined): Template {
    return [
      ['NAME', name],
      ['VN_MAD', 'vxlan'],
      ['AUTOMATIC_VLAN_ID', 'YES'],
      ...(description === undefined ? [] : ([['DESCRIPTION', description]] as const)),
      [
        'AR',
        [
          ['TYPE', 'ETHER'],
          ['SIZE', '250'],
        ],
      ],
    ];
  }

  /** One group for the whole plan, a role for each constraint that it can keep. */
  groups(): readonly (readonly [name: string, template: Template])[] {
    const roles = this.#kept().map(({ rule, origin }): readonly ['ROLE', TemplateVector] => [
      'ROLE',
      [
        ['NAME', origin],
        ['POLICY', POLICIES.get(rule) ?? 'NONE'],
      ],
    ]);
    return roles.length === 0 ? [] : [[this.#plan.id, [['NAME', this.#plan.id], ...roles]]];
  }

  machine(instance: Instance): Template {
    const { machine, name, id } = instance;
    const { cores, memoryBytes, architecture, firmware } = machine;
    const drives = machine.drives.flatMap((drive) => this.#disk(drive));
    const boot = machine.drives.filter((drive) => this.#disk(drive).length > 0).findIndex((drive) => drive.boot);
    return [
      ['NAME', name],
      ['CPU', String(cores.normal)],
      ['VCPU', String(cores.normal)],
      ['MEMORY', String(mebibytes(memoryBytes.normal))],
      ...bounds(instance),
      [
        'OS',
        [
          ['ARCH', architecture === 'x86' ? 'i686' : 'x86_64'],
          ...(boot < 0 ? [] : ([['BOOT', `disk${boot}`]] as const)),
          ...(firmware === 'efi' ? ([['FIRMWARE', 'UEFI']] as const) : []),
        ],
      ],
      ...drives.map((disk) => ['DISK', disk] as const),
      ...machine.interfaces.flatMap((adapter) => this.#nic(adapter, instance)),
      [
        'GRAPHICS',
        [
          ['TYPE', 'VNC'],
          ['LISTEN', '127.0.0.1'],
        ],
      ],
      ...this.#membership(machine.id),
      ['CONTEXT', this.#context(instance)],
      ['VEP_OVF_ID', id],
    ];
  }

  #imageName(id: string): string {
    return this.#images.get(id) ?? id;
  }

  /** A copy of an image, a disk of its own, or nothing for a drive without medium. */
  #disk({ kind, bus, disk: diskId, image: medium }: PlannedDrive): TemplateVector[] {
    const disk = this.#disks.get(diskId ?? '');
    const image = disk?.image ?? medium;
    const prefix = bus === undefined ? [] : ([['DEV_PREFIX', PREFIXES[bus]]] as const);
    const size = disk ? ([['SIZE', String(mebibytes(disk.capacityBytes))]] as const) : [];
    if (kind === 'floppy') return [];
    if (image !== undefined) return [[['IMAGE', this.#imageName(image)], ...(kind === 'disk' ? size : []), ...prefix]];
    return disk ? [[['TYPE', 'fs'], ...size, ['FORMAT', 'qcow2'], ...prefix]] : [];
  }

  #nic({ network, mac, model }: PlannedInterface, { first }: Instance): readonly (readonly ['NIC', TemplateVector])[] {
    const planned = this.#plan.networks.find(({ name }) => name === network);
    if (!planned) return [];
    return [
      [
        'NIC',
        [
          ['NETWORK', planned.mappedTo ?? planned.name],
          ...(mac !== undefined && first ? ([['MAC', mac]] as const) : []),
          ...(model === undefined ? [] : ([['MODEL', model.toLowerCase()]] as const)),
        ],
      ],
    ];
  }

  #membership(machine: string): readonly (readonly ['VMGROUP', TemplateVector])[] {
    const role = this.#kept().find(({ machines }) => machines.length === 0 || machines.includes(machine));
    return role
      ? [
          [
            'VMGROUP',
            [
              ['VMGROUP_NAME', this.#plan.id],
              ['ROLE', role.origin],
            ],
          ],
        ]
      : [];
  }

  #kept(): DeploymentPlan['constraints'] {
    return this.#plan.constraints.filter(({ rule }) => POLICIES.has(rule));
  }

  #context(instance: Instance): TemplateVector {
    const guest = this.#guestsOf(instance);
    const waits = this.#plan.startup.some(({ machines }) =>
      machines.some(({ id, waitingForGuest }) => id === instance.machine.id && waitingForGuest),
    );
    return [
      ['NETWORK', 'YES'],
      ['SET_HOSTNAME', instance.name],
      ...(waits
        ? ([
            ['TOKEN', 'YES'],
            ['REPORT_READY', 'YES'],
          ] as const)
        : []),
      ...(guest
        ? ([
            ['USER_DATA', base64(guest.userData)],
            ['USERDATA_ENCODING', 'base64'],
            ['OVF_ENVIRONMENT_BASE64', base64(guest.ovfEnvironment)],
          ] as const)
        : []),
    ];
  }
}

/** `ovf:bound` as what the owner may change the size to. */
function bounds({ machine: { cores, memoryBytes } }: Instance): Template {
  const range = ({ normal, min = normal, max = normal }: typeof cores, unit: (value: number) => number): string =>
    `M|range||${unit(min)}..${unit(max)}|${unit(normal)}`;
  const same = (value: number): number => value;
  const inputs: TemplateVector = [
    ...(isRange(cores) ? ([['VCPU', range(cores, same)]] as const) : []),
    ...(isRange(memoryBytes) ? ([['MEMORY', range(memoryBytes, mebibytes)]] as const) : []),
  ];
  return inputs.length === 0 ? [] : [['USER_INPUTS', inputs]];
}

function isRange({ min, max }: { readonly min?: number; readonly max?: number }): boolean {
  return min !== undefined || max !== undefined;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function notesOf(plan: DeploymentPlan): Translation['notes'] {
  const unplaced = plan.constraints.filter(({ rule }) => !POLICIES.has(rule)).map(({ origin }) => origin);
  const addressed = plan.machines.filter(({ interfaces }) => interfaces.some(({ mac }) => mac !== undefined));
  const note = (message: string, remedy: string, values: readonly string[]): Translation['notes'] =>
    values.length === 0 ? [] : [unsaid(message, remedy, values.join(', '))];
  return [
    ...unsaidByAll(plan),
    ...(plan.startup.length > 1
      ? [unsaid('the order in which the machines start is not in it', 'instantiate them in the order of the plan')]
      : []),
    ...note('the placement is not in it', 'add SCHED_REQUIREMENTS for the hosts that are meant', unplaced),
    ...note(
      'NIC/MAC is restricted to oneadmin by default',
      'take it out if an ordinary user instantiates the template',
      addressed.map(({ id }) => id),
    ),
    ...note(
      'an image has to lie where oned can read it',
      'put the absolute path or URL of the file in the place of PATH',
      plan.images.filter(({ href }) => !/^https?:/i.test(href)).map(({ href }) => href),
    ),
  ];
}
