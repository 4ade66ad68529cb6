/**
 * What a Virtual Organization may have, in OpenNebula's own terms: quotas of its group, rules for networks and volumes of
 * others that are opened to it, and a virtual data centre with the hosts that are set aside for it. Groups are made by VEP
 * (tenants.ts); so are these, and what VEP has not written stays as it is.
 */

import type { CallOptions } from '../../adapter.js';
import {
  closed,
  lifted,
  refusedAs,
  type Limited,
  type TenantReport,
  type TenantShare,
  type TenantSite,
} from '../../tenant.js';
import type { Branch } from '../../document.js';
import type { Hosts } from './hosts.js';
import { numberOf } from './marks.js';
import type { Oned } from './oned.js';
import { IMAGE_ONE, ignoring, NET_ONE, type Tenants } from './tenants.js';

export interface ShareServices {
  readonly oned: Oned;
  readonly tenants: Tenants;
  readonly hosts: Hosts;
  /** Datastore of volumes. */
  readonly datastore: (options: CallOptions) => Promise<number>;
}

const MIB = 2 ** 20;

/** Quota vectors of a group, their attributes, and how much one of oned's units is. Networks have leases, and no number. */
const QUOTAS: readonly {
  readonly vector: 'VM' | 'DATASTORE';
  readonly limit: Limited;
  readonly attribute: string;
  readonly unit: number;
}[] = [
  { vector: 'VM', limit: 'machines', attribute: 'VMS', unit: 1 },
  { vector: 'VM', limit: 'cores', attribute: 'CPU', unit: 1 },
  { vector: 'VM', limit: 'memoryBytes', attribute: 'MEMORY', unit: MIB },
  { vector: 'DATASTORE', limit: 'volumes', attribute: 'IMAGES', unit: 1 },
  { vector: 'DATASTORE', limit: 'storageBytes', attribute: 'SIZE', unit: MIB },
];
export const OPENNEBULA_LIMITS: readonly Limited[] = QUOTAS.map(({ limit }) => limit);

/** What the group has as every other: the default quotas of oned. */
const DEFAULT = -1;
/** The zone of the oned that is spoken to. */
const ZONE = 0;

const REMEDIES = {
  denied: 'see that the account of credentials.administrator is in the group oneadmin',
  otherwise: 'see what oned logs',
};

export class Shares implements TenantSite {
  readonly #services: ShareServices;

  constructor(services: ShareServices) {
    this.#services = services;
  }

  async settle(
    group: string,
    share: TenantShare,
    before: TenantShare,
    options: CallOptions = {},
  ): Promise<TenantReport> {
    const standing = await this.#services.tenants.standing(group, options);
    const findings = [
      ...(await refusedAs('opennebula.quota', REMEDIES, () => this.#quotas(standing.id, share, before, options))),
      ...(await refusedAs('opennebula.rules', REMEDIES, () => this.#open(standing.id, share, before, options))),
      ...(await refusedAs('opennebula.vdc', REMEDIES, () => this.#hosts(standing, share, before, options))),
    ];
    return { name: `group ${standing.name}`, findings };
  }

  async #quotas(group: number, share: TenantShare, before: TenantShare, options: CallOptions): Promise<void> {
    const { oned, datastore } = this.#services;
    const over = lifted(share, before);
    const wanted = QUOTAS.flatMap((quota) => {
      const limit = share.limits[quota.limit];
      if (limit !== undefined) return [{ ...quota, value: Math.ceil(limit / quota.unit) }];
      return over.includes(quota.limit) ? [{ ...quota, value: DEFAULT }] : [];
    });
    if (wanted.length === 0) return;
    const known = await oned.document('one.group.info', [group], options);
    const ofVolumes = wanted.some(({ vector }) => vector === 'DATASTORE') ? await datastore(options) : undefined;
    const vectors = (['VM', 'DATASTORE'] as const).flatMap((vector) => {
      const now = quotaOf(known, vector, ofVolumes);
      const differing = wanted.filter((each) => each.vector === vector && each.value !== now(each.attribute));
      if (differing.length === 0) return [];
      const which = vector === 'DATASTORE' ? [`ID="${ofVolumes}"`] : [];
      return [
        `${vector}=[${[...which, ...differing.map(({ attribute, value }) => `${attribute}="${value}"`)].join(',')}]`,
      ];
    });
    if (vectors.length > 0) await oned.id('one.group.quota', [group, vectors.join('\n')], options);
  }

  async #open(group: number, share: TenantShare, before: TenantShare, options: CallOptions): Promise<void> {
    const { tenants } = this.#services;
    for (const [one, now, then] of [
      [NET_ONE, share.networks, before.networks],
      [IMAGE_ONE, share.volumes, before.volumes],
    ] as const) {
      for (const id of numbers(now)) await tenants.open(group, one, id, options);
      for (const id of numbers(closed(now, then))) await tenants.close(group, one, id, options);
    }
  }

  /** A data centre of the VO's own with its hosts; the common one gives it all the rest. */
  async #hosts(
    { id, name }: { readonly id: number; readonly name: string },
    share: TenantShare,
    before: TenantShare,
    options: CallOptions,
  ): Promise<void> {
    if (share.hosts.length === 0 && before.hosts.length === 0) return;
    const { oned, hosts } = this.#services;
    const pool = await oned.document('one.vdcpool.info', [], options);
    const ofHosts = `${name}-hosts`;
    const known = pool.all('VDC').find((each) => each.value('NAME') === ofHosts);
    if (share.hosts.length === 0) {
      if (known) await oned.id('one.vdc.delete', [known.number(-1, 'ID')], options);
      return;
    }
    const vdc = known?.number(-1, 'ID') ?? (await oned.id('one.vdc.allocate', [`NAME="${ofHosts}"`], options));
    const groups = (known?.child('GROUPS')?.all('ID') ?? []).map(({ text }) => Number(text));
    if (!groups.includes(id)) await oned.id('one.vdc.addgroup', [vdc, id], options).catch(ignoring(/already/i));
    const all = new Map((await hosts.list(options)).map((host) => [host.name, host.id]));
    const wanted = share.hosts.flatMap((host) => all.get(host) ?? []);
    const has = (known?.child('HOSTS')?.all('HOST') ?? []).map((host) => host.number(-1, 'HOST_ID'));
    for (const host of wanted.filter((each) => !has.includes(each)))
      await oned.id('one.vdc.addhost', [vdc, ZONE, host], options).catch(ignoring(/already/i));
    for (const host of has.filter((each) => !wanted.includes(each)))
      await oned.id('one.vdc.delhost', [vdc, ZONE, host], options);
  }
}

/** What a quota of a group is now; {@link DEFAULT} where it has none of its own. */
function quotaOf(
  group: Branch,
  vector: 'VM' | 'DATASTORE',
  datastore: number | undefined,
): (attribute: string) => number {
  const found = (group.child(`${vector}_QUOTA`)?.all(vector) ?? []).find(
    (each) => vector === 'VM' || each.value('ID') === String(datastore),
  );
  return (attribute) => found?.number(DEFAULT, attribute) ?? DEFAULT;
}

const numbers = (refs: readonly string[]): readonly number[] => refs.flatMap((ref) => numberOf(ref) ?? []);
