/**
 * From a path to what stands there (`spec/occi.md` §5.1): the query interface, the collection of a kind or mixin, an
 * entity, or an unbound path. A missing final slash of a collection is forgiven.
 */

import { notFound } from '../../base/errors.js';
import { isUuid } from '../../base/ids.js';
import { CORE_ENTITY, type Kind, type Mixin } from '../../occi/model.js';
import type { Answer } from '../answer.js';
import { ENTITY_LOCATION, type Discovery } from './discovery.js';
import { Collections, type CollectionServices } from './collections.js';
import { EntityResource, putElsewhere, type EntityResourceServices } from './entity.js';
import { refuseCondition, revalidated } from './etag.js';
import type { Exchange } from './exchange.js';
import { QueryInterface } from './query-interface.js';

const URN = 'urn:uuid:';
const WELL_KNOWN = '/.well-known/org/ogf/occi/-/';

export class OcciDispatch {
  readonly #queryInterface: QueryInterface;
  readonly #collections: Collections;
  readonly #entity: EntityResource;

  constructor(services: CollectionServices & EntityResourceServices & { readonly discovery: Discovery }) {
    this.#collections = new Collections(services);
    this.#entity = new EntityResource(services);
    this.#queryInterface = new QueryInterface(services, this.#collections, services.discovery);
  }

  async answer(exchange: Exchange): Promise<Answer> {
    const place = placeOf(exchange);
    if (place.is === 'entity') return this.#entity.answer(exchange, place.kind, place.id);
    const reads = exchange.method === 'GET' || exchange.method === 'HEAD';
    if (!reads) refuseCondition(exchange);
    const answer = await this.#answerAt(exchange, place);
    return reads ? revalidated(exchange, answer) : answer;
  }

  async #answerAt(exchange: Exchange, place: Exclude<Place, { readonly is: 'entity' }>): Promise<Answer> {
    switch (place.is) {
      case 'query-interface':
        return this.#queryInterface.answer(exchange);
      case 'kind':
        return this.#collections.ofKind(exchange, place.kind);
      case 'mixin':
        return this.#collections.ofMixin(exchange, place.mixin);
      case 'unbound':
        return this.#collections.unbound(exchange, place.path);
      case 'nothing':
        throw exchange.method === 'PUT' ? putElsewhere() : notFound();
    }
  }
}

/** What a URL is of (`spec/occi.md` §5.1), whether or not something is there. */
export type Place =
  | { readonly is: 'query-interface' | 'nothing' }
  | { readonly is: 'entity'; readonly kind: Kind; readonly id: string }
  | { readonly is: 'kind'; readonly kind: Kind }
  | { readonly is: 'mixin'; readonly mixin: Mixin }
  | { readonly is: 'unbound'; readonly path: string };

export function placeOf({ target: { path }, registry, version }: Exchange): Place {
  const slashed = path.endsWith('/') ? path : `${path}/`;
  if (slashed === '/-/' || slashed === WELL_KNOWN) return { is: 'query-interface' };

  const cut = path.lastIndexOf('/') + 1;
  // jOCCI puts a whole occi.core.id behind the location.
  const id = path.slice(path.startsWith(URN, cut) ? cut + URN.length : cut);
  if (isUuid(id)) {
    const parent = registry.atLocation(path.slice(0, cut));
    if (parent?.class === 'kind') return { is: 'entity', kind: parent, id };
  }

  const category =
    slashed === ENTITY_LOCATION && version === '1.1' ? registry.kind(CORE_ENTITY) : registry.atLocation(slashed);
  if (category?.class === 'kind') return { is: 'kind', kind: category };
  if (category?.class === 'mixin') return { is: 'mixin', mixin: category };
  return path === slashed ? { is: 'unbound', path } : { is: 'nothing' };
}
