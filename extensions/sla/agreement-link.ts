/**
 * The agreement link (GFD.228 §3.2, C-252): from an agreement to a resource. Admission makes it for the appliance that an
 * agreement governs; one that a client makes attaches a resource without promising anything about it.
 */

import { problem } from '../../src/base/errors.js';
import type { Entities } from '../../src/extension/entities.js';
import { applyChange } from '../../src/extension/handlers.js';
import type {
  EntityChange,
  EntityDraft,
  KindHandler,
  OperationDraft,
  Write,
} from '../../src/extension/kind-handler.js';
import { CORE_LINK } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { stateOf } from './agreement.js';
import { AGREEMENT, AGREEMENT_LINK, SLA_AGREEMENT } from './agreements.js';

export class AgreementLinkHandler implements KindHandler {
  readonly kind = AGREEMENT_LINK;
  readonly #entities: Entities;

  constructor(entities: Entities) {
    this.#entities = entities;
  }

  applicable(): readonly string[] {
    return [];
  }

  prepare(write: Write, { source, target }: EntityDraft): Promise<void> {
    if (!source || !write.registry.isA(source.kind, AGREEMENT)) {
      throw endProblem('source', 'an agreement link begins at an agreement');
    }
    if (!target || write.registry.isA(target.kind, CORE_LINK)) {
      throw endProblem('target', 'an agreement governs resources of this server');
    }
    if (!['pending', 'accepted'].includes(stateOf(source.observed))) {
      throw problem('conflict', 'sla.agreement-over', `the agreement is ${stateOf(source.observed)}`, {
        place: { field: 'occi.core.source' },
        remedy: 'name an agreement that is pending or accepted',
      });
    }
    return Promise.resolve();
  }

  created(): Promise<void> {
    return Promise.resolve();
  }

  change(_write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    return Promise.resolve(applyChange(entity, change));
  }

  act(): Promise<never> {
    return Promise.reject(new Error('agreement links have no actions'));
  }

  /** What an agreement was accepted for stays under it as long as it is in force. */
  async remove(write: Write, entity: EntityRecord): Promise<void> {
    const agreement = entity.source === null ? undefined : await findEntity(write.tx, entity.source);
    const governed = entity.target === null ? undefined : await findEntity(write.tx, entity.target);
    const inForce = agreement && ['accepted', 'suspended'].includes(stateOf(agreement.observed));
    if (inForce && governed?.observed[SLA_AGREEMENT] === `/agreement/${agreement.id}`) {
      throw problem('conflict', 'sla.agreement-in-use', 'the agreement was accepted for this resource', {
        rule: 'K16',
        remedy: 'terminate the agreement, or delete the resource',
      });
    }
    await this.#entities.removeTree(write, entity);
  }

  release(): Promise<OperationDraft | undefined> {
    return Promise.resolve(undefined);
  }
}

function endProblem(which: 'source' | 'target', message: string): Error {
  return problem('invalid', 'sla.link-ends', message, {
    place: { field: `occi.core.${which}` },
    rule: 'GFD.228 §3.2',
    remedy: which === 'source' ? 'name an agreement of yours' : 'name a resource of yours',
  });
}
