/**
 * How entities go: links first, and what a site knows of as a tombstone until the site has let go of it (K11); the rest is gone
 * at once.
 */

import type { Engine } from '../engine/engine.js';
import type { NewChild } from '../engine/operation.js';
import { buriedComponentsOf, linksOf, linksTo, removeEntity, tombstoneEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import { noteEntity } from './entity-trail.js';
import { existingEntity } from './existing.js';
import type { Handlers } from './handlers.js';
import type { OperationDraft, Write } from './kind-handler.js';
import { hideLink } from './rendering.js';

export class EntityRemoval {
  readonly #services: { readonly engine: Engine; readonly handlers: Handlers };

  constructor(services: { readonly engine: Engine; readonly handlers: Handlers }) {
    this.#services = services;
  }

  /**
   * Tombstones the entities with all links from and to them, and answers the releases still to be filed, keyed by
   * entity, links first. A release waits by itself until the links of its entity are gone.
   */
  async plan(write: Write, entities: readonly EntityRecord[]): Promise<NewChild[]> {
    const { tx } = write;
    const ids = entities.map((entity) => entity.id);
    const links = [...(await linksOf(tx, ids)), ...(await linksTo(tx, ids))];
    const doomed = new Map([...links, ...entities].map((entity) => [entity.id, entity]));
    const children: NewChild[] = [];
    for (const entity of doomed.values()) {
      if (entity.source !== null && !ids.includes(entity.source)) await hideLink(tx, entity);
      const child = await this.#bury(write, entity);
      if (child) children.push(child);
    }
    return children;
  }

  async #bury(write: Write, entity: EntityRecord): Promise<NewChild | undefined> {
    const { tx, now } = write;
    await this.#services.engine.supersede(tx, entity.id);
    const current = await existingEntity(tx, entity.id);
    const release = await this.#services.handlers.of(entity.kind).release(write, current);
    await noteEntity(write, 'delete', current);
    if (!release) {
      await removeEntity(tx, entity.id);
      return undefined;
    }
    await tombstoneEntity(tx, current, now);
    return childOf(entity.id, release);
  }

  /**
   * Releases that were under way for components of an appliance when its work was cancelled, to be filed again: a deletion
   * is never given up (K11).
   */
  async resume(write: Write, appliance: string): Promise<NewChild[]> {
    const children: NewChild[] = [];
    for (const entity of await buriedComponentsOf(write.tx, appliance)) {
      await this.#services.engine.supersede(write.tx, entity.id);
      const release = await this.#services.handlers.of(entity.kind).release(write, entity);
      if (release) children.push(childOf(entity.id, release));
      else await removeEntity(write.tx, entity.id);
    }
    return children;
  }
}

function childOf(entity: string, { type, site, input }: OperationDraft): NewChild {
  return { key: entity, type, entity, site, input, after: [] };
}
