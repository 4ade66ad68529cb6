/**
 * The query interface in text (GFD.185 §3.5.1, GFD.229 §4.1, §5.4): categories with everything that can be said of them, in
 * exactly the order of the grammar, because rOCCI reads no other.
 */

import type { AnyCategory, AttributeDefinition, TypeId } from '../model.js';
import { TextFields, type TextAnswer, type TextForm } from './fields.js';
import { quoted, uriText } from './values.js';

/** A category as one caller sees it in one version. */
export interface RenderedCategory {
  readonly category: AnyCategory;
  /** Own and inherited (A33), in the order in which they are shown. */
  readonly attributes: readonly AttributeDefinition[];
  /** Those of the kind or mixin that the version has; empty for an action. */
  readonly actions: readonly TypeId[];
  /** A kind's parent; a mixin's first `depends`. Absent where it would name a category that is not shown. */
  readonly rel?: TypeId;
}

/** Renders a collection of categories. */
export function renderCategories(categories: readonly RenderedCategory[], form: TextForm): TextAnswer {
  const fields = new TextFields(form);
  for (const category of categories) fields.add('Category', categoryValue(category));
  return fields.answer();
}

function categoryValue({ category, attributes, actions, rel }: RenderedCategory): string {
  let value = `${category.term}; scheme=${quoted(category.scheme)}; class="${category.class}"`;
  if (category.title) value += `; title=${quoted(titleText(category.title))}`;
  if (rel !== undefined) value += `; rel=${quoted(rel)}`;
  if (category.class !== 'action' && category.location !== undefined)
    value += `; location=${quoted(uriText(category.location))}`;
  if (attributes.length > 0) value += `; attributes="${attributes.map(attributeDefinition).join(' ')}"`;
  if (actions.length > 0) value += `; actions=${quoted(actions.join(' '))}`;
  return value;
}

/** Most clients split header values at every comma, quoted or not (I-012). */
function titleText(title: string): string {
  return title.replace(/, */g, ' ');
}

/** Name and properties. What a client must not give it cannot be required to give (A21). */
function attributeDefinition({ name, mutable, required }: AttributeDefinition): string {
  if (!mutable) return `${name}{immutable}`;
  return required ? `${name}{required}` : name;
}
