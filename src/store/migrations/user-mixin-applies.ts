/** Keeps which kinds a mixin of a client may be associated with; those of before may be associated with any. */

import { TableColumn, type MigrationInterface, type QueryRunner } from 'typeorm';
import { nullable, text } from '../columns.js';

export class AddUserMixinApplies1764500000000 implements MigrationInterface {
  readonly name = 'AddUserMixinApplies1764500000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('user_mixin', new TableColumn(text('applies', nullable)));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('user_mixin', 'applies');
  }
}
