/**
 * The life of sessions, in the words of usage control (UCON): tried with the request that deploys or delegates, active
 * while they permit something, and over when they are ended, expire or are revoked. Every step is one transaction with
 * the permissions that go with it, the state of the entity, the measure against the application and the audit entry, so
 * that nothing is permitted a moment longer than the session says.
 *
 * Who deploys owns the application and needs no grant for it; a session that was revoked by decision denies it all the
 * same, until it is restored. One that fell with its credential (expired, revoked by its authority, out of the VO) denies
 * nothing: that credential signs nobody in, and another good one of the same subject revives the session.
 */

import { addGrant, removeGrantsOf } from '../../src/access/grants.js';
import { VERBS, type Verb } from '../../src/access/policy.js';
import type { Evidence } from '../../src/access/evidence.js';
import type { Principal } from '../../src/access/principal.js';
import type { SessionsConfig } from '../../src/base/config.js';
import type { Entities } from '../../src/extension/entities.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { Observations } from '../../src/extension/observations.js';
import type { Kind } from '../../src/occi/model.js';
import { appendAudit } from '../../src/store/audit.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { sealSecret, wipeSecrets } from '../../src/store/secrets.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { takeMeasure, type MeasureServices } from './measures.js';
import { deleteSession, insertSession, moveSession, renewSession, sessionsWhere, type SessionRow } from './tables.js';
import { APPLICATION, EXPIRES, SESSION, STATE, STATE_MESSAGE, SUBJECT, type SessionState } from './vocabulary.js';

export interface SessionServices extends MeasureServices {
  readonly config: SessionsConfig;
  readonly observations: Observations;
  readonly entities: Entities;
  /** Seals what sign-ins rest on (K26). */
  readonly secretKey: Uint8Array;
  /** When the agreement of an application ends, milliseconds since the epoch: no session on it outlives that. */
  readonly endOfAgreement: (reader: SqlReader, application: string) => Promise<number>;
}

/** How a session comes to its end. */
export interface Ending {
  readonly state: Extract<SessionState, 'ended' | 'expired' | 'revoked'>;
  /** Stable word for the audit trail. */
  readonly reason: string;
  /** For the subject to read. */
  readonly message: string;
  /** Somebody decided so; absent: the credential fell. */
  readonly decided?: true;
}

/** What a session is made of by the server itself, not by a request for one. */
export class NewSession {
  readonly row: Omit<SessionRow, 'id' | 'evidence' | 'decided'>;
  readonly evidence: Evidence | undefined;
  /** Grants that go with it; whoever owns the application needs none. */
  readonly grants: boolean;

  constructor(row: NewSession['row'], grants: boolean, evidence?: Evidence) {
    this.row = row;
    this.evidence = evidence;
    this.grants = grants;
  }
}

export class Sessions {
  readonly #services: SessionServices;

  constructor(services: SessionServices) {
    this.#services = services;
  }

  get config(): SessionsConfig {
    return this.#services.config;
  }

  /** When the agreement of an application ends, milliseconds since the epoch; infinite without one. */
  endOfAgreement(reader: SqlReader, application: string): Promise<number> {
    return this.#services.endOfAgreement(reader, application);
  }

  /** A federation user deploys: the session is tried with the appliance, in its transaction. */
  async deployed(write: Write, appliance: EntityRecord): Promise<void> {
    const { principal } = write.context;
    const evidence = principal.credential?.evidence;
    if (!evidence) return;
    const row = {
      application: appliance.id,
      subject: principal.id,
      group: appliance.group,
      verbs: verbsOf(principal),
      source: 'deployment',
      state: 'trying',
      until: await this.#until(write.tx, appliance.id, evidence),
      createdBy: principal.id,
    } as const;
    const resolved = {
      kind: write.registry.kind(SESSION) as Kind,
      mixins: [],
      attributes: { [APPLICATION]: `/appliance/${appliance.id}`, [SUBJECT]: principal.id },
      title: `${principal.name} on ${appliance.title ?? appliance.id}`,
      links: [],
    };
    const belonging = { owner: appliance.owner, group: appliance.group };
    await this.#services.entities.make(write, { resolved, prepared: new NewSession(row, false, evidence) }, belonging);
  }

  /** The application goes: so does every access to it (S-081). */
  async removed(write: Write, application: string): Promise<void> {
    const over = { state: 'ended', reason: 'application-gone', message: 'the application was deleted' } as const;
    for (const row of await sessionsWhere(write.tx, OPEN_ON, [application])) await this.finish(write, row, over);
  }

  /** Keeps a new session beside its entity, with what it rests on and what it permits. */
  async keep(write: Write, entity: EntityRecord, fresh: NewSession, offer: string | null): Promise<void> {
    const { tx, now } = write;
    const { row } = fresh;
    const evidence = fresh.evidence ? await this.#seal(write, entity.id, fresh.evidence) : null;
    await insertSession(tx, { ...row, id: entity.id, evidence, offer }, now);
    if (!fresh.grants || row.subject === null) return;
    const given = { subject: { principal: row.subject }, until: row.until, session: entity.id } as const;
    const by = { createdBy: row.createdBy, createdAt: now };
    await addGrant(tx, { ...given, ...by, entity: row.application, verbs: row.verbs });
    // So that the subject sees it, and can end it.
    await addGrant(tx, { ...given, ...by, entity: entity.id, verbs: ['read', 'act'] });
  }

  /** The deployment has arrived, or the offer was redeemed: what was tried goes on. */
  async activate(write: Write, row: SessionRow): Promise<void> {
    const { tx, now } = write;
    if (!(await moveSession(tx, row, { ...row, state: 'active' }, now))) return;
    await this.#services.observations.arrived(tx, row.id, { [STATE]: 'active' }, [STATE_MESSAGE]);
  }

  /** Ends a session, with everything that it permitted. Answers whether it was this call. */
  async finish(write: Write, row: SessionRow, ending: Ending): Promise<boolean> {
    const { tx, now } = write;
    const { config, observations } = this.#services;
    const { state, reason, message, decided } = ending;
    if (!(await moveSession(tx, row, { state, decided: decided ?? false, evidence: null }, now))) return false;
    await wipeSecrets(tx, row.id);
    await removeGrantsOf(tx, row.id);
    await observations.arrived(tx, row.id, { [STATE]: state, [STATE_MESSAGE]: message }, []);
    await this.#audit(write, row, state, reason);
    if (row.source !== 'deployment' || state === 'ended') return true;
    if (decided) await this.#deny(write, row);
    if (state === 'revoked') await this.#withdraw(write, row);
    const measure = state === 'revoked' ? config.onRevocation : config.onExpiry;
    await takeMeasure(this.#services, write, row.application, measure);
    return true;
  }

  /** Gives back what was revoked by decision; the application stays as it is. */
  async restore(write: Write, row: SessionRow): Promise<void> {
    const { tx, now } = write;
    // Without evidence it is expired until its subject signs in again, which revives it.
    if (!(await moveSession(tx, row, { state: 'expired', decided: false, evidence: null }, now))) return;
    await removeGrantsOf(tx, row.id);
    const message = 'restored: it goes on when its subject signs in';
    await this.#services.observations.arrived(tx, row.id, { [STATE]: 'expired', [STATE_MESSAGE]: message }, []);
    await this.#audit(write, row, 'restored', 'decision');
  }

  /** The subject has signed in with a credential that lasts longer, or with a good one after another fell. */
  async renew(write: Write, row: SessionRow, evidence: Evidence): Promise<void> {
    const { tx, now } = write;
    const until = await this.#until(tx, row.application, evidence);
    const isOpen = row.state === 'trying' || row.state === 'active';
    if (until <= now || (isOpen && until <= row.until)) return;
    await wipeSecrets(tx, row.id);
    const state = row.state === 'trying' ? 'trying' : 'active';
    const sealed = await this.#seal(write, row.id, evidence);
    await renewSession(tx, row, { state, evidence: sealed, until }, now);
    const shown = { [STATE]: state, [EXPIRES]: timeText(until) };
    await this.#services.observations.arrived(tx, row.id, shown, [STATE_MESSAGE]);
    if (row.state !== state) await this.#audit(write, row, 'renewed', 'signed-in');
  }

  /** Takes every trace of a session that is over. */
  async forget(write: Write, id: string): Promise<void> {
    await removeGrantsOf(write.tx, id);
    await wipeSecrets(write.tx, id);
    await deleteSession(write.tx, id);
  }

  /** No longer than the credential, and no longer than the agreement. */
  async #until(tx: Tx, application: string, { notAfter }: Evidence): Promise<number> {
    return Math.min(notAfter, await this.endOfAgreement(tx, application));
  }

  /** Deny wins over ownership, group and grants (S-079), until it is restored or the application is gone. */
  async #deny({ tx, now, context }: Write, { id, subject, application }: SessionRow): Promise<void> {
    if (subject === null) return;
    const closed = { effect: 'deny', subject: { principal: subject }, entity: application, verbs: VERBS } as const;
    await addGrant(tx, { ...closed, until: null, session: id, createdBy: context.principal.id, createdAt: now });
  }

  /** What the subject has passed on falls with what they had. */
  async #withdraw(write: Write, { application, subject }: SessionRow): Promise<void> {
    const ending = { state: 'revoked', reason: 'delegator-revoked', decided: true } as const;
    const condition = `${OPEN_ON} AND s.source = 'delegation' AND s.created_by = ?`;
    for (const row of await sessionsWhere(write.tx, condition, [application, subject]))
      await this.finish(write, row, { ...ending, message: 'the session of who delegated it was revoked' });
  }

  async #seal({ tx, now }: Write, session: string, evidence: Evidence): Promise<string> {
    const secret = { purpose: EVIDENCE, ownerRef: session, plaintext: evidence.serialize(), createdAt: now };
    return sealSecret(tx, this.#services.secretKey, secret);
  }

  async #audit({ tx, now, context }: Write, row: SessionRow, to: string, reason: string): Promise<void> {
    await appendAudit(tx, {
      at: now,
      actor: context.principal.id,
      group: row.group,
      verb: 'session',
      entity: row.id,
      kind: SESSION,
      outcome: to === 'revoked' || to === 'expired' ? 'denied' : 'granted',
      reason,
      requestId: context.requestId,
      details: { to, subject: row.subject, application: row.application },
    });
  }
}

export const EVIDENCE = 'session.evidence';
const OPEN_ON = "s.application = ? AND s.state IN ('trying', 'active')";

/** What an owner may do with an application, within what their credential is good for. */
function verbsOf({ credential }: Principal): Verb[] {
  const all: readonly Verb[] = ['read', 'update', 'delete', 'act', 'reveal'];
  return all.filter((verb) => credential?.verbs?.includes(verb) ?? true);
}

export function timeText(time: number): string {
  return new Date(time).toISOString();
}
