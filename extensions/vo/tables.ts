/**
 * Tables of the vo extension: the name of each VO, which nobody else can take, what each entity takes of it, and what is
 * written of it at the sites. A charge goes with its entity, when the site has let that go (K11); nobody can forget to give
 * it back.
 */

import { Table, TableForeignKey, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { bigint, integer, key, nullable, text } from '../../src/store/columns.js';
import { table } from '../../src/store/tables.js';
import { RESOURCES } from './vocabulary.js';

const IN_BYTES = ['memory', 'storage'];

export const voTables = {
  entitySchemas: [
    table('vo', { name: { type: 'text', primary: true }, entity: { type: 'text' } }),
    table(
      'vo_charge',
      {
        entity: { type: 'text', primary: true },
        vo: { type: 'text' },
        principal: { type: 'text' },
        subgroup: { type: 'text', nullable: true },
        ...Object.fromEntries(
          RESOURCES.map((each) => [
            each,
            { type: IN_BYTES.includes(each) ? ('bigint' as const) : ('integer' as const) },
          ]),
        ),
      },
      { vo_charge_by_vo: ['vo', 'principal'] },
    ),
    table('vo_site', {
      vo: { type: 'text', primary: true },
      site: { type: 'text', primary: true },
      share: { type: 'text' },
      held: { type: 'text' },
      name: { type: 'text', nullable: true },
      findings: { type: 'text' },
      at: { type: 'bigint' },
    }),
  ],
  migrations: [
    class CreateVo1764800000000 implements MigrationInterface {
      readonly name = 'CreateVo1764800000000';

      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'vo',
            columns: [text('name', key), text('entity')],
            foreignKeys: [goesWith('entity')],
          }),
        );
        await runner.createTable(
          new Table({
            name: 'vo_charge',
            columns: [
              text('entity', key),
              text('vo'),
              text('principal'),
              text('subgroup', nullable),
              ...RESOURCES.map((each) => (IN_BYTES.includes(each) ? bigint(each) : integer(each))),
            ],
            foreignKeys: [goesWith('entity')],
          }),
        );
        await runner.createIndex(
          'vo_charge',
          new TableIndex({ name: 'vo_charge_by_vo', columnNames: ['vo', 'principal'] }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('vo_charge');
        await runner.dropTable('vo');
      }
    },
    class CreateVoSite1764900000000 implements MigrationInterface {
      readonly name = 'CreateVoSite1764900000000';

      /** Outlives the VO: what is written at a site has still to be taken back. */
      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'vo_site',
            columns: [
              text('vo', key),
              text('site', key),
              text('share'),
              text('held'),
              text('name', nullable),
              text('findings'),
              bigint('at'),
            ],
          }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('vo_site');
      }
    },
  ],
};

function goesWith(column: string): TableForeignKey {
  return new TableForeignKey({
    columnNames: [column],
    referencedTableName: 'entity',
    referencedColumnNames: ['id'],
    onDelete: 'CASCADE',
  });
}
