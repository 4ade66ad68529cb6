/**
 * The filter of a list, which travels in the headers (GFD.185 §3.4.3, GFD.223 §7.2). What the index of attributes holds is found
 * there; what every entity has, its id and the ends of a link, is found by what it refers to, however a client writes that.
 */

import { entityIdOf } from '../../extension/locations.js';
import type { AttributeValue, TypeId } from '../../occi/model.js';
import { resolveFilter } from '../../occi/resolve/index.js';
import type { CoreFilter } from '../../store/entity-lists.js';
import type { Exchange } from './exchange.js';

/** What a URL lists: entities of these kinds that have all these mixins. */
export interface Members {
  readonly kinds: readonly TypeId[];
  readonly mixins: readonly TypeId[];
}

export interface ListFilter extends Members {
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  readonly core: CoreFilter;
}

/** No entity has this id. */
const NOBODY = '';

/** The filter of a request, narrowed to the kinds of its URL. @throws Problem `invalid` for what no category defines */
export function filterOf(exchange: Exchange, members: Members): ListFilter {
  if (exchange.headers.empty) return { kinds: members.kinds, mixins: [], attributes: new Map(), core: {} };
  const given = exchange.headers.entities[0]?.attributes ?? new Map();
  const filter = resolveFilter(exchange.headers.categories, given, exchange.registry);
  const within = (kind: TypeId): boolean => filter.kinds.every((wanted) => exchange.registry.isA(kind, wanted));
  const attributes = new Map(filter.attributes);
  const core = coreOf(attributes, exchange.base);
  for (const name of Object.keys(CORE)) attributes.delete(name);
  return { kinds: members.kinds.filter(within), mixins: filter.mixins, attributes, core };
}

type CoreReader = (value: string, base: string) => CoreFilter;

const CORE: Readonly<Record<string, CoreReader>> = {
  'occi.core.id': (value, base) => ({ id: entityIdOf(value, base) ?? entityIdOf(`/${value}`, base) ?? NOBODY }),
  'occi.core.source': (value, base) => ({ source: entityIdOf(value, base) ?? NOBODY }),
  'occi.core.source.kind': (value) => ({ sourceKind: value }),
  'occi.core.target': (value, base) => {
    const target = entityIdOf(value, base);
    return target === undefined ? { targetUri: value } : { target };
  },
  'occi.core.target.kind': (value) => ({ targetKind: value }),
};

function coreOf(attributes: ReadonlyMap<string, AttributeValue>, base: string): CoreFilter {
  const parts = Object.entries(CORE).map(([name, read]) => {
    const value = attributes.get(name);
    return typeof value === 'string' ? read(value, base) : {};
  });
  return Object.assign({}, ...parts) as CoreFilter;
}
