/**
 * NetworkInterface and StorageLink (GFD.224 §3.4): what may be joined to what. An interface shows the address the site
 * gave it through the mixin `ipnetworkinterface`, which it therefore always has. One that leads to an IP reservation
 * has the reserved address.
 */

import { Problem, problem, type Fault } from '../../src/base/errors.js';
import type { EntityChange, EntityDraft, LinkEnds, Write } from '../../src/extension/kind-handler.js';
import type { Observations } from '../../src/extension/observations.js';
import {
  IPNETWORKINTERFACE,
  NETWORKINTERFACE,
  STORAGELINK,
  type Attributes,
  type AttributeValue,
} from '../../src/occi/model.js';
import { findEntity, linksTo } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';
import { requireEnds } from './link-ends.js';
import { RESERVED_ADDRESS, isReservationUsed, showReservationUse } from './reserved-address.js';
import { ADDRESS } from './site-class.js';
import { IPRESERVATION } from './states.js';

export class NetworkInterfaceHandler extends InfrastructureHandler {
  readonly #observations: Observations;

  constructor(services: HandlerServices & { readonly observations: Observations }) {
    super(NETWORKINTERFACE, services);
    this.#observations = services.observations;
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    requireEnds(write, draft.kind.id, draft);
    if (draft.target && this.#isReservation(draft.target)) await this.#reserve(write, draft, draft.target);
    await super.prepare(write, draft);
    if (!draft.mixins.includes(IPNETWORKINTERFACE)) draft.mixins.push(IPNETWORKINTERFACE);
  }

  override async created(write: Write, entity: EntityRecord): Promise<void> {
    await super.created(write, entity);
    if (entity.target !== null) await showReservationUse(write.tx, this.#observations, entity.target);
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const address = change.attributes.get(ADDRESS);
    const target = entity.target === null ? undefined : await findEntity(write.tx, entity.target);
    if (address !== undefined && target && this.#isReservation(target)) {
      const fault = addressFault(address, target);
      if (fault) throw new Problem('conflict', fault);
    }
    const elsewhere = change.moved !== undefined && change.moved.target?.id !== entity.target;
    if (!elsewhere || address !== undefined) return super.change(write, entity, change);
    // An address of the network that it leaves means nothing in another.
    return super.change(write, entity, {
      ...change,
      attributes: new Map([...change.attributes, [ADDRESS, undefined]]),
    });
  }

  /** It is unplugged and plugged in elsewhere. A reservation keeps the interface that has its address. */
  async judgeMove(write: Write, link: EntityRecord, moved: LinkEnds): Promise<void> {
    requireEnds(write, link.kind, moved);
    this.requireSite(link, moved);
    const before = link.target === null ? undefined : await findEntity(write.tx, link.target);
    if (![before, moved.target].some((target) => target && this.#isReservation(target))) return;
    throw problem('conflict', 'infrastructure.reservation-used', 'an interface stays with its reservation', {
      place: { field: 'occi.core.target' },
      remedy: 'delete the interface and make another',
    });
  }

  /** Another address or MAC comes with another plug. */
  protected override madeFrom(wanted: Attributes): string {
    return JSON.stringify([wanted[ADDRESS], wanted['occi.networkinterface.mac']]);
  }

  #isReservation(target: EntityRecord): boolean {
    return this.#observations.rootKind(target.kind) === IPRESERVATION;
  }

  async #reserve(write: Write, draft: EntityDraft, reservation: EntityRecord): Promise<void> {
    const fault = addressFault(draft.wanted[ADDRESS], reservation);
    if (fault) throw new Problem('invalid', fault);
    if (!(await isReservationUsed(write.tx, this.#observations, reservation.id))) return;
    throw problem('conflict', 'infrastructure.reservation-used', 'another interface has the reserved address', {
      place: { field: 'occi.core.target' },
      remedy: 'wait until that interface is gone, or link another reservation',
    });
  }
}

/** An interface to a reservation has the reserved address and no other, whatever the site would agree to. */
function addressFault(address: AttributeValue | undefined, reservation: EntityRecord): Fault | undefined {
  const reserved = reservation.wanted[RESERVED_ADDRESS] ?? reservation.observed[RESERVED_ADDRESS];
  if (address === undefined || address === reserved) return undefined;
  return {
    code: 'infrastructure.address-reserved',
    message: 'the interface has the address of its reservation',
    place: { field: ADDRESS },
    remedy: `leave ${ADDRESS} out`,
  };
}

export class StorageLinkHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(STORAGELINK, services);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    requireEnds(write, draft.kind.id, draft);
    await requireUnattached(write, draft);
    await super.prepare(write, draft);
  }

  async judgeMove(write: Write, link: EntityRecord, moved: LinkEnds): Promise<void> {
    requireEnds(write, link.kind, moved);
    this.requireSite(link, moved);
    await requireUnattached(write, moved, link.id);
  }

  /** Another device comes with another attachment; where the guest mounts it is the guest's business. */
  protected override madeFrom(wanted: Attributes): string {
    return JSON.stringify(wanted['occi.storagelink.deviceid']);
  }

  protected override makeAnew(write: Write, entity: EntityRecord): Promise<EntityRecord> {
    if (entity.appliance === null) return super.makeAnew(write, entity);
    throw problem(
      'conflict',
      'infrastructure.device-of-appliance',
      'the descriptor of the appliance orders its disks',
      {
        place: { field: 'occi.storagelink.deviceid' },
        remedy: 'change the descriptor and deploy it anew',
      },
    );
  }
}

/**
 * A machine has a storage once: no site attaches it twice.
 *
 * @param self the link that is moved, if it is one
 * @throws Problem `conflict` (`infrastructure.attached-already`)
 */
async function requireUnattached({ tx, registry }: Write, { source, target }: LinkEnds, self?: string): Promise<void> {
  if (source === undefined || target === undefined) return;
  const attached = (await linksTo(tx, [target.id])).some(
    (link) => link.id !== self && link.source === source.id && registry.isA(link.kind, STORAGELINK),
  );
  if (!attached) return;
  throw problem('conflict', 'infrastructure.attached-already', 'the storage is attached to that compute already', {
    place: { field: 'occi.core.target' },
    rule: 'GFD.224 §3.4.2',
    remedy: 'use the storagelink there is, or name another storage or compute',
  });
}
