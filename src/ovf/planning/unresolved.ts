/** What a plan leaves to the user (K07): gathered from its parts into the one answer of a dry run. */

import type { Envelope } from '../envelope/model.js';
import type { AssumedSize, PlanInputs, UnresolvedInputs } from '../inputs.js';
import type { PlannedDisk, PlannedMachine, PlannedNetwork } from '../plan.js';
import type { EffectiveProperties } from '../properties/resolve.js';
import { unacceptedEulas } from './eulas.js';

export interface PlanParts {
  readonly envelope: Envelope;
  readonly inputs: PlanInputs;
  readonly configuration: string | undefined;
  readonly properties: EffectiveProperties;
  readonly networks: readonly PlannedNetwork[];
  readonly machines: readonly PlannedMachine[];
  readonly disks: readonly PlannedDisk[];
}

export function unresolvedInputs({
  envelope,
  inputs,
  configuration,
  properties,
  networks,
  machines,
  disks,
}: PlanParts): UnresolvedInputs {
  const eulas = unacceptedEulas(envelope.content, inputs.eulas);
  const { unresolved } = properties;
  return {
    blocked: eulas.length > 0 || unresolved.some(({ blocking }) => blocking),
    configurations: (envelope.deploymentOptionSection?.configurations ?? []).map(({ id, label, description }) => ({
      id,
      label: label.text,
      description: description.text,
      chosen: id === configuration,
    })),
    networks: networks
      .filter(({ mappedTo }) => mappedTo === undefined)
      .map(({ name, description }) => ({ name, ...(description !== undefined && { description }) })),
    properties: unresolved,
    eulas,
    assumedSizes: [...machines.flatMap(assumedSizes), ...disks.flatMap(assumedCapacity)],
  };
}

function assumedSizes({ id, cores, memoryBytes }: PlannedMachine): readonly AssumedSize[] {
  return [
    ...(cores.assumed ? [{ machine: id, quantity: 'cores' as const, value: cores.normal }] : []),
    ...(memoryBytes.assumed ? [{ machine: id, quantity: 'memoryBytes' as const, value: memoryBytes.normal }] : []),
  ];
}

function assumedCapacity({ id, assumed, capacityBytes }: PlannedDisk): readonly AssumedSize[] {
  return assumed ? [{ disk: id, quantity: 'capacityBytes', value: capacityBytes }] : [];
}
