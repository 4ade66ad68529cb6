/**
 * The life of an entity between a resolved request and a committed row (DESIGN, "The way of a request"): permission,
 * the kind's handler, the record with its rendering, the operations to be done, the event and the audit entry, all in
 * one transaction. Extensions use the same functions inside their own transactions, so that a compute of an appliance
 * comes about exactly as one that a client POSTs.
 */

import type { Access } from '../access/access.js';
import type { Verb } from '../access/policy.js';
import type { Clock } from '../base/clock.js';
import { notFound, problem, type Fault } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import type { NewChild } from '../engine/operation.js';
import type { Engine } from '../engine/engine.js';
import type { Mixin } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import type { LinkReferences, ResolvedLink } from '../occi/resolve/index.js';
import { isActionOffered } from '../occi/visible.js';
import { findEntity, loadForUpdate, updateEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { SqlReader, Store } from '../store/sql.js';
import type { Admission, Planned } from './admission.js';
import { EntityCreation } from './entity-creation.js';
import { endsOf, type Belonging, type NewEntity } from './entity-draft.js';
import { EntityRemoval } from './entity-removal.js';
import { noteEntity } from './entity-trail.js';
import { existingEntity } from './existing.js';
import type { RequestContext } from './extension.js';
import type { Handlers } from './handlers.js';
import type { EntityChange, Invocation, KindHandler, LinkEnds, Write } from './kind-handler.js';
import { hideLink, renderRecord } from './rendering.js';
import { recallOrMake } from './replay.js';

export interface EntityServices {
  readonly store: Store;
  readonly access: Access;
  readonly handlers: Handlers;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Absent: nobody keeps account of what entities take. */
  readonly admission?: Admission;
}

export class Entities {
  readonly #services: EntityServices;
  readonly #creation: EntityCreation;
  readonly #removal: EntityRemoval;

  constructor(services: EntityServices) {
    this.#services = services;
    this.#creation = new EntityCreation(services);
    this.#removal = new EntityRemoval(services);
  }

  /** Runs one request's transaction. */
  write<T>(context: RequestContext, registry: CategoryRegistry, work: (write: Write) => Promise<T>): Promise<T> {
    const { store, clock, admission } = this.#services;
    return store.write(async (tx) => {
      const write = { tx, context, registry, now: clock.now() };
      const done = await work(write);
      await admission?.settle(write);
      return done;
    });
  }

  /**
   * What would stand in the way of making these, as far as account is kept of them.
   * @param reader the transaction that is about to make them; absent: a dry run
   */
  async foresee(
    { principal }: RequestContext,
    registry: CategoryRegistry,
    planned: readonly Planned[],
    reader: SqlReader = this.#services.store,
  ): Promise<readonly Fault[]> {
    return (await this.#services.admission?.foresee(reader, registry, principal, planned)) ?? [];
  }

  /** Lets the handlers fetch and judge what the entities bring, before any transaction begins. */
  makeReady(context: RequestContext, registry: CategoryRegistry, entities: readonly NewEntity[]): Promise<NewEntity[]> {
    return Promise.all(
      entities.map(async (entity) => {
        const handler = this.#services.handlers.of(entity.resolved.kind.id);
        return handler.makeReady ? { ...entity, prepared: await handler.makeReady(context, registry, entity) } : entity;
      }),
    );
  }

  /** Creates all or none. A replay of an earlier request answers with what that one made (K12). */
  async create(write: Write, entities: readonly NewEntity[]): Promise<EntityRecord[]> {
    const created: EntityRecord[] = [];
    for (const entity of entities)
      created.push(await recallOrMake(write, entity, () => this.#creation.forClient(write, entity)));
    return created;
  }

  /** Creates one entity for whom the caller says, e.g. a part of an appliance: {@link EntityCreation.make}. */
  make(write: Write, entity: NewEntity, belonging: Belonging): Promise<EntityRecord> {
    return this.#creation.make(write, entity, belonging);
  }

  /** Adds a link to a resource on behalf of a client (C-155). */
  async addLink(write: Write, source: EntityRecord, link: ResolvedLink): Promise<void> {
    await this.#creation.forClient(write, { resolved: { ...link, source: `/${source.id}`, links: [] } });
  }

  /** Renders a resource anew with all links that it has by now. */
  async showLinks(write: Write, id: string): Promise<void> {
    const entity = await existingEntity(write.tx, id);
    const rendered = await renderRecord(write.tx, entity, write.registry, this.#services.handlers);
    await updateEntity(write.tx, entity, { ...rendered, observedRevision: entity.observedRevision + 1 });
  }

  /** Changes an entity on behalf of a client. `expectedVersion` is what `If-Match` named (K13). */
  async change(
    write: Write,
    id: string,
    change: (current: EntityRecord) => RequestedChange,
    expected?: Precondition,
  ): Promise<EntityRecord> {
    const entity = await this.#forWriting(write, id, () => ['update'], expected);
    return this.#apply(write, entity, change(entity));
  }

  async #apply(write: Write, entity: EntityRecord, requested: RequestedChange): Promise<EntityRecord> {
    const { ends, ...change } = requested;
    const moved = ends && (await this.#moved(write, entity, ends));
    if (isEmpty(change) && !moved) return entity;
    const handler = this.#services.handlers.of(entity.kind);
    const changed = await handler.change(write, entity, moved ? { ...change, moved } : change);
    return this.#save(write, entity, changed, 'update');
  }

  /** What a link shall join from now on, if that is anything else than before. */
  async #moved(write: Write, link: EntityRecord, ends: LinkReferences): Promise<LinkEnds | undefined> {
    if (link.source === null || (ends.source === undefined && ends.target === undefined)) return undefined;
    const source = ends.source ?? `/${link.source}`;
    const target = ends.target ?? (link.target === null ? (link.targetUri ?? '') : `/${link.target}`);
    const moved = await endsOf(this.#services.access, write, { source, target });
    const handler = this.#services.handlers.of(link.kind);
    if (!handler.judgeMove) {
      throw problem('forbidden', 'occi.link-fixed', 'links of this kind keep their ends', {
        place: { field: ends.source === undefined ? 'occi.core.target' : 'occi.core.source' },
        remedy: 'delete this link and make another',
      });
    }
    await handler.judgeMove(write, link, moved);
    return moved;
  }

  /** Notes the state to which operations lead that an extension files itself (K10). */
  async head(write: Write, id: string, heading: string): Promise<void> {
    const entity = await existingEntity(write.tx, id);
    const headed = await renderRecord(write.tx, { ...entity, heading }, write.registry, this.#services.handlers);
    await updateEntity(write.tx, entity, { ...headed, observedRevision: entity.observedRevision + 1 });
  }

  /** Associates a mixin with an entity, or takes it away (collections of mixins, GFD.223 §11). */
  async associate(write: Write, id: string, mixin: Mixin, present: boolean): Promise<EntityRecord> {
    const entity = await this.#forWriting(write, id, () => ['update']);
    if (entity.mixins.includes(mixin.id) === present) return entity;
    if (present && !write.registry.applies(mixin, entity.kind)) {
      throw problem(
        write.context.version === '1.1' ? 'forbidden' : 'invalid',
        'occi.mixin-not-applicable',
        `${mixin.id} cannot be applied to ${entity.kind}`,
        {
          rule: 'GFD.221 §5.3.4',
          remedy: `it applies to ${mixin.applies.join(', ')}`,
        },
      );
    }
    const added = present ? write.registry.closure([mixin.id]).filter((each) => !entity.mixins.includes(each.id)) : [];
    const dependent = entity.mixins.find((id) => id !== mixin.id && write.registry.dependsOn(id, mixin.id));
    if (!present && dependent !== undefined) throw staysOn(mixin, `${dependent} depends on it`);
    const changed = await this.#apply(write, entity, {
      attributes: new Map(),
      addedMixins: added,
      removedMixins: present ? [] : [mixin],
    });
    if (!present && changed.mixins.includes(mixin.id)) throw staysOn(mixin, 'the entity was made from it');
    return changed;
  }

  /** Takes a mixin away whose definition goes: nobody is asked (C-099). */
  async dropMixin(write: Write, id: string, mixin: Mixin): Promise<void> {
    const entity = await existingEntity(write.tx, id);
    await this.#save(
      write,
      entity,
      { ...entity, mixins: entity.mixins.filter((other) => other !== mixin.id) },
      'update',
    );
  }

  /** An entity in whatever phase, without asking whose it is: for what is not shown to anyone. */
  peek(id: string): Promise<EntityRecord | undefined> {
    return findEntity(this.#services.store, id);
  }

  /** The live entity as the caller may see it; what is another's is not there (K14). */
  async find(write: Write, id: string): Promise<EntityRecord> {
    const entity = await loadForUpdate(write.tx, id, this.#services.access.scope(write.context.principal, 'read'));
    if (!entity) throw notFound();
    return entity;
  }

  /** Invokes an action. Answers the entity as it is now and the template that `save` minted. */
  async act(
    write: Write,
    id: string,
    invocation: Invocation,
    expected?: Precondition,
  ): Promise<{ entity: EntityRecord; minted?: Mixin }> {
    const entity = await this.#forWriting(
      write,
      id,
      (handler) => handler.verbsFor?.(invocation.term) ?? ['act'],
      expected,
    );
    const handler = this.#services.handlers.of(entity.kind);
    if (!handler.applicable(entity).includes(invocation.action)) {
      throw problem(
        write.context.version === '1.1' ? 'invalid' : 'conflict',
        'occi.action-not-applicable',
        `${invocation.term} is not possible in the present state`,
        {
          place: { field: 'action' },
          rule: 'GFD.185 §3.4.4',
          remedy: `possible now: ${
            handler
              .applicable(entity)
              .filter((action) => isActionOffered(write.registry, action, write.context.version))
              .map((action) => action.slice(action.indexOf('#') + 1))
              .join(', ') || 'nothing'
          }`,
        },
      );
    }
    const outcome = await handler.act(write, entity, invocation);
    const saved = await this.#save(write, entity, outcome.entity, 'act', { action: invocation.action });
    return { entity: saved, ...(outcome.minted ? { minted: outcome.minted } : {}) };
  }

  /**
   * Removes an entity with its links, its own and those that lead to it. What a site knows of becomes a tombstone until
   * the site has let go (K11); the rest is gone at once.
   */
  async remove(write: Write, id: string, expected?: Precondition): Promise<void> {
    const entity = await this.#forWriting(write, id, () => ['delete'], expected);
    if (entity.appliance !== null && entity.appliance !== entity.id) {
      throw problem('conflict', 'appliance.owns', `this belongs to the appliance ${entity.appliance}`, {
        rule: 'K08',
        remedy: `delete /appliance/${entity.appliance}, or scale or undeploy it`,
      });
    }
    await this.removeWhole(write, entity);
  }

  /** A deletion of a whole collection takes whole appliances (K08). */
  async removeAsMember(write: Write, id: string): Promise<void> {
    const entity = await existingEntity(write.tx, id);
    await this.remove(write, entity.appliance ?? id);
  }

  /** Removes an entity as its kind does it, without asking: for what goes with another. */
  async removeWhole(write: Write, entity: EntityRecord): Promise<void> {
    const handler = this.#services.handlers.of(entity.kind);
    await (handler.remove ? handler.remove(write, entity) : this.removeTree(write, entity));
  }

  /** The same without asking: for what an extension owns itself. */
  async removeTree(write: Write, entity: EntityRecord): Promise<void> {
    for (const { key: _key, after: _after, ...release } of await this.planRemoval(write, [entity])) {
      const filing = { ...release, appliance: entity.appliance, principal: write.context.principal.id };
      await this.#services.engine.file(write.tx, filing);
    }
  }

  /**
   * Tombstones the entities with all links from and to them, and answers the releases still to be filed, keyed by
   * entity, links first. A release waits by itself until the links of its entity are gone.
   */
  planRemoval(write: Write, entities: readonly EntityRecord[]): Promise<NewChild[]> {
    return this.#removal.plan(write, entities);
  }

  /**
   * Releases that were under way for components of an appliance when its work was cancelled, to be filed again: a deletion
   * is never given up (K11).
   */
  resumeRemoval(write: Write, appliance: string): Promise<NewChild[]> {
    return this.#removal.resume(write, appliance);
  }

  /** Stores what a handler made of an entity, with a new version, rendering, event and audit entry. */
  async #save(
    write: Write,
    before: EntityRecord,
    after: EntityRecord,
    verb: Verb,
    details: JsonObject = {},
  ): Promise<EntityRecord> {
    const { tx, now } = write;
    const stored = await existingEntity(tx, before.id);
    const raised = { ...after, version: stored.version + 1, observedRevision: stored.observedRevision, changedAt: now };
    const rendered = await renderRecord(tx, raised, write.registry, this.#services.handlers);
    if (before.source !== rendered.source) await hideLink(tx, stored);
    await updateEntity(tx, stored, rendered);
    await this.#services.admission?.changed(write, before, rendered);
    await noteEntity(write, verb, rendered, details);
    return rendered;
  }

  async #forWriting(
    write: Write,
    id: string,
    verbsOf: (handler: KindHandler) => readonly Verb[],
    expected?: Precondition,
  ): Promise<EntityRecord> {
    const { access } = this.#services;
    const entity = await this.find(write, id);
    const verbs = verbsOf(this.#services.handlers.of(entity.kind));
    if (!verbs.some((verb) => access.decide(write.context.principal, verb, entity))) {
      throw problem('forbidden', 'access.denied', `you may not ${verbs.join(' or ')} this`, {
        remedy: 'ask its owner or the provider',
      });
    }
    expected?.(entity);
    return entity;
  }
}

/** A change as the client says it: the ends of a link by reference. */
export type RequestedChange = Omit<EntityChange, 'moved'> & { readonly ends?: LinkReferences };

/** Checks an entity against what the client knows of it; throws a Problem `precondition-failed`. */
export type Precondition = (entity: EntityRecord) => void;

function isEmpty(change: Omit<EntityChange, 'moved'>): boolean {
  return (
    change.attributes.size === 0 &&
    change.addedMixins.length === 0 &&
    change.removedMixins.length === 0 &&
    !('title' in change) &&
    !('summary' in change)
  );
}

/** A mixin that cannot be taken away: a refusal, where passing over it would look like success. */
function staysOn({ id }: Mixin, why: string): Error {
  return problem('conflict', 'occi.mixin-stays', `${id} cannot be taken away: ${why}`, {
    place: { field: 'Category' },
    rule: 'GFD.221 §5.3.4',
    remedy: 'leave it, or create another entity without it',
  });
}
