/**
 * What an agreement has to say about an appliance, as the appliance sees it. The sla extension lies beside this one and
 * must not be imported (K38): the composition root joins the two through this interface.
 */

import type { RequestContext } from '../../src/extension/extension.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { Attributes } from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Hosts } from './deployment-graph.js';
import type { PreparedDeployment } from './prepared.js';

/** Whether one site can take the appliance, for the dry run. */
export interface SiteVerdict {
  readonly name: string;
  readonly fits: boolean;
  readonly reasons: readonly string[];
}

export interface Governed {
  /** The plan with the sizes and constraints that the agreement's terms ask for. */
  readonly plan: DeploymentPlan;
  readonly hosts: Hosts;
}

export interface Governance {
  /**
   * Before the transaction: the agreement that came along, or the one named, is judged against plan and sites.
   *
   * @throws Problem `unmet` with every term that cannot be kept, `invalid` for a document that is none
   */
  admit(
    context: RequestContext,
    registry: CategoryRegistry,
    prepared: PreparedDeployment,
    attributes: Attributes,
  ): Promise<void>;
  /** Inside the transaction: the agreement is accepted and linked, and the plan brought in line with it. */
  govern(write: Write, appliance: EntityRecord, prepared: PreparedDeployment, plan: DeploymentPlan): Promise<Governed>;
  /** Hosts for machines that are deployed again. */
  place(plan: DeploymentPlan, site: string): Promise<Hosts>;
  /** The appliance goes: agreements that governed it end. */
  release(write: Write, appliance: EntityRecord): Promise<void>;
  /** What each site would say to the plan. */
  verdicts(plan: DeploymentPlan): Promise<readonly SiteVerdict[]>;
  /** What the appliance would cost under the agreement that came along, if it says. */
  price(
    prepared: PreparedDeployment,
  ): Promise<
    readonly { readonly component: string; readonly amount: string; readonly currency: string; readonly per: string }[]
  >;
}
