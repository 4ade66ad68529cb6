/**
 * The audit trail of what was answered as not there, because it is another's (K14): the denial that its asker must not be
 * able to tell from an absence. Whether something is there is looked up afterwards, away from the request, so that the
 * answer takes as long either way; what was never there is no decision and leaves no entry. Entries belong to no group: the
 * provider's auditors and administrators read them, and neither side's own people.
 *
 * Bounded as refusals are (refusal-trail.ts): within a minute, one principal's requests about one thing become one entry at
 * once and one that counts the rest; of things beyond {@link MAX_ASKED} of one principal, and {@link MAX_ALL} of all, it is
 * counted how many were asked for.
 */

import type { Clock } from '../base/clock.js';
import { appendAudit, type AuditEntry } from '../store/audit.js';
import { ownershipsOf } from '../store/entities.js';
import type { Store } from '../store/sql.js';
import type { Access } from './access.js';
import type { Verb } from './policy.js';
import type { Principal } from './principal.js';

export interface AskedFor {
  readonly principal: Principal;
  /** Ids that the request named. */
  readonly entities: readonly string[];
  /** What the answer says is not theirs to do. */
  readonly verb: Verb;
  readonly method: string;
  readonly peer: string;
  readonly requestId: string;
}

const WINDOW_MS = 60_000;
/** Things that are told apart within a minute. */
export const MAX_ASKED = 30;
export const MAX_ALL = 300;
const OTHERS = 'others';

interface Asked {
  readonly entity: string;
  readonly by: AskedFor;
  readonly at: number;
  count: number;
  last: string;
  /** Its entry, once it is known that there was something to hide; null when there was not. */
  entry: AuditEntry | null | undefined;
}

export class HiddenTrail {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #access: Pick<Access, 'decide'>;
  #asked = new Map<string, Asked>();
  #perPrincipal = new Map<string, number>();
  #further = 0;
  #windowEnd = 0;
  #ended: Asked[] = [];
  #endedFurther = 0;

  constructor(store: Store, clock: Clock, access: Pick<Access, 'decide'>) {
    this.#store = store;
    this.#clock = clock;
    this.#access = access;
  }

  /** Notes what a refused request named; costs the same whether it is there or not. */
  answered(by: AskedFor): void {
    const now = this.#clock.now();
    this.#turn(now);
    for (const entity of by.entities) {
      const key = `${by.principal.id}\n${entity}\n${by.verb}`;
      const known = this.#asked.get(key);
      if (known) {
        known.count += 1;
        known.last = by.requestId;
        continue;
      }
      const mine = this.#perPrincipal.get(by.principal.id) ?? 0;
      if (mine >= MAX_ASKED || this.#asked.size >= MAX_ALL) {
        this.#further += 1;
        continue;
      }
      this.#perPrincipal.set(by.principal.id, mine + 1);
      this.#asked.set(key, { entity, by, at: now, count: 1, last: by.requestId, entry: undefined });
    }
  }

  /** Writes what was hidden since; upkeep, and the last thing before the store is closed. */
  async flush(): Promise<void> {
    this.#turn(this.#clock.now());
    const [ended, further] = [this.#ended, this.#endedFurther];
    [this.#ended, this.#endedFurther] = [[], 0];
    const open = [...ended, ...this.#asked.values()].filter(({ entry }) => entry === undefined);
    const entries = await this.#looked(open);
    for (const { entry, count, last } of ended) {
      if (!entry || count === 1) continue;
      const details = { ...entry.details, further: count - 1, since: entry.at };
      entries.push({ ...entry, at: this.#clock.now(), requestId: last, details });
    }
    if (further > 0) entries.push(manyOf(further, this.#clock.now()));
    if (entries.length === 0) return;
    await this.#store.write(async (tx) => {
      for (const entry of entries) await appendAudit(tx, entry);
    });
  }

  /** Which of them there was something to hide about. */
  async #looked(open: readonly Asked[]): Promise<AuditEntry[]> {
    if (open.length === 0) return [];
    const there = await ownershipsOf(this.#store, [...new Set(open.map(({ entity }) => entity))]);
    return open.flatMap((asked) => {
      const found = there.get(asked.entity);
      const hidden = found !== undefined && !this.#access.decide(asked.by.principal, asked.by.verb, found);
      asked.entry = hidden ? entryOf(asked, found.kind) : null;
      return asked.entry ?? [];
    });
  }

  /** Ends the minute, if it is over. */
  #turn(now: number): void {
    if (now < this.#windowEnd) return;
    this.#ended.push(...this.#asked.values());
    this.#endedFurther += this.#further;
    this.#asked = new Map();
    this.#perPrincipal = new Map();
    this.#further = 0;
    this.#windowEnd = now + WINDOW_MS;
  }
}

function entryOf({ entity, by, at }: Asked, kind: string): AuditEntry {
  const { principal, verb, method, peer, requestId } = by;
  const details = { method, peer, as: principal.groups[0] ?? '' };
  return {
    at,
    actor: principal.id,
    group: '',
    verb,
    entity,
    kind,
    outcome: 'denied',
    reason: 'hidden',
    requestId,
    details,
  };
}

function manyOf(further: number, at: number): AuditEntry {
  const details = { further };
  return { at, actor: OTHERS, group: '', verb: 'read', outcome: 'denied', reason: 'hidden', requestId: '', details };
}
