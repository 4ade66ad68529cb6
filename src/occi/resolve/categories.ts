/**
 * The categories that a request names, found in the registry (GFD.221 §5.3): the one kind of an entity, and its mixins
 * together with all they depend on.
 */

import { excerpt } from '../../base/errors.js';
import type { AnyCategory, Kind, Mixin, OcciVersion, TypeId } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { CategoryRef } from '../request.js';
import { Findings } from './findings.js';

/**
 * The categories named, whatever their class: the filter of the query interface, or what is to be deleted there.
 * @throws Problem `invalid` naming every unknown one.
 */
export function resolveCategories(refs: readonly CategoryRef[], registry: CategoryRegistry): readonly AnyCategory[] {
  const findings = new Findings();
  const categories = refs.flatMap((ref) => findCategory(ref, registry, findings) ?? []);
  findings.throwIfAny();
  return categories;
}

/** The category of a reference; undefined, with a finding, when it is unknown or of another class than it claims. */
export function findCategory(
  ref: CategoryRef,
  registry: CategoryRegistry,
  findings: Findings,
): AnyCategory | undefined {
  const id = ref.scheme + ref.term;
  const category = registry.resolveRef(ref);
  if (category === undefined) {
    findings.add('invalid', {
      code: 'category.unknown',
      message: `category ${excerpt(id)} is not known`,
      place: { field: 'Category' },
      rule: 'GFD.221 §5.3.6 (C-012, C-013)',
      remedy: 'use a category that /-/ lists',
      value: excerpt(id),
    });
    return undefined;
  }
  if (ref.class === undefined || ref.class === category.class) return category;
  findings.add('invalid', {
    code: 'category.class',
    message: `${category.id} is a ${category.class}, not a ${ref.class}`,
    place: { field: 'Category' },
    rule: 'GFD.229 §4.1 (C-204)',
    remedy: `name it with class="${category.class}"`,
    value: excerpt(id),
  });
  return undefined;
}

export interface NamedCategories {
  /** Each kind once; a complete entity has exactly one. */
  readonly kinds: readonly Kind[];
  /** Closed over what they depend on. */
  readonly mixins: readonly Mixin[];
}

/** Sorts the categories of an entity by class; an action among them is a finding. */
export function sortCategories(
  refs: readonly CategoryRef[],
  registry: CategoryRegistry,
  findings: Findings,
): NamedCategories {
  const kinds = new Set<Kind>();
  const mixins: TypeId[] = [];
  for (const ref of refs) {
    const category = findCategory(ref, registry, findings);
    if (category?.class === 'kind') kinds.add(category);
    else if (category?.class === 'mixin') mixins.push(category.id);
    else if (category !== undefined) {
      findings.add('invalid', {
        code: 'category.action',
        message: `action ${category.id} cannot categorize an entity`,
        place: { field: 'Category' },
        rule: 'GFD.221 §5.3.6',
        remedy: 'invoke an action by POST to ?action=',
      });
    }
  }
  return { kinds: [...kinds], mixins: registry.closure(mixins) };
}

/** Whether each mixin may go onto the kind (C-030); HTTP statuses of the two versions differ (A01). */
export function checkApplies(
  mixins: readonly Mixin[],
  kind: Kind,
  registry: CategoryRegistry,
  version: OcciVersion,
  findings: Findings,
): void {
  for (const mixin of mixins.filter((candidate) => !registry.applies(candidate, kind.id))) {
    findings.add(version === '1.1' ? 'forbidden' : 'invalid', {
      code: 'mixin.not-applicable',
      message: `mixin ${mixin.id} cannot be associated with ${kind.id}`,
      place: { field: 'Category' },
      rule: 'GFD.221 §5.3.4 (C-030)',
      remedy: `it applies to ${mixin.applies.join(', ')}`,
      value: mixin.id,
    });
  }
}
