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

/** Whether the entity lies within the scope. */
export function evaluateScope(scope: Scope, entity: Ownership): boolean {
  switch (scope.op) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'owner':
      return entity.owner === scope.principal;
    case 'group':
      return scope.groups.includes(entity.group);
    case 'kind':
      return scope.kinds.includes(entity.kind);
    case 'entity':
      return scope.ids.includes(entity.id) || (entity.appliance !== null && scope.ids.includes(entity.appliance));
    case 'and':
      return scope.of.every((part) => evaluateScope(part, entity));
    case 'or':
      return scope.of.some((part) => evaluateScope(part, entity));
    case 'not':
      return !evaluateScope(scope.of, entity);
  }
}
