/**
 * Who may do what, as one table: a role allows verbs on entities that stand in a given relation to the principal, and
 * grants add or take away single entities until a time. From it comes a scope, a predicate as a value (K27), which is evaluated on
 * one entity here and compiled to SQL by the store. What nobody allows is refused.
 */

import type { TypeId } from '../occi/model.js';
import { evaluateScope, type Ownership, type Scope } from '../store/scope.js';
import type { Principal, Role } from './principal.js';

export const VERBS = ['read', 'create', 'update', 'delete', 'act', 'reveal', 'govern', 'administer'] as const;

/**
 * `act`: invoke an action. `reveal`: see what is secret in an entity. `govern`: the provider's side of an agreement
 * (accept, reject, suspend, resume; K16). `administer`: VEP itself (sites, accounts, operations); about no entity.
 */
export type Verb = (typeof VERBS)[number];

/** What makes an entity the principal's business: every relation named must hold; none named: any entity. */
type Relation = 'owner' | 'group';

export interface PolicyRow {
  readonly role: Role;
  readonly verbs: readonly Verb[];
  readonly over: readonly Relation[];
  /** Only entities of these kinds; absent: of any. */
  readonly kinds?: readonly TypeId[];
  /** Entities of all kinds but these. */
  readonly except?: readonly TypeId[];
}

/** GFD.228 §3.1. */
const AGREEMENT: TypeId = 'http://schemas.ogf.org/occi/sla#agreement';
const VO = 'http://schemas.contrail-project.eu/occi/vo#';
/** What a VO may have is the provider's to say; who is in it and how they share it is its own administrators'. */
const OF_THE_PROVIDER: readonly TypeId[] = [`${VO}vo`, `${VO}provision`];
const OF_THE_VO: readonly TypeId[] = [`${VO}member`, `${VO}quota`];
const GOVERNED = [...OF_THE_PROVIDER, ...OF_THE_VO];

export const POLICY: readonly PolicyRow[] = [
  // Who leaves a group still sees what they made there, but changes it no more (S-082).
  { role: 'user', verbs: ['read'], over: ['owner'] },
  { role: 'user', verbs: ['read'], over: ['group'] },
  { role: 'user', verbs: ['create', 'update', 'delete', 'act', 'reveal'], over: ['owner', 'group'], except: GOVERNED },
  { role: 'viewer', verbs: ['read'], over: ['group'] },
  // Whoever keeps a VO tidies up in it (S-082), and sees no secret of its members.
  { role: 'vo-administrator', verbs: ['read'], over: ['group'] },
  { role: 'vo-administrator', verbs: ['update', 'delete', 'act'], over: ['group'], except: OF_THE_PROVIDER },
  { role: 'vo-administrator', verbs: ['create'], over: ['group'], kinds: OF_THE_VO },
  // The federation acts for all users of its groups.
  { role: 'federation', verbs: ['read'], over: ['group'] },
  { role: 'federation', verbs: ['create', 'update', 'delete', 'act', 'reveal'], over: ['group'], except: GOVERNED },
  { role: 'administrator', verbs: ['read', 'create', 'update', 'delete', 'act', 'govern', 'administer'], over: [] },
  { role: 'administrator', verbs: ['reveal'], over: ['owner'] },
  { role: 'provider', verbs: ['read', 'govern'], over: [], kinds: [AGREEMENT] },
  { role: 'auditor', verbs: ['read'], over: [] },
];

/** One entity, or everything an appliance owns, opened to a principal or group, or closed to them. */
export interface Grant {
  /** What is denied is denied, whatever else permits it (S-079); absent: a permit. */
  readonly effect?: 'permit' | 'deny';
  /** Id of the entity or appliance. */
  readonly entity: string;
  readonly verbs: readonly Verb[];
  /** Milliseconds since the epoch from which it no longer holds; null: until it is taken back. */
  readonly until: number | null;
}

/** The entities on which the principal may do `verb` at time `now`, given what has been granted to it. */
export function scope(principal: Principal, verb: Verb, grants: readonly Grant[], now: number): Scope {
  // Who audits changes nothing, whatever other roles or grants there are.
  if (principal.roles.has('auditor') && verb !== 'read') return { op: 'none' };
  // Whoever holds a limited proxy was not meant to start or change anything (RFC 3820 §3.8, S-028).
  if (principal.credential?.limited === true && verb !== 'read') return { op: 'none' };
  // A token of capabilities is good for these alone (S-064).
  if (principal.credential?.verbs?.includes(verb) === false) return { op: 'none' };
  const parts = POLICY.filter((row) => row.verbs.includes(verb)).flatMap((row) => scopeOf(row, principal) ?? []);
  const holding = grants.filter((grant) => grant.verbs.includes(verb) && holds(grant, now));
  const of = (denied: boolean): string[] =>
    holding.flatMap(({ effect, entity }) => ((effect === 'deny') === denied ? [entity] : []));
  const [permitted, denied] = [of(false), of(true)];
  if (permitted.length > 0) parts.push({ op: 'entity', ids: permitted });
  const allowed = anyOf(parts);
  const limits: Scope[] = denied.length === 0 ? [] : [{ op: 'not', of: { op: 'entity', ids: denied } }];
  if (principal.confinedTo !== undefined) limits.push({ op: 'group', groups: [principal.confinedTo] });
  return limits.length === 0 || allowed.op === 'none' ? allowed : { op: 'and', of: [allowed, ...limits] };
}

/** Whether a grant counts at this time. */
export function holds({ until }: Grant, now: number): boolean {
  return until === null || now < until;
}

/** Whether the principal may do `verb` on this very entity; for `create`, on the entity as it is about to be. */
export function decide(
  principal: Principal,
  verb: Verb,
  entity: Ownership,
  grants: readonly Grant[],
  now: number,
): boolean {
  return evaluateScope(scope(principal, verb, grants, now), entity);
}

/** What is the principal's own: where an administrator's collection-wide writes end unless they say otherwise (K28). */
export function ownScope(principal: Principal): Scope {
  return { op: 'owner', principal: principal.id };
}

/** Nothing for a role that the principal does not have. */
function scopeOf(row: PolicyRow, principal: Principal): Scope | undefined {
  const groups = groupsWith(principal, row.role);
  const held = row.over.includes('group') ? groups.length > 0 : principal.roles.has(row.role);
  if (!held) return undefined;
  const conditions: Scope[] = row.over.map((relation) =>
    relation === 'owner' ? ownScope(principal) : { op: 'group', groups },
  );
  if (row.kinds) conditions.push({ op: 'kind', kinds: row.kinds });
  if (row.except) conditions.push({ op: 'not', of: { op: 'kind', kinds: row.except } });
  const [first, ...others] = conditions;
  if (first === undefined) return { op: 'all' };
  return others.length === 0 ? first : { op: 'and', of: conditions };
}

/** The groups in which the principal has the role. */
function groupsWith(principal: Principal, role: Role): readonly string[] {
  return principal.groups.filter((group) => rolesWithin(principal, group).has(role));
}

/** The roles that the principal has in one of its groups. */
export function rolesWithin({ groupRoles, roles }: Principal, group: string): ReadonlySet<Role> {
  return groupRoles?.get(group) ?? roles;
}

function anyOf(parts: readonly Scope[]): Scope {
  const all = parts.find((part) => part.op === 'all');
  if (all) return all;
  const [first, ...others] = parts;
  if (first === undefined) return { op: 'none' };
  return others.length === 0 ? first : { op: 'or', of: parts };
}
