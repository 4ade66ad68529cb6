/**
 * Entities that no site knows: they live in the store alone, and an action on one is done when its transaction commits.
 * Most kinds of other extensions are such.
 */

import type {
  EntityChange,
  EntityDraft,
  Invocation,
  KindHandler,
  OperationDraft,
  Write,
} from '../../src/extension/kind-handler.js';
import { emitEvent } from '../../src/extension/events.js';
import { applyChange } from '../../src/extension/handlers.js';
import type { TypeId } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { legalActions, transition, type StateMachine } from './states.js';

/** A kind without states and actions. What it refuses or completes, its own class adds. */
export class KeptEntityHandler implements KindHandler {
  readonly kind: TypeId;

  constructor(kind: TypeId) {
    this.kind = kind;
  }

  applicable(_entity: Pick<EntityRecord, 'observed'>): readonly TypeId[] {
    return [];
  }

  prepare(_write: Write, _draft: EntityDraft): Promise<void> {
    return Promise.resolve();
  }

  created(_write: Write, _entity: EntityRecord): Promise<void> {
    return Promise.resolve();
  }

  change(_write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    return Promise.resolve(applyChange(entity, change));
  }

  act(_write: Write, entity: EntityRecord, _invocation: Invocation): Promise<{ entity: EntityRecord }> {
    return Promise.resolve({ entity });
  }

  release(_write: Write, _entity: EntityRecord): Promise<OperationDraft | undefined> {
    return Promise.resolve(undefined);
  }
}

/** A kind with a state of its own, which is the one that its last action led to. */
export class KeptStateHandler extends KeptEntityHandler {
  readonly stateAttribute: string;
  readonly #machine: StateMachine;

  constructor(kind: TypeId, machine: StateMachine) {
    super(kind);
    this.#machine = machine;
    this.stateAttribute = machine.attribute;
  }

  override applicable(entity: Pick<EntityRecord, 'observed'>): readonly TypeId[] {
    return legalActions(this.#machine, this.#stateOf(entity));
  }

  override prepare(_write: Write, draft: EntityDraft): Promise<void> {
    draft.observed[this.stateAttribute] = this.#machine.initial;
    return Promise.resolve();
  }

  override async act(write: Write, entity: EntityRecord, { term }: Invocation): Promise<{ entity: EntityRecord }> {
    const from = this.#stateOf(entity);
    const to = transition(this.#machine, term, from)?.to ?? from;
    const data = { entity: entity.id, kind: entity.kind, from, to };
    const subject = entity.appliance ?? entity.id;
    if (from !== to) await emitEvent(write.tx, { type: 'eu.contrail-project.entity.state', subject, data }, write.now);
    return { entity: { ...entity, observed: { ...entity.observed, [this.stateAttribute]: to } } };
  }

  #stateOf(entity: Pick<EntityRecord, 'observed'>): string {
    const state = entity.observed[this.stateAttribute];
    return typeof state === 'string' ? state : this.#machine.initial;
  }
}
