/**
 * What of categories and entities one protocol version shows (`spec/occi.md` §1.2). Entities are stored in the words of
 * both versions at once; a 1.1 client sees no attribute, action or state that came with 1.2 and no name that its
 * grammar cannot parse (I-011), a 1.2 client nothing that 1.2 took away.
 */

import { isAttributeName, isTerm, splitTypeId } from './category-grammar.js';
import {
  INFRASTRUCTURE,
  NETWORK,
  COMPUTE,
  NETWORKINTERFACE,
  RESOURCE_TPL,
  STORAGE,
  STORAGELINK,
  isLinkView,
  type AnyCategory,
  type AttributeDefinition,
  type AttributeValue,
  type Attributes,
  type EntityView,
  type LinkView,
  type OcciVersion,
  type TypeId,
} from './model.js';
import type { CategoryRegistry } from './registry.js';

/** A category as a caller sees it in one version: what the query interface renders. */
export interface CategoryView {
  readonly category: AnyCategory;
  /** Own and inherited ones of a kind (A33); own ones of a mixin or action. */
  readonly attributes: readonly AttributeDefinition[];
  /** Own and inherited; empty for an action. */
  readonly actions: readonly TypeId[];
  /** A kind's parent, a mixin's first `depends` that is shown too (I-021). */
  readonly rel?: TypeId;
  readonly depends: readonly TypeId[];
  readonly applies: readonly TypeId[];
}

/** The states that one version lacks, with the nearest word it has. */
const STATES: Record<OcciVersion, ReadonlyMap<TypeId, Readonly<Record<string, string>>>> = {
  '1.1': new Map([
    [COMPUTE, { error: 'inactive' }],
    [NETWORK, { error: 'inactive' }],
    [STORAGE, { error: 'offline' }],
    [NETWORKINTERFACE, { error: 'inactive' }],
    [STORAGELINK, { error: 'inactive' }],
    [`${INFRASTRUCTURE}securitygroup`, { error: 'inactive' }],
    [`${INFRASTRUCTURE}securitygrouplink`, { error: 'inactive' }],
  ]),
  '1.2': new Map([[STORAGE, { backup: 'online', snapshot: 'online', resize: 'online', degraded: 'online' }]]),
};

/** The categories of the registry that a version shows, in the registry's order. */
export function categoriesVisibleIn(registry: CategoryRegistry, version: OcciVersion): readonly CategoryView[] {
  return registry
    .categories(version)
    .filter(({ term }) => isTerm(term, version))
    .map((category) => categoryView(category, registry, version));
}

/** One category as that version shows it. */
export function categoryView(category: AnyCategory, registry: CategoryRegistry, version: OcciVersion): CategoryView {
  const shown = (id: TypeId): boolean => {
    const related = registry.get(id);
    return related !== undefined && isOffered(related, version) && isTerm(related.term, version);
  };
  const depends = category.class === 'mixin' ? category.depends.filter(shown) : [];
  const rel = category.class === 'kind' ? category.parent : depends[0];
  return {
    category,
    attributes: attributesShown(category, registry, version),
    actions: actionsOf(category, registry).filter(shown),
    ...(rel === undefined ? {} : { rel }),
    depends,
    applies: category.class === 'mixin' ? category.applies.filter(shown) : [],
  };
}

/** Whether requests in that version may use it: 1.2 dropped what was 1.1's alone, while 1.1 leaves room for extensions. */
export function isAccepted(offered: { readonly version?: OcciVersion }, version: OcciVersion): boolean {
  return offered.version !== '1.1' || version === '1.1';
}

/** The entity as that version shows it, with its links; the very same object where there is nothing to hide. */
export function visibleIn(view: EntityView, version: OcciVersion, registry: CategoryRegistry): EntityView {
  if (isLinkView(view)) return linkVisibleIn(view, version, registry);
  const links = mapped(view.links, (link) => linkVisibleIn(link, version, registry));
  const visible = commonVisibleIn(view, version, registry);
  return links === view.links ? visible : { ...visible, links };
}

function linkVisibleIn(view: LinkView, version: OcciVersion, registry: CategoryRegistry): LinkView {
  return commonVisibleIn(view, version, registry);
}

function commonVisibleIn<View extends EntityView>(view: View, version: OcciVersion, registry: CategoryRegistry): View {
  const attributes = attributesVisibleIn(view, version, registry);
  const actions = kept(view.actions, (id) => isActionOffered(registry, id, version));
  const mixins = kept(view.mixins, (id) => isTerm(splitTypeId(id)?.term ?? '', version));
  if (attributes === view.attributes && actions === view.actions && mixins === view.mixins) return view;
  return { ...view, attributes, actions, mixins };
}

function attributesVisibleIn(view: EntityView, version: OcciVersion, registry: CategoryRegistry): Attributes {
  const definitions = registry.attributesOf(view.kind, view.mixins);
  const states = statesOf(view.kind, version, registry);
  let changed = false;
  const shown: [string, AttributeValue][] = [];
  for (const [name, value] of Object.entries(view.attributes)) {
    const definition = definitions.get(name);
    if ((definition !== undefined && !isOffered(definition, version)) || !isAttributeName(name, version)) {
      changed = true;
      continue;
    }
    const state = name.endsWith('.state') && typeof value === 'string' ? states?.[value] : undefined;
    changed ||= state !== undefined;
    shown.push([name, state ?? value]);
  }
  return changed ? Object.fromEntries(shown) : view.attributes;
}

function statesOf(
  kind: TypeId,
  version: OcciVersion,
  registry: CategoryRegistry,
): Readonly<Record<string, string>> | undefined {
  const table = STATES[version];
  const known = registry.ancestors(kind).find(({ id }) => table.has(id));
  return known === undefined ? undefined : table.get(known.id);
}

/** Whether the version has the action at all. */
export function isActionOffered(registry: CategoryRegistry, id: TypeId, version: OcciVersion): boolean {
  const action = registry.action(id);
  return action === undefined || isOffered(action, version);
}

function isOffered(offered: { readonly version?: OcciVersion }, version: OcciVersion): boolean {
  return offered.version === undefined || offered.version === version;
}

/** In 1.1 the sizes of a resource template are invisible to discovery (C-075). */
function attributesShown(
  category: AnyCategory,
  registry: CategoryRegistry,
  version: OcciVersion,
): readonly AttributeDefinition[] {
  if (category.class === 'mixin' && version === '1.1' && registry.dependsOn(category.id, RESOURCE_TPL)) return [];
  const attributes = category.class === 'kind' ? registry.attributesOf(category.id) : category.attributes;
  return [...attributes.values()].filter(
    (definition) => isOffered(definition, version) && isAttributeName(definition.name, version),
  );
}

function actionsOf(category: AnyCategory, registry: CategoryRegistry): readonly TypeId[] {
  if (category.class === 'action') return [];
  return category.class === 'kind' ? registry.actionsOf(category.id).map(({ id }) => id) : category.actions;
}

/** `filter` that answers its argument where nothing falls out. */
function kept<Item>(items: readonly Item[], keep: (item: Item) => boolean): readonly Item[] {
  return items.every(keep) ? items : items.filter(keep);
}

/** `map` that answers its argument where nothing changes. */
function mapped<Item>(items: readonly Item[], change: (item: Item) => Item): readonly Item[] {
  const changed = items.map(change);
  return changed.every((item, index) => item === items[index]) ? items : changed;
}
