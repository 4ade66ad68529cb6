/** Brings the instances of one machine to another number, in the transaction of the request (K03). */

import { stringAt } from '../../src/base/json.js';
import type { NewChild } from '../../src/engine/operation.js';
import type { Invocation, Write } from '../../src/extension/kind-handler.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { isOnHost } from '../infrastructure/site-class.js';
import type { ApplianceServices } from './appliance-services.js';
import { machinesOf, networksOf, sharedDisksOf, withDisks } from './components-now.js';
import { ComponentMaker, type MachineComponents } from './components.js';
import type { Deploying } from './deploying.js';
import { afterAll, partEndings } from './endings.js';
import { fileWork } from './graph-of-work.js';
import { isWhole, SITE_ACT, wholeChild } from './hand-over.js';
import { scaled } from './instances.js';
import { mappedNetworks } from './mapped-networks.js';
import { CHANGE } from './operations.js';
import { updatePlan, type ApplianceRow } from './tables.js';

/** New instances are deployed, the youngest go first. */
export async function scale(
  services: ApplianceServices,
  deploying: Deploying,
  write: Write,
  entity: EntityRecord,
  row: ApplianceRow,
  parameters: Invocation['parameters'],
): Promise<void> {
  const role = stringAt(parameters, 'role') ?? '';
  const count = Number(parameters['count']);
  const plan = scaled(row.plan, role, count);
  const before = new Set(row.plan.machines.map((machine) => machine.id));
  const after = new Set(plan.machines.map((machine) => machine.id));
  const present = await machinesOf(write.tx, entity, row.plan);
  const own = await networksOf(write.tx, entity);
  const existing = new Map([...own, ...(await mappedNetworks(write.tx, plan))]);
  const layout = await services.governance.layouts.layOutMore(
    write.tx,
    plan,
    new Map(present.map(({ machine, compute }) => [machine.id, { site: compute.site ?? '', isOn: isOnHost(compute) }])),
    { home: entity.site ?? '', group: entity.group },
  );
  const maker = new ComponentMaker(services.entities, write, entity, {
    ...{ layout, plan, existing },
    shared: sharedDisksOf(present),
  });
  const components = await maker.make(plan.machines.filter((machine) => !before.has(machine.id)));
  const leaving = present.filter(({ machine }) => !after.has(machine.id));
  const children = isWhole(entity)
    ? await scaleWhole(services, write, entity, leaving, { role, count })
    : [
        ...(await deploying.steps(write, entity, { ...row, plan }, { components, hosts: layout.hosts, present })),
        ...(await releases(services, write, entity, leaving, plan)),
      ];
  await updatePlan(write.tx, entity.id, plan);
  const input = { to: 'active' };
  await fileWork(services.engine, write, entity, { type: CHANGE, input, children, keepOnFailure: false });
}

/** The site brings the instances to their number; what has left it is let go of here. */
async function scaleWhole(
  { entities }: ApplianceServices,
  write: Write,
  entity: EntityRecord,
  leaving: readonly MachineComponents[],
  parameters: { readonly role: string; readonly count: number },
): Promise<NewChild[]> {
  const step = wholeChild(SITE_ACT, entity, { term: 'scale', to: 'active', parameters });
  const releases = await entities.planRemoval(write, withDisks(leaving));
  return [step, ...afterAll([step], releases)];
}

/** Stops and releases machines with all that is theirs alone. */
async function releases(
  { entities, sites }: ApplianceServices,
  write: Write,
  entity: EntityRecord,
  machines: readonly MachineComponents[],
  plan: DeploymentPlan,
): Promise<NewChild[]> {
  const endings = partEndings(sites, entity, plan.startup, machines);
  const removals = await entities.planRemoval(write, withDisks(machines));
  return [...endings, ...afterAll(endings, removals)];
}
