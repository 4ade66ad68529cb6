/** What a link of the infrastructure may join (GFD.224 §3.4): entities of this server, of certain kinds. */

import { Problem, type Fault } from '../../src/base/errors.js';
import type { EntityDraft, Write } from '../../src/extension/kind-handler.js';
import type { TypeId } from '../../src/occi/model.js';

/**
 * Both ends of a new link must be of these kinds or come from them.
 *
 * @throws Problem `invalid` (`infrastructure.link-ends`), one fault for each end that is not
 */
export function requireEnds(write: Write, draft: EntityDraft, source: TypeId, target: TypeId): void {
  const ends = [
    ['occi.core.source', draft.source?.kind, source],
    ['occi.core.target', draft.target?.kind, target],
  ] as const;
  const faults = ends
    .filter(([, kind, wanted]) => kind === undefined || !write.registry.isA(kind, wanted))
    .map(([field, , wanted]): Fault => ({
      code: 'infrastructure.link-ends',
      message: `${draft.kind.term} joins a ${termOf(source)} with a ${termOf(target)}`,
      place: { field },
      rule: 'GFD.224 §3.4',
      remedy: `name a ${termOf(wanted)} of this server`,
    }));
  if (faults.length > 0) throw new Problem('invalid', faults);
}

const termOf = (id: TypeId): string => id.slice(id.indexOf('#') + 1);
