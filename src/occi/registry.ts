/**
 * The category registry (GFD.221 §5.3): every kind, mixin and action that can be discovered, checked as a whole, and
 * what follows from their relations: ancestors, the attributes and actions an entity gets from its kind and mixins,
 * and what lies at a location. It is immutable; the mixins that users made come as a layer over the provider's
 * part, which all callers share (K15).
 */

import { throwIfFaulty } from '../base/errors.js';
import {
  CORE_ENTITY,
  type Action,
  type AnyCategory,
  type AttributeDefinition,
  type Kind,
  type Mixin,
  type OcciVersion,
  type TypeId,
} from './model.js';
import { registryFaults } from './registry-rules.js';
import type { CategoryRef } from './request.js';

/** Distinct combinations of kind and mixins whose attributes are kept; clients choose them, so they are bounded. */
const MOST_COMBINATIONS = 4096;

export class CategoryRegistry {
  /** The mixins of this layer, in order; empty for the provider's own registry. */
  readonly userMixins: readonly Mixin[];
  readonly #provider: CategoryRegistry | undefined;
  readonly #byId: ReadonlyMap<TypeId, AnyCategory>;
  readonly #byLocation: ReadonlyMap<string, Kind | Mixin>;
  readonly #all: readonly AnyCategory[];
  readonly #attributes = new Map<string, ReadonlyMap<string, AttributeDefinition>>();

  private constructor(own: readonly AnyCategory[], provider: CategoryRegistry | undefined) {
    this.#provider = provider;
    this.#all = own;
    this.#byId = new Map(own.map((category) => [category.id, category]));
    this.#byLocation = new Map(
      own.flatMap((category) =>
        category.class === 'action' || category.location === undefined ? [] : [[category.location, category]],
      ),
    );
    this.userMixins = provider === undefined ? [] : (own as readonly Mixin[]);
  }

  /**
   * The provider's registry.
   * @throws Problem `invalid` with every rule that the categories break together (C-001…C-008).
   */
  static of(categories: readonly AnyCategory[]): CategoryRegistry {
    throwIfFaulty('invalid', registryFaults(categories));
    const ordered = (['kind', 'mixin', 'action'] as const).flatMap((categoryClass) =>
      categories.filter((category) => category.class === categoryClass),
    );
    return new CategoryRegistry(ordered, undefined);
  }

  /** This provider part with these user mixins on top. A mixin that meanwhile collides with the provider's is left out. */
  with(userMixins: readonly Mixin[]): CategoryRegistry {
    const provider = this.provider;
    const fitting = userMixins.filter(
      (mixin) => !provider.#byId.has(mixin.id) && !provider.#byLocation.has(mixin.location),
    );
    return fitting.length === 0 ? provider : new CategoryRegistry(fitting, provider);
  }

  /** The part that all callers share: the same object for every layer over it. */
  get provider(): CategoryRegistry {
    return this.#provider ?? this;
  }

  get(id: TypeId): AnyCategory | undefined {
    return this.#byId.get(id) ?? this.#provider?.get(id);
  }

  kind(id: TypeId): Kind | undefined {
    const category = this.get(id);
    return category?.class === 'kind' ? category : undefined;
  }

  mixin(id: TypeId): Mixin | undefined {
    const category = this.get(id);
    return category?.class === 'mixin' ? category : undefined;
  }

  action(id: TypeId): Action | undefined {
    const category = this.get(id);
    return category?.class === 'action' ? category : undefined;
  }

  /** The kind or mixin whose collection is at this path (with its final `/`). */
  atLocation(path: string): Kind | Mixin | undefined {
    return this.#byLocation.get(path) ?? this.#provider?.atLocation(path);
  }

  /** The category a reference names, whatever class it claims (I-019). */
  resolveRef(ref: CategoryRef): AnyCategory | undefined {
    return this.get(ref.scheme + ref.term);
  }

  /** The kind itself and its parents up to core#entity, nearest first. Empty for an unknown kind. */
  ancestors(kindId: TypeId): readonly Kind[] {
    const chain: Kind[] = [];
    for (
      let kind = this.kind(kindId);
      kind !== undefined;
      kind = kind.parent === undefined ? undefined : this.kind(kind.parent)
    ) {
      chain.push(kind);
    }
    return chain;
  }

  /** Whether the kind is the ancestor or comes from it. */
  isA(kindId: TypeId, ancestorId: TypeId): boolean {
    return this.ancestors(kindId).some((kind) => kind.id === ancestorId);
  }

  /** What links of the kind join, as it says itself or inherits; undefined: anything. */
  joins(kindId: TypeId): Kind['joins'] {
    return this.ancestors(kindId).find((kind) => kind.joins !== undefined)?.joins;
  }

  /** The kind and every kind that comes from it: whose entities are in its collection (A34). */
  descendants(kindId: TypeId): readonly Kind[] {
    return this.provider.#all.filter(
      (category): category is Kind => category.class === 'kind' && this.isA(category.id, kindId),
    );
  }

  /** Whether entities of this kind can be created: those that have a location (GFD.223 §4; never core#entity). */
  instantiable(kindId: TypeId): boolean {
    return kindId !== CORE_ENTITY && this.kind(kindId)?.location !== undefined;
  }

  /** The mixins and all they depend on, each once, a dependency right after the first that needs it. Unknown ids are skipped. */
  closure(mixinIds: readonly TypeId[]): readonly Mixin[] {
    const found = new Map<TypeId, Mixin>();
    const visit = (id: TypeId): void => {
      const mixin = this.mixin(id);
      if (mixin === undefined || found.has(id)) return;
      found.set(id, mixin);
      mixin.depends.forEach(visit);
    };
    mixinIds.forEach(visit);
    return [...found.values()];
  }

  /** Whether the mixin is, or depends on, `baseId`. */
  dependsOn(mixinId: TypeId, baseId: TypeId): boolean {
    return this.closure([mixinId]).some((mixin) => mixin.id === baseId);
  }

  /** Whether the mixin may be associated with entities of the kind (GFD.221 §5.3.4). */
  applies(mixin: Mixin, kindId: TypeId): boolean {
    return mixin.applies.length === 0 || mixin.applies.some((id) => this.isA(kindId, id));
  }

  /**
   * The attribute definitions of an entity by name: inherited ones first, then the kind's own, then the mixins'. What a
   * mixin says of an attribute that is there already overrides it, so its default wins (C-026); later mixins override earlier.
   */
  attributesOf(kindId: TypeId, mixinIds: readonly TypeId[] = []): ReadonlyMap<string, AttributeDefinition> {
    if (this.#provider !== undefined && !mixinIds.some((id) => this.#byId.has(id))) {
      return this.#provider.attributesOf(kindId, mixinIds);
    }
    const key = mixinIds.length === 0 ? kindId : `${kindId} ${mixinIds.join(' ')}`;
    const known = this.#attributes.get(key);
    if (known !== undefined) return known;
    const definitions = new Map<string, AttributeDefinition>();
    const categories = [...this.ancestors(kindId).toReversed(), ...this.#dependenciesFirst(mixinIds)];
    for (const category of categories) {
      for (const definition of category.attributes.values()) {
        definitions.set(definition.name, { ...definitions.get(definition.name), ...definition });
      }
    }
    if (this.#attributes.size >= MOST_COMBINATIONS) this.#attributes.clear();
    this.#attributes.set(key, definitions);
    return definitions;
  }

  /** The actions of an entity: its kind's, the parents', the mixins' and those they depend on. */
  actionsOf(kindId: TypeId, mixinIds: readonly TypeId[] = []): readonly Action[] {
    const ids = new Set([...this.ancestors(kindId), ...this.closure(mixinIds)].flatMap((category) => category.actions));
    return [...ids].flatMap((id) => this.action(id) ?? []);
  }

  /** The categories that a version offers in stable order: kinds, mixins, actions, then this layer's user mixins. */
  categories(version: OcciVersion): readonly AnyCategory[] {
    const inherited = this.#provider?.categories(version) ?? [];
    return [
      ...inherited,
      ...this.#all.filter((category) => category.version === undefined || category.version === version),
    ];
  }

  /** The closure in the order in which definitions override one another. */
  #dependenciesFirst(mixinIds: readonly TypeId[]): readonly Mixin[] {
    const found = new Map<TypeId, Mixin>();
    const visit = (id: TypeId): void => {
      const mixin = this.mixin(id);
      if (mixin === undefined || found.has(id)) return;
      mixin.depends.forEach(visit);
      found.set(id, mixin);
    };
    mixinIds.forEach(visit);
    return [...found.values()];
  }
}
