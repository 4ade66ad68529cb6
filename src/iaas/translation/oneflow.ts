/**
 * An appliance of several machines as a service of OneFlow, OpenNebula's own conductor: a role for each machine, as many
 * instances of it as there may be, roles after those that start before them. OneFlow knows VM templates by the numbers they
 * get when they are registered, which nobody knows before: a text stands in their place, which OneFlow refuses.
 */

import type { JsonObject } from '../../base/json.js';
import type { DeploymentPlan, PlannedMachine } from '../../ovf/plan.js';
import { namer, predecessorsOf } from './translation.js';

/** The service template, as `oneflow-template create` takes it; undefined where one machine is all there is. */
export function serviceTemplate(plan: DeploymentPlan): string | undefined {
  const { title, annotation, machines, startup } = plan;
  const total = machines.reduce((sum, { instances }) => sum + instances.normal, 0);
  if (total < 2 && machines.every(({ instances: { min, max } }) => (min ?? max) === undefined)) return undefined;
  const roleOf = namer(/[^A-Za-z0-9_]+/g);
  const before = predecessorsOf(plan);
  const service = {
    name: title.slice(0, 128),
    ...(annotation !== undefined && { description: annotation }),
    deployment: startup.length > 1 ? 'straight' : 'none',
    ready_status_gate: startup.some((step) => step.machines.some(({ waitingForGuest }) => waitingForGuest)),
    roles: machines.map((machine) => role(machine, roleOf, before.get(machine.id) ?? [])),
  };
  return `${JSON.stringify(service, undefined, 2)}\n`;
}

/** What stands for the number of the VM template of a machine. */
export function templatePlace({ hostname }: PlannedMachine): string {
  return `<id of template ${hostname}>`;
}

function role(machine: PlannedMachine, roleOf: (id: string) => string, parents: readonly string[]): JsonObject {
  const { id, instances } = machine;
  return {
    name: roleOf(id),
    cardinality: instances.normal,
    vm_template: templatePlace(machine),
    ...(parents.length > 0 && { parents: parents.map((parent) => roleOf(parent)) }),
    ...((instances.min ?? instances.max) !== undefined && { min_vms: instances.min ?? instances.normal }),
    ...(instances.max !== undefined && { max_vms: instances.max }),
    shutdown_action: 'terminate',
  };
}
