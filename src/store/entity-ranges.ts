/**
 * Index ranges that together hold what a query may answer, none of them holding what another holds, and each in the
 * order of creation: what is the caller's own is read as it lies, and merging a few ranges is all there is to do. A
 * group's entities are one range, or one per kind where few kinds are asked for; what an owner has made in groups that
 * are no longer theirs (S-082) is one range for each such group; so is every kind when the scope does not say whose.
 */

import type { TypeId } from '../occi/model.js';
import { compileScope } from './compile-scope.js';
import { fragment, inList, joinFragments, LIMIT, type SqlFragment } from './placeholders.js';
import type { Scope } from './scope.js';
import type { SqlReader } from './sql.js';

/** Entities that satisfy `seek` lie next to one another in an index; of those, the ones that satisfy `rest` are meant. */
export interface Range {
  readonly seek: readonly SqlFragment[];
  readonly rest: readonly SqlFragment[];
}

/** More ranges are not merged: SQLite compares each row with each of them. */
const MOST_RANGES = 12;

/** The kind as an expression, which no index begins with: it must not tempt SQLite away from the index of the range. */
export const HIDDEN_KIND = "(e.kind || '')";

const LIVE = fragment("e.phase = 'live'");

export interface Wanted {
  readonly kinds: readonly TypeId[];
  readonly scope: Scope;
  readonly appliance?: string;
}

/** The ranges for entities of these kinds within the scope, of one appliance if it is named; the phase is part of them. */
export async function rangesOf(reader: SqlReader, wanted: Wanted): Promise<readonly Range[]> {
  const { kinds, scope, appliance } = wanted;
  const ofKinds = inList(HIDDEN_KIND, kinds);
  if (appliance !== undefined) {
    return [{ seek: [fragment('e.appliance = ?', appliance)], rest: [LIVE, ofKinds, compileScope(scope, 'e')] }];
  }
  const owned = await ownedRanges(reader, scope, kinds);
  if (owned && owned.length > 0 && owned.length <= MOST_RANGES) return owned;
  const rest = [compileScope(scope, 'e')];
  if (kinds.length > MOST_RANGES || kinds.length === 0) return [{ seek: [LIVE], rest: [ofKinds, ...rest] }];
  return kinds.map((kind) => ({ seek: [fragment('e.kind = ?', kind), LIVE], rest }));
}

/** What the scope speaks of when it is a union of whose the entities are. */
interface Whose {
  readonly owners: Set<string>;
  readonly groups: Set<string>;
  readonly granted: Set<string>;
  /** Conjunctions with at least one part that says whose. */
  readonly narrowed: Scope[];
}

async function ownedRanges(
  reader: SqlReader,
  scope: Scope,
  kinds: readonly TypeId[],
): Promise<readonly Range[] | undefined> {
  const whose: Whose = { owners: new Set(), groups: new Set(), granted: new Set(), narrowed: [] };
  if (!gather(scope, whose)) return undefined;
  const ranges = [...groupRanges([...whose.groups], kinds)];
  for (const owner of whose.owners) ranges.push(...(await ownerRanges(reader, owner, whose.groups, kinds)));
  const rest = [inList(HIDDEN_KIND, kinds)];
  if (whose.granted.size > 0) {
    const ids = [...whose.granted];
    addApart(ranges, { seek: [inList('e.id', ids), LIVE], rest });
    addApart(ranges, { seek: [fragment('e.appliance IS NOT NULL'), inList('e.appliance', ids), LIVE], rest });
  }
  for (const narrowed of whose.narrowed) {
    const widest = narrowed.op === 'and' ? narrowed.of.find(saysWhose) : undefined;
    for (const { seek, rest: others } of (widest && (await ownedRanges(reader, widest, kinds))) ?? []) {
      addApart(ranges, { seek, rest: [...others, compileScope(narrowed, 'e')] });
    }
  }
  return ranges;
}

/** Sorts a union by what its parts speak of; false when one of them does not say whose the entities are. */
function gather(scope: Scope, whose: Whose): boolean {
  switch (scope.op) {
    case 'none':
      return true;
    case 'owner':
      whose.owners.add(scope.principal);
      return true;
    case 'group':
      for (const group of scope.groups) whose.groups.add(group);
      return true;
    case 'entity':
      for (const id of scope.ids) whose.granted.add(id);
      return true;
    case 'or':
      return scope.of.every((part) => gather(part, whose));
    case 'and':
      whose.narrowed.push(scope);
      return scope.of.some(saysWhose);
    default:
      return false;
  }
}

function saysWhose(scope: Scope): boolean {
  return gather(scope, { owners: new Set(), groups: new Set(), granted: new Set(), narrowed: [] });
}

function groupRanges(groups: readonly string[], kinds: readonly TypeId[]): readonly Range[] {
  if (groups.length * kinds.length > MOST_RANGES) {
    return groups.map((group) => ({
      seek: [fragment('e.grp = ?', group), LIVE],
      rest: [inList(HIDDEN_KIND, kinds)],
    }));
  }
  return groups.flatMap((group) =>
    kinds.map((kind) => ({ seek: [fragment('e.grp = ?', group), fragment('e.kind = ?', kind), LIVE], rest: [] })),
  );
}

/** What the owner has in other groups than these. */
async function ownerRanges(
  reader: SqlReader,
  owner: string,
  groups: ReadonlySet<string>,
  kinds: readonly TypeId[],
): Promise<readonly Range[]> {
  const most = groups.size + MOST_RANGES;
  const elsewhere = (await reader.pluck<string>(GROUPS_OF, [owner, owner, most + 1])).filter(
    (group) => !groups.has(group),
  );
  const rest = [inList(HIDDEN_KIND, kinds)];
  const made = fragment('e.owner = ?', owner);
  if (elsewhere.length <= MOST_RANGES)
    return elsewhere.map((group) => ({ seek: [made, fragment('e.grp = ?', group), LIVE], rest }));
  const others = groups.size === 0 ? [] : [negated(inList("(e.grp || '')", [...groups]))];
  return [{ seek: [made, LIVE], rest: [...rest, ...others] }];
}

/** The groups in which an owner has entities: a seek for each, however many entities there are. */
const GROUPS_OF = `WITH RECURSIVE made(grp) AS (
    SELECT min(grp) FROM entity WHERE owner = ?
    UNION ALL
    SELECT (SELECT min(e.grp) FROM entity e WHERE e.owner = ? AND e.grp > made.grp) FROM made WHERE made.grp IS NOT NULL
  ) SELECT grp FROM made WHERE grp IS NOT NULL ${LIMIT}`;

/** Adds a range without what the others hold already. */
function addApart(ranges: Range[], { seek, rest }: Range): void {
  const held = ranges.map((range) => negated(joinFragments('AND', [...range.seek, ...range.rest])));
  ranges.push({ seek, rest: [...rest, ...held] });
}

function negated(part: SqlFragment): SqlFragment {
  return { sql: `NOT (${part.sql})`, params: part.params };
}
