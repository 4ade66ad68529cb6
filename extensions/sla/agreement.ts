/**
 * The agreement kind (GFD.228 §3.1, K16): an offer is pending until the provider accepts or rejects it; one that came
 * with an appliance is accepted by admission, in the transaction of the appliance (`agreements.ts`). Only what is pending can be changed.
 */

import type { Verb } from '../../src/access/policy.js';
import { Problem, problem, type Fault } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { Entities } from '../../src/extension/entities.js';
import { emitEvent } from '../../src/extension/events.js';
import { applyChange } from '../../src/extension/handlers.js';
import type {
  EntityChange,
  EntityDraft,
  Invocation,
  KindHandler,
  OperationDraft,
  Write,
} from '../../src/extension/kind-handler.js';
import type { Attributes, TypeId } from '../../src/occi/model.js';
import { parseDateTime } from '../../src/sla/duration.js';
import { parseAgreementText } from '../../src/sla/parse.js';
import { AGREEMENT_TRANSITIONS, INITIAL_STATE, transitionFrom, type AgreementState } from '../../src/sla/states.js';
import { findEntity, linksOf } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { AGREED_AT, AGREEMENT, AGREEMENT_STATE as STATE, SLA_DOCUMENT, EFFECTIVE_UNTIL } from './agreements.js';

const ACTION_SCHEME = 'http://schemas.ogf.org/occi/sla#';
const EFFECTIVE_FROM = 'occi.agreement.effectiveFrom';

export interface AgreementHandlerServices {
  readonly entities: Entities;
}

export class AgreementHandler implements KindHandler {
  readonly kind = AGREEMENT;
  readonly stateAttribute = STATE;
  readonly #services: AgreementHandlerServices;

  constructor(services: AgreementHandlerServices) {
    this.#services = services;
  }

  applicable({ observed }: Pick<EntityRecord, 'observed'>): readonly TypeId[] {
    const state = stateOf(observed);
    return AGREEMENT_TRANSITIONS.filter(({ from }) => from.includes(state)).map(({ term }) => ACTION_SCHEME + term);
  }

  prepare(_write: Write, draft: EntityDraft): Promise<void> {
    const document = stringAt(draft.wanted, SLA_DOCUMENT);
    if (document !== undefined) completeFrom(document, draft);
    requirePeriod(draft.wanted);
    draft.observed[STATE] = INITIAL_STATE;
    return Promise.resolve();
  }

  async created(write: Write, entity: EntityRecord): Promise<void> {
    await announce(write, entity.id, null, stateOf(entity.observed));
  }

  change(_write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = applyChange(entity, change);
    if (change.attributes.size > 0 && stateOf(entity.observed) !== 'pending') {
      throw problem('conflict', 'sla.agreement-settled', 'only a pending agreement can be changed', {
        place: { field: [...change.attributes.keys()].join(', ') },
        rule: 'spec/sla §11',
        remedy: 'make a new offer',
      });
    }
    requirePeriod(changed.wanted);
    return Promise.resolve(changed);
  }

  /** accept, reject, suspend and resume are the provider's side; either side may terminate (K16). */
  verbsFor(term: string): readonly Verb[] {
    const side = AGREEMENT_TRANSITIONS.find((transition) => transition.term === term)?.side;
    return side === 'provider' ? ['govern'] : ['act', 'govern'];
  }

  async act(write: Write, entity: EntityRecord, { term }: Invocation): Promise<{ entity: EntityRecord }> {
    const from = stateOf(entity.observed);
    const transition = transitionFrom(from, term);
    if (!transition) throw new Error(`${term} was offered in state ${from}`);
    if (term === 'accept') requireNotOver(entity.wanted, write.now);
    await announce(write, entity.id, from, transition.to);
    const agreedAt = term === 'accept' ? { [AGREED_AT]: timeText(write.now) } : {};
    return { entity: { ...entity, observed: { ...entity.observed, [STATE]: transition.to, ...agreedAt } } };
  }

  /** An agreement in force with an appliance under it stays until it is terminated or the appliance is gone. */
  async remove(write: Write, entity: EntityRecord): Promise<void> {
    const inForce = ['accepted', 'suspended'].includes(stateOf(entity.observed));
    if (inForce && (await governsAny(write, entity))) {
      throw problem('conflict', 'sla.agreement-in-use', 'the agreement governs resources that are there', {
        rule: 'spec/sla §11',
        remedy: 'terminate it, or delete what it governs, first',
      });
    }
    await this.#services.entities.removeTree(write, entity);
  }

  release(): Promise<OperationDraft | undefined> {
    return Promise.resolve(undefined);
  }
}

export function stateOf(observed: Attributes): AgreementState {
  return (stringAt(observed, STATE) as AgreementState | undefined) ?? INITIAL_STATE;
}

function requireNotOver(wanted: Attributes, now: number): void {
  const until = parseDateTime(stringAt(wanted, EFFECTIVE_UNTIL) ?? '');
  if (until === undefined || until > now) return;
  throw problem('conflict', 'sla.expired', 'the agreement has ended', {
    place: { field: EFFECTIVE_UNTIL },
    remedy: 'make a new offer',
  });
}

/** Title and period from the document; what was given beside it must agree with it. */
function completeFrom(text: string, draft: EntityDraft): void {
  const agreement = parseAgreementText(text);
  draft.title ??= agreement.name;
  const faults: Fault[] = [];
  for (const [name, time] of [
    [EFFECTIVE_FROM, agreement.effectiveFrom],
    [EFFECTIVE_UNTIL, agreement.effectiveUntil],
  ] as const) {
    const given = stringAt(draft.wanted, name);
    if (given !== undefined && parseDateTime(given) !== (time ?? undefined)) {
      faults.push({
        code: 'sla.period-differs',
        message: `${name} and the document say different things`,
        place: { field: name },
        remedy: 'leave the attribute out',
      });
    } else if (given === undefined && time !== null) {
      draft.wanted[name] = timeText(time);
    }
  }
  if (faults.length > 0) throw new Problem('invalid', faults);
}

/** C-248: absolute date-times, the end after the beginning. */
function requirePeriod(wanted: Attributes): void {
  const faults: Fault[] = [];
  const times = [EFFECTIVE_FROM, EFFECTIVE_UNTIL].map((name) => {
    const text = stringAt(wanted, name);
    if (text === undefined) return undefined;
    const time = parseDateTime(text);
    if (time === undefined) {
      faults.push({
        code: 'sla.time',
        message: `${name} is not an absolute date-time`,
        place: { field: name },
        rule: 'GFD.228 §3.1',
        remedy: 'write it like 2026-01-01T00:00:00Z; durations and intervals are not allowed',
      });
    }
    return time;
  });
  const [from, until] = times;
  if (from !== undefined && until !== undefined && until <= from) {
    faults.push({
      code: 'sla.bounds',
      message: 'the agreement ends before it begins',
      place: { field: EFFECTIVE_UNTIL },
      remedy: 'choose a later end',
    });
  }
  if (faults.length > 0) throw new Problem('invalid', faults);
}

async function governsAny({ tx }: Write, agreement: EntityRecord): Promise<boolean> {
  for (const link of await linksOf(tx, [agreement.id])) {
    const target = link.target === null ? undefined : await findEntity(tx, link.target);
    if (target?.phase === 'live') return true;
  }
  return false;
}

async function announce(write: Write, id: string, from: string | null, to: string): Promise<void> {
  await emitEvent(write.tx, { type: 'eu.contrail-project.sla.state', subject: id, data: { from, to } }, write.now);
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}
