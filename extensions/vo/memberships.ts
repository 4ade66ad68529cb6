/**
 * Who belongs to which VO by local administration: a principal by its identifier, or whoever a VO vouches for with a
 * certain FQAN (`spec/federation-auth.md` §5) or entitlement (AARC-G069). The second kind lets nobody in: it says which
 * role and which group those have whose credential speaks for the VO already.
 */

import type { MembershipSource } from '../../src/access/memberships.js';
import type { Principal, Role } from '../../src/access/principal.js';
import { Recent } from '../../src/access/recent.js';
import { stringAt } from '../../src/base/json.js';
import type { Attributes } from '../../src/occi/model.js';
import { indexedValue } from '../../src/store/entity-index.js';
import { inList } from '../../src/store/placeholders.js';
import type { SqlReader } from '../../src/store/sql.js';
import { shortFqan } from '../../src/access/x509/identity.js';
import { MEMBER, MEMBER_ATTRIBUTE, MEMBER_GROUP, MEMBER_ROLE, MEMBER_SUBJECT } from './vocabulary.js';

/** What each role of a member is in the policy. */
export const MEMBER_ROLES: Readonly<Record<string, readonly Role[]>> = {
  member: ['user'],
  viewer: ['viewer'],
  administrator: ['user', 'vo-administrator'],
};

/** Roles by which somebody makes things in a group of their own. */
const MAKERS: readonly Role[] = ['user', 'administrator', 'federation'];

interface Membership {
  readonly vo: string;
  readonly roles: readonly Role[];
  readonly group: string | undefined;
}

const MOST_PRINCIPALS = 10_000;

export class VoMemberships implements MembershipSource {
  readonly #reader: SqlReader;
  readonly #known = new Recent<{ readonly generation: number; readonly memberships: readonly Membership[] }>(
    MOST_PRINCIPALS,
  );

  constructor(reader: SqlReader) {
    this.#reader = reader;
  }

  async join(principal: Principal, generation: number): Promise<Principal> {
    const key = JSON.stringify([principal.id, principal.credential?.vos ?? []]);
    let known = this.#known.get(key);
    if (known?.generation !== generation) {
      known = { generation, memberships: await membershipsOf(this.#reader, principal) };
      this.#known.set(key, known);
    }
    return known.memberships.length === 0 ? principal : joined(principal, known.memberships);
  }
}

/** In a group that came with the credential, roles are added; in one that comes by membership, they are all there is. */
function joined(principal: Principal, memberships: readonly Membership[]): Principal {
  const groupRoles = new Map<string, Set<Role>>();
  for (const { vo, roles } of memberships) {
    const held = groupRoles.get(vo) ?? new Set(principal.groups.includes(vo) ? principal.roles : []);
    groupRoles.set(vo, new Set([...held, ...roles]));
  }
  const added = [...groupRoles.keys()].filter((vo) => !principal.groups.includes(vo));
  // Who may make nothing in a group of its own makes things for the VO. Nobody else is drawn into it unasked.
  const all = MAKERS.some((role) => principal.roles.has(role))
    ? [...principal.groups, ...added]
    : [...added, ...principal.groups];
  const [first = principal.groups[0], ...others] = all;
  return { ...principal, groups: [first, ...others], groupRoles };
}

async function membershipsOf(reader: SqlReader, principal: Principal): Promise<Membership[]> {
  const bySubject = await found(reader, MEMBER_SUBJECT, [principal.id]);
  const attributes = attributesOf(principal);
  const byAttribute = (await found(reader, MEMBER_ATTRIBUTE, [...attributes.keys()])).filter(
    ({ vo, attribute }) => attribute !== undefined && attributes.get(attribute)?.has(vo) === true,
  );
  return [...bySubject, ...byAttribute];
}

/** What each VO says of the principal, with the VOs that say so: none speaks for another. */
function attributesOf(principal: Principal): ReadonlyMap<string, ReadonlySet<string>> {
  const attributes = new Map<string, Set<string>>();
  for (const { vo, fqans } of principal.credential?.vos ?? []) {
    for (const fqan of fqans.map(shortFqan)) attributes.set(fqan, (attributes.get(fqan) ?? new Set()).add(vo));
  }
  return attributes;
}

async function found(
  reader: SqlReader,
  name: string,
  values: readonly string[],
): Promise<(Membership & { readonly attribute: string | undefined })[]> {
  if (values.length === 0) return [];
  const within = inList('a.value', values.map(indexedValue));
  const rows = await reader.all<{ grp: string; wanted: string }>(
    'SELECT e.grp AS grp, e.wanted AS wanted FROM entity_attribute a JOIN entity e ON e.id = a.entity ' +
      `WHERE a.name = ? AND ${within.sql} AND e.kind = ? AND e.phase = 'live' ORDER BY e.id`,
    [name, ...within.params, MEMBER],
  );
  return rows.map(({ grp, wanted }) => {
    const attributes = JSON.parse(wanted) as Attributes;
    return {
      vo: grp,
      roles: MEMBER_ROLES[stringAt(attributes, MEMBER_ROLE) ?? 'member'] ?? [],
      group: stringAt(attributes, MEMBER_GROUP),
      attribute: stringAt(attributes, MEMBER_ATTRIBUTE),
    };
  });
}

/** The group of the VO for which the principal's use counts: what membership says, else the primary FQAN. */
export async function subgroupOf(reader: SqlReader, principal: Principal, vo: string): Promise<string | null> {
  const said = (await membershipsOf(reader, principal)).find((each) => each.vo === vo && each.group !== undefined);
  return said?.group ?? groupOfCredential(principal, vo);
}

function groupOfCredential(principal: Principal, vo: string): string | null {
  const [primary] = principal.credential?.vos.find((each) => each.vo === vo)?.fqans ?? [];
  if (primary === undefined) return null;
  return groupIn(primary, vo) ?? null;
}

/** `/vo/group` of `/vo/group/Role=x` and of `urn:…:group:vo:group:role=x#authority`; nothing for the VO itself. */
function groupIn(attribute: string, vo: string): string | undefined {
  const parts = attribute.startsWith('/')
    ? attribute.split('/').filter((part) => part !== '' && !part.includes('='))
    : (/:group:([^#]*)/.exec(attribute)?.[1] ?? '').split(':').filter((part) => part !== '' && !part.includes('='));
  return parts[0] === vo && parts.length > 1 ? `/${parts.join('/')}` : undefined;
}
