/** A plan brought in line with an agreement: sizes raised to the terms' lower bounds (`spec/sla.md` §5.5), constraints added. */

import type { DeploymentPlan, PlacementConstraint, PlannedMachine, QuantityRange } from '../ovf/plan.js';

/** What terms ask for beyond the descriptor, by machine or disk id; absent where the descriptor suffices. */
export interface Requirements {
  readonly cores: ReadonlyMap<string, number>;
  /** Bytes. */
  readonly memory: ReadonlyMap<string, number>;
  readonly instances: ReadonlyMap<string, QuantityRange>;
  /** Bytes. */
  readonly disks: ReadonlyMap<string, number>;
  readonly constraints: readonly PlacementConstraint[];
}

/** The plan as the agreement wants it. Replicas that stand as machines already are raised like their prototype. */
export function raisePlan(plan: DeploymentPlan, required: Requirements): DeploymentPlan {
  const raise = (machine: PlannedMachine): PlannedMachine => {
    const { id, instanceOf: item = id } = machine;
    const instances = id === item ? required.instances.get(item) : undefined;
    return {
      ...machine,
      cores: raised(machine.cores, required.cores.get(item)),
      memoryBytes: raised(machine.memoryBytes, required.memory.get(item)),
      instances: instances ?? machine.instances,
    };
  };
  return {
    ...plan,
    machines: plan.machines.map(raise),
    disks: plan.disks.map((disk) => ({ ...disk, capacityBytes: required.disks.get(disk.id) ?? disk.capacityBytes })),
    constraints: [...plan.constraints, ...required.constraints],
  };
}

/** A size that the agreement fixes is no longer assumed. */
function raised({ assumed, ...range }: QuantityRange, normal: number | undefined): QuantityRange {
  if (normal === undefined) return { ...range, ...(assumed === undefined ? {} : { assumed }) };
  return { ...range, normal };
}
