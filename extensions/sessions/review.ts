/**
 * The review of sessions while applications run: who was tried is active once the deployment has arrived; what a sign-in
 * rested on is judged again (validity, revocation lists, trust anchors, membership, the issuer's word on a token); accounts
 * that were shut out, delegations whose time is over and applications that are gone end what hangs on them. Every process
 * does all of it, as often as the configuration says; whoever comes first moves a session on, and for the others nothing
 * is left to do.
 */

import { Evidence } from '../../src/access/evidence.js';
import type { Principal } from '../../src/access/principal.js';
import { Recent } from '../../src/access/recent.js';
import type { Clock } from '../../src/base/clock.js';
import { Problem } from '../../src/base/errors.js';
import { newUuid } from '../../src/base/ids.js';
import type { Log } from '../../src/base/log.js';
import type { RequestContext } from '../../src/extension/extension.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import { findEntity } from '../../src/store/entities.js';
import { openSecret } from '../../src/store/secrets.js';
import type { Store } from '../../src/store/sql.js';
import { SESSION_KEEPER } from './measures.js';
import type { Ending, SessionServices, Sessions } from './sessions.js';
import { findSession, sessionsWhere, type SessionRow } from './tables.js';

export interface ReviewServices extends SessionServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: () => CategoryRegistry;
  /** The verdict of now on a sign-in of before, acting for this VO. */
  readonly rejudge: (evidence: Evidence, vo: string) => Promise<Principal>;
}

/** Sessions looked at in one go, between which others get their turn. */
const BATCH = 500;
const MAX_REMEMBERED = 10_000;
/** A credential is looked at again so long after it was last seen, milliseconds. */
const SEEN_MS = 30_000;
/** Who signs in with a token of their own for each request writes nothing each time: it must last this much longer. */
const WORTHWHILE_MS = 60_000;

export class SessionReview {
  readonly #services: ReviewServices;
  readonly #sessions: Sessions;
  /** Opened evidence by the id of its secret: it never changes. */
  readonly #evidence = new Recent<Evidence>(MAX_REMEMBERED);
  readonly #seen = new Recent<number>(MAX_REMEMBERED);
  /** Subjects whose sessions are being renewed: one credential at a time, however many come at once. */
  readonly #renewing = new Set<string>();

  constructor(services: ReviewServices, sessions: Sessions) {
    this.#services = services;
    this.#sessions = sessions;
  }

  async run(signal: AbortSignal): Promise<void> {
    const now = this.#services.clock.now();
    await this.#each(ARRIVED, [], signal, (write, row) => this.#sessions.activate(write, row));
    await this.#finish(GONE, [], signal, GONE_ENDING);
    await this.#finish(SHUT_OUT, [], signal, SHUT_OUT_ENDING);
    await this.#finish(TIMED_OUT, [now], signal, TIMED_OUT_ENDING);
    await this.#judge(signal);
    await this.#prune(signal, now);
  }

  /** Somebody has signed in: sessions that rest on a credential of theirs which ends earlier, or fell, go on by this one. */
  async signedIn({ id, groups, credential }: Principal): Promise<void> {
    const { store, clock } = this.#services;
    const evidence = credential?.evidence;
    if (!evidence || credential.limited) return;
    const [now, key] = [clock.now(), `${evidence.fingerprint} ${groups[0]}`];
    if (now - (this.#seen.get(key) ?? Number.NEGATIVE_INFINITY) < SEEN_MS || this.#renewing.has(id)) return;
    this.#seen.set(key, now);
    this.#renewing.add(id);
    try {
      for (const row of await sessionsWhere(store, RENEWABLE, [id, evidence.notAfter - WORTHWHILE_MS])) {
        if (groups.includes(row.group)) await this.#move(row, (write) => this.#sessions.renew(write, row, evidence));
      }
    } finally {
      this.#renewing.delete(id);
    }
  }

  async #finish(condition: string, params: number[], signal: AbortSignal, ending: Ending): Promise<void> {
    await this.#each(
      condition,
      params,
      signal,
      async (write, row) => void (await this.#sessions.finish(write, row, ending)),
    );
  }

  async #each(
    condition: string,
    params: number[],
    signal: AbortSignal,
    work: (write: Write, row: SessionRow) => Promise<void>,
  ): Promise<void> {
    for (const row of await sessionsWhere(this.#services.store, condition, params)) {
      if (signal.aborted) return;
      await this.#move(row, work);
    }
  }

  /** All sessions that rest on something, one batch after the other. */
  async #judge(signal: AbortSignal): Promise<void> {
    for (let after = ''; ;) {
      const rows = await sessionsWhere(this.#services.store, JUDGED, [after], BATCH);
      for (const row of rows) {
        if (signal.aborted) return;
        const ending = await this.#verdictOn(row);
        if (ending) await this.#move(row, async (write) => void (await this.#sessions.finish(write, row, ending)));
      }
      if (rows.length < BATCH) return;
      after = rows.at(-1)?.id ?? '';
    }
  }

  /** Why a session cannot go on; nothing if it can, or if that cannot be found out at present. */
  async #verdictOn(row: SessionRow): Promise<Ending | undefined> {
    const evidence = await this.#open(row.evidence ?? '');
    if (!evidence) return undefined;
    try {
      const { id, groups } = await this.#services.rejudge(evidence, row.group);
      return id === row.subject && groups.includes(row.group) ? undefined : MEMBERSHIP_LOST;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind !== 'unauthenticated') return undefined;
      const [reason = ''] = String(error.cause).split(': ');
      if (EXPIRED.has(reason)) return TIMED_OUT_ENDING;
      return { state: 'revoked', reason, message: 'the credential that it rests on is no longer good' };
    }
  }

  async #open(secret: string): Promise<Evidence | undefined> {
    const known = this.#evidence.get(secret);
    if (known) return known;
    const text = await openSecret(this.#services.store, this.#services.secretKey, secret);
    if (text === undefined) return undefined;
    const evidence = Evidence.parse(text);
    this.#evidence.set(secret, evidence);
    return evidence;
  }

  async #prune(signal: AbortSignal, now: number): Promise<void> {
    const before = now - this.#sessions.config.keepSeconds * 1000;
    await this.#each(PRUNED, [before], signal, async (write, { id }) => {
      await this.#sessions.forget(write, id);
      const entity = await findEntity(write.tx, id);
      if (entity) await this.#services.entities.removeTree(write, entity);
    });
  }

  /** One transaction on one session, as it is by then. One that fails is logged; the next look tries again. */
  async #move(seen: SessionRow, work: (write: Write, row: SessionRow) => Promise<void>): Promise<void> {
    const { store, clock, log, registry } = this.#services;
    try {
      await store.write(async (tx) => {
        const row = await findSession(tx, seen.id);
        if (row?.state === seen.state)
          await work({ tx, context: ownContext(), registry: registry(), now: clock.now() }, row);
      });
    } catch (error) {
      log.error({ session: seen.id, err: error }, 'a session could not be moved on');
    }
  }
}

/** The server itself at work, on nobody's request. */
function ownContext(): RequestContext {
  const signal = new AbortController().signal;
  return { principal: SESSION_KEEPER, version: '1.2', requestId: newUuid(), base: '', languages: [], signal };
}

const OPEN = "s.state IN ('trying', 'active')";
const ARRIVED = "s.state = 'trying' AND s.source = 'deployment' AND e.heading IS NULL AND e.phase = 'live'";
const GONE = `(${OPEN} OR s.state = 'expired') AND (e.phase IS NULL OR e.phase <> 'live')`;
const SHUT_OUT = `${OPEN} AND p.disabled_at IS NOT NULL`;
const TIMED_OUT = `${OPEN} AND s.until <= ?`;
const JUDGED = `${OPEN} AND s.evidence IS NOT NULL AND s.id > ?`;
const PRUNED =
  "s.changed_at < ? AND (s.state = 'ended' OR s.source = 'delegation' AND s.state IN ('expired', 'revoked') " +
  "OR s.state = 'revoked' AND (e.phase IS NULL OR e.phase <> 'live'))";
const RENEWABLE =
  "s.subject = ? AND s.source = 'deployment' AND s.decided = 0 AND " +
  `(s.state IN ('expired', 'revoked') OR ${OPEN} AND s.until < ?)`;

const GONE_ENDING: Ending = { state: 'ended', reason: 'application-gone', message: 'the application is gone' };
const SHUT_OUT_ENDING: Ending = {
  state: 'revoked',
  reason: 'account-disabled',
  message: 'the account of the subject was disabled',
};
const TIMED_OUT_ENDING: Ending = { state: 'expired', reason: 'expired', message: 'its time is over' };
const MEMBERSHIP_LOST: Ending = {
  state: 'revoked',
  reason: 'membership-lost',
  message: 'nobody vouches any more that the subject acts for this Virtual Organization',
};
/** Reasons of a refusal that say no more than that time has passed. */
const EXPIRED: ReadonlySet<string> = new Set(['expired', 'certificate-expired', 'token-expired']);
