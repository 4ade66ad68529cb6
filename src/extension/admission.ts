/**
 * Who keeps account of what entities take, and refuses what is too much: asked inside the transaction that makes or
 * enlarges them, so that nothing is promised twice, and once more before it commits, when all that it takes is known.
 */

import type { Principal } from '../access/principal.js';
import type { Fault } from '../base/errors.js';
import type { CategoryRegistry } from '../occi/registry.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { SqlReader } from '../store/sql.js';
import type { Write } from './kind-handler.js';

/** Code of a fault that is no more than a limit reached. */
export const OVER_LIMIT = 'vo.quota';

/** What there is to know of an entity that is not there yet. */
export type Planned = Pick<EntityRecord, 'kind' | 'wanted' | 'site'>;

export interface Admission {
  /** The entity has just been stored. */
  entered(write: Write, entity: EntityRecord): Promise<void>;
  /** What a client wants of the entity has changed. */
  changed(write: Write, before: EntityRecord, after: EntityRecord): Promise<void>;
  /** The transaction is about to commit. @throws Problem with all that there is no room for */
  settle(write: Write): Promise<void>;
  /** Everything that would stand in the way if the principal made these now, for the group that they act for. */
  foresee(
    reader: SqlReader,
    registry: CategoryRegistry,
    principal: Principal,
    planned: readonly Planned[],
  ): Promise<readonly Fault[]>;
}
