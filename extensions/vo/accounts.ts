/**
 * The account of every VO, kept in the transactions that take from it: each entity has a charge, and a transaction that
 * takes more commits only if the VO, the group and the user may have as much. What is used fills what is set aside first:
 * counted is the larger of the two.
 */

import { Problem, type Fault } from '../../src/base/errors.js';
import type { Principal } from '../../src/access/principal.js';
import { OVER_LIMIT, type Admission, type Planned } from '../../src/extension/admission.js';
import type { Write } from '../../src/extension/kind-handler.js';
import { entityFromRow, ENTITY_COLUMNS, type EntityRow } from '../../src/store/entity-row.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import { amounts, amountsOf, outside, sum, unitOf, type Amounts, type Limits } from './amounts.js';
import { subgroupOf } from './memberships.js';
import { countsFor, provisionedFor, sharesOf, standingOf, usesOf, type Use, type VoStanding } from './standing.js';
import { limitOf, RESOURCES, type Resource } from './vocabulary.js';

/** What one transaction has taken of a VO, by user. */
interface Taking {
  readonly vo: VoStanding;
  readonly subgroup: string | null;
  readonly of: Map<string, Amounts>;
}

const CHARGE =
  `INSERT INTO vo_charge (entity, vo, principal, subgroup, ${RESOURCES.join(', ')}) ` +
  `VALUES (?, ?, ?, ?, ${RESOURCES.map(() => '?').join(', ')})`;
const RECHARGE = `UPDATE vo_charge SET ${RESOURCES.map((each) => `${each} = ?`).join(', ')} WHERE entity = ?`;

export class VoAccounts implements Admission {
  /** What each transaction knows and has taken; goes with the transaction. */
  readonly #takings = new WeakMap<Tx, Map<string, Promise<Taking | undefined>>>();

  async entered(write: Write, entity: EntityRecord): Promise<void> {
    const taken = amountsOf(write.registry, entity);
    const taking = taken && (await this.#takingOf(write, entity.group));
    if (!taken || !taking) return;
    await charge(write.tx, entity, taking.subgroup, taken);
    add(taking, entity.owner, taken);
  }

  async changed(write: Write, before: EntityRecord, after: EntityRecord): Promise<void> {
    const [had, wants] = [amountsOf(write.registry, before), amountsOf(write.registry, after)];
    if (!had || !wants || RESOURCES.every((resource) => had[resource] === wants[resource])) return;
    const taking = await this.#takingOf(write, after.group);
    if (!taking) return;
    await write.tx.run(RECHARGE, [...RESOURCES.map((resource) => wants[resource]), after.id]);
    add(
      taking,
      after.owner,
      amounts((resource) => Math.max(0, wants[resource] - had[resource])),
    );
  }

  async settle(write: Write): Promise<void> {
    const takings = await Promise.all([...(this.#takings.get(write.tx)?.values() ?? [])]);
    const faults: Fault[] = [];
    for (const taking of takings) {
      if (!taking || taking.of.size === 0) continue;
      if (taking.vo.suspended) throw new Problem('forbidden', suspended(taking.vo));
      faults.push(...(await faultsOf(write.tx, taking, await usesOf(write.tx, taking.vo.name))));
    }
    if (faults.length > 0) throw new Problem('unmet', faults);
  }

  async foresee(
    reader: SqlReader,
    registry: CategoryRegistry,
    principal: Principal,
    planned: readonly Planned[],
  ): Promise<readonly Fault[]> {
    const taking = await openTaking(reader, principal, principal.groups[0]);
    if (!taking) return [];
    const { vo, subgroup } = taking;
    if (vo.suspended) return [suspended(vo)];
    const taken = sum(planned.flatMap((each) => amountsOf(registry, each) ?? []));
    add(taking, principal.id, taken);
    const uses = await usesOf(reader, vo.name);
    return faultsOf(reader, taking, [...uses, { subgroup, principal: principal.id, amounts: taken }]);
  }

  /** What was there in the group before it became a VO. */
  async adopt({ tx, registry }: Write, vo: string): Promise<void> {
    const statement = `SELECT ${ENTITY_COLUMNS.join(', ')} FROM entity WHERE grp = ? ORDER BY id`;
    for (const row of await tx.all<EntityRow>(statement, [vo])) {
      const entity = entityFromRow(row);
      const taken = amountsOf(registry, entity);
      if (taken) await charge(tx, entity, null, taken);
    }
  }

  #takingOf({ tx, context }: Write, group: string): Promise<Taking | undefined> {
    const known = this.#takings.get(tx) ?? new Map<string, Promise<Taking | undefined>>();
    this.#takings.set(tx, known);
    const taking = known.get(group) ?? openTaking(tx, context.principal, group);
    known.set(group, taking);
    return taking;
  }
}

async function openTaking(tx: SqlReader, principal: Principal, group: string): Promise<Taking | undefined> {
  const vo = await standingOf(tx, group);
  return vo && { vo, subgroup: await subgroupOf(tx, principal, group), of: new Map() };
}

/** An entity takes again what it took before a wish for more that came to nothing. */
export async function recharge(tx: Tx, registry: CategoryRegistry, id: string): Promise<void> {
  const entity = await findEntity(tx, id);
  const taken = entity && amountsOf(registry, entity);
  if (taken) await tx.run(RECHARGE, [...RESOURCES.map((resource) => taken[resource]), id]);
}

function add(taking: Taking, principal: string, taken: Amounts): void {
  taking.of.set(principal, sum([taking.of.get(principal) ?? amounts(() => 0), taken]));
}

async function charge(tx: Tx, entity: EntityRecord, subgroup: string | null, taken: Amounts): Promise<void> {
  const values = RESOURCES.map((resource) => taken[resource]);
  await tx.run(CHARGE, [entity.id, entity.group, entity.owner, subgroup, ...values]);
}

function suspended({ name }: VoStanding): Fault {
  return {
    code: 'vo.suspended',
    message: `the Virtual Organization ${name} is suspended`,
    remedy: 'ask the provider; what there is can still be read and given back',
  };
}

/** @param uses all of the VO, with what is being taken */
async function faultsOf(tx: SqlReader, { vo, subgroup, of }: Taking, uses: readonly Use[]): Promise<Fault[]> {
  const used = sum(uses.map((use) => use.amounts));
  const setAside = await provisionedFor(tx, vo.name);
  const counted = amounts((resource) => Math.max(used[resource], setAside[resource]));
  const taken = sum(of.values());
  const faults = lacking(`the Virtual Organization ${vo.name}`, vo.limits, counted, taken);
  for (const share of await sharesOf(tx, vo.name)) {
    const mine = [...of].filter(([principal]) => countsFor(share, { subgroup, principal }));
    if (mine.length === 0) continue;
    const within = sum(uses.filter((use: Use) => countsFor(share, use)).map((use) => use.amounts));
    const whose = share.group ?? 'you';
    faults.push(...lacking(whose, share.limits, within, sum(mine.map(([, amount]) => amount))));
  }
  return faults;
}

/** What is missing, never what others use (K23). */
function lacking(whose: string, limits: Limits, counted: Amounts, taken: Amounts): Fault[] {
  return RESOURCES.flatMap((resource: Resource) => {
    const limit = limits[resource];
    if (limit === undefined || taken[resource] === 0 || counted[resource] <= limit) return [];
    const missing = Math.min(counted[resource] - limit, taken[resource]);
    return [
      {
        code: OVER_LIMIT,
        message: `${outside(resource, missing)} ${unitOf(resource)} too much for the quota of ${whose}`,
        place: { field: limitOf(resource) },
        remedy: 'ask for less, give back what is no longer needed, or ask whoever administers the VO for more',
      },
    ];
  });
}

/** @throws Problem `unmet` when more is set aside than the VO may have */
export function requireWithin(vo: VoStanding, setAside: Amounts, added: Amounts): void {
  const faults = lacking(`the Virtual Organization ${vo.name}`, vo.limits, setAside, added);
  if (faults.length > 0) throw new Problem('unmet', faults);
}
