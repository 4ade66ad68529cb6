/**
 * The answer to `?dry-run` (K07): the plan as far as it goes, what the user still has to fill in, every finding, which
 * sites could take it, and the price. `docs/plan.schema.json` describes the document.
 */

import type { RequestContext } from '../../src/extension/extension.js';
import type { DryRun } from '../../src/extension/kind-handler.js';
import { Problem, throwIfFaulty } from '../../src/base/errors.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { Governance } from './governance.js';
import type { PreparedDeployment } from './prepared.js';
import { PLAN_TYPE } from './vocabulary.js';

export async function describePlan(
  services: { readonly governance: Governance },
  context: RequestContext,
  registry: CategoryRegistry,
  prepared: PreparedDeployment,
): Promise<DryRun> {
  throwIfFaulty('invalid', prepared.allFindings);
  const { draft, unresolved } = prepared.result;
  const { governance } = services;
  const body = {
    version: 1,
    site: prepared.site,
    digest: prepared.digest,
    deployable: prepared.result.plan !== undefined,
    plan: draft ?? null,
    unresolved,
    findings: prepared.allFindings,
    sites: draft ? await governance.verdicts(draft) : [],
    agreement: await agreementVerdict(services, context, registry, prepared),
    price: await governance.price(prepared),
  };
  return { mediaType: PLAN_TYPE, body: JSON.stringify(body) };
}

/** Whether the agreement that came along would be accepted, and every term that stands against it. */
async function agreementVerdict(
  { governance }: { readonly governance: Governance },
  context: RequestContext,
  registry: CategoryRegistry,
  prepared: PreparedDeployment,
): Promise<object | null> {
  if (!prepared.agreement || !prepared.result.plan) return null;
  try {
    await governance.admit(context, registry, prepared, {});
    return { acceptable: true, unmet: [] };
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'unmet') throw error;
    return { acceptable: false, unmet: error.faults };
  }
}
