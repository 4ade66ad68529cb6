/**
 * The query interface `/-/` and its well-known alias (GFD.223 §9, GFD.185 §3.4.1): discovery, and the mixins that users
 * define, which belong to the group of their maker (K15).
 */

import type { Access } from '../../access/access.js';
import { Problem, problem } from '../../base/errors.js';
import type { Entities } from '../../extension/entities.js';
import type { AnyCategory, Mixin, TypeId } from '../../occi/model.js';
import { resolveCategories, resolveUserMixin } from '../../occi/resolve/index.js';
import { categoriesVisibleIn, categoryView, type CategoryView } from '../../occi/visible.js';
import { deleteUserMixin, insertUserMixin } from '../../store/user-mixins.js';
import type { Answer } from '../answer.js';
import { onlyParameters } from '../target.js';
import { categoriesAnswer, okAnswer } from './answers.js';
import type { Collections, CollectionServices } from './collections.js';
import type { Discovery } from './discovery.js';
import type { Exchange } from './exchange.js';
import { answerType, type AnswerType } from './media.js';
import type { RequestReader } from './reading.js';

/** Paths that no user mixin may take (K02). */
export const RESERVED_PATHS = [
  '/-/',
  '/.well-known/',
  '/entity/',
  '/health/',
  '/metrics/',
  '/log/',
  '/upload/',
  '/events/',
  '/console/',
  '/guest/',
  '/keystone/',
];

export class QueryInterface {
  readonly #entities: Entities;
  readonly #reader: RequestReader;
  readonly #access: Access;
  readonly #collections: Collections;
  readonly #discovery: Discovery;

  constructor(
    { entities, reader, access }: Pick<CollectionServices, 'entities' | 'reader' | 'access'>,
    collections: Collections,
    discovery: Discovery,
  ) {
    this.#entities = entities;
    this.#reader = reader;
    this.#access = access;
    this.#collections = collections;
    this.#discovery = discovery;
  }

  answer(exchange: Exchange): Promise<Answer> {
    onlyParameters(exchange.target, []);
    const type = answerType(exchange.fields.accept, false);
    switch (exchange.method) {
      case 'GET':
      case 'HEAD':
        return Promise.resolve(this.#discover(exchange, type));
      case 'POST':
        return this.#define(exchange, type);
      case 'DELETE':
        return this.#forget(exchange, type);
      default:
        throw methodNotAllowed(exchange.method, ['GET', 'HEAD', 'POST', 'DELETE']);
    }
  }

  #discover(exchange: Exchange, type: AnswerType): Answer {
    if (exchange.headers.categories.length > 0) return categoriesAnswer(type, filtered(exchange));
    return this.#discovery.answer(type, exchange);
  }

  /** Adds user mixins, all or none (C-094, C-097). */
  async #define(exchange: Exchange, type: AnswerType): Promise<Answer> {
    const { request } = await this.#reader.read(exchange);
    const { principal } = exchange.context;
    if (request.categories.length === 0) throw nothingNamed('GFD.223 §9.3');
    const layers: Mixin[] = [];
    for (const ref of request.categories) {
      const registry = exchange.registry.provider.with([...exchange.registry.userMixins, ...layers]);
      layers.push(resolveUserMixin({ class: 'mixin', ...ref }, registry, RESERVED_PATHS));
    }
    await this.#entities.write(exchange.context, exchange.registry, async ({ tx, now }) => {
      const owned = { group: principal.groups[0], createdBy: principal.id, createdAt: now };
      for (const mixin of layers) {
        await insertUserMixin(tx, { ...mixin, title: mixin.title ?? null, rel: mixin.depends, ...owned });
      }
    });
    return okAnswer(type);
  }

  /** Removes user mixins and their associations; the entities stay (C-098, C-099). */
  async #forget(exchange: Exchange, type: AnswerType): Promise<Answer> {
    const { request } = await this.#reader.read(exchange);
    if (request.categories.length === 0) throw nothingNamed('GFD.223 §9.4');
    const categories = resolveCategories(
      request.categories.map(({ scheme, term }) => ({ scheme, term })),
      exchange.registry,
    );
    const mixins = categories.map((category) => this.#removable(exchange, category));
    await this.#entities.write(exchange.context, exchange.registry, async (write) => {
      for (const mixin of mixins) {
        await this.#collections.dissociateAll(write, mixin);
        await deleteUserMixin(write.tx, mixin.ownerGroup ?? '', mixin.id);
      }
    });
    return okAnswer(type);
  }

  /** The whole group sees and uses a mixin; as with entities, only who made it may take it away (K15). */
  #removable(exchange: Exchange, category: AnyCategory): Mixin {
    const refuse = (code: string, message: string, remedy: string): Problem =>
      problem('forbidden', code, message, { place: { field: 'Category' }, rule: 'GFD.185 §3.4.1', remedy });
    if (category.class !== 'mixin' || category.ownerGroup === undefined) {
      throw refuse(
        'category.provider-defined',
        `${category.id} belongs to the provider`,
        'only mixins that users defined can be removed',
      );
    }
    const { id, ownerGroup: group, madeBy: owner = '' } = category;
    const owned = { id, kind: '', owner, group, appliance: null };
    if (this.#access.decide(exchange.context.principal, 'delete', owned)) return category;
    throw refuse(
      'category.made-by-another',
      `${id} was defined by another member of your group`,
      'ask who defined it, or an administrator; you can take it off your own entities',
    );
  }
}

/**
 * 1.1: exactly the categories that are named. 1.2: those and what is related to them: what comes from or depends on
 * them, and their actions (GFD.223 §7.1).
 */
function filtered(exchange: Exchange): CategoryView[] {
  const { registry, version } = exchange;
  const named = resolveCategories(
    exchange.headers.categories.map(({ scheme, term }) => ({ scheme, term })),
    registry,
  );
  const views = named.map((category) => categoryView(category, registry, version));
  if (version === '1.1') return views;
  const ids = new Set<TypeId>(named.map((category) => category.id));
  const actions = new Set(views.flatMap((view) => view.actions));
  const related = categoriesVisibleIn(registry, version).filter(({ category }) => {
    if (ids.has(category.id)) return false;
    if (category.class === 'action') return actions.has(category.id);
    return category.class === 'kind'
      ? category.parent !== undefined && ids.has(category.parent)
      : category.depends.some((id) => ids.has(id));
  });
  return [...views, ...related];
}

export function methodNotAllowed(method: string, allowed: readonly string[]): Error {
  const fault = {
    code: 'http.method-not-allowed',
    message: `${method} is not defined on this URL`,
    rule: 'GFD.223 §8',
    remedy: `use ${allowed.join(', ')}`,
  };
  // RFC 9110 §15.5.6: a 405 says what would be allowed.
  return new Problem('method-not-allowed', fault, { headers: { Allow: allowed.join(', ') } });
}

function nothingNamed(rule: string): Error {
  return problem('malformed', 'occi.category-missing', 'the request names no category', {
    place: { field: 'Category' },
    rule,
    remedy: 'send at least one Category with term and scheme',
  });
}
