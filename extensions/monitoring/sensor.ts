/**
 * Sensor (monitoring draft §3.1): when and how often is measured. Its collectors go with it (C-257), as every resource's
 * links do.
 */

import { throwIfFaulty } from '../../src/base/errors.js';
import type { EntityChange, EntityDraft, Write } from '../../src/extension/kind-handler.js';
import type { Attributes, AttributeValue } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { KeptEntityHandler } from '../infrastructure/kept-entity.js';
import { bestFit } from './best-fit.js';
import { timeWindowFaults } from './time-window.js';
import { SENSOR, TIMEBASE, TIMESTART, TIMESTOP } from './vocabulary.js';

export class SensorHandler extends KeptEntityHandler {
  constructor() {
    super(SENSOR);
  }

  override prepare(write: Write, draft: EntityDraft): Promise<void> {
    const wanted = settled(draft.wanted, write.now);
    throwIfFaulty('invalid', timeWindowFaults(wanted, write.now));
    Object.assign(draft.wanted, wanted);
    return Promise.resolve();
  }

  override async change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    const changed = await super.change(write, entity, change);
    const wanted = settled(changed.wanted, write.now);
    throwIfFaulty('invalid', timeWindowFaults(wanted, write.now, entity.wanted));
    return { ...changed, wanted };
  }
}

/** Offsets keep their meaning only with a reference time: without one they count from the moment they were given. */
function settled(wanted: Attributes, now: number): Record<string, AttributeValue> {
  const fitted = bestFit('occi.sensor', wanted);
  if (wanted[TIMESTART] !== undefined || wanted[TIMESTOP] !== undefined)
    fitted[TIMEBASE] ??= new Date(now).toISOString();
  return fitted;
}
