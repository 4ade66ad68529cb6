/**
 * Who keeps account of what entities take, and refuses what is too much: asked inside the transaction that makes or
 * enlarges them, so that nothing is promised twice, and once more before it commits, when all that it takes is known.
 */

import type { EntityRecord } from '../store/entity-record.js';
import type { Write } from './kind-handler.js';

export interface Admission {
  /** The entity has just been stored. */
  entered(write: Write, entity: EntityRecord): Promise<void>;
  /** What a client wants of the entity has changed. */
  changed(write: Write, before: EntityRecord, after: EntityRecord): Promise<void>;
  /** The transaction is about to commit. @throws Problem with all that there is no room for */
  settle(write: Write): Promise<void>;
}
