/**
 * The rules that categories must keep together (GFD.221 §5.3; statements C-001…C-008 and C-088): identifiers and
 * locations are unique, relations lead to what is there, and every kind comes from core#entity.
 */

import type { Fault } from '../base/errors.js';
import { CORE_ENTITY, CORE_LINK, CORE_RESOURCE, type AnyCategory, type Kind, type TypeId } from './model.js';

/** Every rule broken; empty when the categories make a registry. */
export function registryFaults(categories: readonly AnyCategory[]): readonly Fault[] {
  const byId = new Map(categories.map((category) => [category.id, category]));
  return [
    ...coreFaults(byId),
    ...repeated(categories.map(({ id }) => id)).map((id) => fault('duplicate', id, `${id} is defined more than once`)),
    ...locationFaults(categories),
    ...categories.flatMap((category) => relationFaults(category, byId)),
    ...categories.flatMap((category) => (category.class === 'kind' ? ancestryFaults(category, byId) : [])),
    ...categories.flatMap((category) => (category.class === 'mixin' ? dependencyFaults(category.id, byId) : [])),
  ];
}

type ById = ReadonlyMap<TypeId, AnyCategory>;

const CORE_ATTRIBUTES: readonly (readonly [TypeId, readonly string[]])[] = [
  [CORE_ENTITY, ['occi.core.id', 'occi.core.title']],
  [CORE_RESOURCE, ['occi.core.summary']],
  [CORE_LINK, ['occi.core.source', 'occi.core.target']],
];

function coreFaults(byId: ById): readonly Fault[] {
  return CORE_ATTRIBUTES.flatMap(([id, names]) => {
    const kind = byId.get(id);
    if (kind?.class !== 'kind') return [fault('core', id, `the core kind ${id} is missing`, 'C-001')];
    return names
      .filter((name) => !kind.attributes.has(name))
      .map((name) => fault('core', id, `${id} does not define ${name}`, 'C-008'));
  });
}

function locationFaults(categories: readonly AnyCategory[]): readonly Fault[] {
  const located = categories.flatMap((category) =>
    category.class === 'action' || category.location === undefined ? [] : [category.location],
  );
  return repeated(located).map((path) => fault('location', path, `more than one category is at ${path}`, 'C-088'));
}

/** Each relation must lead to a category of the right class. */
function relationFaults(category: AnyCategory, byId: ById): readonly Fault[] {
  if (category.class === 'action') return [];
  const relations: readonly (readonly [string, AnyCategory['class'], readonly TypeId[]])[] =
    category.class === 'kind'
      ? [
          ['parent', 'kind', category.parent === undefined ? [] : [category.parent]],
          ['action', 'action', category.actions],
        ]
      : [
          ['depends', 'mixin', category.depends],
          ['applies', 'kind', category.applies],
          ['action', 'action', category.actions],
        ];
  return relations.flatMap(([relation, wanted, ids]) =>
    ids
      .filter((id) => byId.get(id)?.class !== wanted)
      .map((id) => fault(relation, category.id, `${category.id} names ${id}, which is no ${wanted}`, 'C-004, C-007')),
  );
}

/** The chain of parents ends at core#entity, and no attribute changes its type on the way down. */
function ancestryFaults(kind: Kind, byId: ById): readonly Fault[] {
  const faults: Fault[] = [];
  const seen = new Set<TypeId>();
  let top: AnyCategory | undefined = kind;
  while (top?.class === 'kind' && !seen.has(top.id)) {
    seen.add(top.id);
    for (const [name, { type }] of top.attributes) {
      const own = kind.attributes.get(name);
      if (own !== undefined && own.type !== type) {
        faults.push(fault('attribute-type', kind.id, `${kind.id} makes ${name} a ${own.type}, ${top.id} a ${type}`));
      }
    }
    if (top.id === CORE_ENTITY) return faults;
    top = top.parent === undefined ? undefined : byId.get(top.parent);
  }
  return [...faults, fault('ancestry', kind.id, `the parents of ${kind.id} do not lead to core#entity`, 'C-004')];
}

function dependencyFaults(id: TypeId, byId: ById): readonly Fault[] {
  const reached = new Set<TypeId>();
  const visit = (mixinId: TypeId): void => {
    const mixin = byId.get(mixinId);
    if (mixin?.class !== 'mixin') return;
    for (const dependency of mixin.depends) {
      if (reached.has(dependency)) continue;
      reached.add(dependency);
      visit(dependency);
    }
  };
  visit(id);
  return reached.has(id) ? [fault('depends', id, `${id} depends on itself`)] : [];
}

function repeated(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const name of names) (seen.has(name) ? again : seen).add(name);
  return [...again];
}

function fault(code: string, field: string, message: string, statements = ''): Fault {
  return {
    code: `registry.${code}`,
    message,
    place: { field },
    rule: statements === '' ? 'GFD.221 §5.3' : `GFD.221 §5.3 (${statements})`,
    remedy: 'correct the category documents',
  };
}
