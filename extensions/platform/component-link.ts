/**
 * ComponentLink (GFD.227 §3.3): from an application, or from a component, to a component that it is made of or needs.
 * Nothing may need itself, by whatever detour.
 */

import { problem, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import type { EntityDraft, LinkEnds, Write } from '../../src/extension/kind-handler.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { inList } from '../../src/store/placeholders.js';
import { KeptEntityHandler } from '../infrastructure/kept-entity.js';
import { APPLICATION, COMPONENT, COMPONENTLINK } from './vocabulary.js';

export class ComponentLinkHandler extends KeptEntityHandler {
  constructor() {
    super(COMPONENTLINK);
  }

  override prepare(write: Write, draft: EntityDraft): Promise<void> {
    return this.#judge(write, draft);
  }

  judgeMove(write: Write, _link: EntityRecord, moved: LinkEnds): Promise<void> {
    return this.#judge(write, moved);
  }

  async #judge(write: Write, ends: LinkEnds): Promise<void> {
    throwIfFaulty('invalid', endFaults(write, ends));
    if (!ends.source || !ends.target || !(await leadsTo(write, ends.target, ends.source))) return;
    throw problem('conflict', 'platform.component-circle', 'the component would need itself', {
      place: { field: 'occi.core.target' },
      rule: 'GFD.227 §3.3',
      remedy: 'link a component that does not lead back to the source',
    });
  }
}

function endFaults({ registry }: Write, { source, target }: LinkEnds): Fault[] {
  const isA = (end: EntityRecord | undefined, ...kinds: readonly string[]): boolean =>
    end !== undefined && kinds.some((kind) => registry.isA(end.kind, kind));
  const ends = [
    ['occi.core.source', isA(source, APPLICATION, COMPONENT), 'an application or a component'],
    ['occi.core.target', isA(target, COMPONENT), 'a component'],
  ] as const;
  return ends.flatMap(([field, fits, wanted]) =>
    fits
      ? []
      : [
          {
            code: 'platform.component-link-ends',
            message: 'a componentlink joins an application or a component with a component',
            place: { field },
            rule: 'GFD.227 §3.3',
            remedy: `name ${wanted} of this server`,
          },
        ],
  );
}

/**
 * Whether the links that there are lead from one component to the other. Whose they are does not matter: a circle is one
 * for all. The cost grows with what can be reached.
 */
async function leadsTo({ tx, registry }: Write, from: EntityRecord, to: EntityRecord): Promise<boolean> {
  const kinds = inList(
    'link.kind',
    registry.descendants(COMPONENTLINK).map((kind) => kind.id),
  );
  const row = await tx.get(
    'WITH RECURSIVE reached(id) AS (SELECT CAST(? AS text) UNION SELECT link.target FROM reached ' +
      "JOIN entity link ON link.source = reached.id WHERE link.phase = 'live' AND link.target IS NOT NULL " +
      `AND ${kinds.sql}) SELECT 1 AS found FROM reached WHERE id = ? LIMIT 1`,
    [from.id, ...kinds.params, to.id],
  );
  return row !== undefined;
}
