/**
 * What sites report, brought into the stored entities: the only place where observed attributes change (K10). Used by
 * the engine's steps and by the reconciler, inside their transactions. A report that changes nothing writes nothing.
 */

import type { Clock } from '../base/clock.js';
import { jsonEqual } from '../base/json.js';
import type { AttributeValue, Attributes, TypeId } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import { findEntity, removeEntity, updateEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { Tx } from '../store/sql.js';
import { emitEvent } from './events.js';
import type { Handlers } from './handlers.js';
import { renderRecord } from './rendering.js';

export interface Settlement {
  /** The operation that has just ended. */
  readonly operation: string;
  /** Why it failed; absent when it did not. */
  readonly failure?: string;
  /** The failure leaves nothing usable: the entity is in state `error`. */
  readonly toError?: boolean;
}

export class Observations {
  readonly #registry: () => CategoryRegistry;
  readonly #handlers: Handlers;
  readonly #clock: Clock;

  constructor(registry: () => CategoryRegistry, handlers: Handlers, clock: Clock) {
    this.#registry = registry;
    this.#handlers = handlers;
    this.#clock = clock;
  }

  /** The kind whose behaviour an entity of this kind has: its own, or the nearest ancestor's with a handler. */
  rootKind(kind: TypeId): TypeId {
    return this.#handlers.of(kind).kind;
  }

  /** The site has made the entity under `ref`, or, with null, has none any more. */
  async placed(tx: Tx, id: string, ref: string | null): Promise<void> {
    const entity = await findEntity(tx, id);
    if (entity && entity.siteRef !== ref) await this.#store(tx, entity, { ...entity, siteRef: ref });
  }

  /** Replaces the given observed attributes; a message that is no longer reported goes away. */
  async observe(tx: Tx, id: string, report: Attributes): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const { stateAttribute } = this.#handlers.of(entity.kind);
    const observed: Record<string, AttributeValue> = { ...entity.observed };
    if (stateAttribute !== undefined && report[`${stateAttribute}.message`] === undefined)
      delete observed[`${stateAttribute}.message`];
    await this.#store(tx, entity, { ...entity, observed: { ...observed, ...report } });
  }

  /** Takes observed attributes away and sets others; whatever is pending stays so. */
  async noted(tx: Tx, id: string, attributes: Attributes, without: readonly string[] = []): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const kept = Object.entries(entity.observed).filter(([name]) => !without.includes(name));
    await this.#store(tx, entity, { ...entity, observed: { ...Object.fromEntries(kept), ...attributes } });
  }

  /** Adds a mixin of the provider's with its attributes. */
  async mixed(tx: Tx, id: string, mixin: TypeId, attributes: Attributes): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const mixins = entity.mixins.includes(mixin) ? entity.mixins : [...entity.mixins, mixin];
    await this.#store(tx, entity, { ...entity, mixins, observed: { ...entity.observed, ...attributes } });
  }

  /** Takes a mixin and its attributes away again. */
  async unmixed(tx: Tx, id: string, mixin: TypeId, attributes: readonly string[]): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const observed: Record<string, AttributeValue> = { ...entity.observed };
    for (const name of attributes) delete observed[name];
    await this.#store(tx, entity, { ...entity, mixins: entity.mixins.filter((each) => each !== mixin), observed });
  }

  /**
   * An entity without a site has come to a state by the work that was done: sets attributes, takes others away, and the
   * wish that led here is over.
   */
  async arrived(tx: Tx, id: string, attributes: Attributes, without: readonly string[]): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const observed: Record<string, AttributeValue> = { ...entity.observed, ...attributes };
    for (const name of without) delete observed[name];
    await this.#store(tx, entity, { ...entity, observed, heading: null });
  }

  /** Less is wanted of an entity than before, since it cannot be had: whoever has read what was wanted has an older version (K13). */
  async wants(tx: Tx, before: EntityRecord, after: EntityRecord): Promise<void> {
    await this.#store(tx, before, { ...after, version: before.version + 1 });
  }

  /** The links of an entity have changed behind its back: it is rendered anew. */
  async relinked(tx: Tx, id: string): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const rendered = await renderRecord(
      tx,
      { ...entity, observedRevision: entity.observedRevision + 1 },
      this.#registry(),
      this.#handlers,
    );
    await updateEntity(tx, entity, rendered);
  }

  /** The site has let go of the entity: the tombstone goes too. */
  async gone(tx: Tx, id: string): Promise<void> {
    const entity = await findEntity(tx, id);
    if (entity) await removeEntity(tx, id);
  }

  /** An operation of the entity has ended: pending wishes are over unless later operations are under way. */
  async settled(tx: Tx, id: string, settlement: Settlement): Promise<void> {
    const entity = await findEntity(tx, id);
    if (!entity) return;
    const { stateAttribute } = this.#handlers.of(entity.kind);
    const observed: Record<string, AttributeValue> = { ...entity.observed };
    if (stateAttribute !== undefined && settlement.failure !== undefined) {
      observed[`${stateAttribute}.message`] = settlement.failure;
      if (settlement.toError === true) observed[stateAttribute] = 'error';
    }
    const heading =
      settlement.failure === undefined && (await this.#morePending(tx, id, settlement.operation))
        ? entity.heading
        : null;
    await this.#store(tx, entity, { ...entity, observed, heading });
  }

  async #morePending(tx: Tx, id: string, operation: string): Promise<boolean> {
    const row = await tx.get('SELECT 1 FROM operation WHERE entity = ? AND id <> ? AND finished_at IS NULL LIMIT 1', [
      id,
      operation,
    ]);
    return row !== undefined;
  }

  async #store(tx: Tx, before: EntityRecord, after: EntityRecord): Promise<void> {
    const changed =
      before.siteRef !== after.siteRef ||
      before.heading !== after.heading ||
      before.mixins.length !== after.mixins.length ||
      before.wanted !== after.wanted ||
      !jsonEqual(before.observed, after.observed);
    if (!changed) return;
    const now = this.#clock.now();
    const revised = { ...after, observedRevision: before.observedRevision + 1, changedAt: now };
    const rendered = await renderRecord(tx, revised, this.#registry(), this.#handlers);
    await updateEntity(tx, before, rendered);
    const { stateAttribute } = this.#handlers.of(before.kind);
    const [from, to] =
      stateAttribute === undefined ? [] : [before.observed[stateAttribute], after.observed[stateAttribute]];
    if (before.phase === 'live' && from !== to) {
      const data = { entity: before.id, kind: before.kind, from: from ?? null, to: to ?? null };
      await emitEvent(
        tx,
        { type: 'eu.contrail-project.entity.state', subject: before.appliance ?? before.id, data },
        now,
      );
    }
  }
}
