/** Operation types before each of whose steps something is done first: what a process has to know of what others have changed (K32). */

import type { OperationType, Step, StepContext, StepOutcome } from './operation.js';

export function attended(types: readonly OperationType[], attend: () => Promise<void>): OperationType[] {
  return types.map((type) => ({ ...type, steps: type.steps.map((step) => attendedStep(step, attend)) }));
}

function attendedStep(step: Step, attend: () => Promise<void>): Step {
  return {
    ...step,
    run: (context) => attend().then(() => step.run(context)),
    ...(step.undo === undefined
      ? {}
      : { undo: (context: StepContext) => attend().then(() => step.undo?.(context) ?? DONE) }),
  };
}

const DONE: StepOutcome = { done: true };
