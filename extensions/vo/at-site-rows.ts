/** Table `vo_site`: what of a Virtual Organization is written at a site, and what kept it from being written. */

import type { SiteFinding } from '../../src/iaas/adapter.js';
import type { TenantShare } from '../../src/iaas/tenant.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';

export interface AtSite {
  readonly vo: string;
  readonly site: string;
  /** What was to be written when it was last tried. */
  readonly share: TenantShare;
  /** All that may be there from VEP: what is taken back when it is no longer wanted. */
  readonly held: TenantShare;
  /** What stands for the VO there, in the site's words. */
  readonly name?: string;
  readonly findings: readonly SiteFinding[];
  /** When it was last tried, in milliseconds since the epoch; 0 while it never was. */
  readonly at: number;
}

interface Row {
  readonly vo: string;
  readonly site: string;
  readonly share: string;
  readonly held: string;
  readonly name: string | null;
  readonly findings: string;
  readonly at: number;
}

export async function keptAtSites(
  reader: SqlReader,
  which: { readonly site?: string; readonly vo?: string },
): Promise<readonly AtSite[]> {
  const given = Object.entries(which);
  const where = given.length === 0 ? '' : ` WHERE ${given.map(([column]) => `${column} = ?`).join(' AND ')}`;
  const rows = await reader.all<Row>(
    `SELECT vo, site, share, held, name, findings, at FROM vo_site${where} ORDER BY vo, site`,
    given.map(([, value]) => value),
  );
  return rows.map(({ share, held, name, findings, at, ...of }) => ({
    ...of,
    share: JSON.parse(share) as TenantShare,
    held: JSON.parse(held) as TenantShare,
    ...(name === null ? {} : { name }),
    findings: JSON.parse(findings) as SiteFinding[],
    at: Number(at),
  }));
}

export async function keepAtSite(tx: Tx, { vo, site, share, held, name, findings, at }: AtSite): Promise<void> {
  await tx.run(
    'INSERT INTO vo_site (vo, site, share, held, name, findings, at) VALUES (?, ?, ?, ?, ?, ?, ?) ' +
      'ON CONFLICT (vo, site) DO UPDATE SET share = excluded.share, held = excluded.held, name = excluded.name, ' +
      'findings = excluded.findings, at = excluded.at',
    [vo, site, JSON.stringify(share), JSON.stringify(held), name ?? null, JSON.stringify(findings), at],
  );
}

export async function forgetAtSite(tx: Tx, vo: string, site: string): Promise<void> {
  await tx.run('DELETE FROM vo_site WHERE vo = ? AND site = ?', [vo, site]);
}
