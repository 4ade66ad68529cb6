/** The operations at a site by name, and what their steps end with, short of what they have to store. */

import { IaasError, type Observed } from '../../src/iaas/adapter.js';
import { untilNextLook, type StepContext, type StepOutcome } from '../../src/engine/operation.js';

export const PROVISION = 'infrastructure.provision';
export const ACT = 'infrastructure.act';
export const RESIZE = 'infrastructure.resize';
export const RULES = 'infrastructure.rules';
export const RELEASE = 'infrastructure.release';
export const GUARD = 'infrastructure.guard';
export const UNGUARD = 'infrastructure.unguard';
export const COPY = 'infrastructure.copy-group';

export const DONE: StepOutcome = { done: true };

/** The site is still at work. */
export function again({ operation }: StepContext): StepOutcome & { readonly done: false } {
  return { done: false, again: untilNextLook(operation) };
}

/** The error that something is in, with why where the site tells. */
export function fallen(report: Observed): IaasError {
  const cause = report.class === 'compute' ? report.cause : undefined;
  return new IaasError(cause ?? 'fatal', report.message ?? 'the site reports an error');
}

/** A deletion is never given up: whatever the site answers, it is tried again and then shown as dead (K11). */
export function tryLater(error: unknown): never {
  if (!(error instanceof IaasError) || error.class === 'transient') throw error;
  throw new IaasError('transient', error.message, error.said, error);
}
