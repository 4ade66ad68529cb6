/**
 * A deployment plan as one OpenStack Heat template (HOT 2018-08-31,
 * https://docs.openstack.org/heat/latest/template_guide/hot_spec.html): a server for each machine on ports and volumes of its
 * own. What only the cloud knows, its flavors, images and external names, are parameters.
 */

import { stringify } from 'yaml';
import type { JsonObject } from '../../base/json.js';
import { withInstances } from '../../ovf/instances.js';
import type { DeploymentPlan, PlacementConstraint, PlannedDrive, PlannedMachine } from '../../ovf/plan.js';
import {
  disksOf,
  gibibytes,
  mebibytes,
  namer,
  predecessorsOf,
  roleOf,
  unsaid,
  unsaidAllocations,
  unsaidByAll,
  unsaidFirmware,
  unsaidModels,
  unsaidNetworks,
  unsaidReadOnly,
  type GuestsOf,
  type Translation,
} from './translation.js';

export function toHeat(plan: DeploymentPlan, guestsOf: GuestsOf): Translation {
  const stack = new Stack(plan, guestsOf);
  const template = {
    heat_template_version: '2018-08-31',
    description: plan.annotation === undefined ? plan.title : `${plan.title}\n${plan.annotation}`,
    ...stack.write(),
  };
  return {
    mediaType: 'application/yaml',
    documents: [{ title: `stack ${plan.title}`, text: stringify(template, { lineWidth: 0 }) }],
    notes: stack.notes(),
  };
}

/** Server group policies by what must be kept, and whether it must (compute API 2.64). */
const POLICIES: Readonly<Partial<Record<PlacementConstraint['rule'], readonly [hard: string, soft: string]>>> = {
  differentHost: ['anti-affinity', 'soft-anti-affinity'],
  sameHost: ['affinity', 'soft-affinity'],
};

/** Disk buses that nova knows, by those of descriptors. */
const BUSES: Readonly<Record<NonNullable<PlannedDrive['bus']>, string>> = {
  ide: 'ide',
  scsi: 'scsi',
  sata: 'sata',
  nvme: 'virtio',
  virtio: 'virtio',
  usb: 'usb',
};

class Stack {
  readonly #plan: DeploymentPlan;
  readonly #guestsOf: GuestsOf;
  /** Each instance is one of them. */
  readonly #machines: readonly PlannedMachine[];
  readonly #disks: ReturnType<typeof disksOf>;
  readonly #predecessors: ReturnType<typeof predecessorsOf>;
  readonly #parameters: Record<string, JsonObject> = {};
  readonly #resources: Record<string, JsonObject> = {};
  readonly #outputs: Record<string, JsonObject> = {};
  readonly #name = namer(/[^A-Za-z0-9_]+/g);
  /** What could not be kept for which machine, as it is in another group already. */
  readonly #ungrouped: string[] = [];
  /** Names of networks as ports want them. */
  readonly #networks = new Map<string, JsonObject | string>();

  constructor(plan: DeploymentPlan, guestsOf: GuestsOf) {
    this.#plan = plan;
    this.#machines = withInstances(plan).machines;
    this.#guestsOf = guestsOf;
    this.#disks = disksOf(plan);
    this.#predecessors = predecessorsOf(plan);
  }

  write(): { parameters?: JsonObject; resources: JsonObject; outputs: JsonObject } {
    this.#plan.networks.forEach((network, index) => this.#network(network, index));
    const groups = this.#groups();
    for (const machine of this.#machines) this.#server(machine, groups);
    return {
      ...(Object.keys(this.#parameters).length > 0 && { parameters: this.#parameters }),
      resources: this.#resources,
      outputs: this.#outputs,
    };
  }

  notes(): Translation['notes'] {
    const { constraints, disks, machines } = this.#plan;
    const unplaced = constraints.filter(({ rule }) => POLICIES[rule] === undefined).map(({ origin }) => origin);
    const shared = disks.filter((disk) => disk.shared).map(({ id }) => id);
    const floppies = machines.filter(({ drives }) => drives.some(({ kind }) => kind === 'floppy')).map(({ id }) => id);
    const empty = machines.filter(({ drives }) =>
      drives.some(({ kind, disk, image }) => kind === 'cdrom' && (disk ?? image) === undefined),
    );
    const note = (message: string, remedy: string, values: readonly string[]): Translation['notes'] =>
      values.length === 0 ? [] : [unsaid(message, remedy, values.join(', '))];
    return [
      ...unsaidByAll(this.#plan),
      ...unsaidAllocations(this.#plan),
      ...unsaidNetworks(this.#plan),
      ...unsaidReadOnly(this.#plan),
      ...unsaidFirmware(this.#plan, 'give the image the property hw_firmware_type=uefi'),
      ...unsaidModels(this.#plan, 'give the image the property hw_vif_model, if the guest needs that one'),
      ...note('the placement is not in it', 'use zones or flavors of the cloud', unplaced),
      ...note(
        'nova lets a server be in one group: what places it a second time is not in it',
        'bring the constraints of a machine together, or use zones of the cloud',
        this.#ungrouped,
      ),
      ...note(
        'a volume with several servers needs a volume type that allows it',
        'add volume_type to the volume',
        shared,
      ),
      ...note('a floppy drive is not in it', 'nothing to do unless the guest boots from it', floppies),
      ...note(
        'an empty CD drive is not in it',
        'nothing to do: nova has none',
        empty.map(({ id }) => id),
      ),
    ];
  }

  #network({ name, description, mappedTo }: DeploymentPlan['networks'][number], index: number): void {
    if (mappedTo !== undefined) return void this.#networks.set(name, mappedTo);
    const network = this.#name(`network_${name}`);
    this.#networks.set(name, { get_resource: network });
    this.#resources[network] = {
      type: 'OS::Neutron::Net',
      properties: {
        name,
        ...(description !== undefined && { tags: [`description=${description.slice(0, 40).replaceAll(',', ' ')}`] }),
      },
    };
    this.#resources[this.#name(`subnet_${name}`)] = {
      type: 'OS::Neutron::Subnet',
      properties: {
        network: { get_resource: network },
        cidr: `10.${100 + Math.floor(index / 256)}.${index % 256}.0/24`,
      },
    };
  }

  /** Server groups, by machine id: nova lets a server be in one. */
  #groups(): ReadonlyMap<string, JsonObject> {
    const groups = new Map<string, JsonObject>();
    for (const { rule, machines, hard, origin } of this.#plan.constraints) {
      const policies = POLICIES[rule];
      if (!policies) continue;
      const bound = machines.length > 0 ? machines : this.#plan.machines.map(({ id }) => id);
      const free = bound.filter((id) => !groups.has(id));
      for (const id of bound) if (groups.has(id)) this.#ungrouped.push(`${origin} of ${id}`);
      if (free.length === 0) continue;
      const name = this.#name(`group_${origin}`);
      this.#resources[name] = { type: 'OS::Nova::ServerGroup', properties: { policies: [policies[hard ? 0 : 1]] } };
      for (const id of free) groups.set(id, { group: { get_resource: name } });
    }
    return groups;
  }

  #server(machine: PlannedMachine, groups: ReadonlyMap<string, JsonObject>): void {
    const { id, hostname: name } = machine;
    const server = this.#serverName(id);
    const ports = machine.interfaces.flatMap((adapter) => {
      const network = this.#networks.get(adapter.network ?? '');
      if (network === undefined) return [];
      const port = this.#name(`port_${id}_${adapter.name}`);
      const mac = adapter.mac === undefined ? {} : { mac_address: adapter.mac };
      this.#resources[port] = { type: 'OS::Neutron::Port', properties: { network, ...mac } };
      return [{ port: { get_resource: port } }];
    });
    const guest = this.#guestsOf(machine);
    const hints = groups.get(roleOf(machine));
    const before = this.#before(machine);
    this.#resources[server] = {
      type: 'OS::Nova::Server',
      ...(before.length > 0 && { depends_on: before }),
      properties: {
        name,
        flavor: { get_param: this.#flavor(machine) },
        block_device_mapping_v2: this.#devices(machine),
        networks: ports.length > 0 ? ports : [{ allocate_network: 'none' }],
        metadata: { vep_ovf_id: id.slice(0, 255) },
        ...(hints && { scheduler_hints: hints }),
        ...(guest && { config_drive: true, user_data_format: 'RAW', user_data: guest.wholeUserData }),
      },
    };
    this.#outputs[this.#name(`addresses_${id}`)] = {
      description: `Addresses of ${id}`,
      value: { get_attr: [server, 'addresses'] },
    };
  }

  /** The servers of all machines that start right before. */
  #before(machine: PlannedMachine): readonly string[] {
    const roles = new Set(this.#predecessors.get(roleOf(machine)));
    return this.#machines.filter((each) => roles.has(roleOf(each))).map(({ id }) => this.#serverName(id));
  }

  #serverName(id: string): string {
    return this.#name(`server_${id}`);
  }

  /** All instances of a machine have the same. */
  #flavor(machine: PlannedMachine): string {
    const { cores, memoryBytes } = machine;
    const id = roleOf(machine);
    const needed = `${cores.normal} vCPUs, ${mebibytes(memoryBytes.normal)} MiB`;
    return this.#parameter(`flavor_${id}`, `flavor for ${id}, of at least ${needed}`, 'nova.flavor');
  }

  #parameter(wish: string, description: string, kind: string): string {
    const name = this.#name(wish);
    this.#parameters[name] ??= { type: 'string', description, constraints: [{ custom_constraint: kind }] };
    return name;
  }

  /** The drives as block devices, each a volume; without any the guest cannot boot, so it gets none and says so. */
  #devices(machine: PlannedMachine): readonly JsonObject[] {
    return machine.drives.flatMap((drive, index): JsonObject[] => {
      const { kind, boot, bus } = drive;
      const volume = kind === 'floppy' ? undefined : this.#volume(machine, drive, index);
      if (volume === undefined) return [];
      return [
        {
          volume_id: { get_resource: volume },
          device_type: kind === 'cdrom' ? 'cdrom' : 'disk',
          boot_index: boot ? 0 : -1,
          delete_on_termination: false,
          // No CD is on a virtio bus.
          ...(bus !== undefined && !(kind === 'cdrom' && BUSES[bus] === 'virtio') && { disk_bus: BUSES[bus] }),
        },
      ];
    });
  }

  #volume({ id }: PlannedMachine, drive: PlannedDrive, index: number): string | undefined {
    const disk = this.#disks.get(drive.disk ?? '');
    const image = this.#plan.images.find((each) => each.id === (disk?.image ?? drive.image));
    if (!disk && !image) return undefined;
    const name = disk?.shared
      ? this.#name(`volume_${disk.id}`, `shared ${disk.id}`)
      : this.#name(`volume_${id}_${index}`);
    const size = gibibytes(disk?.capacityBytes ?? image?.sizeBytes ?? 1);
    const from = image && {
      image: { get_param: this.#parameter(`image_${image.id}`, `image made of ${image.href}`, 'glance.image') },
    };
    this.#resources[name] = {
      type: 'OS::Cinder::Volume',
      properties: { name: disk?.shared ? disk.id : `${id} ${disk?.id ?? drive.image}`, size, ...from },
    };
    return name;
  }
}
