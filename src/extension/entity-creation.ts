/**
 * How entities come about: the kind's handler, the permission, the record with its rendering, its inline links, the event and
 * the audit entry, all in the transaction of the request. What a client asks for and what an extension makes of itself
 * go the same way.
 */

import type { Access } from '../access/access.js';
import { problem } from '../base/errors.js';
import { isUuid } from '../base/ids.js';
import type { ResolvedLink } from '../occi/resolve/index.js';
import { insertEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { Tx } from '../store/sql.js';
import type { Admission } from './admission.js';
import { draftEntity, recordOf, type Belonging, type NewEntity } from './entity-draft.js';
import { noteEntity } from './entity-trail.js';
import { existingEntity } from './existing.js';
import type { RequestContext } from './extension.js';
import type { Handlers } from './handlers.js';
import type { EntityDraft, Write } from './kind-handler.js';
import { renderRecord, renderResource } from './rendering.js';

interface CreationServices {
  readonly access: Access;
  readonly handlers: Handlers;
  /** Absent: nobody keeps account of what entities take. */
  readonly admission?: Admission;
}

export class EntityCreation {
  readonly #services: CreationServices;

  constructor(services: CreationServices) {
    this.#services = services;
  }

  /** Creates one that a client asked for: it is the caller's. */
  async forClient(write: Write, entity: NewEntity): Promise<EntityRecord> {
    const { principal } = write.context;
    const handler = this.#services.handlers.of(entity.resolved.kind.id);
    const chosen =
      handler.federationChoosesId && principal.roles.has('federation')
        ? entity.resolved.id?.replace(/^urn:uuid:/, '')
        : undefined;
    // One that is taken gives way to one of the server's own: whose it is is nobody's business (K09, K14).
    const id = chosen !== undefined && isUuid(chosen) && !(await isTaken(write.tx, chosen)) ? { id: chosen } : {};
    const group = handler.groupFor?.(entity.resolved.attributes) ?? principal.groups[0];
    return this.make(write, entity, { owner: principal.id, group, ...id });
  }

  /**
   * Creates one entity with its inline links and files the work of its handlers.
   *
   * @throws Problem as the handler or the permission says; nothing is stored then
   */
  async make(write: Write, entity: NewEntity, belonging: Belonging): Promise<EntityRecord> {
    const { tx, context, now } = write;
    const { resolved } = entity;
    const handler = this.#services.handlers.of(resolved.kind.id);
    const draft = await draftEntity(this.#services.access, write, entity, belonging);
    this.#permit(context, draft);
    await handler.prepare(write, draft);
    const record = await this.#renderNew(write, recordOf(draft, now), belonging.unshown !== true);
    await insertEntity(tx, record);
    await this.#services.admission?.entered(write, record);
    for (const link of draft.links) await this.#makeInline(write, record, link, belonging);
    const stored = draft.links.length === 0 ? record : await existingEntity(tx, record.id);
    await handler.created(write, stored, draft);
    await noteEntity(write, 'create', record);
    return existingEntity(tx, record.id);
  }

  /**
   * A new resource has no links yet. Not looking for any spares more than the statement: on PostgreSQL creations at the same
   * time would collide in what each has looked at, and one of them run again.
   */
  #renderNew({ tx, registry }: Write, record: EntityRecord, showOnSource: boolean): Promise<EntityRecord> {
    const { handlers } = this.#services;
    if (record.source === null) return Promise.resolve(renderResource(record, registry, handlers, []));
    return renderRecord(tx, record, registry, handlers, showOnSource);
  }

  /** A link given inside its source (GFD.185 §3.4.5): created like any other, under the source's owner. */
  async #makeInline(write: Write, source: EntityRecord, link: ResolvedLink, belonging: Belonging): Promise<void> {
    const { id: _id, ...inherited } = belonging;
    await this.make(
      write,
      { resolved: { ...link, source: `/${source.id}`, links: [] } },
      { ...inherited, owner: source.owner, group: source.group },
    );
  }

  #permit(context: RequestContext, draft: EntityDraft): void {
    const ownership = {
      id: draft.id,
      kind: draft.kind.id,
      owner: draft.owner,
      group: draft.group,
      appliance: draft.appliance ?? null,
    };
    if (this.#services.access.decide(context.principal, 'create', ownership)) return;
    throw problem('forbidden', 'access.denied', 'you may not create entities of this kind', {
      remedy: 'ask the provider',
    });
  }
}

async function isTaken(tx: Tx, id: string): Promise<boolean> {
  return (await tx.get('SELECT 1 FROM entity WHERE id = ?', [id])) !== undefined;
}
