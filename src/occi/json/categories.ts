/**
 * Categories in `application/occi+json` (GFD.226 §3.2, §3.4, §3.5.1). The provider's categories are many and change
 * only with the configuration, a caller's own mixins are few: the answer is joined from fragments, so that the first
 * part is rendered once for all callers (K15).
 */

import type { JsonObject, JsonValue } from '../../base/json.js';
import type { AttributeDefinition } from '../model.js';
import type { CategoryView } from '../visible.js';

/** Rendered categories by class, each text a comma-separated list of objects. */
export interface CategoryFragments {
  readonly kinds: string;
  readonly mixins: string;
  readonly actions: string;
}

/** The rendering of one category under {@link categoryFragments}. */
export type CategoryToJson = (view: CategoryView) => JsonObject;

/** Renders categories as parts of a collection, in OCCI 1.2 unless `toJson` says otherwise. */
export function categoryFragments(
  views: readonly CategoryView[],
  toJson: CategoryToJson = categoryJson,
): CategoryFragments {
  const of = (categoryClass: CategoryView['category']['class']): string =>
    views
      .filter(({ category }) => category.class === categoryClass)
      .map((view) => JSON.stringify(toJson(view)))
      .join(',');
  return { kinds: of('kind'), mixins: of('mixin'), actions: of('action') };
}

/** The category collection of all parts together; its three arrays are always there (C-229). */
export function renderCategoriesJson(...parts: readonly CategoryFragments[]): string {
  const joined = (member: keyof CategoryFragments): string =>
    parts
      .map((part) => part[member])
      .filter((text) => text !== '')
      .join(',');
  return `{"kinds":[${joined('kinds')}],"mixins":[${joined('mixins')}],"actions":[${joined('actions')}]}`;
}

function categoryJson({ category, attributes, actions, depends, applies }: CategoryView): JsonObject {
  return {
    term: category.term,
    scheme: category.scheme,
    ...(category.title === undefined ? {} : { title: category.title }),
    attributes: Object.fromEntries(attributes.map((definition) => [definition.name, attributeJson(definition)])),
    ...(category.class === 'kind' && category.parent !== undefined ? { parent: category.parent } : {}),
    ...filled('depends', depends),
    ...filled('applies', applies),
    ...filled('actions', actions),
    ...(category.class === 'action' || category.location === undefined ? {} : { location: category.location }),
  };
}

/**
 * Type, mutable and required are always said: strict clients do not know the defaults (I-028). The pattern, which is optional,
 * is not: rOCCI 5 gives up a model that has one in the standard's form. The OpenAPI description of the server has them all.
 */
function attributeJson({ mutable, required, type, default: standard, description }: AttributeDefinition): JsonObject {
  return {
    mutable,
    required,
    type,
    ...(standard === undefined ? {} : { default: standard }),
    ...(description === undefined ? {} : { description }),
  };
}

function filled(member: string, values: readonly string[]): Readonly<Record<string, JsonValue>> {
  return values.length === 0 ? {} : { [member]: values };
}
