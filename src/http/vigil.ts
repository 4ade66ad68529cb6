/**
 * The vigil over open requests: event streams, long lists, uploads, whatever lasts. Who sends one is asked again and
 * again, and once their credential is no longer good, or something was taken from them, the answer ends: revocation does
 * not wait for the next request: it ends what is open within {@link BRIEF_MS} and one pause between two looks. A request that
 * is answered at once costs nothing here.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../access/access.js';
import { rolesWithin, type Grant } from '../access/policy.js';
import type { Principal } from '../access/principal.js';
import type { Clock } from '../base/clock.js';
import { Problem, problem } from '../base/errors.js';
import { generationOf } from '../store/generations.js';
import type { SqlReader } from '../store/sql.js';

interface Open {
  readonly message: IncomingMessage;
  readonly principal: Principal;
  readonly granted: readonly Grant[];
  readonly end: (reason: Problem) => void;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** What has been open for no longer is taken for a request that is answered at once. */
export const BRIEF_MS = 250;

export class Vigil {
  readonly #access: Access;
  readonly #again: (message: IncomingMessage, generation: number) => Promise<Principal>;
  readonly #clock: Clock;
  readonly #open = new Set<Open>();

  /** @param again who sends the request, as of now; rejects with a Problem when nobody does any more */
  constructor(
    access: Access,
    again: (message: IncomingMessage, generation: number) => Promise<Principal>,
    clock: Clock,
  ) {
    this.#access = access;
    this.#again = again;
    this.#clock = clock;
  }

  /** @param end called with the reason, once, when the request must not go on */
  follow(
    message: IncomingMessage,
    response: ServerResponse,
    principal: Principal,
    end: (reason: Problem) => void,
  ): void {
    if (response.destroyed) return;
    const open = { message, principal, granted: this.#access.granted(principal), end, since: this.#clock.now() };
    this.#open.add(open);
    response.once('close', () => this.#open.delete(open));
  }

  /** Upkeep: looks at all that have been open for a while. */
  async look(reader: SqlReader): Promise<void> {
    if (this.#open.size === 0) return;
    const generation = await generationOf(reader, 'access');
    for (const open of this.#open) {
      // However the clock was put meanwhile.
      if (Math.abs(this.#clock.now() - open.since) > BRIEF_MS) await this.#judge(open, generation);
    }
  }

  async #judge(open: Open, generation: number): Promise<void> {
    try {
      const principal = await this.#again(open.message, generation);
      if (!isSame(principal, open.principal)) throw changed();
      if (isLess(this.#access.granted(principal), open.granted)) throw changed();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // What cannot be found out at present does not end what is open.
      if (error.kind !== 'unauthenticated' && error.kind !== 'forbidden') return;
      this.#open.delete(open);
      open.end(error);
    }
  }
}

function isSame(now: Principal, before: Principal): boolean {
  return (
    now.id === before.id &&
    [...before.roles].every((role) => now.roles.has(role)) &&
    before.groups.every((group) => now.groups.includes(group) && hasAll(now, before, group))
  );
}

function hasAll(now: Principal, before: Principal, group: string): boolean {
  const held = rolesWithin(now, group);
  return [...rolesWithin(before, group)].every((role) => held.has(role));
}

/** Whether a permit is gone, or a denial came. */
function isLess(now: readonly Grant[], before: readonly Grant[]): boolean {
  if (now === before) return false;
  const [permits, denials] = [permitsOf(now), denialsOf(before)];
  return (
    [...permitsOf(before)].some((each) => !permits.has(each)) || [...denialsOf(now)].some((each) => !denials.has(each))
  );
}

function permitsOf(grants: readonly Grant[]): ReadonlySet<string> {
  return new Set(grants.filter(({ effect }) => effect !== 'deny').map((grant) => JSON.stringify(grant)));
}

function denialsOf(grants: readonly Grant[]): ReadonlySet<string> {
  return new Set(grants.filter(({ effect }) => effect === 'deny').map((grant) => JSON.stringify(grant)));
}

function changed(): Problem {
  return problem('forbidden', 'access.taken-away', 'something that you were permitted has been taken away', {
    remedy: 'ask again: what is still yours will be answered',
  });
}
