/**
 * Lists walk the entities of a group, of one kind or of all, and those that an owner has in a group: one index range
 * each, in the order of creation (`entity-query.ts`).
 */

import { TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';

const BEFORE: readonly TableIndex[] = [
  new TableIndex({ name: 'entity_by_owner', columnNames: ['owner', 'phase', 'id', 'kind'] }),
  new TableIndex({ name: 'entity_by_group', columnNames: ['grp', 'phase', 'id', 'kind', 'owner'] }),
];
const AFTER: readonly TableIndex[] = [
  new TableIndex({ name: 'entity_by_owner', columnNames: ['owner', 'grp', 'phase', 'id', 'kind'] }),
  new TableIndex({ name: 'entity_by_group', columnNames: ['grp', 'phase', 'id', 'kind'] }),
  new TableIndex({ name: 'entity_by_group_and_kind', columnNames: ['grp', 'kind', 'phase', 'id'] }),
];

export class ListByGroup1764600000000 implements MigrationInterface {
  readonly name = 'ListByGroup1764600000000';

  up(runner: QueryRunner): Promise<void> {
    return replace(runner, BEFORE, AFTER);
  }

  down(runner: QueryRunner): Promise<void> {
    return replace(runner, AFTER, BEFORE);
  }
}

async function replace(runner: QueryRunner, old: readonly TableIndex[], fresh: readonly TableIndex[]): Promise<void> {
  for (const index of old) await runner.dropIndex('entity', index);
  for (const index of fresh) await runner.createIndex('entity', index);
}
