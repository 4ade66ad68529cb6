/**
 * A deployment plan in the words of an IaaS: pure functions from the plan to the documents that a site of that kind would
 * be given, for the adapters to work from and for people to look at (`vep plan --format`). Whatever a format has no words
 * for is said beside it and never silently left out (O-084). Sizes are rounded up, never down.
 */

import type { Fault } from '../../base/errors.js';
import { buildEnvironment, buildNoCloud, combinedUserData, PLATFORM, secretKey } from '../../ovf/index.js';
import { withInstances } from '../../ovf/instances.js';
import type { DeploymentPlan, PlannedDisk, PlannedMachine } from '../../ovf/plan.js';

export interface TranslatedDocument {
  /** What it describes: `machine web`, `network lan`. */
  readonly title: string;
  /** Absent: that of the translation. */
  readonly mediaType?: string;
  readonly text: string;
}

export interface Translation {
  readonly mediaType: string;
  /** In the order in which a site wants them. */
  readonly documents: readonly TranslatedDocument[];
  /** What the plan asks for and the documents do not say. */
  readonly notes: readonly Fault[];
}

/** What a guest is told, in the same documents as when the appliance is deployed. */
export interface GuestDocuments {
  readonly ovfEnvironment: string;
  /** For sites that bring the environment by itself. */
  readonly userData: string;
  /** For sites where user data are the only way: they write the environment into a file of the guest. */
  readonly wholeUserData: string;
  /** Of the seed of cloud-init. */
  readonly metaData: string;
}

/** Of a machine that will run: one of the descriptor's, or a further instance. Absent where there is nothing to tell. */
export type GuestsOf = (instance: PlannedMachine) => GuestDocuments | undefined;

/** The machine of the descriptor that a machine is an instance of, which start-up and placement name. */
export function roleOf({ id, instanceOf = id }: PlannedMachine): string {
  return instanceOf;
}

/** Stands where a secret goes that is not to be shown. */
const MASK = '********';

/** The guests' documents, for showing: secrets are masked in them. */
export function shownGuests(folded: DeploymentPlan): GuestsOf {
  const plan = withInstances(folded);
  const holders = [
    ...plan.machines.map(({ id, environment }) => ({ id, properties: environment.properties })),
    ...plan.collections,
  ];
  const secrets = new Map(
    holders.flatMap(({ id, properties }) =>
      properties.filter(({ secret }) => secret).map(({ key }) => [secretKey(id, key), MASK] as const),
    ),
  );
  // A machine without properties is told those of its siblings.
  const told = holders.some(({ properties }) => properties.length > 0);
  return ({ id, hostname }) => {
    if (!told) return undefined;
    const guest = { instanceId: id, hostname };
    const ovfEnvironment = buildEnvironment(plan, id, secrets, PLATFORM, guest);
    const seed = buildNoCloud(plan, id, secrets, guest);
    return {
      ovfEnvironment,
      userData: combinedUserData(seed),
      wholeUserData: combinedUserData(seed, ovfEnvironment),
      metaData: seed.metaData,
    };
  };
}

/** Disks of the plan by id. */
export function disksOf({ disks }: DeploymentPlan): ReadonlyMap<string, PlannedDisk> {
  return new Map(disks.map((disk) => [disk.id, disk]));
}

/** For each machine, the machines that have to be started before it: those of the last step before its own. */
export function predecessorsOf({ startup }: DeploymentPlan): ReadonlyMap<string, readonly string[]> {
  const steps = [...startup].sort((a, b) => a.order - b.order);
  return new Map(
    steps.flatMap(({ machines }, index) =>
      machines.map(({ id }) => [id, (steps[index - 1]?.machines ?? []).map((before) => before.id)] as const),
    ),
  );
}

export function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

export function gibibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 30);
}

/**
 * A function that turns wishes into names without `refused` characters, each given once: to the same thing, which is the wish
 * itself unless it is told, always the same.
 */
export function namer(refused: RegExp, maximum = 60): (wish: string, thing?: string) => string {
  const given = new Map<string, string>();
  const taken = new Set<string>();
  return (wish, thing = wish) => {
    const known = given.get(thing);
    if (known !== undefined) return known;
    const base = wish.replace(refused, '_').slice(0, maximum) || '_';
    let name = base;
    for (let number = 2; taken.has(name); number += 1) name = `${base}_${number}`;
    taken.add(name);
    given.set(thing, name);
    return name;
  };
}

/** A note about what cannot be said in the format. */
export function unsaid(message: string, remedy: string, value?: string): Fault {
  return {
    code: 'translation.unsaid',
    severity: 'info',
    message,
    rule: 'O-084',
    remedy,
    ...(value === undefined ? {} : { value }),
  };
}

/** A note where networks are known by their path at VEP, which is not their name at the site. */
export function unsaidNetworks({ networks }: DeploymentPlan): readonly Fault[] {
  const paths = networks.flatMap(({ mappedTo }) => (mappedTo?.includes('/') ? [mappedTo] : []));
  if (paths.length === 0) return [];
  return [unsaid('networks of VEP are called otherwise at the site', 'put their names there in', paths.join(', '))];
}

/** A note about reservations, limits and weights of machines, as far as a format has no word for them. */
export function unsaidAllocations(
  { machines }: DeploymentPlan,
  said: readonly `${'processors' | 'memory'}.${'reservation' | 'limit' | 'weight'}`[] = [],
): readonly Fault[] {
  const left = machines.filter(({ allocation = {} }) =>
    Object.entries(allocation).some(([resource, parts]) =>
      Object.keys(parts as object).some((part) => !(said as readonly string[]).includes(`${resource}.${part}`)),
    ),
  );
  if (left.length === 0) return [];
  const remedy = 'see to them at the site, where it has a way to';
  return [
    unsaid('reservations, limits or weights of machines are not in it', remedy, left.map(({ id }) => id).join(', ')),
  ];
}

/** A note about machines that ask for EFI, where the format has no word for it. */
export function unsaidFirmware({ machines }: DeploymentPlan, remedy: string): readonly Fault[] {
  const efi = machines.filter(({ firmware }) => firmware === 'efi').map(({ id }) => id);
  return efi.length === 0 ? [] : [unsaid('that machines start with EFI is not in it', remedy, efi.join(', '))];
}

/** A note about shared disks that are read and never written, where the format has no word for it. */
export function unsaidReadOnly({ disks }: DeploymentPlan): readonly Fault[] {
  const values = disks.filter(({ readOnly }) => readOnly).map(({ id }) => id);
  if (values.length === 0) return [];
  return [unsaid('that a disk is for reading only is not in it', 'see to it in the guests', values.join(', '))];
}

/** A note about adapters of a certain model, where the format has no word for it. */
export function unsaidModels({ machines }: DeploymentPlan, remedy: string): readonly Fault[] {
  const models = machines.flatMap(({ interfaces }) => interfaces.flatMap(({ model }) => model?.toLowerCase() ?? []));
  const asked = [...new Set(models)];
  return asked.length === 0 ? [] : [unsaid('the models of adapters are not in it', remedy, asked.join(', '))];
}

/** Models of adapters as QEMU calls them, by what descriptors do. */
export const ADAPTER_MODELS: ReadonlyMap<string, string> = new Map([
  ['e1000', 'e1000'],
  ['e1000e', 'e1000e'],
  ['pcnet', 'pcnet'],
  ['pcnet32', 'pcnet'],
  ['vmxnet3', 'vmxnet3'],
  ['rtl8139', 'rtl8139'],
  ['virtio', 'virtio'],
]);

/** Notes about what no format but VEP's own engine keeps: pauses, installation runs, further constraints. */
export function unsaidByAll(plan: DeploymentPlan, boundsSaid = false): readonly Fault[] {
  const paused = plan.startup.flatMap(({ machines }) =>
    machines.filter(({ startDelay, waitingForGuest }) => startDelay > 0 || waitingForGuest).map(({ id }) => id),
  );
  const installing = plan.machines.filter(({ install }) => install).map(({ id }) => id);
  const bounded = plan.machines.filter(({ instances: { min, max } }) => !boundsSaid && (min ?? max) !== undefined);
  const filed = plan.machines.filter(({ environment }) => environment.files !== undefined).map(({ id }) => id);
  const together = plan.collections.filter(({ allocation }) => allocation).map(({ id }) => id);
  const deltas = plan.disks.filter(({ parent }) => parent !== undefined).map(({ id }) => id);
  const note = (message: string, ids: readonly string[]): Fault[] =>
    ids.length === 0 ? [] : [unsaid(message, 'VEP sees to it when it deploys the appliance', ids.join(', '))];
  return [
    ...note('the pauses of the start-up order are not in it', paused),
    ...note('that a machine boots once to install itself is not in it', installing),
    ...note(
      'between how many instances it can be scaled is not in it',
      bounded.map(({ id }) => id),
    ),
    ...note('files for the guest are not in it', filed),
    ...note('what the machines of a collection may have together is not in it', together),
    ...note('that a disk is a delta of another is not in it: its image has to be flattened', deltas),
  ];
}
