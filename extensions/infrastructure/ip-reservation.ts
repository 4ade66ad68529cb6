/**
 * IP reservations as rOCCI and ooi have them (`spec/occi.md` §4): an address held at a site, which the one network
 * interface that leads to it has. Another address is reserved by giving the old one back, as long as nobody uses it.
 */

import { problem } from '../../src/base/errors.js';
import { applyChange } from '../../src/extension/handlers.js';
import type { EntityChange, EntityDraft, Write } from '../../src/extension/kind-handler.js';
import type { Observations } from '../../src/extension/observations.js';
import { NETWORK, type TypeId } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';
import { RESERVATION_USED, RESERVED_ADDRESS, isReservationUsed } from './reserved-address.js';
import { IPRESERVATION, legalActions, stateMachineOf } from './states.js';

export class IpReservationHandler extends InfrastructureHandler {
  readonly #observations: Observations;

  constructor(services: HandlerServices & { readonly observations: Observations }) {
    super(IPRESERVATION, services);
    this.#observations = services.observations;
  }

  /** A reservation is a network too (GFD.221 §5.3.3): the parent's actions do what its own do. */
  override applicable(entity: Pick<EntityRecord, 'observed' | 'heading'>): readonly TypeId[] {
    return [...super.applicable(entity), ...legalActions(stateMachineOf(NETWORK), this.stateOf(entity))];
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    await super.prepare(write, draft);
    draft.observed[RESERVATION_USED] = false;
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = applyChange(entity, change);
    const address = change.attributes.get(RESERVED_ADDRESS);
    if (address === undefined || address === entity.observed[RESERVED_ADDRESS]) return changed;
    if (await isReservationUsed(write.tx, this.#observations, entity.id)) {
      throw problem('conflict', 'infrastructure.reservation-used', 'an interface has the reserved address', {
        place: { field: RESERVED_ADDRESS },
        remedy: 'delete the networkinterface first, or make another reservation',
      });
    }
    return this.makeAnew(write, changed);
  }
}
