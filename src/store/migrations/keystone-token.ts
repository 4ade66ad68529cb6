/** Tokens of the Keystone façade: what each stands for, and for which project. */

import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';
import { bigint, key, nullable, text } from '../columns.js';

export class CreateKeystoneToken1765000000000 implements MigrationInterface {
  readonly name = 'CreateKeystoneToken1765000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'keystone_token',
        columns: [
          text('sha256', key),
          text('subject'),
          text('project', nullable),
          text('evidence', nullable),
          bigint('created_at'),
          bigint('expires_at'),
        ],
        indices: [
          { name: 'keystone_token_by_expiry', columnNames: ['expires_at'] },
          { name: 'keystone_token_by_subject', columnNames: ['subject'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('keystone_token');
  }
}
