/**
 * Authorization as the other parts use it: `scope` for what is listed and looked up, `decide` for one entity. Both are
 * the policy applied to the principal and to what has been granted to it; grants are read once and again only when
 * their generation has moved (K32).
 */

import type { Clock } from '../base/clock.js';
import { generationOf } from '../store/generations.js';
import type { Ownership, Scope } from '../store/scope.js';
import type { SqlReader } from '../store/sql.js';
import { grantsFor } from './grants.js';
import { neverBack } from './never-back.js';
import { decide, scope, type Grant, type Verb } from './policy.js';
import type { Principal } from './principal.js';
import { Recent } from './recent.js';

const MAX_PRINCIPALS = 10_000;

interface KnownGrants {
  readonly generation: number;
  readonly grants: readonly Grant[];
}

export class Access {
  readonly #reader: SqlReader;
  readonly #now: () => number;
  readonly #known = new Recent<KnownGrants>(MAX_PRINCIPALS);

  constructor(reader: SqlReader, clock: Clock) {
    this.#reader = reader;
    this.#now = neverBack(clock);
  }

  /**
   * Learns what has been granted to the principal. The authenticator does so for every request, with the generation it
   * has just read; without it, {@link scope} and {@link decide} know of no grants, or of those at the last time.
   */
  async prepare(principal: Principal, generation?: number): Promise<void> {
    const current = generation ?? (await generationOf(this.#reader, 'access'));
    const key = keyOf(principal);
    if (this.#known.get(key)?.generation === current) return;
    const grants = await grantsFor(this.#reader, principal, this.#now());
    this.#known.set(key, { generation: current, grants });
  }

  /** The entities on which the principal may do `verb`. */
  scope(principal: Principal, verb: Verb): Scope {
    return scope(principal, verb, this.#grants(principal), this.#now());
  }

  /** Whether the principal may do `verb` on this entity; for `create`, on the entity as it is about to be. */
  decide(principal: Principal, verb: Verb, entity: Ownership): boolean {
    return decide(principal, verb, entity, this.#grants(principal), this.#now());
  }

  /** The same for what the principal wants to pass on: nobody passes on what they were granted themselves. */
  mayPassOn(principal: Principal, verb: Verb, entity: Ownership): boolean {
    const denials = this.#grants(principal).filter(({ effect }) => effect === 'deny');
    return decide(principal, verb, entity, denials, this.#now());
  }

  /** What the principal has been granted and denied, as far as it is known: the same list until that changes. */
  granted(principal: Principal): readonly Grant[] {
    return this.#grants(principal);
  }

  #grants(principal: Principal): readonly Grant[] {
    return this.#known.get(keyOf(principal))?.grants ?? [];
  }
}

/** The same principal may come with other groups tomorrow. */
function keyOf(principal: Principal): string {
  return [principal.id, principal.confinedTo ?? '', ...principal.groups].join('\n');
}
