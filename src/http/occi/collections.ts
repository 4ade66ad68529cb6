/**
 * Collections (GFD.223 §11, GFD.185 §3.4.2–3.4.3): of a kind, where entities are created; of a mixin, where they are
 * associated; and unbound paths, which gather what lies below them.
 */

import type { Access } from '../../access/access.js';
import { ownScope, type Verb } from '../../access/policy.js';
import { notFound, problem } from '../../base/errors.js';
import type { BodyReader } from '../../extension/extension.js';
import type { Entities } from '../../extension/entities.js';
import type { NewEntity } from '../../extension/entity-draft.js';
import type { Handlers } from '../../extension/handlers.js';
import type { Write } from '../../extension/kind-handler.js';
import { entityIdOf } from '../../extension/locations.js';
import { viewIn } from '../../extension/rendering.js';
import { CORE_ENTITY, type Kind, type Mixin, type TypeId } from '../../occi/model.js';
import { resolveCreate } from '../../occi/resolve/index.js';
import type { CategoryRef, OcciRequest } from '../../occi/request.js';
import { findEntity } from '../../store/entities.js';
import { listIds } from '../../store/entity-lists.js';
import type { Scope } from '../../store/scope.js';
import type { Answer } from '../answer.js';
import { flag, onlyParameters } from '../target.js';
import { createdAnswer, locationsAnswer, okAnswer } from './answers.js';
import type { Exchange } from './exchange.js';
import { Invoking } from './invoking.js';
import type { Listing, Members } from './listing.js';
import { answerType, TEXT_URI_LIST, type AnswerType } from './media.js';
import { methodNotAllowed } from './query-interface.js';
import { NO_REQUEST, type RequestReader } from './reading.js';

export interface CollectionServices {
  readonly access: Access;
  readonly entities: Entities;
  readonly handlers: Handlers;
  readonly invoking: Invoking;
  readonly listing: Listing;
  readonly reader: RequestReader;
  readonly bodyReaders: readonly BodyReader[];
}

export class Collections {
  readonly #services: CollectionServices;

  constructor(services: CollectionServices) {
    this.#services = services;
  }

  ofKind(exchange: Exchange, kind: Kind): Promise<Answer> {
    const type = answerType(exchange.fields.accept, true);
    const members = this.#membersOfKind(exchange, kind);
    const term = Invoking.termOf(exchange);
    if (term !== undefined) {
      const acting = actingOn(exchange);
      const writable = (write: Write): Promise<string[]> => this.#writable(write, acting, members, 'act');
      return this.#services.invoking.onMembers(exchange, type, writable, term, { kind: kind.id, mixins: [] });
    }
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        onlyParameters(exchange.target, ['page', 'number']);
        return this.#services.listing.answer(exchange, members);
      case 'POST':
        return this.create(exchange, type, kind);
      case 'DELETE':
        return this.#remove(exchange, type, members);
      default:
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD', 'POST', 'DELETE']);
    }
  }

  ofMixin(exchange: Exchange, mixin: Mixin): Promise<Answer> {
    const type = answerType(exchange.fields.accept, true);
    const members = { kinds: kindsBelow(exchange, CORE_ENTITY), mixins: [mixin.id] };
    const term = Invoking.termOf(exchange);
    if (term !== undefined) return this.#actOnMixin(exchange, type, mixin, members, term);
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        onlyParameters(exchange.target, ['page', 'number']);
        return this.#services.listing.answer(exchange, members);
      case 'POST':
        return this.#associate(exchange, mixin, members, 'add');
      case 'PUT':
        return this.#associate(exchange, mixin, members, 'replace');
      case 'DELETE':
        return this.#associate(exchange, mixin, members, 'remove');
      default:
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
    }
  }

  /** A path above locations: lists what lies below, and takes creations at the root (I-020). */
  unbound(exchange: Exchange, path: string): Promise<Answer> {
    const type = answerType(exchange.fields.accept, true);
    const below = locationsBelow(exchange, path);
    if (below.length === 0) throw notFound();
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        onlyParameters(exchange.target, ['page', 'number']);
        if (type === TEXT_URI_LIST) return Promise.resolve(level(exchange, path, below));
        return this.#services.listing.answer(exchange, membersBelow(exchange, below));
      case 'POST':
        if (path === '/') return this.create(exchange, type, undefined);
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD', 'DELETE']);
      case 'DELETE':
        // GFD.223 knows no unbound path; whoever does not speak 1.1 has not read that this deletes all below.
        if (exchange.version === '1.1') return this.#remove(exchange, type, membersBelow(exchange, below));
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD']);
      default:
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD']);
    }
  }

  /** Creates one or several entities, all or none (C-112, C-116, C-117). */
  async create(exchange: Exchange, type: AnswerType, kind: Kind | undefined): Promise<Answer> {
    const { entities, handlers, reader } = this.#services;
    const rehearsed = kind !== undefined && handlers.of(kind.id).dryRun !== undefined;
    onlyParameters(exchange.target, rehearsed ? ['dry-run'] : []);
    const dry = rehearsed && flag(exchange.target, 'dry-run');
    const { request, attachments } = await reader.read(exchange, kind);
    if (request.entities.length === 0) throw noEntity(request);
    const key = exchange.fields['idempotency-key'];
    const among = request.entities.length;
    const news = request.entities.map((input, index): NewEntity => {
      const resolved = resolveCreate(input, exchange.registry, {
        version: exchange.version,
        ...(kind ? { expectedKind: this.#expected(exchange, kind, input.categories) } : {}),
      });
      if (typeof key === 'string' && key !== '') {
        return among === 1
          ? { resolved, attachments, replayKey: key }
          : { resolved, attachments, replayKey: index === 0 ? key : `${key} ${index}`, among };
      }
      return { resolved, attachments, ...(resolved.id === undefined ? {} : { replayKey: resolved.id }) };
    });
    if (dry) return this.#rehearse(exchange, kind, news);
    const ready = await entities.makeReady(exchange.context, exchange.registry, news);
    const created = await entities.write(exchange.context, exchange.registry, (write) => entities.create(write, ready));
    return createdAnswer(exchange, type, created, () =>
      created.map((record) => viewIn(record, exchange.version, exchange.registry, handlers)),
    );
  }

  /** What a creation would do, without doing it (K07). */
  async #rehearse(exchange: Exchange, kind: Kind, [entity, ...others]: readonly NewEntity[]): Promise<Answer> {
    const outcome =
      entity && (await this.#services.handlers.of(kind.id).dryRun?.(exchange.context, exchange.registry, entity));
    if (!outcome || others.length > 0) throw noEntity(NO_REQUEST);
    return {
      status: 200,
      contentType: outcome.mediaType,
      headers: [['Cache-Control', 'no-store']],
      body: outcome.body,
    };
  }

  /** A collection of a kind takes its own kind and those derived from it. */
  #expected(exchange: Exchange, kind: Kind, categories: OcciRequest['categories']): TypeId {
    const named = categories
      .map((ref) => exchange.registry.resolveRef(ref))
      .find((category) => category?.class === 'kind');
    return named && exchange.registry.isA(named.id, kind.id) ? named.id : kind.id;
  }

  #membersOfKind(exchange: Exchange, kind: Kind): Members {
    return { kinds: kindsBelow(exchange, kind.id), mixins: [] };
  }

  async #actOnMixin(
    exchange: Exchange,
    type: AnswerType,
    mixin: Mixin,
    members: Members,
    term: string,
  ): Promise<Answer> {
    const { entities, invoking } = this.#services;
    const acting = actingOn(exchange);
    const writable = (write: Write): Promise<string[]> => this.#writable(write, acting, members, 'act');
    const [id] = await entities.write(exchange.context, exchange.registry, writable);
    const first = id === undefined ? undefined : await entities.peek(id);
    // On a tag the action is one that all members have by their kinds (C-042); on a mixin with actions its own will do.
    const definedBy = { kind: first?.kind ?? mixin.applies[0] ?? CORE_ENTITY, mixins: [mixin.id] };
    return invoking.onMembers(exchange, type, writable, term, definedBy);
  }

  /** Deletes the entities that the request names (in 1.1 only), or all; all or none of them (A10, C-133, K08). */
  async #remove(exchange: Exchange, type: AnswerType, members: Members): Promise<Answer> {
    const { entities, reader } = this.#services;
    onlyParameters(exchange.target, ['all-tenants']);
    const named = (await reader.read(exchange)).request.locations;
    if (named.length > 0 && exchange.version === '1.2') throw noSubset();
    await entities.write(exchange.context, exchange.registry, async (write) => {
      const all = await this.#writable(write, exchange, members, 'delete');
      const wanted = named.length === 0 ? all : idsOf(exchange, named);
      const strangers = wanted.filter((id) => !all.includes(id));
      if (strangers.length > 0) throw notFound('nothing', strangers.slice(0, 8));
      for (const id of wanted) {
        // Deleting one entity may take others with it: a link goes with its source, a machine with its appliance.
        const member = await findEntity(write.tx, id);
        if (member?.phase === 'live') await entities.removeAsMember(write, id);
      }
    });
    return okAnswer(type);
  }

  /** The members that a collection-wide write touches: an administrator's own, unless all tenants are meant (K28). */
  async #writable(write: Write, exchange: Exchange, members: Members, verb: Verb): Promise<string[]> {
    const { access, listing } = this.#services;
    const { page: _page, ...query } = listing.query(exchange, members);
    const { principal } = exchange.context;
    const permitted = access.scope(principal, verb);
    const everyone = !principal.roles.has('administrator') || flag(exchange.target, 'all-tenants');
    const scope: Scope = everyone ? permitted : { op: 'and', of: [permitted, ownScope(principal)] };
    return listIds(write.tx, { ...query, scope });
  }

  /** Adds members, makes exactly these the members, or takes them out; never creates or deletes an entity. */
  async #associate(
    exchange: Exchange,
    mixin: Mixin,
    members: Members,
    mode: 'add' | 'replace' | 'remove',
  ): Promise<Answer> {
    const { entities, listing, reader } = this.#services;
    onlyParameters(exchange.target, ['all-tenants']);
    const { request } = await reader.read(exchange);
    const named = namedEntities(exchange, request);
    if (mode === 'add' && named.length === 0) throw noLocations();
    await entities.write(exchange.context, exchange.registry, async (write) => {
      const present = mode === 'add' ? [] : await this.#writable(write, unfiltered(exchange), members, 'update');
      const leaving =
        mode === 'replace'
          ? present.filter((id) => !named.includes(id))
          : mode === 'remove'
            ? named.length === 0
              ? present
              : named
            : [];
      for (const id of leaving) await entities.associate(write, id, mixin, false);
      if (mode !== 'remove') for (const id of named) await entities.associate(write, id, mixin, true);
    });
    return listing.answer(unfiltered(exchange), members);
  }

  /** Takes a mixin away from every entity of its group (C-099). */
  async dissociateAll(write: Write, mixin: Mixin): Promise<void> {
    const { entities } = this.#services;
    const ids = await listIds(write.tx, {
      kinds: write.registry.descendants(CORE_ENTITY).map((kind) => kind.id),
      mixins: [mixin.id],
      scope: { op: 'group', groups: [mixin.ownerGroup ?? ''] },
    });
    for (const id of ids) await entities.dropMixin(write, id, mixin);
  }
}

/** The exchange of an action: where its headers invoke the action they are no filter. */
function actingOn(exchange: Exchange): Exchange {
  const isAction = (ref: CategoryRef): boolean => exchange.registry.resolveRef(ref)?.class === 'action';
  return exchange.headers.categories.some(isAction) ? unfiltered(exchange) : exchange;
}

/** The same exchange, its headers not read as a filter. */
function unfiltered(exchange: Exchange): Exchange {
  return { ...exchange, headers: NO_REQUEST };
}

function kindsBelow(exchange: Exchange, root: TypeId): TypeId[] {
  return exchange.registry.descendants(root).flatMap((kind) => (kind.location === undefined ? [] : [kind.id]));
}

/** Kinds and mixins whose locations begin with the path. */
function locationsBelow(exchange: Exchange, path: string): (Kind | Mixin)[] {
  return (['1.1', '1.2'] as const)
    .flatMap((version) => exchange.registry.categories(version))
    .filter(
      (category): category is Kind | Mixin => category.class !== 'action' && (category.location ?? '').startsWith(path),
    );
}

function membersBelow(exchange: Exchange, below: readonly (Kind | Mixin)[]): Members {
  const kinds = below.filter((category) => category.class === 'kind').flatMap((kind) => kindsBelow(exchange, kind.id));
  return { kinds: [...new Set(kinds)], mixins: [] };
}

/** The hierarchy one level down (A11): sub-paths and collections. */
function level(exchange: Exchange, path: string, below: readonly (Kind | Mixin)[]): Answer {
  const next = below
    .map((category) => (category.location ?? '').slice(path.length).split('/')[0] ?? '')
    .filter((segment) => segment !== '');
  const urls = [...new Set(next)].map((segment) => `${exchange.base}${path}${segment}/`);
  return locationsAnswer(exchange, TEXT_URI_LIST, urls);
}

/** Ids of the entities that a request lists by URL, or as the entities themselves (C-128). */
function namedEntities(exchange: Exchange, request: OcciRequest): string[] {
  const described = request.entities.flatMap((entity) => {
    const id = entity.attributes.get('occi.core.id')?.value;
    return typeof id === 'string' ? [id] : [];
  });
  return [...new Set(idsOf(exchange, [...request.locations, ...described]))];
}

function idsOf(exchange: Exchange, references: readonly string[]): string[] {
  return references.map((reference) => {
    const id = entityIdOf(reference, exchange.base);
    if (id !== undefined) return id;
    throw problem('not-found', 'occi.entity-unknown', 'a location in the request is not an entity here', {
      place: { field: 'X-OCCI-Location' },
      rule: 'GFD.185 §3.6.8',
      value: reference.slice(0, 80),
      remedy: 'name entities by the URLs under which this server lists them',
    });
  });
}

function noEntity(request: OcciRequest): Error {
  if (request.locations.length > 0) {
    return problem('invalid', 'occi.not-associable', 'entities cannot be associated with a kind', {
      rule: 'GFD.223 §11.3.2',
      remedy: 'send their URLs to the location of a mixin',
    });
  }
  return problem('malformed', 'occi.entity-missing', 'the request describes no entity', {
    place: { field: 'Category' },
    rule: 'GFD.223 §11.3.1',
    remedy: 'send the category of a kind with its attributes',
  });
}

function noSubset(): Error {
  return problem('invalid', 'occi.no-subset', 'a kind does not let single entities go', {
    rule: 'GFD.223 §11.4',
    remedy: 'delete each entity by its own URL, or send no entities to delete all',
  });
}

function noLocations(): Error {
  return problem('malformed', 'occi.locations-missing', 'the request names no entities', {
    place: { field: 'X-OCCI-Location' },
    rule: 'GFD.223 §11.3.2',
    remedy: 'send the URLs of the entities to be associated',
  });
}
