/** What a link of the infrastructure may join (GFD.224 §3.4): entities of this server, of certain kinds. */

import { Problem, type Fault } from '../../src/base/errors.js';
import type { LinkEnds, Write } from '../../src/extension/kind-handler.js';
import type { TypeId } from '../../src/occi/model.js';

/**
 * Both ends of a link must be of the kinds that its category names, or come from them.
 *
 * @throws Problem `invalid` (`infrastructure.link-ends`), one fault for each end that is not
 */
export function requireEnds({ registry }: Write, kind: TypeId, joined: LinkEnds): void {
  const { sources: [source = ''] = [], targets: [target = ''] = [] } = registry.joins(kind) ?? {};
  const ends = [
    ['occi.core.source', joined.source?.kind, source],
    ['occi.core.target', joined.target?.kind, target],
  ] as const;
  const faults = ends
    .filter(([, end, wanted]) => end === undefined || !registry.isA(end, wanted))
    .map(([field, , wanted]): Fault => ({
      code: 'infrastructure.link-ends',
      message: `${termOf(kind)} joins a ${termOf(source)} with a ${termOf(target)}`,
      place: { field },
      rule: 'GFD.224 §3.4',
      remedy: `name a ${termOf(wanted)} of this server`,
    }));
  if (faults.length > 0) throw new Problem('invalid', faults);
}

const termOf = (id: TypeId): string => id.slice(id.indexOf('#') + 1);
