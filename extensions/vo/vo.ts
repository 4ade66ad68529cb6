/**
 * The kind `vo`: a Virtual Organization that the provider serves, with what it may have. The entity lies in the group of
 * the VO's name, so that its members see it; the provider makes, changes and suspends it.
 */

import { problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { Entities } from '../../src/extension/entities.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import type { Attributes } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { findEntity } from '../../src/store/entities.js';
import { inList } from '../../src/store/placeholders.js';
import { KeptStateHandler } from '../infrastructure/kept-entity.js';
import type { VoAccounts } from './accounts.js';
import { ACTION_SCHEME, MEMBER, NAME, NO_VOS, PROVISION, QUOTA, STATE, VO } from './vocabulary.js';

export interface VoServices {
  readonly entities: Entities;
  readonly accounts: VoAccounts;
}

export class VoHandler extends KeptStateHandler {
  readonly #services: VoServices;

  constructor(services: VoServices) {
    super(VO, {
      attribute: STATE,
      initial: 'active',
      actionScheme: ACTION_SCHEME,
      transitions: [
        { term: 'suspend', from: ['active'], to: 'suspended' },
        { term: 'resume', from: ['suspended'], to: 'active' },
      ],
    });
    this.#services = services;
  }

  groupFor(attributes: Attributes): string | undefined {
    return stringAt(attributes, NAME);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    await super.prepare(write, draft);
    const name = stringAt(draft.wanted, NAME) ?? '';
    if (NO_VOS.includes(name)) {
      throw problem('invalid', 'vo.name', `${name} is the group of accounts that every server has`, {
        place: { field: NAME },
        remedy: 'choose another name',
      });
    }
    if (await write.tx.get('SELECT 1 FROM vo WHERE name = ?', [name])) {
      throw problem('conflict', 'vo.exists', 'there is a Virtual Organization of that name', {
        place: { field: NAME },
        remedy: 'change the one that is there, or choose another name',
      });
    }
    draft.title ??= name;
  }

  override async created(write: Write, entity: EntityRecord): Promise<void> {
    await write.tx.run('INSERT INTO vo (name, entity) VALUES (?, ?)', [entity.group, entity.id]);
    await this.#services.accounts.adopt(write, entity.group);
  }

  /** It stays as long as anything is charged to it; with it go its members, its shares and what was set aside for it. */
  async remove(write: Write, entity: EntityRecord): Promise<void> {
    if (await write.tx.get('SELECT 1 FROM vo_charge WHERE vo = ? LIMIT 1', [entity.group])) {
      throw problem('conflict', 'vo.in-use', 'resources are charged to this Virtual Organization', {
        place: { field: NAME },
        remedy: 'delete them first; what its site has not let go yet counts too',
      });
    }
    const parts = inList('kind', [MEMBER, QUOTA, PROVISION]);
    const ids = await write.tx.pluck<string>(
      `SELECT id FROM entity WHERE grp = ? AND ${parts.sql} AND phase = 'live' ORDER BY id`,
      [entity.group, ...parts.params],
    );
    const entities = this.#services.entities;
    for (const id of ids) {
      const part = await findEntity(write.tx, id);
      if (part) await entities.removeWhole(write, part);
    }
    await entities.removeTree(write, entity);
  }
}
