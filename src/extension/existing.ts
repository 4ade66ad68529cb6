import { notFound } from '../base/errors.js';
import { findEntity } from '../store/entities.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { Tx } from '../store/sql.js';

/** The entity as this transaction sees it, in whatever phase. @throws Problem `not-found` */
export async function existingEntity(tx: Tx, id: string): Promise<EntityRecord> {
  const record = await findEntity(tx, id);
  if (!record) throw notFound();
  return record;
}
