/**
 * Events for the outside, written to the outbox in the transaction that makes them true. They are CloudEvents 1.0 in
 * the making: the bus adds the envelope; the subject is the application UUID, or the entity's id when it stands alone.
 */

import { newUuid } from '../base/ids.js';
import type { JsonObject } from '../base/json.js';
import { appendEvent } from '../store/outbox.js';
import type { Tx } from '../store/sql.js';

export interface NewEvent {
  /** Reverse-domain type, e.g. `eu.contrail-project.entity.created`. */
  readonly type: string;
  readonly subject: string;
  readonly data: JsonObject;
}

export async function emitEvent(tx: Tx, event: NewEvent, now: number): Promise<void> {
  await appendEvent(tx, { ...event, id: newUuid(now), time: now });
}
