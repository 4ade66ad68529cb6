/**
 * What a Virtual Organization may have, in OpenStack's own terms: the quotas of its project in Nova, Cinder and Neutron,
 * and RBAC policies for networks of others that are opened to it. A group that shares the site's own project has nothing
 * of its own to be limited.
 */

import { stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import type { CallOptions, SiteFinding } from '../../adapter.js';
import {
  closed,
  lifted,
  refusedAs,
  type Limited,
  type TenantReport,
  type TenantShare,
  type TenantSite,
} from '../../tenant.js';
import type { Cloud } from './cloud.js';
import { membersOf } from './marks.js';
import type { Networks } from './networks.js';
import type { Service } from './service.js';
import { missing } from './service.js';
import { StackError } from './stack-error.js';
import type { Tenants } from './tenants.js';

const [MIB, GIB] = [2 ** 20, 2 ** 30];

interface QuotaSet {
  readonly service: 'compute' | 'volume' | 'network';
  readonly path: string;
  /** Name of the object in requests and answers. */
  readonly name: string;
  /** Below the project's own: what projects have that nothing was said about. */
  readonly defaults: string;
  /** Sent along: Nova else refuses a quota that is below what is used, which VEP lets be. */
  readonly more: JsonObject;
  readonly limits: readonly (readonly [limit: Limited, name: string, unit: number])[];
}

/** Compute API "Quota sets", Block Storage API v3 "Quota sets", Network API v2.0 "Quotas". */
const QUOTAS: readonly QuotaSet[] = [
  {
    ...{ service: 'compute', path: '/os-quota-sets', name: 'quota_set', defaults: '/defaults', more: { force: true } },
    limits: [
      ['machines', 'instances', 1],
      ['cores', 'cores', 1],
      ['memoryBytes', 'ram', MIB],
    ],
  },
  {
    ...{ service: 'volume', path: '/os-quota-sets', name: 'quota_set', defaults: '/defaults', more: {} },
    limits: [
      ['volumes', 'volumes', 1],
      ['storageBytes', 'gigabytes', GIB],
    ],
  },
  {
    ...{ service: 'network', path: '/quotas', name: 'quota', defaults: '/default', more: {} },
    limits: [
      ['networks', 'network', 1],
      ['addresses', 'floatingip', 1],
    ],
  },
];
export const OPENSTACK_LIMITS: readonly Limited[] = QUOTAS.flatMap(({ limits }) => limits.map(([limit]) => limit));

const REMEDIES = {
  denied: 'give the account the role admin, or set tenants.limits to false and see to the quotas at the cloud',
  otherwise: 'see what the service logs',
};

export class Shares implements TenantSite {
  readonly #tenants: Tenants;
  readonly #networks: Networks;

  constructor(tenants: Tenants, networks: Networks) {
    this.#tenants = tenants;
    this.#networks = networks;
  }

  async settle(
    group: string,
    share: TenantShare,
    before: TenantShare,
    options: CallOptions = {},
  ): Promise<TenantReport> {
    const cloud = await this.#tenants.own(group, options);
    if (!cloud) return { findings: [] };
    const project = await cloud.project(options);
    const findings: SiteFinding[] = [];
    for (const quotas of QUOTAS)
      findings.push(
        ...(await refusedAs('openstack.quota', REMEDIES, () => this.#write(quotas, project, share, before, options))),
      );
    findings.push(...(await refusedAs('openstack.rbac', REMEDIES, () => this.#open(project, share, before, options))));
    return { name: `project ${project}`, findings: [...findings, ...unsharable(share)] };
  }

  /** As the site's own account, which administers; a project cannot set its own quotas. */
  async #write(
    { service: name, path, name: object, defaults, more, limits }: QuotaSet,
    project: string,
    share: TenantShare,
    before: TenantShare,
    options: CallOptions,
  ): Promise<void> {
    const over = limits.filter(([limit]) => lifted(share, before).includes(limit));
    const given = limits.filter(([limit]) => share.limits[limit] !== undefined);
    if (over.length + given.length === 0) return;
    const service: Service = this.#tenants.home[name];
    const at = `${path}/${project}`;
    const now = await service.one('GET', at, object, options);
    const usual = over.length === 0 ? {} : await service.one('GET', `${at}${defaults}`, object, options);
    const wanted: [string, JsonValue][] = [
      ...given.map(([limit, key, unit]): [string, JsonValue] => [key, Math.ceil((share.limits[limit] ?? 0) / unit)]),
      ...over.flatMap(([, key]): [string, JsonValue][] => (typeof usual[key] === 'number' ? [[key, usual[key]]] : [])),
    ];
    const differing = wanted.filter(([key, value]) => now[key] !== value);
    if (differing.length === 0) return;
    const body = { [object]: { ...Object.fromEntries(differing), ...more } };
    await service.call('PUT', at, { ...options, body });
  }

  /** Networks of other projects: shared with this one by a policy in the name of their own. */
  async #open(project: string, share: TenantShare, before: TenantShare, options: CallOptions): Promise<void> {
    for (const ref of share.networks) {
      const found = await this.#networks.look(ref, options);
      if (!found || found.body['shared'] === true || stringAt(found.body, 'project_id') === project) continue;
      const network = stringAt(found.body, 'id') ?? '';
      if ((await policies(found.cloud, network, project, options)).length > 0) continue;
      const wanted = { object_type: 'network', object_id: network, target_tenant: project, action: 'access_as_shared' };
      await found.cloud.network
        .call('POST', '/rbac-policies', { ...options, body: { rbac_policy: wanted }, expect: [201] })
        .catch((error: unknown) => {
          // Somebody was faster.
          if (!(error instanceof StackError) || error.status !== 409) throw error;
        });
    }
    for (const ref of closed(share.networks, before.networks)) {
      const found = await this.#networks.look(ref, options);
      if (!found) continue;
      for (const policy of await policies(found.cloud, stringAt(found.body, 'id') ?? '', project, options))
        await found.cloud.network
          .call('DELETE', `/rbac-policies/${stringAt(policy, 'id')}`, { ...options, expect: [204] })
          .catch(missing);
    }
  }
}

async function policies(
  { network }: Cloud,
  id: string,
  project: string,
  options: CallOptions,
): Promise<readonly JsonObject[]> {
  const query = { object_id: id, target_tenant: project, action: 'access_as_shared' };
  return (await network.list('/rbac-policies', 'rbac_policies', { ...options, query })).map(membersOf);
}

function unsharable({ volumes }: TenantShare): readonly SiteFinding[] {
  if (volumes.length === 0) return [];
  return [
    {
      code: 'openstack.volumes',
      message:
        'a volume of another project is set aside, and Cinder attaches volumes to machines of their own project alone',
      remedy: 'copy its data into a volume of the VO, or give the VO an image of it',
    },
  ];
}
