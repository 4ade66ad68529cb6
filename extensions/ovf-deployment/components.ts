/**
 * The resources an appliance consists of (K08): a compute for each machine, a network, a storage for each disk, and the
 * links between them, each with the mixin `ovf-deployment` and joined to the appliance by a `component` link.
 */

import type { Entities } from '../../src/extension/entities.js';
import type { Planned } from '../../src/extension/admission.js';
import type { Write } from '../../src/extension/kind-handler.js';
import {
  COMPUTE,
  IPNETWORK,
  NETWORK,
  NETWORKINTERFACE,
  STORAGE,
  STORAGELINK,
  type Attributes,
  type TypeId,
} from '../../src/occi/model.js';
import type {
  DeploymentPlan,
  PlannedDisk,
  PlannedDrive,
  PlannedInterface,
  PlannedMachine,
  PlannedNetwork,
} from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { SLA, SLA_AGREEMENT, SLA_COMPLIANCE } from '../sla/agreements.js';
import { siteOf, type Layout } from './layout.js';
import { networkKey } from './mapped-networks.js';
import { APPLIANCE, COMPONENT, OVF_APPLIANCE, OVF_DEPLOYMENT, OVF_ID, OVF_ITEM, OVF_PLACED } from './vocabulary.js';

const GIB = 2 ** 30;

/** A disk of one machine: its own copy, unless the plan says that it is shared. */
export interface DiskComponent {
  readonly storage: EntityRecord;
  readonly attachment: EntityRecord;
  readonly disk: PlannedDisk | undefined;
  /** File id of the image it is made from. */
  readonly image: string | undefined;
  readonly readOnly: boolean;
}

export interface MachineComponents {
  readonly machine: PlannedMachine;
  readonly compute: EntityRecord;
  readonly disks: readonly DiskComponent[];
  readonly interfaces: readonly EntityRecord[];
}

export interface Components {
  readonly machines: readonly MachineComponents[];
  /** Networks that were made now. */
  readonly networks: readonly EntityRecord[];
}

export interface ComponentOptions {
  readonly layout: Layout;
  readonly plan: DeploymentPlan;
  /** Networks that are there already, the appliance's own and those it is mapped to, by {@link networkKey}. */
  readonly existing: ReadonlyMap<string, EntityRecord>;
  /** Disks that several machines share and that are there already, by their ids in the plan. */
  readonly shared?: ReadonlyMap<string, EntityRecord>;
}

export class ComponentMaker {
  readonly #entities: Entities;
  readonly #write: Write;
  readonly #appliance: EntityRecord;
  readonly #options: ComponentOptions;
  readonly #shared: Map<string, EntityRecord>;
  /** What governs the appliance governs all it consists of (K16). */
  readonly #governed: readonly TypeId[];
  readonly #terms: Attributes;

  constructor(entities: Entities, write: Write, appliance: EntityRecord, options: ComponentOptions) {
    this.#governed = appliance.mixins.filter((mixin) => mixin === SLA);
    this.#terms = Object.fromEntries(
      [SLA_AGREEMENT, SLA_COMPLIANCE].flatMap((name) => {
        const value = appliance.observed[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    this.#entities = entities;
    this.#write = write;
    this.#appliance = appliance;
    this.#options = options;
    this.#shared = new Map(options.shared);
  }

  /** Makes the components of these machines and the networks that do not exist yet. */
  async make(machines: readonly PlannedMachine[]): Promise<Components> {
    const made = await this.#networks(machines);
    const networks = new Map([...this.#options.existing, ...made]);
    const components: MachineComponents[] = [];
    for (const machine of machines) components.push(await this.#machine(machine, networks));
    await this.#entities.showLinks(this.#write, this.#appliance.id);
    return { machines: components, networks: [...made.values()] };
  }

  /** A network is on every site where a machine is plugged into it; one that nobody uses is on the first. */
  async #networks(machines: readonly PlannedMachine[]): Promise<ReadonlyMap<string, EntityRecord>> {
    const { plan, existing, layout } = this.#options;
    const made = new Map<string, EntityRecord>();
    const there = new Set([...existing.keys()].map((key) => key.slice(key.indexOf(' ') + 1)));
    for (const { name, description, mappedTo } of plan.networks) {
      if (mappedTo !== undefined) continue;
      const on = machines.filter(({ interfaces }) => interfaces.some(({ network }) => network === name));
      const sites = new Set(on.map(({ id }) => siteOf(layout, id)));
      if (sites.size === 0 && !there.has(name)) sites.add(layout.home);
      for (const site of sites) {
        const key = networkKey(name, site);
        if (!existing.has(key)) made.set(key, await this.#network(name, site, description));
      }
    }
    return made;
  }

  #network(name: string, site: string, summary: string | undefined): Promise<EntityRecord> {
    const attributes = { [OVF_ID]: name, [OVF_ITEM]: 'Network' };
    return this.#resource(NETWORK, name, attributes, [IPNETWORK], { site, heading: 'active' }, summary);
  }

  async #machine(machine: PlannedMachine, networks: ReadonlyMap<string, EntityRecord>): Promise<MachineComponents> {
    const site = siteOf(this.#options.layout, machine.id);
    const attributes = {
      ...sizeOf(machine),
      'occi.compute.hostname': machine.hostname,
      ...(machine.architecture === undefined ? {} : { 'occi.compute.architecture': machine.architecture }),
      [OVF_ID]: machine.id,
      [OVF_ITEM]: 'VirtualSystem',
    };
    const compute = await this.#resource(COMPUTE, machine.title, attributes, [], { site, heading: 'active' });
    const disks: DiskComponent[] = [];
    for (const { index, drive, disk, image } of mediaOf(this.#options.plan, machine)) {
      const storage = await this.#storage(machine, disk, image, index);
      const attachment = await this.#link(STORAGELINK, compute, storage, {
        'occi.storagelink.deviceid': device(drive.kind, index),
      });
      disks.push({ storage, attachment, disk, image, readOnly: isReadOnly(drive, disk) });
    }
    const interfaces: EntityRecord[] = [];
    for (const nic of machine.interfaces) {
      const network = nic.network === undefined ? undefined : networks.get(networkKey(nic.network, site));
      if (network) interfaces.push(await this.#link(NETWORKINTERFACE, compute, network, nicAttributes(nic)));
    }
    return { machine, compute, disks, interfaces };
  }

  async #storage(
    machine: PlannedMachine,
    disk: PlannedDisk | undefined,
    image: string | undefined,
    index: number,
  ): Promise<EntityRecord> {
    const known = disk?.shared ? this.#shared.get(disk.id) : undefined;
    if (known) return known;
    const id = disk?.id ?? image ?? String(index);
    const attributes = { ...storedAs(this.#options.plan, disk, image), [OVF_ID]: id, [OVF_ITEM]: 'Disk' };
    const title = disk?.shared ? id : `${machine.id} ${id}`;
    const storage = await this.#resource(STORAGE, title, attributes, [], {
      site: siteOf(this.#options.layout, machine.id),
      heading: 'online',
    });
    if (disk?.shared) this.#shared.set(disk.id, storage);
    return storage;
  }

  async #resource(
    kind: TypeId,
    title: string,
    attributes: Attributes,
    mixins: readonly TypeId[],
    { site, heading }: { readonly site: string; readonly heading: string },
    summary?: string,
  ): Promise<EntityRecord> {
    const { registry } = this.#write;
    const appliance = `/appliance/${this.#appliance.id}`;
    const resource = await this.#entities.make(
      this.#write,
      {
        resolved: {
          kind: known(registry.kind(kind)),
          mixins: [OVF_DEPLOYMENT, ...this.#governed, ...mixins].map((id) => known(registry.mixin(id))),
          attributes: { ...attributes, ...this.#terms, [OVF_APPLIANCE]: appliance, [OVF_PLACED]: site },
          title,
          ...(summary === undefined ? {} : { summary }),
          links: [],
        },
      },
      this.#belonging(site, heading),
    );
    await this.#component(resource);
    return resource;
  }

  /** The link by which a client finds the component; it has nothing to do at any site. */
  #component(resource: EntityRecord): Promise<EntityRecord> {
    const resolved = {
      kind: known(this.#write.registry.kind(COMPONENT)),
      mixins: [],
      attributes: {},
      source: `/${this.#appliance.id}`,
      target: `/${resource.id}`,
      links: [],
    };
    const { site: _site, heading: _heading, ...belonging } = this.#belonging('', 'active');
    // The appliance shows all its components at once, when the last one is made.
    return this.#entities.make(this.#write, { resolved }, { ...belonging, unshown: true });
  }

  #link(kind: TypeId, source: EntityRecord, target: EntityRecord, attributes: Attributes): Promise<EntityRecord> {
    const resolved = {
      kind: known(this.#write.registry.kind(kind)),
      mixins: [],
      attributes,
      source: `/${source.id}`,
      target: `/${target.id}`,
      links: [],
    };
    return this.#entities.make(this.#write, { resolved }, this.#belonging(source.site ?? '', 'active'));
  }

  #belonging(
    site: string,
    heading: string,
  ): { owner: string; group: string; appliance: string; site: string; heading: string } {
    const { owner, group, id } = this.#appliance;
    return { owner, group, appliance: id, site, heading };
  }
}

/** What the components of a plan take that somebody may keep account of: the appliance and all that comes with it. */
export function plannedComponents(plan: DeploymentPlan, layout: Layout): Planned[] {
  const shared = new Set<string>();
  const storages = plan.machines.flatMap((machine) =>
    mediaOf(plan, machine).flatMap(({ disk, image }) => {
      if (disk?.shared === true && shared.has(disk.id)) return [];
      if (disk?.shared === true) shared.add(disk.id);
      return [{ kind: STORAGE, wanted: storedAs(plan, disk, image), site: siteOf(layout, machine.id) }];
    }),
  );
  return [
    { kind: APPLIANCE, wanted: {}, site: layout.home },
    ...plan.networks.flatMap((network) => plannedNetworks(plan, layout, network)),
    ...plan.machines.map((machine) => ({ kind: COMPUTE, wanted: sizeOf(machine), site: siteOf(layout, machine.id) })),
    ...storages,
  ];
}

/** A network that is made is one on each site that machines of it are on. */
function plannedNetworks(plan: DeploymentPlan, layout: Layout, { name, mappedTo }: PlannedNetwork): Planned[] {
  if (mappedTo !== undefined) return [];
  const on = plan.machines.filter(({ interfaces }) => interfaces.some(({ network }) => network === name));
  const sites = new Set(on.map(({ id }) => siteOf(layout, id)));
  return [...(sites.size === 0 ? [layout.home] : sites)].map((site) => ({ kind: NETWORK, wanted: {}, site }));
}

function sizeOf({ cores, memoryBytes }: PlannedMachine): Attributes {
  return { 'occi.compute.cores': cores.normal, 'occi.compute.memory': memoryBytes.normal / GIB };
}

/** What a machine reads and never writes. */
export function isReadOnly({ kind }: Pick<PlannedDrive, 'kind'>, disk: PlannedDisk | undefined): boolean {
  return kind === 'cdrom' || disk?.readOnly === true;
}

interface Medium {
  readonly index: number;
  readonly drive: PlannedDrive;
  readonly disk: PlannedDisk | undefined;
  readonly image: string | undefined;
}

/** The drives of a machine that have a medium: one without is part of the machine and nothing that could be stored. */
function mediaOf(plan: DeploymentPlan, machine: PlannedMachine): Medium[] {
  return machine.drives.flatMap((drive, index) => {
    const disk = plan.disks.find((candidate) => candidate.id === drive.disk);
    const image = drive.image ?? disk?.image;
    return !disk && image === undefined ? [] : [{ index, drive, disk, image }];
  });
}

function storedAs(plan: DeploymentPlan, disk: PlannedDisk | undefined, image: string | undefined): Attributes {
  const ofImage = (): number => plan.images.find((candidate) => candidate.id === image)?.sizeBytes ?? GIB;
  return { 'occi.storage.size': Math.max(disk?.capacityBytes ?? ofImage(), 1) / GIB };
}

/** `vda`, `vdb`, … in boot order; optical and floppy drives have names of their own. */
function device(kind: PlannedDrive['kind'], index: number): string {
  if (kind !== 'disk') return `${kind === 'cdrom' ? 'sr' : 'fd'}${index}`;
  const letter = (position: number): string => String.fromCharCode(97 + position);
  return `vd${index < 26 ? letter(index) : letter(Math.floor(index / 26) - 1) + letter(index % 26)}`;
}

function nicAttributes(nic: PlannedInterface): Attributes {
  return nic.mac === undefined ? {} : { 'occi.networkinterface.mac': nic.mac };
}

/** The registry was checked at start: what this extension brought is there. */
function known<T>(category: T | undefined): T {
  if (category === undefined) throw new Error('a category of the ovf-deployment extension is missing');
  return category;
}
