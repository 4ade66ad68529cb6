/**
 * The first migration: every table of the store, written through TypeORM's schema builder so that the same text makes
 * them on SQLite and PostgreSQL (K30). Foreign keys stand where a row means nothing without the other.
 */

import { Table, type MigrationInterface, type QueryRunner, type TableIndexOptions, type TableOptions } from 'typeorm';
import { bigint, integer, key, nullable, sequence, text } from '../columns.js';

export class CreateStore1763800000000 implements MigrationInterface {
  readonly name = 'CreateStore1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const options of tables(runner)) await runner.createTable(new Table(options));
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const options of tables(runner).reverse()) await runner.dropTable(options.name);
  }
}

function tables(runner: QueryRunner): TableOptions[] {
  return [...entityTables(), ...requestTables(), ...logTables(runner), ...accessTables()];
}

function index(name: string, ...columnNames: string[]): TableIndexOptions {
  return { name, columnNames };
}

/** Most entities have no such column; those take no room and no time. */
function wherePresent(name: string, ...columnNames: string[]): TableIndexOptions {
  return { name, columnNames, where: `${columnNames[0] ?? ''} IS NOT NULL` };
}

function unique(name: string, ...columnNames: string[]): TableIndexOptions {
  return { name, columnNames, isUnique: true };
}

function ownedBy(parent: string, column: string): NonNullable<TableOptions['foreignKeys']>[number] {
  const referencedColumnNames = ['id'];
  return { columnNames: [column], referencedTableName: parent, referencedColumnNames, onDelete: 'CASCADE' };
}

function entityTables(): TableOptions[] {
  return [
    {
      name: 'entity',
      columns: [
        text('id', key),
        text('kind'),
        text('owner'),
        text('grp'),
        text('appliance', nullable),
        text('site', nullable),
        text('site_ref', nullable),
        text('phase'),
        integer('version'),
        integer('observed_rev'),
        text('title', nullable),
        text('summary', nullable),
        text('heading', nullable),
        text('source', nullable),
        text('target', nullable),
        text('target_uri', nullable),
        text('wanted'),
        text('observed'),
        text('mixins'),
        text('rendering'),
        bigint('created_at'),
        bigint('changed_at'),
        bigint('deleted_at', nullable),
      ],
      indices: [
        // These cover what a list looks at (`entity-query.ts`), so that it walks the index alone.
        index('entity_by_kind', 'kind', 'phase', 'id', 'owner', 'grp', 'appliance'),
        index('entity_by_owner', 'owner', 'phase', 'id', 'kind'),
        index('entity_by_group', 'grp', 'phase', 'id', 'kind', 'owner'),
        wherePresent('entity_by_source', 'source'),
        wherePresent('entity_by_target', 'target'),
        wherePresent('entity_by_appliance', 'appliance'),
        wherePresent('entity_by_site', 'site', 'phase'),
      ],
    },
    {
      name: 'entity_mixin',
      withoutRowid: true,
      columns: [text('entity', key), text('mixin', key)],
      foreignKeys: [ownedBy('entity', 'entity')],
      indices: [index('entity_mixin_by_mixin', 'mixin', 'entity')],
    },
    {
      name: 'entity_attribute',
      withoutRowid: true,
      columns: [text('entity', key), text('name', key), text('value')],
      foreignKeys: [ownedBy('entity', 'entity')],
      indices: [index('entity_attribute_by_value', 'name', 'value', 'entity')],
    },
  ];
}

function requestTables(): TableOptions[] {
  return [
    {
      name: 'user_mixin',
      columns: [
        text('grp', key),
        text('id', key),
        text('scheme'),
        text('term'),
        text('title', nullable),
        text('rel'),
        text('location'),
        text('created_by'),
        bigint('created_at'),
      ],
      indices: [unique('user_mixin_by_location', 'grp', 'location')],
    },
    {
      name: 'replay_key',
      columns: [
        text('principal', key),
        text('kind', key),
        text('key', key),
        text('body_digest'),
        text('entity'),
        bigint('created_at'),
      ],
      indices: [index('replay_key_by_age', 'created_at')],
    },
    {
      name: 'secret',
      columns: [
        text('id', key),
        text('purpose'),
        text('owner_ref'),
        text('nonce'),
        text('ciphertext'),
        bigint('created_at'),
      ],
      indices: [index('secret_by_owner', 'owner_ref')],
    },
    { name: 'generation', columns: [text('name', key), bigint('value')] },
  ];
}

function logTables(runner: QueryRunner): TableOptions[] {
  return [
    {
      name: 'audit_entry',
      columns: [
        sequence('seq', runner),
        bigint('at'),
        text('actor'),
        text('grp'),
        text('verb'),
        text('entity', nullable),
        text('kind', nullable),
        text('outcome'),
        text('reason', nullable),
        text('request_id'),
        text('details'),
      ],
      indices: [index('audit_entry_by_entity', 'entity', 'seq')],
    },
    {
      name: 'outbox',
      columns: [
        sequence('seq', runner),
        text('id'),
        text('subject'),
        text('type'),
        bigint('time'),
        text('data'),
        bigint('published_at', nullable),
      ],
      indices: [
        unique('outbox_by_id', 'id'),
        index('outbox_by_subject', 'subject', 'seq'),
        index('outbox_by_publication', 'published_at', 'seq'),
      ],
    },
  ];
}

function accessTables(): TableOptions[] {
  return [
    {
      name: 'principal',
      columns: [
        text('id', key),
        text('name'),
        text('tier'),
        text('roles'),
        text('primary_group'),
        text('password', nullable),
        bigint('disabled_at', nullable),
        bigint('created_at'),
      ],
    },
    {
      name: 'principal_group',
      columns: [text('principal', key), text('grp', key)],
      foreignKeys: [ownedBy('principal', 'principal')],
      indices: [index('principal_group_by_group', 'grp')],
    },
    {
      name: 'token',
      columns: [
        text('sha256', key),
        text('principal'),
        text('name'),
        bigint('created_at'),
        bigint('expires_at', nullable),
        bigint('last_used', nullable),
      ],
      foreignKeys: [ownedBy('principal', 'principal')],
      indices: [index('token_by_principal', 'principal', 'created_at')],
    },
    {
      name: 'grant_row',
      columns: [
        text('id', key),
        text('subject_kind'),
        text('subject'),
        text('entity'),
        text('verbs'),
        bigint('until', nullable),
        text('created_by'),
        bigint('created_at'),
      ],
      indices: [index('grant_row_by_subject', 'subject', 'subject_kind'), index('grant_row_by_entity', 'entity')],
    },
  ];
}
