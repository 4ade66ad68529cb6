/**
 * Filters and paging of collections on pages. OCCI's filters travel in header fields, which a form cannot set; on a page
 * they stand in the query, and become what the header fields would have said (GFD.223 §6, §7.2).
 */

import type { AttributeDefinition, Kind, Mixin } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import type { OcciRequest } from '../../occi/request.js';
import type { Exchange } from '../occi/exchange.js';
import { parameter } from '../target.js';
import { plainField } from './fields.js';
import { NOTHING } from './inner.js';
import { titleOf } from './labels.js';
import { inputs } from './submission.js';
import { html, visible, type Html } from './template.js';

/** What the query of a list may name. */
export const LIST_PARAMETERS = ['page', 'number', 'mixin', 'attribute', 'value', 'as'] as const;

/** The filter that the query asks for. Fields of the form that were left empty ask for nothing. */
export function readFilter({ target }: Exchange): OcciRequest {
  const mixin = parameter(target, 'mixin') ?? '';
  const attribute = parameter(target, 'attribute') ?? '';
  const value = parameter(target, 'value') ?? '';
  const cut = mixin.indexOf('#') + 1;
  const categories = mixin === '' ? [] : [{ scheme: mixin.slice(0, cut), term: mixin.slice(cut) }];
  if (attribute === '') return categories.length === 0 ? NOTHING : { ...NOTHING, categories, empty: false };
  const entity = { categories: [], attributes: inputs([[attribute, value]]), links: [], actionLinks: [] };
  return { ...NOTHING, categories, entities: [entity], empty: false };
}

/** `page` and `number` as they are. */
export function pagingOf({ target }: Exchange): readonly (readonly [string, string])[] {
  return target.query.filter(([name]) => name === 'page' || name === 'number');
}

/** The form of a collection's filter. */
export function filterForm({ target, registry }: Exchange, of: Kind | Mixin): Html {
  const mixins = of.class === 'kind' ? mixinsOn(registry, of) : [];
  const attributes = of.class === 'kind' ? scalars([...registry.attributesOf(of.id).values()]) : [];
  if (attributes.length === 0) return html``;
  const mixin = parameter(target, 'mixin') ?? '';
  const attribute = parameter(target, 'attribute') ?? '';
  const value = parameter(target, 'value') ?? '';
  const option = (id: string, name: string, chosen: string): Html =>
    html`<option value="${id}" ${id === chosen && html`selected`}>${visible(name)}</option>`;
  return html`<details ${(mixin !== '' || attribute !== '') && html`open`}>
    <summary>Filter</summary>
    <form method="get" action="${target.path}" role="search">
      <div class="fields">
        ${plainField(
          'filter-mixin',
          'Mixin',
          html`<select id="filter-mixin" name="mixin">
            ${option('', '(any)', mixin)} ${mixins.map(({ id }) => option(id, titleOf(registry, id), mixin))}
          </select>`,
        )}
        ${plainField(
          'filter-attribute',
          'Attribute',
          html`<select id="filter-attribute" name="attribute">
            ${option('', '(any)', attribute)} ${attributes.map(({ name }) => option(name, name, attribute))}
          </select>`,
        )}
        ${plainField('filter-value', 'is', html`<input id="filter-value" name="value" type="text" value="${value}" />`)}
      </div>
      <button>Show</button> <a href="${target.path}">Show all</a>
    </form>
  </details>`;
}

function mixinsOn(registry: CategoryRegistry, kind: Kind): Mixin[] {
  return registry
    .categories('1.2')
    .filter((category): category is Mixin => category.class === 'mixin' && registry.applies(category, kind.id));
}

function scalars(definitions: readonly AttributeDefinition[]): AttributeDefinition[] {
  return definitions.filter(({ type, version }) => type !== 'object' && type !== 'array' && version !== '1.1');
}
