/**
 * The kind `member`: who has which role in a VO, and for which of its groups they count. Whoever it names is in, or out,
 * with the very next request (S-082).
 */

import { Problem, type Fault } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { EntityChange, EntityDraft, Write } from '../../src/extension/kind-handler.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { raiseGeneration } from '../../src/store/generations.js';
import { OfVoHandler } from './of-vo.js';
import { MEMBER, MEMBER_ATTRIBUTE, MEMBER_GROUP, MEMBER_ROLE, MEMBER_SUBJECT } from './vocabulary.js';

export class MemberHandler extends OfVoHandler {
  constructor() {
    super(MEMBER);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    const { name } = await this.voOf(write, draft);
    const subject = stringAt(draft.wanted, MEMBER_SUBJECT);
    const attribute = stringAt(draft.wanted, MEMBER_ATTRIBUTE);
    const faults = [...faultsOfWho(subject, attribute), ...faultsOfGroup(draft.wanted[MEMBER_GROUP], name)];
    if (faults.length > 0) throw new Problem('invalid', faults);
    draft.wanted[MEMBER_ROLE] ??= 'member';
    draft.title ??= subject ?? attribute ?? '';
    await raiseGeneration(write.tx, 'access');
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = await super.change(write, entity, change);
    const faults = faultsOfGroup(changed.wanted[MEMBER_GROUP], entity.group);
    if (faults.length > 0) throw new Problem('invalid', faults);
    await raiseGeneration(write.tx, 'access');
    return { ...changed, wanted: { ...changed.wanted, [MEMBER_ROLE]: changed.wanted[MEMBER_ROLE] ?? 'member' } };
  }

  /** Nothing is on any site; but whoever remembers the membership shall look again. */
  override async release(write: Write): Promise<undefined> {
    await raiseGeneration(write.tx, 'access');
    return undefined;
  }
}

function faultsOfWho(subject: string | undefined, attribute: string | undefined): Fault[] {
  if ((subject === undefined) !== (attribute === undefined)) return [];
  return [
    {
      code: 'vo.member-who',
      message: 'a member is named by its identifier, or by an attribute of its credential, and by one of the two',
      place: { field: MEMBER_SUBJECT },
      remedy: `give ${MEMBER_SUBJECT} (local:alice, x509:…, oidc:…) or ${MEMBER_ATTRIBUTE} (/vo/Role=x, urn:…)`,
    },
  ];
}

/** A group of this VO, as FQANs write it. */
export function faultsOfGroup(group: unknown, vo: string, field = MEMBER_GROUP): Fault[] {
  if (group === undefined || (typeof group === 'string' && group.startsWith(`/${vo}/`))) return [];
  return [
    {
      code: 'vo.group',
      message: 'the group is not one of this Virtual Organization',
      place: { field },
      rule: 'FQAN /vo/group',
      remedy: `write /${vo}/<group>`,
    },
  ];
}
