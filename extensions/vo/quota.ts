/** The kind `quota`: how much of a VO's limits one of its groups, or one of its users, may take. */

import { Problem, type Fault } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import { faultsOfGroup } from './member.js';
import { OfVoHandler } from './of-vo.js';
import { QUOTA, QUOTA_GROUP, QUOTA_SUBJECT } from './vocabulary.js';

export class QuotaHandler extends OfVoHandler {
  constructor() {
    super(QUOTA);
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    const { name } = await this.voOf(write, draft);
    const [group, subject] = [stringAt(draft.wanted, QUOTA_GROUP), stringAt(draft.wanted, QUOTA_SUBJECT)];
    const faults: Fault[] = faultsOfGroup(group, name, QUOTA_GROUP);
    if (group === undefined && subject === undefined) {
      faults.push({
        code: 'vo.quota-whose',
        message: 'a quota is that of a group, of a user, or of a user in a group',
        place: { field: QUOTA_GROUP },
        remedy: `give ${QUOTA_GROUP} or ${QUOTA_SUBJECT}; what the whole VO may have is in its own attributes`,
      });
    }
    if (faults.length > 0) throw new Problem('invalid', faults);
    draft.title ??= [subject, group].filter((part) => part !== undefined).join(' in ');
  }
}
