/** Operation types with a span round every step, for {@link Telemetry}. */

import type { Telemetry } from '../base/telemetry.js';
import type { OperationType, Step, StepContext, StepOutcome } from './operation.js';

export function traced(types: readonly OperationType[], telemetry: Telemetry): OperationType[] {
  return types.map((type) => ({ ...type, steps: type.steps.map((step) => tracedStep(type.name, step, telemetry)) }));
}

function tracedStep(type: string, step: Step, telemetry: Telemetry): Step {
  const attributes = ({ operation }: StepContext) => ({
    'vep.operation': operation.id,
    'vep.operation.type': type,
    'vep.site': operation.site ?? '',
  });
  return {
    ...step,
    run: (context) => telemetry.span(`${type} ${step.name}`, attributes(context), () => step.run(context)),
    ...(step.undo === undefined
      ? {}
      : {
          undo: (context: StepContext) =>
            telemetry.span(`${type} undo ${step.name}`, attributes(context), () => step.undo?.(context) ?? DONE),
        }),
  };
}

const DONE: Promise<StepOutcome> = Promise.resolve({ done: true });
