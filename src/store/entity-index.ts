/**
 * What entities are found by beside their columns: their mixins and the values of their attributes, one row each, so
 * that a filter (`spec/occi.md` §5.4) is an index look-up. Only live entities have such rows.
 */

import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/json.js';
import type { AttributeValue, TypeId } from '../occi/model.js';
import type { EntityRecord } from './entity-record.js';
import { inList } from './placeholders.js';
import type { Tx } from './sql.js';

/** Rows to a statement: bounds the number of placeholders and of statement texts. */
const BATCH = 32;
/** Longer values are indexed by digest: PostgreSQL's index entries end at 2,700 bytes. */
const MAX_INDEXED_LENGTH = 500;

/** A value as the index has it: strings as they are, everything else as JSON. Equal values give equal text. */
export function indexedValue(value: AttributeValue): string {
  const text = typeof value === 'string' ? value : canonicalJson(value);
  if (text.length <= MAX_INDEXED_LENGTH && !text.includes('\0')) return text;
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Puts a new or changed entity into the index. `before` is what the index holds of it. */
export async function indexEntity(tx: Tx, before: EntityRecord | undefined, after: EntityRecord): Promise<void> {
  const mixins = new Set(after.phase === 'live' ? after.mixins : []);
  const known = new Set(before?.phase === 'live' ? before.mixins : []);
  await dropMixins(
    tx,
    after.id,
    [...known].filter((mixin) => !mixins.has(mixin)),
  );
  await addMixins(
    tx,
    after.id,
    [...mixins].filter((mixin) => !known.has(mixin)),
  );

  const values = valuesOf(after);
  const knownValues = before ? valuesOf(before) : new Map<string, string>();
  const stale = [...knownValues].filter(([name, value]) => values.get(name) !== value);
  const fresh = [...values].filter(([name, value]) => knownValues.get(name) !== value);
  await dropValues(
    tx,
    after.id,
    stale.map(([name]) => name),
  );
  await addValues(tx, after.id, fresh);
}

/** By the value that clients see: the wanted one, or else what was observed (K10). */
function valuesOf(record: EntityRecord): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (record.phase !== 'live') return values;
  const seen: Record<string, AttributeValue> = { ...record.observed, ...record.wanted };
  for (const [name, value] of Object.entries(seen)) values.set(name, indexedValue(value));
  if (record.title !== null) values.set('occi.core.title', indexedValue(record.title));
  if (record.summary !== null) values.set('occi.core.summary', indexedValue(record.summary));
  return values;
}

async function addMixins(tx: Tx, entity: string, mixins: readonly TypeId[]): Promise<void> {
  for (const batch of batches(mixins)) {
    const rows = batch.map(() => '(?, ?)').join(', ');
    await tx.run(
      `INSERT INTO entity_mixin (entity, mixin) VALUES ${rows}`,
      batch.flatMap((mixin) => [entity, mixin]),
    );
  }
}

async function dropMixins(tx: Tx, entity: string, mixins: readonly TypeId[]): Promise<void> {
  if (mixins.length === 0) return;
  const { sql, params } = inList('mixin', mixins);
  await tx.run(`DELETE FROM entity_mixin WHERE entity = ? AND ${sql}`, [entity, ...params]);
}

async function addValues(tx: Tx, entity: string, values: readonly (readonly [string, string])[]): Promise<void> {
  for (const batch of batches(values)) {
    const rows = batch.map(() => '(?, ?, ?)').join(', ');
    const params = batch.flatMap(([name, value]) => [entity, name, value]);
    await tx.run(`INSERT INTO entity_attribute (entity, name, value) VALUES ${rows}`, params);
  }
}

async function dropValues(tx: Tx, entity: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { sql, params } = inList('name', names);
  await tx.run(`DELETE FROM entity_attribute WHERE entity = ? AND ${sql}`, [entity, ...params]);
}

function* batches<T>(list: readonly T[]): Iterable<readonly T[]> {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH);
}
