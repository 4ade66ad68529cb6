/**
 * One entity at its URL (GFD.223 §10, GFD.185 §3.4.4): retrieve, update in part or in full, act, delete. An entity that is
 * not the caller's and one that does not exist answer alike (K14).
 */

import type { Access } from '../../access/access.js';
import { notFound, problem } from '../../base/errors.js';
import type { Rendering } from '../../extension/extension.js';
import type { Entities } from '../../extension/entities.js';
import type { Handlers } from '../../extension/handlers.js';
import type { Write } from '../../extension/kind-handler.js';
import { entityIdOf } from '../../extension/locations.js';
import { parseEntityView, viewIn, wholeView } from '../../extension/rendering.js';
import { negotiate } from '../../occi/media-type.js';
import type { Kind } from '../../occi/model.js';
import { resolveUpdate, type ResolvedUpdate } from '../../occi/resolve/index.js';
import { loadEntity, loadRendering } from '../../store/entities.js';
import type { EntityRecord } from '../../store/entity-record.js';
import type { Store } from '../../store/sql.js';
import type { Answer } from '../answer.js';
import { onlyParameters } from '../target.js';
import { entityAnswer, okAnswer, urlOf } from './answers.js';
import { cacheable, etagOf, notModified, preconditionOf } from './etag.js';
import type { Exchange } from './exchange.js';
import { Invoking } from './invoking.js';
import { answerType, OCCI_JSON, type AnswerType } from './media.js';
import { methodNotAllowed } from './query-interface.js';
import type { RequestReader } from './reading.js';

export interface EntityResourceServices {
  readonly store: Store;
  readonly access: Access;
  readonly entities: Entities;
  readonly handlers: Handlers;
  readonly invoking: Invoking;
  readonly reader: RequestReader;
  readonly renderings: readonly Rendering[];
}

export class EntityResource {
  readonly #services: EntityResourceServices;

  constructor(services: EntityResourceServices) {
    this.#services = services;
  }

  answer(exchange: Exchange, kind: Kind, id: string): Promise<Answer> {
    const rendering = this.#further(exchange, kind);
    if (rendering) return this.#renderFurther(exchange, kind, id, rendering);
    const type = answerType(exchange.fields.accept, false);
    const term = Invoking.termOf(exchange);
    if (term !== undefined) return this.#services.invoking.onEntity(exchange, type, id, kind.id, term);
    onlyParameters(exchange.target, []);
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        return this.#retrieve(exchange, type, kind, id);
      case 'POST':
        return this.#update(exchange, type, kind, id, 'partial');
      case 'PUT':
        return this.#update(exchange, type, kind, id, 'full');
      case 'DELETE':
        return this.#remove(exchange, type, kind, id);
      default:
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
    }
  }

  async #retrieve(exchange: Exchange, type: AnswerType, kind: Kind, id: string): Promise<Answer> {
    const { store, access, handlers } = this.#services;
    const scope = access.scope(exchange.context.principal, 'read');
    if (exchange.version === '1.2') {
      // What is stored is the view of OCCI 1.2: its JSON is handed out as it is, the other renderings start from it.
      const stored = await loadRendering(store, id, scope);
      if (stored?.rendering.startsWith(`{"kind":"${kind.id}"`) !== true) throw notFound();
      const etag = etagOf(exchange, stored, type);
      if (notModified(exchange, etag)) return unchanged(type, etag);
      const headers = cacheable(etag);
      if (type === OCCI_JSON) return { status: 200, contentType: type, headers, body: stored.rendering };
      return entityAnswer(exchange, type, parseEntityView(stored.rendering), headers);
    }
    const record = await loadEntity(store, id, scope);
    if (record?.kind !== kind.id) throw notFound();
    const etag = etagOf(exchange, record, type);
    if (notModified(exchange, etag)) return unchanged(type, etag);
    return entityAnswer(exchange, type, viewIn(record, exchange.version, exchange.registry, handlers), cacheable(etag));
  }

  /** POST changes what it names, PUT replaces what can be replaced; both answer with the whole entity (K17). */
  async #update(
    exchange: Exchange,
    type: AnswerType,
    kind: Kind,
    id: string,
    mode: 'partial' | 'full',
  ): Promise<Answer> {
    const { store, access, entities, handlers, reader } = this.#services;
    const found = await loadEntity(store, id, access.scope(exchange.context.principal, 'read'));
    if (found?.kind !== kind.id) throw mode === 'full' ? putElsewhere() : notFound();
    const { request } = await reader.read(exchange);
    const [input] = request.entities;
    if (!input || request.entities.length > 1) {
      throw problem('malformed', 'occi.entity-missing', 'the request does not describe exactly one entity', {
        rule: 'GFD.223 §10.3.1',
        remedy: 'send the entity as the server renders it, or the part to be changed',
      });
    }
    const expected = preconditionOf(exchange);
    const updated = await entities.write(exchange.context, exchange.registry, async (write) => {
      const current = await loadEntity(write.tx, id, access.scope(exchange.context.principal, 'read'));
      if (!current) throw notFound();
      const update = resolveUpdate(
        input,
        exchange.registry,
        wholeView(current, exchange.registry, handlers),
        mode,
        exchange.version,
      );
      if (mode === 'full') refuseLinks(exchange, update);
      const changed = await entities.change(write, id, () => update, expected);
      return (await this.#changeLinks(write, changed, update))
        ? ((await loadEntity(write.tx, id, { op: 'all' })) ?? changed)
        : changed;
    });
    const headers: [string, string][] = [
      ['Location', urlOf(exchange, updated)],
      ['ETag', etagOf(exchange, updated, type)],
    ];
    return entityAnswer(exchange, type, viewIn(updated, exchange.version, exchange.registry, handlers), headers);
  }

  /** Links that came with the entity: new ones are made, changed ones changed, the others stay as they are. */
  async #changeLinks(write: Write, entity: EntityRecord, { links }: ResolvedUpdate): Promise<boolean> {
    const { entities } = this.#services;
    for (const { link, update } of links.changed) {
      const id = entityIdOf(link.id, write.context.base);
      if (id !== undefined) await entities.change(write, id, () => update);
    }
    for (const link of links.added) await entities.addLink(write, entity, link);
    return links.changed.length + links.added.length > 0;
  }

  async #remove(exchange: Exchange, type: AnswerType, kind: Kind, id: string): Promise<Answer> {
    const { entities } = this.#services;
    const expected = preconditionOf(exchange);
    await entities.write(exchange.context, exchange.registry, async (write) => {
      const found = await loadEntity(write.tx, id, { op: 'kind', kinds: [kind.id] });
      if (!found) throw notFound();
      await entities.remove(write, id, expected);
    });
    return okAnswer(type);
  }

  /** A media type that an extension renders, if that is what the client wants most. */
  #further(exchange: Exchange, kind: Kind): Rendering | undefined {
    const { accept } = exchange.fields;
    if (accept === undefined || exchange.method !== 'GET') return undefined;
    return this.#services.renderings.find(
      (rendering) =>
        rendering.kind === kind.id &&
        accept.includes(rendering.mediaType) &&
        negotiate(accept, [rendering.mediaType]) !== undefined,
    );
  }

  async #renderFurther(exchange: Exchange, kind: Kind, id: string, rendering: Rendering): Promise<Answer> {
    const { store, access, handlers } = this.#services;
    onlyParameters(exchange.target, []);
    const record = await loadEntity(store, id, access.scope(exchange.context.principal, 'read'));
    if (record?.kind !== kind.id) throw notFound();
    const view = viewIn(record, '1.2', exchange.registry, handlers);
    const rendered = await rendering.render(record, view, exchange.context);
    const body = rendered instanceof Uint8Array ? Buffer.from(rendered) : rendered;
    return { status: 200, contentType: rendering.mediaType, headers: [['Cache-Control', 'no-cache']], body };
  }
}

/** PUT where nothing of the caller's is: the server mints ids itself, and says the same of what is another's (K12). */
export function putElsewhere(): Error {
  return problem('invalid', 'occi.put-creates-nothing', 'this server chooses the URLs of entities itself', {
    rule: 'GFD.185 §3.4.4',
    remedy: 'create entities by POST to the location of their kind',
  });
}

/** GFD.185: a Link in a PUT is an error. Those the server itself showed are understood as left alone (K20). */
function refuseLinks(exchange: Exchange, { links }: ResolvedUpdate): void {
  if (exchange.version !== '1.1' || links.added.length + links.changed.length === 0) return;
  throw problem('malformed', 'occi.put-with-links', 'a full update cannot add or change links', {
    place: { field: 'Link' },
    rule: 'GFD.185 §3.4.4',
    remedy: 'add a link by POST; leave it out of a PUT',
  });
}

function unchanged(type: AnswerType, etag: string): Answer {
  return { status: 304, contentType: type, headers: cacheable(etag), body: '' };
}
