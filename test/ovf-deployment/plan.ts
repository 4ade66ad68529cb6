/** Plans for tests: only what the case is about is given. */

import type { DeploymentPlan, PlannedMachine, StartupStep } from '../../src/ovf/plan.js';

export function planOf(
  machines: readonly (Partial<PlannedMachine> & { readonly id: string })[],
  more: Partial<DeploymentPlan> = {},
): DeploymentPlan {
  return {
    version: 1,
    title: 'test',
    id: 'test',
    machines: machines.map((machine) => ({
      title: machine.id,
      hostname: machine.id,
      cores: { normal: 1 },
      memoryBytes: { normal: 2 ** 30 },
      drives: [],
      interfaces: [{ id: '1', name: 'eth0', network: 'net', mac: '02:00:00:00:00:01' }],
      environment: { transports: [], properties: [] },
      instances: { normal: 1 },
      ...machine,
    })),
    networks: [{ name: 'net' }],
    disks: [],
    images: [],
    startup: [
      startupStep(
        0,
        machines.map((machine) => machine.id),
      ),
    ],
    constraints: [],
    collections: [],
    findings: [],
    conformanceLevel: 1,
    ...more,
  };
}

export function startupStep(
  order: number,
  ids: readonly string[],
  more: Partial<StartupStep['machines'][number]> = {},
): StartupStep {
  return {
    order,
    machines: ids.map((id) => ({
      id,
      startDelay: 0,
      stopDelay: 0,
      waitingForGuest: false,
      startAction: 'powerOn',
      stopAction: 'powerOff',
      ...more,
    })),
  };
}
