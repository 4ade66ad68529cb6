/**
 * What this VEP made, among all that carries its marks at a site. Marks say a realm and an entity, not an installation: two VEPs that
 * use one account under one realm see each other's things (`docs/decisions/0024-what-vep-made-is-in-its-store.md`). VEP takes away only
 * what its own store has a trace of: an entity, an operation that was filed for it, or a note that the site was not waited for.
 */

import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';
import { isUuid } from '../../src/base/ids.js';
import {
  IaasError,
  PartUnasked,
  type ResourceClass,
  type SiteAdapter,
  type SiteFinding,
} from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { key, text } from '../../src/store/columns.js';
import { inList } from '../../src/store/placeholders.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';

/** Files the reconciler's work. That it filed some for a thing does not say whose the thing is. */
export const RECONCILER = 'vep:reconciler';

/** Ids of what may still be at a site that was not waited for: of what has gone otherwise the site has said so. */
export const leftAtSiteTable = table('left_at_site', { id: { type: 'text', primary: true } });

export class CreateLeftAtSite1767300000000 implements MigrationInterface {
  readonly name = 'CreateLeftAtSite1767300000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(new Table({ name: 'left_at_site', columns: [text('id', key)] }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('left_at_site');
  }
}

/** Notes that these may be found at their sites later on, and are to be taken away then. */
export async function noteLeft(tx: Tx, ids: readonly string[]): Promise<void> {
  for (const id of ids) await tx.run('INSERT INTO left_at_site (id) VALUES (?) ON CONFLICT (id) DO NOTHING', [id]);
}

/** Those of the ids under which this VEP has made something, or still does. */
export async function madeHere(reader: SqlReader, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  // A mark is what somebody wrote at the site.
  const mine = ids.filter(isUuid);
  const ask = async (select: string, column: string): Promise<void> => {
    const { sql, params } = inList(column, mine);
    for (const id of await reader.pluck<string>(`${select} AND ${sql}`, params)) found.add(id);
  };
  await ask('SELECT id FROM entity WHERE 1 = 1', 'id');
  await ask(`SELECT DISTINCT entity FROM operation WHERE principal <> '${RECONCILER}'`, 'entity');
  await ask('SELECT id FROM left_at_site WHERE 1 = 1', 'id');
  return found;
}

/** What others hang on: where these are somebody else's, so is the rest. */
const TELLING: readonly ResourceClass[] = ['compute', 'network', 'storage', 'securitygroup'];
const BATCH = 100;
/** How many of them a finding names. */
const MOST_NAMED = 5;

/** Tells of a second VEP under the same realm in the same account. A site that cannot be looked into has findings of its own. */
export async function othersAt(reader: SqlReader, sites: Sites, site: string): Promise<readonly SiteFinding[]> {
  const marked = await markedAt(sites.adapter(site)).catch(() => []);
  const others: Marked[] = [];
  for (let at = 0; at < marked.length; at += BATCH) {
    const some = marked.slice(at, at + BATCH);
    const mine = await madeHere(
      reader,
      some.map(({ id }) => id),
    );
    others.push(...some.filter(({ id }) => !mine.has(id)));
  }
  if (others.length === 0) return [];
  const named = others.slice(0, MOST_NAMED).map(({ what, ref }) => `${what} ${ref}`);
  const all = others.length > MOST_NAMED ? `${named.join(', ')}, …` : named.join(', ');
  return [
    {
      code: 'site.other-vep',
      message: `VEP's marks are on ${others.length} things there that this VEP did not make and leaves alone: ${all}`,
      remedy:
        'another VEP uses this account: give one of the two another account, or another options.realm before it makes anything; what this one made after the back-up that it was restored from is yours to remove',
    },
  ];
}

interface Marked {
  readonly id: string;
  readonly what: string;
  readonly ref: string;
}

async function markedAt(adapter: SiteAdapter): Promise<readonly Marked[]> {
  const marked: Marked[] = [];
  for (const what of TELLING) {
    try {
      for await (const { id, ref } of adapter.list(what)) if (id !== undefined) marked.push({ id, what, ref });
    } catch (error) {
      // A site without, say, volumes has none of them, and a part that cannot be asked tells of none.
      const isPartial = error instanceof PartUnasked || (error instanceof IaasError && error.class === 'unsupported');
      if (!isPartial) throw error;
    }
  }
  const handedOver = (await adapter.appliances?.list()) ?? [];
  return [...marked, ...handedOver.map(({ id, ref }) => ({ id, what: 'appliance', ref }))];
}
