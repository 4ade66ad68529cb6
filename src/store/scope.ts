/**
 * A scope is a predicate on entities as a value (K27): `access` makes it and evaluates it on one entity, the store
 * compiles it to SQL in front of filters and paging. A property test holds the two equal.
 */

/** The columns of an entity that a scope may speak of. */
export interface Ownership {
  readonly id: string;
  readonly kind: string;
  readonly owner: string;
  readonly group: string;
  readonly appliance: string | null;
}

export type Scope =
  | { readonly op: 'all' }
  | { readonly op: 'none' }
  | { readonly op: 'owner'; readonly principal: string }
  | { readonly op: 'group'; readonly groups: readonly string[] }
  | { readonly op: 'kind'; readonly kinds: readonly string[] }
  /** A grant row: this very entity, or everything its appliance owns. */
  | { readonly op: 'entity'; readonly ids: readonly string[] }
  | { readonly op: 'and' | 'or'; readonly of: readonly Scope[] }
  | { readonly op: 'not'; readonly of: Scope };
