/**
 * A scope as SQL (K27), for the front of every list, count and look-up. It means exactly what `evaluateScope` means;
 * a property test holds the two equal on both databases.
 */

import { fragment, inList, joinFragments, type SqlFragment } from './placeholders.js';
import type { Scope } from './scope.js';

/** The predicate on the columns of table `entity`, which the statement calls by `alias`. */
export function compileScope(scope: Scope, alias = 'entity'): SqlFragment {
  switch (scope.op) {
    case 'all':
      return fragment('1 = 1');
    case 'none':
      return fragment('1 = 0');
    case 'owner':
      return fragment(`${alias}.owner = ?`, scope.principal);
    case 'group':
      return inList(`${alias}.grp`, scope.groups);
    case 'kind':
      return inList(`${alias}.kind`, scope.kinds);
    case 'entity':
      return compileEntities(scope.ids, alias);
    case 'and':
    case 'or':
      return compileMany(scope.op, scope.of, alias);
    case 'not': {
      const inner = compileScope(scope.of, alias);
      return { sql: `NOT (${inner.sql})`, params: inner.params };
    }
  }
}

/** Two-valued on purpose: without the NULL test, the negation of a grant would hide what has no appliance. */
function compileEntities(ids: readonly string[], alias: string): SqlFragment {
  const itself = inList(`${alias}.id`, ids);
  const owned = inList(`${alias}.appliance`, ids);
  return {
    sql: `${itself.sql} OR (${alias}.appliance IS NOT NULL AND ${owned.sql})`,
    params: [...itself.params, ...owned.params],
  };
}

function compileMany(op: 'and' | 'or', parts: readonly Scope[], alias: string): SqlFragment {
  if (parts.length === 0) return fragment(op === 'and' ? '1 = 1' : '1 = 0');
  return joinFragments(
    op === 'and' ? 'AND' : 'OR',
    parts.map((part) => compileScope(part, alias)),
  );
}
