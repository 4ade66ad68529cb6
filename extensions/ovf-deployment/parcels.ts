/**
 * What of an appliance over several sites goes to a site that deploys appliances by itself: a parcel, some of its machines as
 * an OVF of their own (`docs/decisions/0018-parcels-for-sites-that-deploy.md`). The site makes the machines with their disks;
 * the networks are there before, and each machine is started from here, in the order of the whole appliance.
 */

import type { JsonObject } from '../../src/base/json.js';
import { newUuid } from '../../src/base/ids.js';
import type { NewChild } from '../../src/engine/operation.js';
import { membersOf } from '../../src/ovf/export/placement.js';
import type {
  DeploymentPlan,
  PlacementConstraint,
  PlannedCollection,
  PlannedMachine,
  ResolvedProperty,
} from '../../src/ovf/plan.js';
import { secretKey } from '../../src/ovf/properties/visible.js';
import type { MachineComponents } from './components.js';
import { partOf } from './layout.js';

export const HAND_OVER = 'appliance.hand-over';
export const TAKE_BACK = 'appliance.take-back';

export interface Parcel {
  /** Under which the site knows it: the id of the first of its computes. */
  readonly id: string;
  readonly site: string;
  readonly machines: readonly MachineComponents[];
}

/** Machines that come and go by `scale` travel alone, so that they can be taken back alone; all others of a site together. */
export function parcelsOf(machines: readonly MachineComponents[], isWhole: (site: string) => boolean): Parcel[] {
  const parcels = new Map<string, MachineComponents[]>();
  for (const each of machines) {
    const { machine, compute } = each;
    if (!isWhole(compute.site ?? '')) continue;
    const key = machine.instanceOf === undefined ? (compute.site ?? '') : compute.id;
    parcels.set(key, [...(parcels.get(key) ?? []), each]);
  }
  return [...parcels.values()].map((inside) => {
    const [id = ''] = inside.map(({ compute }) => compute.id).sort();
    return { id, site: inside[0]?.compute.site ?? '', machines: inside };
  });
}

export function parcelKey(type: typeof HAND_OVER | typeof TAKE_BACK, { id }: Parcel): string {
  return `${type} ${id}`;
}

export function parcelChild(
  type: typeof HAND_OVER | typeof TAKE_BACK,
  appliance: string,
  parcel: Parcel,
  after: readonly string[],
): NewChild {
  const { id, site, machines } = parcel;
  const input: JsonObject = { appliance, parcel: id, computes: machines.map(({ compute }) => compute.id) };
  return { key: parcelKey(type, parcel), type, entity: newUuid(), site, input, after };
}

/** The machines (by id) as an appliance that stays as it is made: nothing of it starts by itself. */
export function planOfParcel(plan: DeploymentPlan, machines: ReadonlySet<string>): DeploymentPlan {
  const part = partOf(plan, (id) => machines.has(id));
  const files = new Set(part.machines.flatMap(({ environment }) => (environment.files ?? []).map(({ file }) => file)));
  return {
    ...part,
    ...collected(part),
    ...(part.files && { files: part.files.filter(({ id }) => files.has(id)) }),
    startup: [{ order: 0, machines: part.machines.map(({ id }) => ({ id, ...STAYING })) }],
    // What they ask of hosts has been settled: such machines are in no parcel.
    constraints: [],
  };
}

/** Each is started and stopped from here. */
const STAYING = {
  startDelay: 0,
  stopDelay: 0,
  waitingForGuest: false,
  startAction: 'none',
  stopAction: 'powerOff',
} as const;

/** Only a collection can say that a machine does not start (DSP0243 §9.7). */
function collected(part: DeploymentPlan): Pick<DeploymentPlan, 'collections' | 'machines'> {
  const machines = part.machines.map(single);
  const collections = part.collections
    .filter(({ id }) => membersOf(part, id).length > 0)
    .map(({ allocation: _together, ...collection }) => withoutSources(collection));
  if (collections.length > 0) return { collections, machines };
  const round = { id: `${part.id}.part`, title: part.title, properties: [] };
  return { collections: [round], machines: machines.map((machine) => ({ ...machine, collection: round.id })) };
}

/** A machine that stands for itself. */
function single({ instanceOf: _prototype, install: _first, ...machine }: PlannedMachine): PlannedMachine {
  const { environment } = machine;
  return { ...machine, instances: { normal: 1 }, environment: withoutSources(environment) };
}

/** Properties whose secret values are to be filled in, wherever these were drawn from. */
function withoutSources<T extends { readonly properties: readonly ResolvedProperty[] }>(holder: T): T {
  return { ...holder, properties: holder.properties.map(({ declared: _source, ...property }) => property) };
}

/** What is to be filled in for a parcel, as it was filled in for the appliance: every value literally (K04). */
export function propertiesOfParcel(
  { machines, collections }: DeploymentPlan,
  secrets: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const holders: readonly Pick<PlannedCollection, 'id' | 'properties'>[] = [
    ...collections,
    ...machines.map(({ id, environment }) => ({ id, properties: environment.properties })),
  ];
  return Object.fromEntries(
    holders.flatMap(({ id, properties }) =>
      properties
        .filter(({ from }) => from === 'own')
        .flatMap(({ key, value, secret }) => {
          const text = secret ? secrets.get(secretKey(id, key)) : value;
          return text === undefined ? [] : [[`${id}:${key}`, text]];
        }),
    ),
  );
}

/** Machines (ids of VirtualSystems) that can be in no parcel, and why. */
export function unpackable(
  plan: DeploymentPlan,
): readonly { readonly machines: readonly string[]; readonly why: string }[] {
  const near = plan.constraints
    .filter(({ rule, hard }) => hard && ONE_HOST.has(rule))
    .map(({ rule, machines, origin }) => ({ machines, why: `${rule} (${origin})` }));
  const shared = new Set(plan.disks.filter((disk) => disk.shared).map(({ id }) => id));
  const sharing = plan.machines
    .filter(({ drives, instanceOf }) => instanceOf === undefined && drives.some(({ disk }) => shared.has(disk ?? '')))
    .filter(({ id, instances }) => instances.max !== undefined || plan.machines.some((each) => each.instanceOf === id))
    .map(({ id }) => ({ machines: [id], why: 'instances that share a disk' }));
  return [...near, ...sharing];
}

/** A site that deploys by itself shows no hosts: from here nobody sees whether these are kept. */
const ONE_HOST: ReadonlySet<PlacementConstraint['rule']> = new Set([
  'sameHost',
  'sameRack',
  'dedicatedHost',
  'hostTrait',
]);
