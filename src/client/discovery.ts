/** The query interface (GFD.223 §5.2, GFD.226 §3.4) as a client uses it: what is offered, and where each kind lives. */

import type { TypeId } from '../occi/model.js';

export interface CategoryDescription {
  readonly term: string;
  readonly scheme: string;
  readonly title?: string;
  readonly location?: string;
  readonly parent?: TypeId;
  readonly depends?: readonly TypeId[];
  readonly applies?: readonly TypeId[];
  readonly actions?: readonly TypeId[];
  readonly attributes?: Readonly<Record<string, object>>;
}

interface CategoryLists {
  readonly kinds?: readonly CategoryDescription[];
  readonly mixins?: readonly CategoryDescription[];
  readonly actions?: readonly CategoryDescription[];
}

export class Discovery {
  readonly kinds: readonly CategoryDescription[];
  readonly mixins: readonly CategoryDescription[];
  readonly actions: readonly CategoryDescription[];

  constructor({ kinds = [], mixins = [], actions = [] }: CategoryLists) {
    this.kinds = kinds;
    this.mixins = mixins;
    this.actions = actions;
  }

  /** Location of a kind or mixin, named by type identifier, by term where that is unique, or by the location itself. */
  locationOf(name: string): string | undefined {
    const categories = [...this.kinds, ...this.mixins];
    const named = categories.filter(
      ({ scheme, term, location }) => scheme + term === name || term === name || location === withSlashes(name),
    );
    const exact = named.find(({ scheme, term }) => scheme + term === name) ?? named[0];
    return exact?.location;
  }

  /** Path of an entity: its kind's location and its id. */
  pathOf(entity: { readonly kind: TypeId; readonly id: string }): string {
    const location = this.kinds.find(({ scheme, term }) => scheme + term === entity.kind)?.location ?? '/';
    return location + entity.id.replace(/^urn:uuid:/, '');
  }
}

function withSlashes(name: string): string {
  return `/${name.replace(/^\/|\/$/g, '')}/`;
}
