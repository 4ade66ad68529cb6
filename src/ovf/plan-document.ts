/**
 * What there is to know of an appliance before it is deployed (K07, `docs/plan.schema.json`): the plan, what the user
 * still has to fill in, every finding, and what sites and agreement say to it. The one machine-readable answer of the dry
 * run, of `vep plan` and of `vep validate`.
 */

import { hasErrors, withSeverity, type Fault } from '../base/errors.js';
import { NOTHING_UNRESOLVED, type UnresolvedInputs } from './inputs.js';
import type { DeploymentPlan } from './plan.js';
import type { PlanResult } from './planning/build-plan.js';

export interface PlanDocument {
  readonly version: 1;
  /** Where it would be deployed, the first of several; null where no server was asked. */
  readonly site: string | null;
  /** Which machines would be on which site; empty where no server was asked. */
  readonly placement: readonly { readonly site: string; readonly machines: readonly string[] }[];
  /** Why it would be on several sites: what stands against each of them alone. */
  readonly because: readonly Fault[];
  /** SHA-256 of the descriptor; null where there is none to be read. */
  readonly digest: string | null;
  /** Nothing is missing, and nothing that was asked stands against it. */
  readonly deployable: boolean;
  /** The plan as far as it goes; null when the descriptor has errors. */
  readonly plan: DeploymentPlan | null;
  readonly unresolved: UnresolvedInputs;
  readonly findings: readonly Fault[];
  /** What each site would say to the plan; empty where no server was asked. */
  readonly sites: readonly SiteVerdict[];
  /** Terms of the agreement, and sizes, that cannot be promised. */
  readonly unmet: readonly Fault[];
  /** Price terms of the agreement that came along. */
  readonly price: readonly PriceTerm[];
}

/** Whether one site can take the appliance, and everything that stands against it. */
export interface SiteVerdict {
  readonly name: string;
  readonly fits: boolean;
  /** The messages of the refusals. */
  readonly reasons: readonly string[];
  readonly refusals: readonly Fault[];
  /** What does not stand against it and may still keep it from being deployed there now. */
  readonly warnings: readonly Fault[];
}

export interface PriceTerm {
  readonly component: string;
  readonly amount: string;
  readonly currency: string;
  readonly per: 'hour' | 'month' | 'once';
}

/** The document as far as the descriptor alone tells. `result` is absent when the descriptor cannot be read at all. */
export function planDocument(
  digest: string | null,
  result: PlanResult | undefined,
  findings: readonly Fault[],
): PlanDocument {
  const sound = !hasErrors(findings);
  return {
    version: 1,
    site: null,
    placement: [],
    because: [],
    digest,
    deployable: sound && result?.plan !== undefined,
    plan: (sound ? result?.draft : undefined) ?? null,
    unresolved: result?.unresolved ?? NOTHING_UNRESOLVED,
    findings: withSeverity(findings),
    sites: [],
    unmet: [],
    price: [],
  };
}
