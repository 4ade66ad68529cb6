/** What a site tells of by its own reference is found at once (`entity-lists.ts`, `listByRef`). */

import { TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';

const BY_REF = new TableIndex({ name: 'entity_by_site_ref', columnNames: ['site_ref', 'site'] });

export class FindBySiteRef1765100000000 implements MigrationInterface {
  readonly name = 'FindBySiteRef1765100000000';

  up(runner: QueryRunner): Promise<void> {
    return runner.createIndex('entity', BY_REF);
  }

  down(runner: QueryRunner): Promise<void> {
    return runner.dropIndex('entity', BY_REF);
  }
}
