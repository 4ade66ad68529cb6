/**
 * A plan as the store has it. Plans of earlier versions do not say of which machine an instance is one: there, every machine of
 * the descriptor has its place in the start-up, and an instance of `web` is called `web-2` and has none.
 */

import type { DeploymentPlan, PlannedMachine } from '../../src/ovf/plan.js';

export function storedPlan(text: string): DeploymentPlan {
  const plan = JSON.parse(text) as DeploymentPlan;
  const written = new Set(plan.startup.flatMap(({ machines }) => machines.map(({ id }) => id)));
  const told = plan.machines.every(({ id, instanceOf }) => instanceOf !== undefined || written.has(id));
  if (told) return plan;
  return { ...plan, machines: plan.machines.map((machine) => withOrigin(machine, written)) };
}

function withOrigin(machine: PlannedMachine, written: ReadonlySet<string>): PlannedMachine {
  const prototype = /^(.+)-\d+$/s.exec(machine.id)?.[1];
  if (machine.instanceOf !== undefined || written.has(machine.id)) return machine;
  return prototype !== undefined && written.has(prototype) ? { ...machine, instanceOf: prototype } : machine;
}
