/** Grants can deny as well as permit, and know the session that they come from; those of before permit. */

import { TableColumn, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { nullable, text } from '../columns.js';

export class AddGrantEffect1764900000000 implements MigrationInterface {
  readonly name = 'AddGrantEffect1764900000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('grant_row', new TableColumn(text('effect', { default: "'permit'" })));
    await runner.addColumn('grant_row', new TableColumn(text('session', nullable)));
    const bySession = new TableIndex({ name: 'grant_row_by_session', columnNames: ['session'] });
    await runner.createIndex('grant_row', bySession);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('grant_row', 'grant_row_by_session');
    await runner.dropColumn('grant_row', 'session');
    await runner.dropColumn('grant_row', 'effect');
  }
}
