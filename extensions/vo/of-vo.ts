/** What members, shares and set-aside resources have in common: they are of one VO, which is named or the caller's. */

import { notFound, problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import { standingOf, type VoStanding } from './standing.js';
import { NAME } from './vocabulary.js';

/**
 * Puts a new entity into the VO that it names; without a name, into the one that the caller acts for.
 * @throws Problem `invalid` (`vo.unknown`) for a VO that is not there, or not the caller's to administer
 */
export async function placeInVo(write: Write, draft: EntityDraft): Promise<VoStanding> {
  const name = stringAt(draft.wanted, NAME) ?? draft.group;
  // Permission was given for the caller's own group; for another one only an administrator has it (K14: like an absent one).
  const allowed = name === draft.group || write.context.principal.roles.has('administrator');
  const vo = allowed ? await standingOf(write.tx, name) : undefined;
  if (!vo) {
    throw problem('invalid', 'vo.unknown', 'there is no such Virtual Organization of yours', {
      place: { field: NAME },
      remedy: 'name one that `GET /vo/` lists and you administer; act for it with X-VEP-VO',
    });
  }
  draft.wanted[NAME] = name;
  draft.group = name;
  return vo;
}

/** The VO of an entity that is there. */
export async function voOf(write: Write, group: string): Promise<VoStanding> {
  const vo = await standingOf(write.tx, group);
  if (!vo) throw notFound();
  return vo;
}
