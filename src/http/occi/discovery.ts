/**
 * What `/-/` shows without a filter: the provider's categories, rendered once for each version and rendering, and behind
 * them the caller's own mixins (K15). Nothing but those few is rendered for a request.
 */

import {
  categoryFragments,
  categoryJson11,
  renderCategoriesJson,
  type CategoryFragments,
} from '../../occi/json/index.js';
import { CORE_ENTITY, type OcciVersion } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { renderCategories, type TextAnswer } from '../../occi/text/index.js';
import { categoriesVisibleIn, categoryView, type CategoryView } from '../../occi/visible.js';
import type { Answer } from '../answer.js';
import { contentTypeOf, formOf, isJson, textAnswer } from './answers.js';
import type { Exchange } from './exchange.js';
import { OCCI_JSON_1_1, type AnswerType } from './media.js';
import { isRocci, withLoneActions } from './rocci.js';

/** Where 1.1 clients that know no kind without a location find all entities (jOCCI; `spec/occi.md` A31). */
export const ENTITY_LOCATION = '/entity/';

export class Discovery {
  readonly #entityLocation: boolean;
  #provider: CategoryRegistry | undefined;
  readonly #json = new Map<string, CategoryFragments>();
  readonly #text = new Map<string, TextAnswer>();
  /** Whole answers for callers without mixins of their own. */
  readonly #whole = new Map<string, Buffer>();

  /** @param entityLocation whether core#entity has a location in 1.1, which 1.2 forbids (C-089) */
  constructor(entityLocation: boolean) {
    this.#entityLocation = entityLocation;
  }

  answer(type: AnswerType, exchange: Exchange): Answer {
    const { version, registry } = exchange;
    if (registry.provider !== this.#provider) this.#forget(registry.provider);
    const own = registry.userMixins.map((mixin) => categoryView(mixin, registry, version));
    if (isJson(type)) {
      const parts = [this.#fragments(type, version), ...(own.length > 0 ? [fragmentsOf(own, type)] : [])];
      return {
        status: 200,
        contentType: type,
        body: this.#body(`${type} ${version}`, own, () => renderCategoriesJson(...parts)),
      };
    }
    const rocci = isRocci(exchange);
    const shared = this.#rendered(type, version, rocci);
    if (shared.headers.length > 0)
      return textAnswer(type, joined(shared, renderCategories(own, formOf(type))), [], 200);
    const tail = own.length > 0 ? renderCategories(own, formOf(type)).body : '';
    const body = this.#body(`${type} ${version} ${rocci}`, own, () => shared.body + tail);
    return { status: 200, contentType: contentTypeOf(type), body };
  }

  #body(key: string, own: readonly CategoryView[], render: () => string): Buffer | string {
    if (own.length > 0) return render();
    return kept(this.#whole, key, () => Buffer.from(render()));
  }

  #fragments(type: AnswerType, version: OcciVersion): CategoryFragments {
    return kept(this.#json, `${type} ${version}`, () => fragmentsOf(this.#views(version), type));
  }

  #rendered(type: AnswerType, version: OcciVersion, rocci: boolean): TextAnswer {
    return kept(this.#text, `${formOf(type)} ${version} ${rocci}`, () => {
      const views = this.#views(version);
      return renderCategories(rocci ? withLoneActions(views) : views, formOf(type));
    });
  }

  #views(version: OcciVersion): readonly CategoryView[] {
    const views = this.#provider ? categoriesVisibleIn(this.#provider, version) : [];
    if (version === '1.2' || !this.#entityLocation) return views;
    return views.map((view) =>
      view.category.class === 'kind' && view.category.id === CORE_ENTITY
        ? { ...view, category: { ...view.category, location: ENTITY_LOCATION } }
        : view,
    );
  }

  #forget(provider: CategoryRegistry): void {
    this.#provider = provider;
    this.#json.clear();
    this.#text.clear();
    this.#whole.clear();
  }
}

function fragmentsOf(views: readonly CategoryView[], type: AnswerType): CategoryFragments {
  return categoryFragments(views, type === OCCI_JSON_1_1 ? categoryJson11 : undefined);
}

/** One joined line per name, as clients read only the first (`spec/occi-interop.md`). */
function joined(first: TextAnswer, second: TextAnswer): TextAnswer {
  if (second.headers.length === 0) return first;
  const more = new Map(second.headers);
  return {
    ...first,
    headers: first.headers.map(([name, value]) => [name, more.has(name) ? `${value}, ${more.get(name) ?? ''}` : value]),
  };
}

function kept<T>(store: Map<string, T>, key: string, make: () => T): T {
  let value = store.get(key);
  if (value === undefined) {
    value = make();
    store.set(key, value);
  }
  return value;
}
