/**
 * Forgetting by force. A deletion is never given up (K11): while a site is down, what is to be deleted there waits for it, and so does
 * what was being made and has to be undone. An administrator who knows that a site will not come back, or not soon, has VEP let go of it without the site. Should the site come
 * back all the same, what is left there carries VEP's marks, belongs to no entity any more, and is removed as every such thing is.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../src/base/clock.js';
import { problem } from '../../src/base/errors.js';
import { isUuid, newUuid } from '../../src/base/ids.js';
import type { Principal } from '../../src/access/index.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Operation } from '../../src/engine/operation.js';
import type { Route } from '../../src/extension/extension.js';
import type { Observations } from '../../src/extension/observations.js';
import type { Sites } from '../../src/iaas/sites.js';
import { appendAudit } from '../../src/store/audit.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store, Tx } from '../../src/store/sql.js';
import { noteLeft } from './made-here.js';
import { RELEASE } from './operations.js';

export interface ForgettingServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly sites: Sites;
  readonly engine: Engine;
  readonly observations: Observations;
  /** What others keep of an entity's things at sites that are down: they let go of it too. */
  readonly forgotten: readonly ForgottenHook[];
}

/** @param isDown whether a site, by name, is down */
export type ForgottenHook = (tx: Tx, entity: EntityRecord, isDown: (site: string) => boolean) => Promise<void>;

export function forgetRoute(services: ForgettingServices): Route {
  return {
    method: 'POST',
    path: '/health/entities/:id/forget',
    open: false,
    handle: async (_message: IncomingMessage, response: ServerResponse, parameters, principal) => {
      requireAdministrator(principal);
      const forgotten = await forget(services, parameters['id'] ?? '', principal);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(forgotten));
    },
  };
}

interface Forgotten {
  /** Id of what was asked for. */
  readonly forgotten: string;
  /** Names of the sites that are no longer waited for. */
  readonly sites: readonly string[];
  /** Ids of the things that VEP no longer believes to be there. */
  readonly entities: readonly string[];
}

/**
 * Lets go of an appliance, or of a single resource, that is being released, or whose making is being undone.
 *
 * @throws Problem `not-found`, or `conflict` where nothing is to be released, or no site that it waits for is down
 */
function forget(services: ForgettingServices, id: string, principal: Principal): Promise<Forgotten> {
  const { store, clock, sites, engine, observations } = services;
  const isDown = (site: string): boolean => sites.has(site) && !sites.status(site).up;
  return store.write(async (tx) => {
    const entity = isUuid(id) ? await findEntity(tx, id) : undefined;
    if (!entity) throw problem('not-found', 'entity.unknown', 'there is nothing of this id');
    const leaving = await releasing(tx, engine, entity);
    const undoing = await undoneOf(tx, engine, entity);
    if (leaving.length + undoing.length === 0) {
      throw problem('conflict', 'entity.not-leaving', 'nothing of it is being released', {
        remedy: 'delete or undeploy it first: only what is on its way out can be forgotten',
      });
    }
    const away = leaving.filter(({ site }) => site !== null && isDown(site));
    const stuck = undoing.filter(({ site }) => site !== null && isDown(site));
    if (away.length + stuck.length === 0) {
      throw problem('conflict', 'site.not-down', 'the sites that it waits for are not down', {
        remedy: 'see vep sites, and vep retry for work that has given up',
      });
    }
    const entities = [...new Set([...away.map((each) => each.id), ...stuck.map((each) => each.entity)])];
    for (const each of entities) await observations.placed(tx, each, null);
    await noteLeft(tx, await belongingTo(tx, entity));
    for (const hook of services.forgotten) await hook(tx, entity, isDown);
    await tryAgain(tx, engine, entity);
    for (const each of stuck) await engine.abandon(tx, each.id);
    const names = [...new Set([...away, ...stuck].flatMap(({ site }) => site ?? []))];
    await appendAudit(tx, {
      at: clock.now(),
      actor: principal.id,
      group: entity.group,
      verb: 'forget',
      entity: entity.id,
      kind: entity.kind,
      outcome: 'granted',
      reason: 'site-down',
      requestId: newUuid(),
      details: { sites: names, entities },
    });
    return { forgotten: entity.id, sites: names, entities };
  });
}

function belongingTo(tx: Tx, { id }: EntityRecord): Promise<string[]> {
  return tx.pluck<string>('SELECT id FROM entity WHERE id = ? OR appliance = ? ORDER BY id', [id, id]);
}

/** The entity and what belongs to it, as far as a release of it is under way or has given up. */
async function releasing(tx: Tx, engine: Engine, entity: EntityRecord): Promise<EntityRecord[]> {
  const found: EntityRecord[] = [];
  for (const id of await belongingTo(tx, entity)) {
    const each = await findEntity(tx, id);
    const open = await engine.unfinished(tx, id);
    const leaves = open.some(({ type }) => type === RELEASE) || (id === entity.id && isTakenDown(open));
    if (each && leaves) found.push(each);
  }
  return found;
}

/** Operations on the entity, and on what belongs to it, of which something has still to be undone. */
async function undoneOf(tx: Tx, engine: Engine, { id }: EntityRecord): Promise<Operation[]> {
  const ids = await tx.pluck<string>(
    "SELECT id FROM operation WHERE (entity = ? OR appliance = ?) AND direction = 'undo' AND finished_at IS NULL ORDER BY id",
    [id, id],
  );
  const found = await Promise.all(ids.map((each) => engine.find(tx, each)));
  return found.filter((operation) => operation !== undefined);
}

/** An appliance is taken down by a graph that has a release of its own at the end. */
function isTakenDown(operations: readonly Operation[]): boolean {
  return operations.some(({ type, parent }) => parent === null && /\.(undeploy|delete)$/.test(type));
}

/** What has given up, or waits to look again, finds out at once that there is nothing to wait for. */
export async function tryAgain(tx: Tx, engine: Engine, { id }: EntityRecord): Promise<void> {
  const rows = await tx.all<{ id: string; state: string; type: string }>(
    'SELECT id, state, type FROM operation WHERE (entity = ? OR appliance = ?) AND finished_at IS NULL',
    [id, id],
  );
  for (const row of rows) if (row.state === 'dead') await engine.retry(tx, row.id);
  for (const type of new Set(rows.map((row) => row.type))) await engine.hasten(tx, id, type);
}

function requireAdministrator(principal: Principal | undefined): asserts principal is Principal {
  if (principal?.roles.has('administrator')) return;
  throw problem('forbidden', 'access.administrators-only', 'this is for administrators', {
    remedy: 'sign in as an administrator',
  });
}
