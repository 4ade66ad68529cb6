/**
 * The audit trail of what happens outside of any transaction: requests that were refused, sign-ins of a federation, and, where
 * the provider wants that, what was read. Anybody
 * can cause refusals, so what they cost is bounded: within a minute, refusals of one peer for one reason become one entry
 * at once and a second one that counts the rest; beyond {@link MAX_KINDS} such pairs a minute all others are counted
 * together. Nothing is written while nothing happens.
 */

import type { Clock } from '../base/clock.js';
import { isUuid } from '../base/ids.js';
import type { JsonObject } from '../base/json.js';
import { appendAudit, type AuditEntry } from '../store/audit.js';
import type { Store } from '../store/sql.js';
import { networkOf } from './addresses.js';
import type { Principal } from './principal.js';
import { Recent } from './recent.js';

export interface Refused {
  readonly peer: string;
  readonly principal: Principal | undefined;
  readonly method: string;
  /** Stable code of the refusal. */
  readonly code: string;
  /** Why, for the trail alone: `reason`, or `reason: whom the credential names`. */
  readonly cause: string | undefined;
  readonly requestId: string;
}

const WINDOW_MS = 60_000;
/** Pairs of peer and reason that are told apart within a minute: at most twice as many entries. */
export const MAX_KINDS = 30;
/** A principal's sign-in with one credential is noted once in so many milliseconds. */
const SIGN_IN_MS = 3_600_000;
const MAX_SIGN_INS = 10_000;
const MAX_SUBJECT = 300;
/** Reads that are noted one by one between two writes; what is more is counted. */
export const MAX_READS = 5_000;

interface Counted {
  count: number;
  readonly first: AuditEntry;
  last: Refused;
}

export class RefusalTrail {
  readonly #store: Store;
  readonly #clock: Clock;
  #pending: AuditEntry[] = [];
  #counted = new Map<string, Counted>();
  #windowEnd = 0;
  readonly #signIns = new Recent<number>(MAX_SIGN_INS);
  #reads = 0;
  #readsLeftOut: AuditEntry | undefined;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  refused(refused: Refused): void {
    const now = this.#clock.now();
    this.#turn(now);
    const actor = refused.principal?.id ?? networkOf(refused.peer);
    const reason = reasonOf(refused);
    const exact = `${actor}\n${reason}`;
    const known = this.#counted.has(exact) || this.#counted.size < MAX_KINDS;
    const key = known ? exact : OTHERS;
    const counted = this.#counted.get(key);
    if (counted) {
      counted.count += 1;
      counted.last = refused;
      return;
    }
    const entry = entryOf(refused, known ? actor : 'others', known ? reason : 'various', now);
    this.#counted.set(key, { count: 1, first: entry, last: refused });
    this.#pending.push(entry);
  }

  /** Notes that a federation's credential was accepted, and what it says. */
  signedIn({ id, groups, credential }: Principal, requestId: string): void {
    if (!credential) return;
    const now = this.#clock.now();
    const { method, issuer, assurance, limited, vos } = credential;
    const key = JSON.stringify([id, credential]);
    if (now - (this.#signIns.get(key) ?? Number.NEGATIVE_INFINITY) < SIGN_IN_MS) return;
    this.#signIns.set(key, now);
    const details: JsonObject = {
      method,
      issuer,
      assurance,
      limited,
      fqans: vos.flatMap(({ fqans }) => fqans).slice(0, 20),
    };
    this.#pending.push({
      at: now,
      actor: id,
      group: groups[0],
      verb: 'sign-in',
      outcome: 'granted',
      requestId,
      details,
    });
  }

  /** Notes that something was read. @param path of the request, without its query */
  read({ id, groups }: Principal, path: string, requestId: string): void {
    const at = this.#clock.now();
    const common = { at, actor: id, group: groups[0], verb: 'read', outcome: 'granted', requestId } as const;
    this.#reads += 1;
    if (this.#reads > MAX_READS) {
      const further = this.#reads - MAX_READS;
      this.#readsLeftOut = { ...common, actor: OTHERS, group: '', details: { further } };
      return;
    }
    const entity = path.slice(path.lastIndexOf('/') + 1);
    this.#pending.push({
      ...common,
      ...(isUuid(entity) ? { entity } : {}),
      details: { path: path.slice(0, MAX_SUBJECT) },
    });
  }

  /** Writes what has been noted since; upkeep, and the last thing before the store is closed. */
  async flush(): Promise<void> {
    this.#turn(this.#clock.now());
    if (this.#readsLeftOut) this.#pending.push(this.#readsLeftOut);
    [this.#reads, this.#readsLeftOut] = [0, undefined];
    if (this.#pending.length === 0) return;
    const entries = this.#pending;
    this.#pending = [];
    await this.#store.write(async (tx) => {
      for (const entry of entries) await appendAudit(tx, entry);
    });
  }

  /** Ends the minute, if it is over: what was only counted becomes entries. */
  #turn(now: number): void {
    if (now < this.#windowEnd) return;
    for (const { count, first, last } of this.#counted.values()) {
      if (count === 1) continue;
      const details = { ...first.details, further: count - 1, since: first.at };
      this.#pending.push({ ...first, at: now, requestId: last.requestId, details });
    }
    this.#counted = new Map();
    this.#windowEnd = now + WINDOW_MS;
  }
}

const OTHERS = 'others';

function reasonOf({ code, cause }: Refused): string {
  return cause === undefined ? code : (cause.split(': ', 1)[0] ?? code);
}

function entryOf(refused: Refused, actor: string, reason: string, at: number): AuditEntry {
  const { cause, method, code, peer, principal, requestId } = refused;
  const subject = cause?.includes(': ') ? cause.slice(cause.indexOf(': ') + 2, MAX_SUBJECT) : undefined;
  return {
    at,
    actor,
    group: principal?.groups[0] ?? '',
    verb: 'request',
    outcome: 'denied',
    reason,
    requestId,
    details: { method, code, peer, ...(subject === undefined ? {} : { subject }) },
  };
}
