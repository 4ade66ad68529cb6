/**
 * The categories that are in force: the provider's part, the same for everyone, and on top of it the mixins of the
 * caller's groups (K15). User mixins are kept per set of groups until their generation changes (K32).
 */

import type { Mixin } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import { generationOf } from '../store/generations.js';
import type { SqlReader } from '../store/sql.js';
import { listUserMixins, type UserMixin } from '../store/user-mixins.js';

const MOST_GROUP_SETS = 10_000;

export class Categories {
  readonly provider: CategoryRegistry;
  readonly #layers = new Map<string, { readonly generation: number; readonly registry: CategoryRegistry }>();

  constructor(provider: CategoryRegistry) {
    this.provider = provider;
  }

  /** The registry as members of these groups see it. `generation` is where the categories stand, if that is known. */
  async of(reader: SqlReader, groups: readonly string[], generation?: number): Promise<CategoryRegistry> {
    const key = groups.join('\0');
    const current = generation ?? (await generationOf(reader, 'categories'));
    const known = this.#layers.get(key);
    if (known?.generation === current) return known.registry;
    const registry = this.provider.with((await listUserMixins(reader, groups)).map(asMixin));
    if (this.#layers.size >= MOST_GROUP_SETS) this.#layers.clear();
    this.#layers.set(key, { generation: current, registry });
    return registry;
  }
}

function asMixin(stored: UserMixin): Mixin {
  return {
    class: 'mixin',
    id: stored.id,
    scheme: stored.scheme,
    term: stored.term,
    ...(stored.title === null ? {} : { title: stored.title }),
    attributes: new Map(),
    depends: stored.rel,
    applies: stored.applies,
    actions: [],
    location: stored.location,
    ownerGroup: stored.group,
    madeBy: stored.createdBy,
  };
}
