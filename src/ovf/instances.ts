/**
 * Instances of a machine (OVF 2 ScaleOutSection): further ones are machines of the plan in their own right, called
 * `<prototype>-2`, `<prototype>-3`, … (`spec/ovf.md` §9), id and host name alike. Whoever counts, places, deploys or shows
 * the machines of a plan has them from here, so that all call them the same.
 */

import type { DeploymentPlan, PlannedMachine } from './plan.js';
import { hostnames } from './planning/hostname.js';

/**
 * The plan with each instance as a machine.
 *
 * @param counts how many instances a machine shall have, by its id; one that is not named gets what the plan says, or keeps
 *   what it has
 */
export function withInstances(plan: DeploymentPlan, counts: ReadonlyMap<string, number> = new Map()): DeploymentPlan {
  const { machines: prototypes } = foldReplicas(plan);
  const given = new Set(prototypes.flatMap(({ id, hostname }) => [id, hostname]));
  const stemOf = hostnames(LONGEST_STEM);
  const machines = prototypes.flatMap((prototype) => {
    const wanted = counts.get(prototype.id) ?? prototype.instances.normal;
    // Each stands for itself from now on; the bounds stay with it for the next time.
    const single = { ...prototype, instances: { ...prototype.instances, normal: 1 } };
    return [single, ...replicas(single, stemOf(prototype.hostname), wanted - 1, given)];
  });
  return { ...plan, machines };
}

/** The plan with the machines of the descriptor alone: instances that stand as machines become a number again. */
export function foldReplicas(plan: DeploymentPlan): DeploymentPlan {
  const present = new Map<string, number>();
  for (const { instanceOf } of plan.machines)
    if (instanceOf !== undefined) present.set(instanceOf, (present.get(instanceOf) ?? 0) + 1);
  const machines = plan.machines
    .filter(({ instanceOf }) => instanceOf === undefined)
    .map((machine) => {
      const normal = Math.max(machine.instances.normal, 1 + (present.get(machine.id) ?? 0));
      return { ...machine, instances: { ...machine.instances, normal } };
    });
  return { ...plan, machines };
}

/** Leaves room for the numbers of all instances that there may be; what is cut is told apart before it is numbered. */
const LONGEST_STEM = 63 - '-99999'.length;

/** So many instances beside the first; a number whose names the descriptor has given to another machine is passed over. */
function replicas(
  prototype: PlannedMachine,
  stem: string,
  count: number,
  given: ReadonlySet<string>,
): readonly PlannedMachine[] {
  const made: PlannedMachine[] = [];
  for (let number = 2; made.length < count; number += 1) {
    const [id, hostname] = [`${prototype.id}-${number}`, `${stem}-${number}`];
    if (!given.has(id) && !given.has(hostname)) made.push(replica(prototype, number, { id, hostname }));
  }
  return made;
}

/** The addresses of the descriptor are those of the first. */
function replica(
  prototype: PlannedMachine,
  number: number,
  names: Pick<PlannedMachine, 'id' | 'hostname'>,
): PlannedMachine {
  const interfaces = prototype.interfaces.map(({ mac: _mac, ...nic }) => nic);
  return {
    ...prototype,
    ...names,
    instanceOf: prototype.id,
    title: `${prototype.title} ${number}`,
    interfaces,
  };
}
