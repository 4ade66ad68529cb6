/** What an appliance consists of now, as the store has it. */

import { stringAt } from '../../src/base/json.js';
import { COMPUTE, NETWORK, NETWORKINTERFACE, STORAGELINK } from '../../src/occi/model.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { componentsOf } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Tx } from '../../src/store/sql.js';
import type { MachineComponents } from './components.js';
import { networkKey } from './mapped-networks.js';
import { OVF_ID } from './vocabulary.js';

/** The machines, joined with what the plan says of them. */
export async function machinesOf(tx: Tx, entity: EntityRecord, plan: DeploymentPlan): Promise<MachineComponents[]> {
  const components = await componentsOf(tx, entity.id);
  const byId = new Map(components.map((component) => [component.id, component]));
  return components
    .filter((component) => component.kind === COMPUTE)
    .flatMap((compute) => {
      const machine = plan.machines.find((candidate) => candidate.id === compute.observed[OVF_ID]);
      if (!machine) return [];
      const links = components.filter((component) => component.source === compute.id);
      const disks = links
        .filter((link) => link.kind === STORAGELINK)
        .flatMap((attachment) => {
          const storage = byId.get(attachment.target ?? '');
          const disk = plan.disks.find((candidate) => candidate.id === storage?.observed[OVF_ID]);
          return storage ? [{ storage, attachment, disk, image: disk?.image, readOnly: disk?.readOnly === true }] : [];
        });
      return [{ machine, compute, disks, interfaces: links.filter((link) => link.kind === NETWORKINTERFACE) }];
    });
}

/** The networks that were made for it, by {@link networkKey}. */
export async function networksOf(tx: Tx, entity: EntityRecord): Promise<Map<string, EntityRecord>> {
  const components = await componentsOf(tx, entity.id);
  return new Map(
    components
      .filter((component) => component.kind === NETWORK)
      .map((network) => [networkKey(stringAt(network.observed, OVF_ID) ?? '', network.site ?? ''), network]),
  );
}

/** The disks that these machines share with others, by their ids in the plan. */
export function sharedDisksOf(machines: readonly MachineComponents[]): ReadonlyMap<string, EntityRecord> {
  const disks = machines.flatMap((machine) => machine.disks);
  return new Map(disks.flatMap(({ disk, storage }) => (disk?.shared === true ? [[disk.id, storage] as const] : [])));
}

/** Machines with what is theirs alone. */
export function withDisks(machines: readonly MachineComponents[]): EntityRecord[] {
  return machines.flatMap(({ compute, disks }) => [
    compute,
    ...disks.filter((disk) => disk.disk?.shared !== true).map((disk) => disk.storage),
  ]);
}
