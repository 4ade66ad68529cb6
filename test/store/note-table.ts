/** A table of a pretended extension, to write to in tests of the store itself. */

import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';
import { bigint, integer, key, text } from '../../src/store/columns.js';
import { table } from '../../src/store/tables.js';
import type { TestTables } from '../support/databases.js';

class CreateNote1763800001000 implements MigrationInterface {
  readonly name = 'CreateNote1763800001000';

  async up(runner: QueryRunner): Promise<void> {
    const columns = [text('id', key), integer('value'), bigint('at', { default: 0 })];
    await runner.createTable(new Table({ name: 'note', columns }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('note');
  }
}

export const noteTable: TestTables = {
  entitySchemas: [
    table('note', {
      id: { type: 'text', primary: true },
      value: { type: 'integer' },
      at: { type: 'bigint', default: 0 },
    }),
  ],
  migrations: [CreateNote1763800001000],
};
