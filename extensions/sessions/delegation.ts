/**
 * What a client may ask a session for: to delegate an application for a while, to somebody known or to whoever brings a
 * one-time token, or to redeem such a token. The token is made by who delegates and only its SHA-256 is sent, so that
 * this server never knows one that could still be used.
 */

import { createHash } from 'node:crypto';
import type { Access } from '../../src/access/access.js';
import { unauthenticated } from '../../src/access/credentials.js';
import { isVerb } from '../../src/access/grants.js';
import type { Verb } from '../../src/access/policy.js';
import { notFound, Problem, problem, type Fault } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import { APPLIANCE } from '../../src/client/index.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import { entityIdOf } from '../../src/extension/locations.js';
import { parseDateTime, parseDuration } from '../../src/sla/duration.js';
import { loadForUpdate } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { NewSession } from './sessions.js';
import { findOffer, type SessionRow } from './tables.js';
import { APPLICATION, OFFER, SUBJECT, TOKEN, UNTIL, VERBS_ATTRIBUTE } from './vocabulary.js';

/** One-time tokens as `vep access delegate` makes them; anything of 256 random bits would do. */
export const ONE_TIME_TOKEN = /^vepd_[A-Za-z0-9_-]{43}$/;

const DELEGABLE: readonly Verb[] = ['read', 'update', 'act', 'delete', 'reveal'];
const HOUR = 3_600_000;
const MAX_ID = 1000;

export interface Delegation {
  readonly session: NewSession;
  /** Digest of the one-time token that shall open it. */
  readonly offer: string | null;
  readonly owner: string;
  readonly group: string;
  /** The offer that is used up by it. */
  readonly redeems?: SessionRow;
}

export interface DelegationLimits {
  readonly maxSeconds: number;
  /** When the agreement of an application ends, milliseconds since the epoch. */
  readonly endOf: (application: string) => Promise<number>;
}

/** @throws Problem `invalid` with all faults; `not-found` for an application that the caller cannot see; `forbidden` */
export async function readDelegation(
  access: Access,
  write: Write,
  draft: EntityDraft,
  { maxSeconds, endOf }: DelegationLimits,
): Promise<Delegation> {
  const token = stringAt(draft.wanted, TOKEN);
  if (token !== undefined) return redeem(write, draft, token);
  const { principal } = write.context;
  const { verbs, until, subject, offer } = readWishes(draft, write.now, maxSeconds);
  const application = await applicationOf(access, write, stringAt(draft.wanted, APPLICATION) ?? '');
  const missing = verbs.filter((verb) => !access.mayPassOn(principal, verb, application));
  if (missing.length > 0) {
    throw problem('forbidden', 'session.not-yours', `you may not pass on ${missing.join(', ')} of this application`, {
      place: { field: VERBS_ATTRIBUTE },
      remedy: 'delegate what is yours: what you were granted by delegation ends with you',
    });
  }
  const row = {
    application: application.id,
    subject: subject ?? null,
    group: application.group,
    verbs,
    source: 'delegation',
    state: subject === undefined ? 'trying' : 'active',
    until: Math.min(until, await endOf(application.id)),
    createdBy: principal.id,
  } as const;
  return {
    session: new NewSession(row, true),
    offer: offer ?? null,
    owner: principal.id,
    group: application.group,
  };
}

/** One time only: the offer is used up in the transaction that makes the session (S-059). */
async function redeem({ tx, now, context }: Write, draft: EntityDraft, token: string): Promise<Delegation> {
  const beside = [APPLICATION, SUBJECT, VERBS_ATTRIBUTE, UNTIL, OFFER].filter((name) => name in draft.wanted);
  if (beside.length > 0) {
    throw problem('invalid', 'session.token-beside', 'a token that is redeemed says everything by itself', {
      place: { field: beside.join(', ') },
      remedy: `send ${TOKEN} alone`,
    });
  }
  const found = await findOffer(tx, createHash('sha256').update(token).digest('hex'));
  if (found?.state !== 'trying' || now >= found.until) throw unauthenticated('one-time-token');
  const { application, group, verbs, until, createdBy } = found;
  const row = { application, group, verbs, until, createdBy, source: 'delegation', state: 'active' } as const;
  return {
    session: new NewSession({ ...row, subject: context.principal.id }, true),
    offer: null,
    owner: createdBy,
    group,
    redeems: found,
  };
}

interface Wishes {
  readonly verbs: readonly Verb[];
  readonly until: number;
  readonly subject: string | undefined;
  readonly offer: string | undefined;
}

function readWishes(draft: EntityDraft, now: number, maxSeconds: number): Wishes {
  const faults: Fault[] = [];
  const fault = (field: string, code: string, message: string, remedy: string): void =>
    void faults.push({ code: `session.${code}`, message, place: { field }, remedy });
  const [subject, offer] = [stringAt(draft.wanted, SUBJECT), stringAt(draft.wanted, OFFER)];
  if ((subject === undefined) === (offer === undefined))
    fault(
      SUBJECT,
      'for-whom',
      'a delegation is for one subject, or for a one-time token',
      `send ${SUBJECT} or ${OFFER}`,
    );
  // eslint-disable-next-line no-control-regex -- names forge no lines of logs
  if (subject !== undefined && (subject.length > MAX_ID || !/^[^\u0000-\u001f\u007f]+$/.test(subject)))
    fault(SUBJECT, 'subject', 'this is not the id of a principal', 'send it as their own session shows it');
  if (offer !== undefined && !/^[0-9a-f]{64}$/.test(offer))
    fault(
      OFFER,
      'offer',
      'this is no SHA-256 in hexadecimal digits',
      'send the digest of a random token, not the token',
    );
  const words = (stringAt(draft.wanted, VERBS_ATTRIBUTE) ?? 'read act').split(/\s+/).filter((word) => word !== '');
  const foreign = words.filter((word) => !(DELEGABLE as readonly string[]).includes(word));
  if (foreign.length > 0 || words.length === 0)
    fault(VERBS_ATTRIBUTE, 'verbs', 'there are verbs that cannot be delegated', `choose from ${DELEGABLE.join(', ')}`);
  const wished = stringAt(draft.wanted, UNTIL);
  const until = wished === undefined ? now + HOUR : endOf(wished, now);
  if (!(until > now && until <= now + maxSeconds * 1000)) {
    const remedy = `write 2026-01-01T00:00:00Z or PT1H, at most ${maxSeconds} seconds from now`;
    fault(UNTIL, 'until', 'this is no time at which a delegation can end', remedy);
  }
  if (faults.length > 0) throw new Problem('invalid', faults);
  // Who may act on something may see it.
  const verbs = [...new Set<Verb>(['read', ...words.filter(isVerb)])];
  return { verbs, until, subject, offer };
}

/** A date-time, or a duration from now; not a number for anything else. */
function endOf(text: string, now: number): number {
  const duration = parseDuration(text);
  if (duration === undefined) return parseDateTime(text) ?? Number.NaN;
  return duration.months === 0 ? now + duration.seconds * 1000 : Number.NaN;
}

async function applicationOf(access: Access, { tx, context }: Write, reference: string): Promise<EntityRecord> {
  const id = entityIdOf(reference, context.base);
  const entity = id === undefined ? undefined : await loadForUpdate(tx, id, access.scope(context.principal, 'read'));
  if (entity?.kind === APPLIANCE) return entity;
  if (reference === '') {
    throw problem('invalid', 'session.application', 'a delegation is about an application', {
      place: { field: APPLICATION },
      remedy: 'send the path of an appliance of yours',
    });
  }
  throw notFound('no such application');
}
