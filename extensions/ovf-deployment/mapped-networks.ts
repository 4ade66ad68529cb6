/**
 * Networks of a descriptor that the user maps to networks there are already (K04): each is named by the URL or path of a
 * network of theirs, or of several on different sites that stand for the same network. A mapped network is used and never
 * owned: nothing is made for it, it stays when the appliance goes, and a machine on it is where it is.
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
import { constrained, onSites } from './layout.js';
import { OVF_INPUTS } from './vocabulary.js';

export interface NetworkServices {
  readonly store: SqlReader;
  readonly access: Access;
}

/**
 * The result with every mapping written as paths, with its machines bound to the sites of the networks, and a fault for each
 * mapping that names no such network on one of the sites that come into question.
 */
export async function withMappedNetworks(
  { store, access }: NetworkServices,
  { principal, base }: RequestContext,
  result: PlanResult,
  candidates: readonly string[],
): Promise<{ readonly result: PlanResult; readonly faults: readonly Fault[] }> {
  const faults: Fault[] = [];
  const found = new Map<string, ReadonlyMap<string, string>>();
  for (const { name, mappedTo, mappedAlso = [] } of result.draft?.networks ?? []) {
    if (mappedTo === undefined) continue;
    const paths = new Map<string, string>();
    for (const wanted of [mappedTo, ...mappedAlso]) {
      const id = entityIdOf(wanted, base);
      const network = id === undefined ? undefined : await loadEntity(store, id, access.scope(principal, 'read'));
      const site = network?.kind === NETWORK ? (network.site ?? '') : '';
      if (!network || !candidates.includes(site)) faults.push(unknownNetwork(name, wanted, candidates));
      else if (paths.has(site)) faults.push(twiceOnSite(name, wanted, site));
      else paths.set(site, PREFIX + network.id);
    }
    found.set(name, paths);
  }
  if (found.size === 0) return { result, faults };
  const mapped = <P extends DeploymentPlan | undefined>(plan: P): P =>
    plan && { ...plan, networks: plan.networks.map((network) => withPaths(network, found.get(network.name))) };
  const { draft, plan } = result;
  const written = { ...result, ...(draft && { draft: mapped(draft) }), ...(plan && { plan: mapped(plan) }) };
  const bound = [...found].flatMap(([name, paths]) => {
    const machines = (draft?.machines ?? []).filter(({ interfaces }) =>
      interfaces.some(({ network }) => network === name),
    );
    const isBound = machines.length > 0 && paths.size > 0 && candidates.length > 1;
    return isBound
      ? [
          onSites(
            machines.map(({ id }) => id),
            [...paths.keys()],
            `the network that ${name} is mapped to`,
          ),
        ]
      : [];
  });
  return { result: constrained(written, bound), faults };
}

/** The mapped networks of a plan, by {@link networkKey}. @throws Problem `conflict` when one is gone */
export async function mappedNetworks(
  reader: SqlReader,
  { networks }: DeploymentPlan,
): Promise<Map<string, EntityRecord>> {
  const found = new Map<string, EntityRecord>();
  for (const { name, mappedTo, mappedAlso = [] } of networks) {
    for (const path of mappedTo === undefined ? [] : [mappedTo, ...mappedAlso]) {
      const network = await findEntity(reader, path.slice(PREFIX.length));
      if (!network) {
        throw problem('conflict', 'ovf.network-gone', `the network that ${excerpt(name)} is mapped to is gone`, {
          remedy: 'delete the appliance, and deploy it with another network',
          value: path,
        });
      }
      found.set(networkKey(name, network.site ?? ''), network);
    }
  }
  return found;
}

/** A network of a descriptor as it is on one site. */
export function networkKey(name: string, site: string): string {
  return `${site} ${name}`;
}

const PREFIX = '/network/';

function withPaths(network: PlannedNetwork, paths: ReadonlyMap<string, string> | undefined): PlannedNetwork {
  const [mappedTo, ...mappedAlso] = paths?.values() ?? [];
  if (mappedTo === undefined) return network;
  const { name, description } = network;
  const written = { name, ...(description === undefined ? {} : { description }), mappedTo };
  return mappedAlso.length === 0 ? written : { ...written, mappedAlso };
}

function unknownNetwork(name: string, mappedTo: string, candidates: readonly string[]): Fault {
  const where = candidates.length === 1 ? `site ${candidates.join('')}` : `the sites ${candidates.join(', ')}`;
  return {
    code: 'ovf.network-unknown',
    message: `no network of yours on ${where} is meant by what ${excerpt(name)} is mapped to`,
    place: { field: OVF_INPUTS, path: `/networks/${excerpt(name)}` },
    rule: 'K04',
    remedy: 'give the path of a network, /network/<id>, or leave it out: the appliance then gets one of its own',
    value: excerpt(mappedTo),
  };
}

function twiceOnSite(name: string, mappedTo: string, site: string): Fault {
  return {
    code: 'ovf.network-twice',
    message: `${excerpt(name)} is mapped to two networks on site ${site}`,
    place: { field: OVF_INPUTS, path: `/networks/${excerpt(name)}` },
    rule: 'K04',
    remedy: 'give one network for each site',
    value: excerpt(mappedTo),
  };
}
