/** What is known of a VO in one transaction: its limits, how they are shared out, and what is set aside for it. */

import { stringAt } from '../../src/base/json.js';
import type { Attributes } from '../../src/occi/model.js';
import type { SqlReader } from '../../src/store/sql.js';
import { amounts, limitsAt, NOTHING, sum, type Amounts, type Limits } from './amounts.js';
import {
  limitOf,
  PROVISION,
  PROVISION_REFERENCE,
  PROVISION_SITE,
  PROVISION_TYPE,
  provisioned,
  QUOTA,
  QUOTA_GROUP,
  QUOTA_SUBJECT,
  RESOURCES,
  STATE,
} from './vocabulary.js';

export interface VoStanding {
  readonly name: string;
  /** Id of its entity. */
  readonly entity: string;
  readonly suspended: boolean;
  readonly limits: Limits;
}

/** A share of one group, of one user, or of one user in one group. */
export interface Share {
  readonly group: string | undefined;
  readonly subject: string | undefined;
  readonly limits: Limits;
}

/** What one user of one group takes. */
export interface Use {
  readonly subgroup: string | null;
  readonly principal: string;
  readonly amounts: Amounts;
}

/** The VO of that name, if it is one and not just any group. */
export async function standingOf(reader: SqlReader, name: string): Promise<VoStanding | undefined> {
  const row = await reader.get<{ entity: string; wanted: string; observed: string }>(
    'SELECT v.entity AS entity, e.wanted AS wanted, e.observed AS observed FROM vo v ' +
      "JOIN entity e ON e.id = v.entity WHERE v.name = ? AND e.phase = 'live'",
    [name],
  );
  if (!row) return undefined;
  const suspended = stringAt(attributesIn(row.observed), STATE) === 'suspended';
  return { name, entity: row.entity, suspended, limits: limitsAt(attributesIn(row.wanted), limitOf) };
}

export async function sharesOf(reader: SqlReader, vo: string): Promise<Share[]> {
  return (await attributesOf(reader, 'wanted', QUOTA, vo)).map((wanted) => ({
    group: stringAt(wanted, QUOTA_GROUP),
    subject: stringAt(wanted, QUOTA_SUBJECT),
    limits: limitsAt(wanted, limitOf),
  }));
}

/** Whether what a user of that group takes counts for the share. A group holds its subgroups. */
export function countsFor({ group, subject }: Share, of: Pick<Use, 'subgroup' | 'principal'>): boolean {
  const inGroup = group === undefined || of.subgroup === group || of.subgroup?.startsWith(`${group}/`) === true;
  return inGroup && (subject === undefined || of.principal === subject);
}

/** What is set aside for the VO: counted for it whether it is used or not. */
export async function provisionedFor(reader: SqlReader, vo: string): Promise<Amounts> {
  const each = await attributesOf(reader, 'observed', PROVISION, vo);
  return sum(each.map((observed) => ({ ...NOTHING, ...limitsAt(observed, provisioned) })));
}

export async function usesOf(reader: SqlReader, vo: string): Promise<Use[]> {
  const sums = RESOURCES.map((resource) => `SUM(${resource}) AS ${resource}`).join(', ');
  const rows = await reader.all<{ subgroup: string | null; principal: string } & Record<string, number>>(
    `SELECT subgroup, principal, ${sums} FROM vo_charge WHERE vo = ? GROUP BY subgroup, principal ORDER BY principal`,
    [vo],
  );
  return rows.map((row) => ({
    subgroup: row.subgroup,
    principal: row.principal,
    amounts: amounts((resource) => Number(row[resource])),
  }));
}

/** Which hosts of a site are set aside, and for whom. */
export async function hostsSetAside(reader: SqlReader, site: string): Promise<ReadonlyMap<string, string>> {
  const rows = await reader.all<{ grp: string; wanted: string }>(
    "SELECT grp, wanted FROM entity WHERE kind = ? AND phase = 'live'",
    [PROVISION],
  );
  const hosts = new Map<string, string>();
  for (const row of rows) {
    const wanted = attributesIn(row.wanted);
    if (wanted[PROVISION_TYPE] !== 'host' || wanted[PROVISION_SITE] !== site) continue;
    const host = stringAt(wanted, PROVISION_REFERENCE);
    if (host !== undefined) hosts.set(host, row.grp);
  }
  return hosts;
}

async function attributesOf(
  reader: SqlReader,
  column: 'wanted' | 'observed',
  kind: string,
  vo: string,
): Promise<Attributes[]> {
  const statement = `SELECT ${column} FROM entity WHERE grp = ? AND kind = ? AND phase = 'live' ORDER BY id`;
  return (await reader.pluck<string>(statement, [vo, kind])).map(attributesIn);
}

function attributesIn(text: string): Attributes {
  return JSON.parse(text) as Attributes;
}
