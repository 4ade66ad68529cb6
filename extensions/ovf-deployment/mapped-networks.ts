/**
 * Networks of a descriptor that the user maps to networks there are already (K04): each is named by the URL or path of a
 * network of theirs on the site of the appliance. A mapped network is used and never owned: nothing is made for it, and
 * it stays when the appliance goes.
 */

import type { Access } from '../../src/access/index.js';
import { excerpt, problem, type Fault } from '../../src/base/errors.js';
import type { RequestContext } from '../../src/extension/extension.js';
import { entityIdOf } from '../../src/extension/locations.js';
import { NETWORK } from '../../src/occi/model.js';
import type { PlanResult } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedNetwork } from '../../src/ovf/plan.js';
import { findEntity, loadEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader } from '../../src/store/sql.js';
import { OVF_INPUTS } from './vocabulary.js';

export interface NetworkServices {
  readonly store: SqlReader;
  readonly access: Access;
}

/** The result with every mapping written as a path, and a fault for each that names no such network. */
export async function withMappedNetworks(
  { store, access }: NetworkServices,
  { principal, base }: RequestContext,
  result: PlanResult,
  site: string,
): Promise<{ readonly result: PlanResult; readonly faults: readonly Fault[] }> {
  const faults: Fault[] = [];
  const paths = new Map<string, string>();
  for (const { name, mappedTo } of result.draft?.networks ?? []) {
    if (mappedTo === undefined) continue;
    const id = entityIdOf(mappedTo, base);
    const network = id === undefined ? undefined : await loadEntity(store, id, access.scope(principal, 'read'));
    if (network?.kind === NETWORK && network.site === site) paths.set(name, PREFIX + network.id);
    else faults.push(unknownNetwork(name, mappedTo, site));
  }
  if (paths.size === 0) return { result, faults };
  const mapped = <P extends DeploymentPlan | undefined>(plan: P): P =>
    plan && { ...plan, networks: plan.networks.map((network) => withPath(network, paths.get(network.name))) };
  const { draft, plan } = result;
  return { result: { ...result, ...(draft && { draft: mapped(draft) }), ...(plan && { plan: mapped(plan) }) }, faults };
}

/** The mapped networks of a plan, by their names in the descriptor. @throws Problem `conflict` when one is gone */
export async function mappedNetworks(
  reader: SqlReader,
  { networks }: DeploymentPlan,
): Promise<Map<string, EntityRecord>> {
  const found = new Map<string, EntityRecord>();
  for (const { name, mappedTo } of networks) {
    if (mappedTo === undefined) continue;
    const network = await findEntity(reader, mappedTo.slice(PREFIX.length));
    if (!network) {
      throw problem('conflict', 'ovf.network-gone', `the network that ${excerpt(name)} is mapped to is gone`, {
        remedy: 'delete the appliance, and deploy it with another network',
        value: mappedTo,
      });
    }
    found.set(name, network);
  }
  return found;
}

const PREFIX = '/network/';

function withPath(network: PlannedNetwork, mappedTo: string | undefined): PlannedNetwork {
  return mappedTo === undefined ? network : { ...network, mappedTo };
}

function unknownNetwork(name: string, mappedTo: string, site: string): Fault {
  return {
    code: 'ovf.network-unknown',
    message: `no network of yours on site ${site} is meant by what ${excerpt(name)} is mapped to`,
    place: { field: OVF_INPUTS, path: `/networks/${excerpt(name)}` },
    rule: 'K04',
    remedy: 'give the path of a network, /network/<id>, or leave it out: the appliance then gets one of its own',
    value: excerpt(mappedTo),
  };
}
