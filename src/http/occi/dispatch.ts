/**
 * From a path to what stands there (`spec/occi.md` §5.1): the query interface, the collection of a kind or mixin, an
 * entity, or an unbound path. A missing final slash of a collection is forgiven.
 */

import { notFound } from '../../base/errors.js';
import { isUuid } from '../../base/ids.js';
import type { Answer } from '../answer.js';
import { Collections, type CollectionServices } from './collections.js';
import { EntityResource, putElsewhere, type EntityResourceServices } from './entity.js';
import type { Exchange } from './exchange.js';
import { QueryInterface } from './query-interface.js';

const WELL_KNOWN = '/.well-known/org/ogf/occi/-/';

export class OcciDispatch {
  readonly #queryInterface: QueryInterface;
  readonly #collections: Collections;
  readonly #entity: EntityResource;

  constructor(services: CollectionServices & EntityResourceServices) {
    this.#collections = new Collections(services);
    this.#entity = new EntityResource(services);
    this.#queryInterface = new QueryInterface(services.entities, services.reader, this.#collections);
  }

  async answer(exchange: Exchange): Promise<Answer> {
    const { path } = exchange.target;
    const slashed = path.endsWith('/') ? path : `${path}/`;
    if (slashed === '/-/' || slashed === WELL_KNOWN) return this.#queryInterface.answer(exchange);

    const cut = path.lastIndexOf('/') + 1;
    const id = path.slice(cut);
    if (isUuid(id)) {
      const parent = exchange.registry.atLocation(path.slice(0, cut));
      if (parent?.class === 'kind') return this.#entity.answer(exchange, parent, id);
    }

    const category = exchange.registry.atLocation(slashed);
    if (category?.class === 'kind') return this.#collections.ofKind(exchange, category);
    if (category?.class === 'mixin') return this.#collections.ofMixin(exchange, category);
    if (exchange.method === 'PUT' && !path.endsWith('/')) throw putElsewhere();
    if (path === slashed) return this.#collections.unbound(exchange, path);
    throw notFound();
  }
}
