/**
 * A filter on a collection (GFD.185 §3.4.3, GFD.223 §7): entities of these kinds, with these mixins, having these attributes
 * with these values. Values are compared typed, so each is coerced to its declared type (A39).
 */

import { coerceValue } from '../attribute-value.js';
import type { AttributeDefinition, AttributeValue, TypeId } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { AttributeInput, CategoryRef } from '../request.js';
import { definitionOf } from './attributes.js';
import { sortCategories } from './categories.js';
import { Findings } from './findings.js';

/** All of it must hold at once. */
export interface EntityFilter {
  /** The entity's kind must be, or come from, each of them. */
  readonly kinds: readonly TypeId[];
  readonly mixins: readonly TypeId[];
  readonly attributes: readonly (readonly [name: string, value: AttributeValue])[];
}

/** @throws Problem `invalid` for unknown categories, undeclared attributes and values of the wrong type, all at once. */
export function resolveFilter(
  categories: readonly CategoryRef[],
  attributes: ReadonlyMap<string, AttributeInput>,
  registry: CategoryRegistry,
): EntityFilter {
  const findings = new Findings();
  const named = sortCategories(categories, registry, findings);
  const definitions = attributes.size === 0 ? new Map<string, AttributeDefinition>() : declared(registry);
  const wanted: (readonly [string, AttributeValue])[] = [];
  for (const [name, input] of attributes) {
    const definition = definitionOf(name, definitions, '1.1', findings);
    if (definition === undefined) continue;
    const outcome = coerceValue(definition, input);
    if (outcome.ok) wanted.push([name, outcome.value]);
    else findings.add('invalid', outcome.fault);
  }
  findings.throwIfAny();
  const mixins = categories.map(({ scheme, term }) => scheme + term).filter((id) => registry.mixin(id) !== undefined);
  return { kinds: named.kinds.map(({ id }) => id), mixins: [...new Set(mixins)], attributes: wanted };
}

/** Every attribute that any kind or mixin defines, in either version. */
function declared(registry: CategoryRegistry): ReadonlyMap<string, AttributeDefinition> {
  const definitions = new Map<string, AttributeDefinition>();
  for (const version of ['1.1', '1.2'] as const) {
    for (const category of registry.categories(version)) {
      if (category.class === 'action') continue;
      for (const definition of category.attributes.values()) {
        if (!definitions.has(definition.name)) definitions.set(definition.name, definition);
      }
    }
  }
  return definitions;
}
