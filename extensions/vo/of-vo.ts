/** What members, shares and set-aside resources have in common: they are of one VO, which they name or the caller acts for. */

import { problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import type { Attributes, TypeId } from '../../src/occi/model.js';
import { KeptEntityHandler } from '../infrastructure/kept-entity.js';
import { standingOf, type VoStanding } from './standing.js';
import { NAME } from './vocabulary.js';

export abstract class OfVoHandler extends KeptEntityHandler {
  constructor(kind: TypeId) {
    super(kind);
  }

  /** Who may not administer that VO is refused before it is asked whether there is one (K14). */
  groupFor(attributes: Attributes): string | undefined {
    return stringAt(attributes, NAME);
  }

  /** @throws Problem `invalid` (`vo.unknown`) */
  protected async voOf(write: Write, draft: EntityDraft): Promise<VoStanding> {
    const vo = await standingOf(write.tx, draft.group);
    if (!vo) {
      throw problem('invalid', 'vo.unknown', 'there is no such Virtual Organization', {
        place: { field: NAME },
        remedy: 'name one that `GET /vo/` lists',
      });
    }
    draft.wanted[NAME] = vo.name;
    return vo;
  }
}
