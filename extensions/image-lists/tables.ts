/** Tables of image lists: the list of each subscription that was accepted last, and the images that are offered of it. */

import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { TypeId } from '../../src/occi/model.js';
import { bigint, integer, key, text } from '../../src/store/columns.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';
import type { ImageList, ListedImage } from '../../src/transfer/image-list/image-list.js';

/** What is known of the list of one subscription. */
export interface KnownList {
  readonly name: string;
  readonly vo: string;
  readonly identifier: string;
  readonly version: string;
  readonly expires: number;
  readonly acceptedAt: number;
}

/** An image that is offered, or was and is still in use. */
export interface OfferedImage extends ListedImage {
  /** Type identifier of the template mixin. */
  readonly template: TypeId;
  readonly list: string;
  readonly vo: string;
  readonly withdrawn: boolean;
}

export const imageListTables = {
  entitySchemas: [
    table('image_list', {
      name: { type: 'text', primary: true },
      vo: { type: 'text' },
      identifier: { type: 'text' },
      version: { type: 'text' },
      expires: { type: 'bigint' },
      accepted_at: { type: 'bigint' },
    }),
    table(
      'listed_image',
      {
        template: { type: 'text', primary: true },
        list: { type: 'text' },
        vo: { type: 'text' },
        image: { type: 'text' },
        withdrawn: { type: 'integer' },
      },
      { listed_image_by_list: ['list'] },
    ),
  ],
  migrations: [
    class CreateImageList1765000000000 implements MigrationInterface {
      readonly name = 'CreateImageList1765000000000';

      async up(runner: QueryRunner): Promise<void> {
        const list = [text('name', key), text('vo'), text('identifier'), text('version')];
        await runner.createTable(
          new Table({ name: 'image_list', columns: [...list, bigint('expires'), bigint('accepted_at')] }),
        );
        const image = [text('template', key), text('list'), text('vo'), text('image'), integer('withdrawn')];
        await runner.createTable(new Table({ name: 'listed_image', columns: image }));
        await runner.createIndex(
          'listed_image',
          new TableIndex({ name: 'listed_image_by_list', columnNames: ['list'] }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('listed_image');
        await runner.dropTable('image_list');
      }
    },
  ],
};

interface ListRow {
  readonly name: string;
  readonly vo: string;
  readonly identifier: string;
  readonly version: string;
  readonly expires: number;
  readonly accepted_at: number;
}

export async function knownLists(reader: SqlReader): Promise<KnownList[]> {
  const rows = await reader.all<ListRow>(
    'SELECT name, vo, identifier, version, expires, accepted_at FROM image_list ORDER BY name',
    [],
  );
  return rows.map(({ accepted_at, ...row }) => ({ ...row, acceptedAt: accepted_at }));
}

export async function keepList(tx: Tx, name: string, list: ImageList, now: number): Promise<void> {
  await forgetList(tx, name);
  await tx.run(
    'INSERT INTO image_list (name, vo, identifier, version, expires, accepted_at) VALUES (?, ?, ?, ?, ?, ?)',
    [name, list.vo, list.identifier, list.version, list.expires, now],
  );
}

export async function forgetList(tx: Tx, name: string): Promise<void> {
  await tx.run('DELETE FROM image_list WHERE name = ?', [name]);
}

interface ImageRow {
  readonly template: string;
  readonly list: string;
  readonly vo: string;
  readonly image: string;
  readonly withdrawn: number;
}

const IMAGE_COLUMNS = 'template, list, vo, image, withdrawn';

export async function imagesOfList(reader: SqlReader, list: string): Promise<OfferedImage[]> {
  const rows = await reader.all<ImageRow>(
    `SELECT ${IMAGE_COLUMNS} FROM listed_image WHERE list = ? ORDER BY template`,
    [list],
  );
  return rows.map(fromRow);
}

export async function imageOfTemplate(reader: SqlReader, template: TypeId): Promise<OfferedImage | undefined> {
  const row = await reader.get<ImageRow>(`SELECT ${IMAGE_COLUMNS} FROM listed_image WHERE template = ?`, [template]);
  return row && fromRow(row);
}

export async function keepImage(tx: Tx, offered: OfferedImage): Promise<void> {
  const { template, list, vo, withdrawn, ...image } = offered;
  await forgetTemplate(tx, template);
  await tx.run(`INSERT INTO listed_image (${IMAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?)`, [
    template,
    list,
    vo,
    JSON.stringify(image),
    withdrawn ? 1 : 0,
  ]);
}

export async function forgetTemplate(tx: Tx, template: TypeId): Promise<void> {
  await tx.run('DELETE FROM listed_image WHERE template = ?', [template]);
}

function fromRow({ image, withdrawn, ...row }: ImageRow): OfferedImage {
  return { ...(JSON.parse(image) as ListedImage), ...row, withdrawn: withdrawn === 1 };
}
