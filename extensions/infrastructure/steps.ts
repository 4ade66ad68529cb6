/** What steps at a site end with, short of what they have to store. */

import { untilNextLook, type StepContext, type StepOutcome } from '../../src/engine/operation.js';

export const DONE: StepOutcome = { done: true };

/** The site is still at work. */
export function again({ operation }: StepContext): StepOutcome & { readonly done: false } {
  return { done: false, again: untilNextLook(operation) };
}
