/**
 * The work of an appliance as graphs of operations (K31): deploying it in start order, stopping it in reverse, taking it
 * down. Pure: from components and plan to operations and edges.
 */

import type { NewChild } from '../../src/engine/operation.js';
import type { PlacementConstraint, StartupStep } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { ACT, PROVISION } from '../infrastructure/operations.js';
import type { Components, DiskComponent, MachineComponents } from './components.js';
import type { Hosts } from './layout.js';
import { HAND_OVER, parcelChild, parcelKey, type Parcel } from './parcels.js';
import { freedom, neighbours, placed } from './whereabouts.js';

export const PACKAGE = 'appliance.package';
export const IMAGE = 'appliance.image';
export const PAUSE = 'appliance.pause';
export const HALT = 'appliance.halt';
export const INSTALL = 'appliance.install';

/** What of the way a site works changes the order of things. */
export interface SiteWays {
  /** It makes machines with what they are plugged into, which must be there first. */
  readonly plugsAtCreation: boolean;
  /** Its machines run as soon as they are made. */
  readonly bootsAtCreation: boolean;
  /** It makes the disk a machine boots from with the machine. */
  readonly bootsFromImage: boolean;
  /** It makes the other disks of a machine where that has come to be. */
  readonly volumesFollow: boolean;
}

/** An image that must be registered with a site, and the id of the subject of that work. */
export interface RegisteredImage {
  readonly image: string;
  readonly site: string;
  readonly subject: string;
}

export interface DeploymentParts {
  readonly appliance: string;
  readonly components: Components;
  /** Machines the appliance has already. */
  readonly present: readonly MachineComponents[];
  readonly startup: readonly StartupStep[];
  readonly hosts: Hosts;
  readonly constraints: readonly PlacementConstraint[];
  /** Ids of the computes that will report when they are ready (K34). */
  readonly reporting: ReadonlySet<string>;
  readonly waysOf: (site: string) => SiteWays;
  readonly images: readonly RegisteredImage[];
  /** Machines that their sites make by themselves. */
  readonly parcels: readonly Parcel[];
  /** Id of the subject of the work on the package itself, if its images have to wait for that (K06). */
  readonly package: string | undefined;
}

/** Everything from image to running machine, machines starting group by group. */
export function deploymentGraph(parts: DeploymentParts): NewChild[] {
  const { components } = parts;
  const children: NewChild[] = [];
  if (parts.package !== undefined) {
    const input = { appliance: parts.appliance };
    children.push({ key: 'package', type: PACKAGE, entity: parts.package, site: null, input, after: [] });
  }
  for (const { image, site, subject } of parts.images) {
    children.push({
      key: imageKey(site, image),
      type: IMAGE,
      entity: subject,
      site,
      input: { appliance: parts.appliance, image },
      after: parts.package === undefined ? [] : ['package'],
    });
  }
  for (const network of components.networks) {
    const on = components.machines.find(({ interfaces }) => interfaces.some(({ target }) => target === network.id));
    children.push(provision(network, placed(on && parts.hosts.get(on.machine.id)), []));
    children.push(act(network, 'up', 'active', [provisionKey(network)]));
  }
  const carried = new Map(
    parts.parcels.flatMap((parcel) => parcel.machines.map(({ compute }) => [compute.id, parcelKey(HAND_OVER, parcel)])),
  );
  const readyFor = (machine: MachineComponents): readonly string[] => {
    const key = carried.get(machine.compute.id);
    return key === undefined ? readyKeys(machine) : [key];
  };
  const starts = startChildren(parts.startup, components.machines, {
    readyFor,
    reporting: parts.reporting,
    installing: true,
  });
  children.push(...parts.parcels.map((parcel) => handOver(parts, parcel)));
  const here = components.machines.filter(({ compute }) => !carried.has(compute.id));
  const volumes = newVolumes(inTurn(parts.startup, here), parts.present);
  for (const machine of here) {
    const made = machineChildren(parts, machine, volumes);
    const { bootsAtCreation } = parts.waysOf(machine.compute.site ?? '');
    children.push(...(bootsAtCreation ? madeInTurn(made, machine, starts) : made));
  }
  return [...children, ...starts];
}

/** A parcel goes when the networks of its machines are there, with the files that it holds. */
function handOver({ appliance, components, package: unpacking }: DeploymentParts, parcel: Parcel): NewChild {
  const on = new Set(parcel.machines.flatMap(({ interfaces }) => interfaces.map(({ target }) => target)));
  const networks = components.networks.filter(({ id }) => on.has(id)).map((network) => actKey(network, 'up'));
  return parcelChild(HAND_OVER, appliance, parcel, [...networks, ...(unpacking === undefined ? [] : ['package'])]);
}

/** Where making a machine starts it, it is made when its turn to start has come; one that shall not start is stopped. */
function madeInTurn(made: readonly NewChild[], machine: MachineComponents, starts: readonly NewChild[]): NewChild[] {
  // Its first boot, be it to install itself.
  const start = starts.find(({ type, entity }) => type !== PAUSE && entity === machine.compute.id);
  if (!start) return [...made, act(machine.compute, 'stop', 'inactive', readyKeys(machine))];
  const ready = new Set(readyKeys(machine));
  const turn = start.after.filter((key) => !ready.has(key));
  const key = provisionKey(machine.compute);
  return made.map((child) => (child.key === key ? { ...child, after: [...child.after, ...turn] } : child));
}

/** Machines in the order in which they are made where making one starts it. */
function inTurn(startup: readonly StartupStep[], machines: readonly MachineComponents[]): readonly MachineComponents[] {
  const started = groupsOf(startup, machines).flatMap(({ members }) =>
    members.flatMap(({ member, startAction }) => (startAction === 'none' ? [] : [member])),
  );
  return [...machines.filter((machine) => !started.includes(machine)), ...started];
}

/** By the id of each volume that is to be made: the attachment for which it is; others of a shared disk find it there. */
type NewVolumes = ReadonlyMap<string, string>;

function newVolumes(machines: readonly MachineComponents[], present: readonly MachineComponents[]): NewVolumes {
  const there = new Set(present.flatMap(({ disks }) => disks.map(({ storage }) => storage.id)));
  const volumes = new Map<string, string>();
  for (const { storage, attachment } of machines.flatMap(({ disks }) => disks))
    if (!there.has(storage.id) && !volumes.has(storage.id)) volumes.set(storage.id, attachment.id);
  return volumes;
}

function machineChildren(
  parts: DeploymentParts,
  { machine, compute, disks, interfaces }: MachineComponents,
  volumes: NewVolumes,
): NewChild[] {
  const { components, hosts, constraints } = parts;
  const site = compute.site ?? '';
  const { plugsAtCreation, bootsFromImage, volumesFollow } = parts.waysOf(site);
  const images = new Set(parts.images.filter((each) => each.site === site).map(({ image }) => image));
  const host = hosts.get(machine.id);
  const input = {
    machine: machine.id,
    ...placed(host),
    ...freedom(machine, constraints),
    ...neighbours(machine, site, [...components.machines, ...parts.present], constraints),
  };
  const networkOf = (nic: EntityRecord): EntityRecord | undefined =>
    components.networks.find((candidate) => candidate.id === nic.target);
  const boot = bootsFromImage ? bootDisk(disks, images) : undefined;
  // A shared one is where the first of its machines is, and the others come to be there too.
  const follows = ({ storage, attachment, disk }: DiskComponent): boolean =>
    volumesFollow && (disk?.shared !== true || volumes.get(storage.id) === attachment.id);
  const online = ({ storage }: DiskComponent): string[] => (volumes.has(storage.id) ? [actKey(storage, 'online')] : []);
  const plugs = [
    ...disks.filter((disk) => disk !== boot && !follows(disk)).flatMap(online),
    ...interfaces.map(networkOf).flatMap((network) => (network ? [actKey(network, 'up')] : [])),
  ];
  const readOnlyPlugs = disks.filter((disk) => disk.readOnly).map(({ attachment }) => attachment.id);
  const booting = boot && { storage: boot.storage.id, attachment: boot.attachment.id, image: boot.image ?? '' };
  const made = { ...input, ...(booting ? { boot: booting } : {}) };
  const waiting = parts.package !== undefined && machine.environment.files !== undefined;
  const fetching = [...(booting ? [imageKey(site, booting.image)] : []), ...(waiting ? ['package'] : [])];
  const children = [
    plugsAtCreation
      ? provision(compute, { ...made, readOnly: readOnlyPlugs }, [...new Set([...plugs, ...fetching])])
      : provision(compute, made, fetching),
  ];
  for (const disk of disks) {
    const { storage, attachment, image, readOnly } = disk;
    if (volumes.get(storage.id) === attachment.id) {
      const fetched = image !== undefined && images.has(image);
      const isLater = disk === boot || follows(disk);
      const after = [...(fetched ? [imageKey(site, image)] : []), ...(isLater ? [provisionKey(compute)] : [])];
      const origin = {
        ...(disk.disk?.shared ? { shared: true } : {}),
        ...(fetched ? { image } : {}),
        ...(isLater ? { [disk === boot ? 'bootOf' : 'madeFor']: compute.id } : {}),
      };
      children.push(provision(storage, origin, after));
      children.push(act(storage, 'online', 'online', [provisionKey(storage)]));
    }
    children.push(provision(attachment, { readOnly }, [provisionKey(compute), ...online(disk)]));
  }
  for (const nic of interfaces) {
    const network = networkOf(nic);
    children.push(provision(nic, {}, [provisionKey(compute), ...(network ? [actKey(network, 'up')] : [])]));
  }
  return children;
}

/** The first disk in boot order that has an image and is the machine's own. */
function bootDisk(disks: readonly DiskComponent[], images: ReadonlySet<string>): DiskComponent | undefined {
  return disks.find(
    ({ disk, image, readOnly }) => image !== undefined && images.has(image) && !readOnly && disk?.shared !== true,
  );
}

/** What must be done before a machine can start: itself, its disks and its interfaces. */
function readyKeys({ compute, disks, interfaces }: MachineComponents): string[] {
  return [
    provisionKey(compute),
    ...disks.map((disk) => provisionKey(disk.attachment)),
    ...interfaces.map(provisionKey),
  ];
}

/** The machines whose start the sequence waits to hear of: a wait of no time ends before anything can be heard. */
export function awaited(
  startup: readonly StartupStep[],
  machines: readonly MachineComponents[],
): readonly MachineComponents[] {
  return groupsOf(startup, machines).flatMap(({ members }) =>
    members
      .filter((each) => each.waitingForGuest && each.startDelay > 0 && each.startAction !== 'none')
      .map(({ member }) => member),
  );
}

export interface Starting {
  /** Keys of what must be done before a machine can start; absent: nothing, as they all exist already. */
  readonly readyFor?: (machine: MachineComponents) => readonly string[];
  /** Ids of the computes that will report when they are ready (K34). */
  readonly reporting: ReadonlySet<string>;
  /** They are new: those that install themselves are booted once for that before their start (DSP0243 §9.8). */
  readonly installing?: boolean;
}

/**
 * Starting group by group: a group begins when the one before has started and its delays are over. The delay of a
 * machine that reports ends with its report.
 */
export function startChildren(
  startup: readonly StartupStep[],
  machines: readonly MachineComponents[],
  { readyFor = () => [], reporting, installing = false }: Starting,
): NewChild[] {
  const children: NewChild[] = [];
  let before: string[] = [];
  for (const group of groupsOf(startup, machines)) {
    const started: string[] = [];
    for (const { member, startAction } of group.members) {
      if (startAction === 'none') continue;
      const ready = [...readyFor(member), ...before];
      const install = installing ? installChild(member, ready) : undefined;
      const child = act(member.compute, 'start', 'active', install === undefined ? ready : [install.key]);
      children.push(...(install === undefined ? [] : [install]), child);
      started.push(child.key);
    }
    if (started.length === 0) continue;
    before = started;
    const guests = group.members.filter(({ member }) => reporting.has(member.compute.id));
    const others = group.members.filter((each) => !guests.includes(each));
    const seconds = Math.max(0, ...others.map((each) => each.startDelay));
    if (seconds > 0 || guests.length > 0) {
      const subject = group.members[0]?.member.compute.id ?? '';
      const delays = Object.fromEntries(guests.map(({ member, startDelay }) => [member.compute.id, startDelay]));
      const pause: NewChild = {
        key: `pause ${group.order}`,
        type: PAUSE,
        entity: pauseId(subject),
        site: null,
        input: { seconds, ...(guests.length > 0 ? { guests: delays } : {}) },
        after: started,
      };
      children.push(pause);
      before = [pause.key];
    }
  }
  return children;
}

function installChild({ machine, compute }: MachineComponents, after: readonly string[]): NewChild | undefined {
  if (machine.install === undefined) return undefined;
  const input = { seconds: machine.install.bootStopDelay };
  return { key: `install ${compute.id}`, type: INSTALL, entity: compute.id, site: compute.site, input, after };
}

/** Stopping in reverse: the group that started last stops first. `term` is `stop` or `suspend`. */
export function stopChildren(
  startup: readonly StartupStep[],
  machines: readonly MachineComponents[],
  term: 'stop' | 'suspend' | 'halt',
): NewChild[] {
  const children: NewChild[] = [];
  let before: string[] = [];
  for (const group of groupsOf(startup, machines).toReversed()) {
    const stopped: string[] = [];
    for (const { member, stopAction } of group.members) {
      const child = stopChild(member.compute, term, stopAction, before);
      children.push(child);
      stopped.push(child.key);
    }
    before = stopped;
  }
  return children;
}

function stopChild(
  compute: EntityRecord,
  term: 'stop' | 'suspend' | 'halt',
  stopAction: 'powerOff' | 'guestShutdown' | 'none',
  after: readonly string[],
): NewChild {
  const method = stopAction === 'guestShutdown' ? 'graceful' : 'poweroff';
  if (term === 'halt')
    return { key: `halt ${compute.id}`, type: HALT, entity: compute.id, site: compute.site, input: { method }, after };
  if (term === 'suspend') return act(compute, 'suspend', 'suspended', after);
  return { ...act(compute, 'stop', 'inactive', after), input: { term: 'stop', to: 'inactive', method } };
}

interface Group {
  readonly order: number;
  readonly members: readonly {
    readonly member: MachineComponents;
    /** Seconds to wait after it has started, at most if it reports. */
    readonly startDelay: number;
    readonly waitingForGuest: boolean;
    readonly startAction: 'powerOn' | 'none';
    readonly stopAction: 'powerOff' | 'guestShutdown' | 'none';
  }[];
}

/** The plan's start-up steps with the machines that are there; instances stand with the machine they were cloned from. */
function groupsOf(startup: readonly StartupStep[], machines: readonly MachineComponents[]): Group[] {
  return startup
    .map(({ order, machines: planned }) => ({
      order,
      members: planned.flatMap(({ id, ...rest }) =>
        machines
          .filter(({ machine }) => machine.id === id || machine.instanceOf === id)
          .map((member) => ({ member, ...rest })),
      ),
    }))
    .filter((group) => group.members.length > 0);
}

export function provisionKey(entity: EntityRecord): string {
  return `provision ${entity.id}`;
}

function imageKey(site: string, image: string): string {
  return `image ${site} ${image}`;
}

function actKey(entity: EntityRecord, term: string): string {
  return `${term} ${entity.id}`;
}

function provision(entity: EntityRecord, input: NewChild['input'], after: readonly string[]): NewChild {
  return { key: provisionKey(entity), type: PROVISION, entity: entity.id, site: entity.site, input, after };
}

function act(entity: EntityRecord, term: string, to: string, after: readonly string[]): NewChild {
  return { key: actKey(entity, term), type: ACT, entity: entity.id, site: entity.site, input: { term, to }, after };
}

/** A subject of its own for a pause, so that it holds up nothing but what comes after it. */
function pauseId(computeId: string): string {
  return `${computeId.slice(0, -12)}${'0'.repeat(12)}`;
}
