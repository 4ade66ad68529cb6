/**
 * Copies of security groups. A group stands at one site; where a machine of another site is linked to it, VEP makes a group of
 * the same rules there (`docs/decisions/0021-copies-of-security-groups.md`). A copy is no resource: nobody sees or names it. It is
 * there for as long as a link of its site leads to the group, follows the group's rules, and is put right where somebody
 * else has changed or removed it. Its id is made of the group's and the site's, so that it is found again whatever happens.
 */

import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { derivedUuid, type Uuid } from '../../src/base/ids.js';
import { stringAt } from '../../src/base/json.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Operation, OperationType, StepContext, StepOutcome } from '../../src/engine/operation.js';
import { IaasError, type Observed, type SiteAdapter, type SiteRef } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { key, nullable, text } from '../../src/store/columns.js';
import { findEntity, linksTo } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';
import { noteLeft, RECONCILER } from './made-here.js';
import { filterOf, rulesOf, strangeRules } from './security-rules.js';
import { groupSpecOf } from './site-class.js';
import { COPY, DONE, GUARD, again, tryLater } from './steps.js';

export interface GroupCopy {
  /** What it is known by at its site. */
  readonly id: Uuid;
  /** Id of the security group. */
  readonly origin: Uuid;
  readonly site: string;
  /** The site's reference; null until the site has made it. */
  readonly ref: SiteRef | null;
  /** Why the site could not make it; null: it has, or still may. */
  readonly failure: string | null;
}

export const groupCopyTable = table(
  'group_copy',
  {
    id: { type: 'text', primary: true },
    origin: { type: 'text' },
    site: { type: 'text' },
    ref: { type: 'text', nullable: true },
    failure: { type: 'text', nullable: true },
  },
  { group_copy_by_origin: ['origin'], group_copy_by_site: ['site'] },
);

export class CreateGroupCopy1767200000000 implements MigrationInterface {
  readonly name = 'CreateGroupCopy1767200000000';

  async up(runner: QueryRunner): Promise<void> {
    const columns = [text('id', key), text('origin'), text('site'), text('ref', nullable), text('failure', nullable)];
    await runner.createTable(new Table({ name: 'group_copy', columns }));
    for (const column of ['origin', 'site'])
      await runner.createIndex(
        'group_copy',
        new TableIndex({ name: `group_copy_by_${column}`, columnNames: [column] }),
      );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('group_copy');
  }
}

const COLUMNS = 'SELECT id, origin, site, ref, failure FROM group_copy WHERE';

export const copyIdOf = (origin: Uuid, site: string): Uuid => derivedUuid('security group', origin, site);

export function findCopy(reader: SqlReader, id: Uuid): Promise<GroupCopy | undefined> {
  return reader.get<GroupCopy>(`${COLUMNS} id = ?`, [id]);
}

export function copiesAt(reader: SqlReader, site: string): Promise<GroupCopy[]> {
  return reader.all<GroupCopy>(`${COLUMNS} site = ?`, [site]);
}

/** Whether a link of the site leads to the group, be it one that is still to be taken from its machine. */
async function isWanted(reader: SqlReader, { origin, site }: Pick<GroupCopy, 'origin' | 'site'>): Promise<boolean> {
  const found = await reader.get('SELECT 1 AS one FROM entity WHERE target = ? AND site = ? LIMIT 1', [origin, site]);
  return found !== undefined;
}

/** Has the group stand at the site too, where that is not its own. */
export async function ensureCopy(
  tx: Tx,
  engine: Pick<Engine, 'file'>,
  group: Pick<EntityRecord, 'id' | 'site'>,
  site: string,
  principal: string,
): Promise<void> {
  if (group.site === site) return;
  const id = copyIdOf(group.id, site);
  // What failed before is tried again.
  await tx.run(
    'INSERT INTO group_copy (id, origin, site, ref, failure) VALUES (?, ?, ?, NULL, NULL) ON CONFLICT (id) DO UPDATE SET failure = NULL',
    [id, group.id, site],
  );
  await fileWork(tx, engine, { id, origin: group.id, site }, principal);
}

/** The rules of the group are others: its copies are told. */
export async function tellCopies(tx: Tx, engine: Pick<Engine, 'file'>, origin: Uuid, principal: string): Promise<void> {
  for (const copy of await tx.all<GroupCopy>(`${COLUMNS} origin = ?`, [origin]))
    await fileWork(tx, engine, copy, principal);
}

/** Lets go of the copies at a site to which no link leads any more. */
export async function releaseUnused(
  tx: Tx,
  engine: Pick<Engine, 'file'>,
  site: string | null,
  principal: string,
): Promise<void> {
  if (site === null) return;
  for (const copy of await copiesAt(tx, site))
    if (!(await isWanted(tx, copy))) await fileWork(tx, engine, copy, principal);
}

/** A copy that is gone from its site, or is not as VEP left it there, is made once more, and guards its machines again. */
export async function mendCopy(
  tx: Tx,
  engine: Pick<Engine, 'file' | 'unfinished'>,
  id: Uuid,
  how: 'gone' | 'changed',
): Promise<void> {
  const copy = await findCopy(tx, id);
  if (!copy || (await engine.unfinished(tx, id)).length > 0) return;
  const principal = RECONCILER;
  if (how === 'gone') await tx.run('UPDATE group_copy SET ref = NULL WHERE id = ?', [id]);
  await fileWork(tx, engine, copy, principal);
  if (how === 'changed') return;
  for (const link of await linksTo(tx, [copy.origin]))
    if (link.site === copy.site) {
      const { appliance, site } = link;
      await engine.file(tx, { type: GUARD, entity: link.id, appliance, site, input: {}, principal });
    }
}

/** Whether somebody else has changed the rules of a copy. */
export const isCopyStrange = (origin: EntityRecord, observed: Observed): boolean =>
  strangeRules(observed, origin) !== undefined;

async function fileWork(
  tx: Tx,
  engine: Pick<Engine, 'file'>,
  { id, origin, site }: Pick<GroupCopy, 'id' | 'origin' | 'site'>,
  principal: string,
): Promise<void> {
  await engine.file(tx, { type: COPY, entity: id, appliance: null, site, input: { origin }, principal });
}

export interface CopyServices {
  readonly store: Store;
  readonly sites: Sites;
}

/** One operation for all that can be to do for a copy: it looks whether the copy is wanted, and brings that about. */
export function copyOperation(services: CopyServices): OperationType {
  return {
    name: COPY,
    steps: [{ name: 'copy', run: (context) => new CopyWork(services, context).run() }],
    settled: noteFailure,
  };
}

/** Links whose group cannot be made at their site fail by what is noted here. */
async function noteFailure(tx: Tx, { state, entity, findings }: Operation): Promise<void> {
  const failure = state === 'failed' || state === 'dead' ? (findings.at(-1)?.message ?? 'no reason') : null;
  await tx.run('UPDATE group_copy SET failure = ? WHERE id = ?', [failure, entity]);
}

class CopyWork {
  readonly #store: Store;
  readonly #sites: Sites;
  readonly #context: StepContext;
  readonly #copy: Pick<GroupCopy, 'id' | 'origin' | 'site'>;

  constructor({ store, sites }: CopyServices, context: StepContext) {
    const { operation, input } = context;
    this.#store = store;
    this.#sites = sites;
    this.#context = context;
    this.#copy = { id: operation.entity, origin: stringAt(input, 'origin') ?? '', site: operation.site ?? '' };
  }

  async run(): Promise<StepOutcome> {
    const known = await findCopy(this.#store, this.#copy.id);
    if (!known) return DONE;
    if (!(await isWanted(this.#store, known))) return this.#remove(known);
    const group = await findEntity(this.#store, known.origin);
    // What leads to a group that goes is taken back first, and files this work anew.
    return group?.phase === 'live' ? this.#make(known, group) : DONE;
  }

  async #make(known: GroupCopy, group: EntityRecord): Promise<StepOutcome> {
    const { signal } = this.#context;
    const adapter = this.#sites.adapter(known.site);
    const filter = filterOf(adapter);
    if (known.ref === null) {
      const ref = await filter.create(groupSpecOf(group, known.id), known.id, { signal });
      return { ...again(this.#context), commit: (tx) => place(tx, known.id, ref) };
    }
    const report = await this.#report(adapter, known.ref);
    if (!report) return { ...again(this.#context), commit: (tx) => place(tx, known.id, null) };
    if (report.busy) return again(this.#context);
    if (report.state === 'error') throw new IaasError('fatal', report.message ?? 'the site reports an error');
    await filter.update(known.ref, rulesOf(group.wanted), { signal });
    return DONE;
  }

  /** What is left at a site that is away carries VEP's marks and belongs to nothing any more: it goes when the site is back. */
  async #remove(known: GroupCopy): Promise<StepOutcome> {
    const { site } = known;
    const isAway = !this.#sites.has(site) || !this.#sites.status(site).up;
    if (!isAway && (await this.#isThere(known))) return again(this.#context);
    return {
      done: true,
      commit: async (tx) => {
        // Somebody may have linked a machine in between, whose own work waits behind this one.
        if (await isWanted(tx, known)) return place(tx, known.id, null);
        if (isAway) await noteLeft(tx, [known.id]);
        await tx.run('DELETE FROM group_copy WHERE id = ?', [known.id]);
      },
    };
  }

  /** Has it removed; answers whether the site still shows it. */
  async #isThere(known: GroupCopy): Promise<boolean> {
    const adapter = this.#sites.adapter(known.site);
    const ref = known.ref ?? (await this.#find(adapter, known.id));
    if (ref === undefined || !(await this.#report(adapter, ref))) return false;
    await adapter.delete('securitygroup', ref, { signal: this.#context.signal }).catch(tryLater);
    return true;
  }

  /** One whose making was never answered. */
  async #find(adapter: SiteAdapter, id: Uuid): Promise<SiteRef | undefined> {
    for await (const report of adapter.list('securitygroup', { signal: this.#context.signal }))
      if (report.id === id) return report.ref;
    return undefined;
  }

  async #report(adapter: SiteAdapter, ref: SiteRef): Promise<Observed | undefined> {
    return (await adapter.describe('securitygroup', [ref], { signal: this.#context.signal })).get(ref);
  }
}

async function place(tx: Tx, id: Uuid, ref: SiteRef | null): Promise<void> {
  await tx.run('UPDATE group_copy SET ref = ? WHERE id = ?', [ref, id]);
}
