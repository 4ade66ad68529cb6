/**
 * The engine's tables: operations, the edges of their graphs, the events that watchers follow, and one row per subject
 * (an appliance, or an entity that stands alone) whose lock puts everything that changes the shape of its work in one
 * order, on SQLite and PostgreSQL alike. Rows are read and written by prepared SQL (K30); the entity schemas serve
 * tools and the check of the migrations.
 */

import { EntitySchema, Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';

/** One column of a portable table: text, a 64-bit integer, or either with null. */
interface Column {
  readonly name: string;
  readonly type: 'text' | 'bigint';
  readonly primary?: boolean;
  readonly nullable?: boolean;
}

interface TableShape {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly indices: readonly { readonly name: string; readonly columns: readonly string[]; readonly where?: string }[];
}

const text = (name: string, more: Partial<Column> = {}): Column => ({ name, type: 'text', ...more });
const integer = (name: string, more: Partial<Column> = {}): Column => ({ name, type: 'bigint', ...more });

const tables: readonly TableShape[] = [
  {
    name: 'operation_subject',
    columns: [text('subject', { primary: true }), integer('turn'), integer('seq')],
    indices: [],
  },
  {
    name: 'operation',
    columns: [
      text('id', { primary: true }),
      text('type'),
      text('entity'),
      text('appliance', { nullable: true }),
      text('subject'),
      text('parent', { nullable: true }),
      text('site', { nullable: true }),
      text('state'),
      text('direction'),
      text('step', { nullable: true }),
      // 1 once the present step has been handed to a worker: its effect may exist.
      integer('begun'),
      integer('turn'),
      text('input'),
      text('memory'),
      integer('attempts'),
      integer('due_at', { nullable: true }),
      text('owner', { nullable: true }),
      integer('lease_until', { nullable: true }),
      integer('fence'),
      integer('percent'),
      text('message'),
      text('findings'),
      // How an operation that is being undone will end: failed or cancelled.
      text('ends_as', { nullable: true }),
      integer('keep_on_failure'),
      text('principal'),
      integer('created_at'),
      integer('finished_at', { nullable: true }),
    ],
    indices: [
      // The lease query: only operations that a worker may have to look at have a due time.
      { name: 'operation_due', columns: ['due_at'], where: 'due_at IS NOT NULL' },
      { name: 'operation_due_on_site', columns: ['site', 'due_at', 'turn', 'id'], where: 'due_at IS NOT NULL' },
      { name: 'operation_owner', columns: ['owner'], where: 'owner IS NOT NULL' },
      { name: 'operation_entity', columns: ['entity', 'turn'] },
      { name: 'operation_parent', columns: ['parent'] },
      { name: 'operation_subject_turn', columns: ['subject', 'turn'] },
      { name: 'operation_waiting', columns: ['subject'], where: "state = 'waiting'" },
      { name: 'operation_dead', columns: ['id'], where: "state = 'dead'" },
      { name: 'operation_finished', columns: ['finished_at'], where: 'finished_at IS NOT NULL' },
    ],
  },
  {
    name: 'operation_edge',
    columns: [text('operation_id', { primary: true }), text('after_id', { primary: true })],
    indices: [{ name: 'operation_edge_after', columns: ['after_id'] }],
  },
  {
    name: 'operation_event',
    columns: [
      text('subject', { primary: true }),
      // Counts within the subject, in the order of commits.
      integer('seq', { primary: true }),
      text('entity'),
      text('type'),
      text('data'),
      integer('at'),
    ],
    indices: [{ name: 'operation_event_at', columns: ['at'] }],
  },
];

export const engineSchemas: readonly EntitySchema[] = tables.map(
  (table) =>
    new EntitySchema({
      name: table.name,
      tableName: table.name,
      columns: Object.fromEntries(
        table.columns.map(({ name, type, primary = false, nullable = false }) => [
          name,
          { name, type, primary, nullable },
        ]),
      ),
      indices: table.indices.map(({ name, columns, where }) => ({
        name,
        columns: [...columns],
        ...(where === undefined ? {} : { where }),
      })),
    }),
);

export class CreateOperations1764000000000 implements MigrationInterface {
  readonly name = 'CreateOperations1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const { name, columns, indices } of tables) {
      await runner.createTable(
        new Table({
          name,
          columns: columns.map((column) => ({
            isPrimary: column.primary ?? false,
            isNullable: column.nullable ?? false,
            ...column,
          })),
          indices: indices.map(
            (index) =>
              new TableIndex({
                name: index.name,
                columnNames: [...index.columns],
                ...(index.where === undefined ? {} : { where: index.where }),
              }),
          ),
        }),
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name } of [...tables].reverse()) await runner.dropTable(name);
  }
}

export const engineMigrations: readonly (new () => MigrationInterface)[] = [CreateOperations1764000000000];
