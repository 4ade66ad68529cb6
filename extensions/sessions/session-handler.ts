/**
 * The session kind: made by the server with a deployment, and by clients to delegate an application or to redeem a
 * one-time token. Whoever sees a delegation may end it; deployments are revoked and restored by the federation and by
 * administrators, whose judgement of a subject (`reputation`) counts too.
 */

import type { Access } from '../../src/access/access.js';
import { rolesWithin } from '../../src/access/policy.js';
import type { Principal, Role } from '../../src/access/principal.js';
import { notFound, problem, type Problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { EntityChange, EntityDraft, Invocation, Write } from '../../src/extension/kind-handler.js';
import type { Entities } from '../../src/extension/entities.js';
import type { Attributes, TypeId } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { KeptEntityHandler } from '../infrastructure/kept-entity.js';
import { readDelegation, type Delegation } from './delegation.js';
import { NewSession, timeText, type Ending, type Sessions } from './sessions.js';
import { findSession, type SessionRow } from './tables.js';
import {
  APPLICATION,
  ASSURANCE,
  EXPIRES,
  METHOD,
  OFFER,
  OVER,
  REPUTATION,
  SESSION,
  SESSION_ACTIONS,
  SOURCE,
  STATE,
  SUBJECT,
  TOKEN,
  UNTIL,
  VERBS_ATTRIBUTE,
  VO,
  type SessionState,
} from './vocabulary.js';

export interface SessionHandlerServices {
  readonly sessions: Sessions;
  readonly access: Access;
  readonly entities: Entities;
}

const MAX_REASON = 300;

export class SessionHandler extends KeptEntityHandler {
  readonly stateAttribute = STATE;
  readonly #services: SessionHandlerServices;
  /** What {@link prepare} has read, for {@link created} of the same transaction. */
  readonly #read = new WeakMap<EntityDraft, Delegation>();

  constructor(services: SessionHandlerServices) {
    super(SESSION);
    this.#services = services;
  }

  override applicable({ observed }: Pick<EntityRecord, 'observed'>): readonly TypeId[] {
    const state = stateOf(observed);
    const delegated = observed[SOURCE] === 'delegation';
    if (state === 'revoked') return delegated ? [] : [`${SESSION_ACTIONS}restore`];
    if (state === 'ended' || (delegated && state === 'expired')) return [];
    return [...(delegated ? [`${SESSION_ACTIONS}end`] : []), `${SESSION_ACTIONS}revoke`];
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    const { access, sessions } = this.#services;
    if (REPUTATION in draft.wanted) requireJudge(write.context.principal, draft.group);
    const made = draft.prepared instanceof NewSession ? draft.prepared : undefined;
    if (!made) {
      const delegation = await readDelegation(access, write, draft, {
        maxSeconds: sessions.config.maxDelegationSeconds,
        endOf: (application) => sessions.endOfAgreement(write.tx, application),
      });
      this.#read.set(draft, delegation);
      draft.owner = delegation.owner;
      draft.group = delegation.group;
    }
    show(draft, made ?? (this.#read.get(draft) as Delegation).session, write.context.principal);
  }

  override async created(write?: Write, entity?: EntityRecord, draft?: EntityDraft): Promise<void> {
    if (!write || !entity || !draft) return;
    const { sessions } = this.#services;
    const delegation = this.#read.get(draft);
    if (!delegation) return sessions.keep(write, entity, draft.prepared as NewSession, null);
    if (delegation.redeems) await sessions.finish(write, delegation.redeems, redeemed(write.context.principal));
    return sessions.keep(write, entity, delegation.session, delegation.offer);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = await super.change(write, entity, change);
    if (!change.attributes.has(REPUTATION)) return changed;
    requireJudge(write.context.principal, entity.group);
    const reputation = change.attributes.get(REPUTATION);
    if (reputation !== undefined && !(Number(reputation) >= 0 && Number(reputation) <= 1)) {
      throw problem('invalid', 'session.reputation', 'a reputation is a number from 0 to 1', {
        place: { field: REPUTATION },
        remedy: 'send a number from 0 to 1',
      });
    }
    const { sessions } = this.#services;
    const row = await this.#row(write, entity.id);
    if (reputation === undefined || Number(reputation) >= sessions.config.minReputation || isOver(row)) return changed;
    const message = 'the reputation of the subject is below what this provider wants';
    await sessions.finish(write, row, { state: 'revoked', reason: 'reputation', message, decided: true });
    return { ...changed, observed: (await this.#current(write, entity.id)).observed };
  }

  override async act(
    write: Write,
    entity: EntityRecord,
    { term, parameters }: Invocation,
  ): Promise<{ entity: EntityRecord }> {
    const { sessions } = this.#services;
    const row = await this.#row(write, entity.id);
    const { principal } = write.context;
    if (term === 'restore') {
      requireJudge(principal, row.group);
      await sessions.restore(write, row);
    } else if (term === 'revoke') {
      if (row.source === 'deployment') requireJudge(principal, row.group);
      else if (principal.id === row.subject && principal.id !== row.createdBy) throw notTheirs();
      await sessions.finish(write, row, revoked(stringAt(parameters, 'reason')));
    } else {
      await sessions.finish(write, row, { state: 'ended', reason: 'given-up', message: 'it was given up' });
    }
    return { entity: await this.#current(write, entity.id) };
  }

  /** What is going on, or denies something, is ended first. */
  async remove(write: Write, entity: EntityRecord): Promise<void> {
    const row = await findSession(write.tx, entity.id);
    if (row && (!isOver(row) || (row.source === 'deployment' && row.state !== 'ended'))) {
      throw problem('conflict', 'session.not-over', 'the session is not over', {
        remedy: 'end or revoke it first; sessions of a deployment end with their application',
      });
    }
    await this.#services.sessions.forget(write, entity.id);
    await this.#services.entities.removeTree(write, entity);
  }

  async #row({ tx }: Write, id: string): Promise<SessionRow> {
    const row = await findSession(tx, id);
    if (!row) throw notFound();
    return row;
  }

  async #current({ tx }: Write, id: string): Promise<EntityRecord> {
    const entity = await findEntity(tx, id);
    if (!entity) throw notFound();
    return entity;
  }
}

/** What the entity shows of it; tokens and their digests go no further. */
function show(draft: EntityDraft, { row, evidence }: NewSession, principal: Principal): void {
  const { wanted, observed } = draft;
  for (const name of [TOKEN, OFFER, UNTIL]) delete wanted[name];
  wanted[APPLICATION] = `/appliance/${row.application}`;
  if (row.subject !== null) wanted[SUBJECT] = row.subject;
  wanted[VERBS_ATTRIBUTE] = row.verbs.join(' ');
  observed[STATE] = row.state;
  observed[SOURCE] = row.source;
  observed[VO] = row.group;
  observed[EXPIRES] = timeText(row.until);
  draft.title ??= row.subject === null ? 'delegation to whoever has its token' : `delegation to ${row.subject}`;
  const { credential } = principal;
  if (!evidence || !credential) return;
  observed[METHOD] = credential.method;
  observed[ASSURANCE] = credential.assurance;
}

function stateOf(observed: Attributes): SessionState {
  return (stringAt(observed, STATE) as SessionState | undefined) ?? 'trying';
}

function isOver({ state }: SessionRow): boolean {
  return OVER.includes(state);
}

function revoked(reason: string | undefined): Ending {
  const message = reason === undefined || reason === '' ? 'it was revoked' : reason.slice(0, MAX_REASON);
  return { state: 'revoked', reason: 'decision', message, decided: true };
}

function redeemed(by: Principal): Ending {
  return { state: 'ended', reason: 'redeemed', message: `redeemed by ${by.name}` };
}

/** @throws Problem `forbidden` for whoever neither acts for the federation or administers the VO, nor is an administrator */
function requireJudge(principal: Principal, group: string): void {
  if (principal.roles.has('administrator')) return;
  const roles = principal.groups.includes(group) ? rolesWithin(principal, group) : new Set<Role>();
  if (!roles.has('federation') && !roles.has('vo-administrator')) throw notTheirs();
}

function notTheirs(): Problem {
  return problem(
    'forbidden',
    'session.not-judge',
    'this is for the federation and for administrators of the VO or the provider',
    {
      remedy: 'end a delegation, or delete the application, instead',
    },
  );
}
