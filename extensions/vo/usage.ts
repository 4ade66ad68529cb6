/**
 * How a VO stands, as `application/vnd.vep.vo-usage+json`: what it may have, what is set aside, what is used and by whom.
 * Members see the whole and themselves; who uses what beside them is for those who administer or audit the VO.
 */

import type { Principal } from '../../src/access/principal.js';
import type { RequestContext, Rendering } from '../../src/extension/extension.js';
import { pathOf } from '../../src/extension/locations.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import type { EntityView } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import { keptAtSites } from './at-site-rows.js';
import { amounts, outside, sum, type Amounts, type Limits } from './amounts.js';
import { provisionedFor, standingOf, usesOf } from './standing.js';
import { RESOURCES, VO, VO_USAGE_TYPE } from './vocabulary.js';

export function usageRendering(store: Store, registry: () => CategoryRegistry): Rendering {
  return {
    mediaType: VO_USAGE_TYPE,
    kind: VO,
    render: async (record: EntityRecord, _view: EntityView, { principal }: RequestContext) => {
      const vo = await standingOf(store, record.group);
      const uses = await usesOf(store, record.group);
      const used = sum(uses.map((use) => use.amounts));
      const setAside = await provisionedFor(store, record.group);
      const everybody = seesEverybody(principal, record.group);
      const mine = uses.filter((use) => everybody || use.principal === principal.id);
      const report = {
        vo: record.group,
        state: vo?.suspended === true ? 'suspended' : 'active',
        limits: shown(vo?.limits ?? {}),
        provisioned: shown(setAside),
        used: shown(used),
        counted: shown(amounts((resource) => Math.max(used[resource], setAside[resource]))),
        by: mine.map(({ principal: who, subgroup, amounts: taken }) => ({
          principal: who,
          group: subgroup,
          ...shown(taken),
        })),
        ...(principal.roles.has('administrator') ? { sites: await atSites(store, record.group) } : {}),
        charged: await chargedTo(store, registry(), record.group, everybody ? undefined : principal.id),
      };
      return Buffer.from(JSON.stringify(report));
    },
  };
}

function seesEverybody({ roles, groupRoles, groups }: Principal, vo: string): boolean {
  if (roles.has('administrator') || roles.has('auditor')) return true;
  return groups.includes(vo) && (groupRoles?.get(vo) ?? roles).has('vo-administrator');
}

function shown(of: Amounts | Limits): Record<string, number> {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const value = of[resource];
      return value === undefined ? [] : [[resource, outside(resource, value)]];
    }),
  );
}

/** What is written of it at sites that hold limits by themselves: the provider's business. */
async function atSites(store: Store, vo: string): Promise<object[]> {
  const kept = await keptAtSites(store, { vo });
  return kept.map(({ site, name, share, findings, at }) => ({
    site,
    ...(name === undefined ? {} : { as: name }),
    held: share.limits,
    at: at === 0 ? null : new Date(at).toISOString(),
    findings,
  }));
}

/** More is not told in one answer. */
const MOST_CHARGED = 1000;

/** Every entity that the VO pays for, with who made it. */
async function chargedTo(
  store: Store,
  registry: CategoryRegistry,
  vo: string,
  principal: string | undefined,
): Promise<object[]> {
  const whose = principal === undefined ? '' : ' AND c.principal = ?';
  const rows = await store.all<{ id: string; kind: string; principal: string; subgroup: string | null }>(
    'SELECT c.entity AS id, e.kind AS kind, c.principal AS principal, c.subgroup AS subgroup FROM vo_charge c ' +
      `JOIN entity e ON e.id = c.entity WHERE c.vo = ?${whose} ORDER BY c.entity LIMIT ${MOST_CHARGED}`,
    [vo, ...(principal === undefined ? [] : [principal])],
  );
  return rows.map(({ id, kind, principal: who, subgroup }) => ({
    entity: pathOf(registry, { id, kind }),
    principal: who,
    group: subgroup,
  }));
}
