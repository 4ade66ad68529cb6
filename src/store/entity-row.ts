/**
 * Rows of table `entity` and the records they stand for: JSON columns parsed, names as the code has them. Column
 * `deleted_at` is the store's own, set when an entity becomes a tombstone.
 */

import type { Attributes, TypeId } from '../occi/model.js';
import type { EntityPhase, EntityRecord } from './entity-record.js';
import type { SqlValue } from './sql.js';

/** A row of table `entity`. */
export interface EntityRow {
  readonly id: string;
  readonly kind: string;
  readonly owner: string;
  readonly grp: string;
  readonly appliance: string | null;
  readonly site: string | null;
  readonly site_ref: string | null;
  readonly phase: EntityPhase;
  readonly version: number;
  readonly observed_rev: number;
  readonly title: string | null;
  readonly summary: string | null;
  readonly heading: string | null;
  readonly source: string | null;
  readonly target: string | null;
  readonly target_uri: string | null;
  readonly wanted: string;
  readonly observed: string;
  readonly mixins: string;
  readonly rendering: string;
  readonly created_at: number;
  readonly changed_at: number;
}

/** The columns in the order of {@link entityValues}; `id` is the first. */
export const ENTITY_COLUMNS: readonly (keyof EntityRow)[] = [
  'id',
  'kind',
  'owner',
  'grp',
  'appliance',
  'site',
  'site_ref',
  'phase',
  'version',
  'observed_rev',
  'title',
  'summary',
  'heading',
  'source',
  'target',
  'target_uri',
  'wanted',
  'observed',
  'mixins',
  'rendering',
  'created_at',
  'changed_at',
];

export function entityValues(record: EntityRecord): SqlValue[] {
  return [
    record.id,
    record.kind,
    record.owner,
    record.group,
    record.appliance,
    record.site,
    record.siteRef,
    record.phase,
    record.version,
    record.observedRevision,
    record.title,
    record.summary,
    record.heading,
    record.source,
    record.target,
    record.targetUri,
    JSON.stringify(record.wanted),
    JSON.stringify(record.observed),
    JSON.stringify(record.mixins),
    record.rendering,
    record.createdAt,
    record.changedAt,
  ];
}

export function entityFromRow(row: EntityRow): EntityRecord {
  return {
    id: row.id,
    kind: row.kind,
    owner: row.owner,
    group: row.grp,
    appliance: row.appliance,
    site: row.site,
    siteRef: row.site_ref,
    phase: row.phase,
    version: row.version,
    observedRevision: row.observed_rev,
    title: row.title,
    summary: row.summary,
    heading: row.heading,
    source: row.source,
    target: row.target,
    targetUri: row.target_uri,
    wanted: JSON.parse(row.wanted) as Attributes,
    observed: JSON.parse(row.observed) as Attributes,
    mixins: JSON.parse(row.mixins) as TypeId[],
    rendering: row.rendering,
    createdAt: row.created_at,
    changedAt: row.changed_at,
  };
}
