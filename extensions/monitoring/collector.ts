/** Collector (monitoring draft §3.2): the link from a sensor to the resource that it watches. */

import { throwIfFaulty, type Fault } from '../../src/base/errors.js';
import type { EntityChange, EntityDraft, LinkEnds, Write } from '../../src/extension/kind-handler.js';
import { CORE_RESOURCE } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { KeptEntityHandler } from '../infrastructure/kept-entity.js';
import { bestFit } from './best-fit.js';
import { COLLECTOR, SENSOR } from './vocabulary.js';

export class CollectorHandler extends KeptEntityHandler {
  constructor() {
    super(COLLECTOR);
  }

  override prepare(write: Write, draft: EntityDraft): Promise<void> {
    throwIfFaulty('invalid', endFaults(write, draft));
    Object.assign(draft.wanted, bestFit('occi.collector', draft.wanted));
    return Promise.resolve();
  }

  judgeMove(write: Write, _link: EntityRecord, moved: LinkEnds): Promise<void> {
    throwIfFaulty('invalid', endFaults(write, moved));
    return Promise.resolve();
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = await super.change(write, entity, change);
    return { ...changed, wanted: bestFit('occi.collector', changed.wanted) };
  }
}

function endFaults({ registry }: Write, { source, target }: LinkEnds): Fault[] {
  const rule = 'monitoring draft §3.2 (C-254)';
  const faults: Fault[] = [];
  if (!source || !registry.isA(source.kind, SENSOR)) {
    faults.push({
      code: 'monitoring.collector-source',
      message: 'a collector starts at a sensor',
      place: { field: 'occi.core.source' },
      rule,
      remedy: 'name a sensor of yours',
    });
  }
  if (!target || !registry.isA(target.kind, CORE_RESOURCE)) {
    faults.push({
      code: 'monitoring.collector-target',
      message: 'a collector leads to a resource of this server: nothing else can be measured here',
      place: { field: 'occi.core.target' },
      rule,
      remedy: 'name a resource by the URL under which this server shows it',
    });
  }
  return faults;
}
