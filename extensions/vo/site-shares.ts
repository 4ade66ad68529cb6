/** What each Virtual Organization shall have at a site, from its limits and from what is set aside for it there. */

import { stringAt } from '../../src/base/json.js';
import type { Limited, TenantShare } from '../../src/iaas/tenant.js';
import type { Attributes } from '../../src/occi/model.js';
import type { SqlReader } from '../../src/store/sql.js';
import { limitsAt } from './amounts.js';
import {
  limitOf,
  PROVISION,
  PROVISION_REFERENCE,
  PROVISION_SITE,
  PROVISION_TYPE,
  type Resource,
} from './vocabulary.js';

/** What sites call it; an appliance is nothing to them. */
const AS_SITES: Readonly<Partial<Record<Resource, Limited>>> = {
  machines: 'machines',
  cores: 'cores',
  memory: 'memoryBytes',
  volumes: 'volumes',
  storage: 'storageBytes',
  networks: 'networks',
  addresses: 'addresses',
};

/** @param vo that one alone */
export async function sharesAt(
  reader: SqlReader,
  site: string,
  limited: ReadonlySet<Limited>,
  vo?: string,
): Promise<ReadonlyMap<string, TenantShare>> {
  const [which, params] = vo === undefined ? ['', []] : [' AND v.name = ?', [vo]];
  const vos = await reader.all<{ name: string; wanted: string }>(
    `SELECT v.name AS name, e.wanted AS wanted FROM vo v JOIN entity e ON e.id = v.entity WHERE e.phase = 'live'${which}`,
    params,
  );
  const opened = await setAside(reader, site, vo);
  return new Map(
    vos.map(({ name, wanted }) => {
      const of = (type: string): readonly string[] =>
        opened.filter((each) => each.vo === name && each.type === type).map(({ ref }) => ref);
      const limits = limitsIn(JSON.parse(wanted) as Attributes, limited);
      return [name, { limits, hosts: of('host'), networks: of('network'), volumes: of('storage') }];
    }),
  );
}

function limitsIn(wanted: Attributes, limited: ReadonlySet<Limited>): TenantShare['limits'] {
  const limits = limitsAt(wanted, limitOf);
  return Object.fromEntries(
    Object.entries(AS_SITES).flatMap(([resource, name]) => {
      const value = limits[resource as Resource];
      return value === undefined || !limited.has(name) ? [] : [[name, value]];
    }),
  );
}

interface SetAside {
  readonly vo: string;
  readonly type: string;
  readonly ref: string;
}

/** Hosts by name, networks and volumes of others by the site's own references, once they have one. */
async function setAside(reader: SqlReader, site: string, vo: string | undefined): Promise<readonly SetAside[]> {
  const [which, params] = vo === undefined ? ['', []] : [' AND p.grp = ?', [vo]];
  const rows = await reader.all<{ vo: string; wanted: string }>(
    `SELECT p.grp AS vo, p.wanted AS wanted FROM entity p WHERE p.kind = ? AND p.phase = 'live'${which} ORDER BY p.id`,
    [PROVISION, ...params],
  );
  const found: SetAside[] = [];
  for (const { vo: name, wanted: text } of rows) {
    const wanted = JSON.parse(text) as Attributes;
    const type = stringAt(wanted, PROVISION_TYPE) ?? '';
    const reference = stringAt(wanted, PROVISION_REFERENCE) ?? '';
    if (wanted[PROVISION_SITE] !== site || type === 'image') continue;
    const ref = type === 'host' ? reference : await refOf(reader, reference, site, name);
    if (ref !== undefined) found.push({ vo: name, type, ref });
  }
  return found.sort((one, other) => one.ref.localeCompare(other.ref));
}

async function refOf(reader: SqlReader, path: string, site: string, vo: string): Promise<string | undefined> {
  const row = await reader.get<{ ref: string }>(
    "SELECT site_ref AS ref FROM entity WHERE id = ? AND site = ? AND grp <> ? AND phase = 'live' AND site_ref IS NOT NULL",
    [path.slice(path.lastIndexOf('/') + 1), site, vo],
  );
  return row?.ref;
}
