/**
 * What the store keeps of an appliance beside its entity: the descriptor as it came, the plan that was made of it, where
 * each image comes from, and the images that the site has registered for it.
 */

import { Table, TableColumn, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import { bigint, integer, key, nullable, text } from '../../src/store/columns.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';
import { imageOrigins, type ImageOrigins } from './package.js';
import { storedPlan } from './stored-plan.js';

export interface ApplianceRow {
  readonly appliance: string;
  /** The descriptor, as UTF-8 text. */
  readonly descriptor: string;
  readonly plan: DeploymentPlan;
  readonly images: ImageOrigins;
  /** Id of the sealed secret property values, if there are any. */
  readonly secrets: string | null;
}

/** An image that a site has registered for an appliance: released with it. */
export interface ApplianceImage {
  readonly appliance: string;
  /** File id in the plan. */
  readonly image: string;
  readonly site: string;
  readonly ref: string;
  /** The site had it before, by itself: it stays there. */
  readonly lent: boolean;
}

export const ovfDeploymentTables = {
  entitySchemas: [
    table('appliance', {
      appliance: { type: 'text', primary: true },
      descriptor: { type: 'text' },
      plan: { type: 'text' },
      images: { type: 'text' },
      secrets: { type: 'text', nullable: true },
      created_at: { type: 'bigint' },
    }),
    table('appliance_image', {
      appliance: { type: 'text', primary: true },
      image: { type: 'text', primary: true },
      site: { type: 'text', primary: true },
      ref: { type: 'text' },
      lent: { type: 'integer' },
    }),
  ],
  migrations: [
    class CreateAppliance1763800000300 implements MigrationInterface {
      readonly name = 'CreateAppliance1763800000300';

      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'appliance',
            columns: [
              text('appliance', key),
              text('descriptor'),
              text('plan'),
              text('images'),
              text('secrets', nullable),
              bigint('created_at'),
            ],
          }),
        );
        await runner.createTable(
          new Table({
            name: 'appliance_image',
            columns: [text('appliance', key), text('image', key), text('site', key), text('ref')],
          }),
        );
        await runner.createIndex(
          'appliance_image',
          new TableIndex({ name: 'appliance_image_by_ref', columnNames: ['site', 'ref'] }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('appliance_image');
        await runner.dropTable('appliance');
      }
    },
    /** Images of before were all brought by VEP. */
    class AddApplianceImageLent1764600000000 implements MigrationInterface {
      readonly name = 'AddApplianceImageLent1764600000000';

      async up(runner: QueryRunner): Promise<void> {
        await runner.addColumn('appliance_image', new TableColumn(integer('lent', { default: 0 })));
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropColumn('appliance_image', 'lent');
      }
    },
  ],
};

export async function insertAppliance(tx: Tx, row: ApplianceRow, now: number): Promise<void> {
  await tx.run(
    'INSERT INTO appliance (appliance, descriptor, plan, images, secrets, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    [row.appliance, row.descriptor, JSON.stringify(row.plan), JSON.stringify(row.images), row.secrets, now],
  );
}

export async function loadAppliance(reader: SqlReader, appliance: string): Promise<ApplianceRow | undefined> {
  const row = await reader.get<{ descriptor: string; plan: string; images: string; secrets: string | null }>(
    'SELECT descriptor, plan, images, secrets FROM appliance WHERE appliance = ?',
    [appliance],
  );
  if (!row) return undefined;
  return {
    appliance,
    descriptor: row.descriptor,
    plan: storedPlan(row.plan),
    images: originsIn(row.images),
    secrets: row.secrets,
  };
}

/** Where the files of an appliance come from, without all the rest. */
export async function fileOrigins(reader: SqlReader, appliance: string): Promise<ImageOrigins> {
  const [images] = await reader.pluck<string>('SELECT images FROM appliance WHERE appliance = ?', [appliance]);
  return originsIn(images ?? '{}');
}

function originsIn(images: string): ImageOrigins {
  return imageOrigins(JSON.parse(images) as ImageOrigins);
}

export async function updatePlan(tx: Tx, appliance: string, plan: DeploymentPlan): Promise<void> {
  await tx.run('UPDATE appliance SET plan = ? WHERE appliance = ?', [JSON.stringify(plan), appliance]);
}

export async function updateImages(tx: Tx, appliance: string, images: ImageOrigins): Promise<void> {
  await tx.run('UPDATE appliance SET images = ? WHERE appliance = ?', [JSON.stringify(images), appliance]);
}

export async function removeAppliance(tx: Tx, appliance: string): Promise<void> {
  await tx.run('DELETE FROM appliance WHERE appliance = ?', [appliance]);
}

export async function rememberImage(tx: Tx, image: ApplianceImage): Promise<void> {
  await tx.run(
    'INSERT INTO appliance_image (appliance, image, site, ref, lent) VALUES (?, ?, ?, ?, ?) ON CONFLICT (appliance, image, site) DO UPDATE SET ref = excluded.ref, lent = excluded.lent',
    [image.appliance, image.image, image.site, image.ref, image.lent ? 1 : 0],
  );
}

export async function imagesOf(reader: SqlReader, appliance: string): Promise<ApplianceImage[]> {
  const rows = await reader.all<Omit<ApplianceImage, 'lent'> & { readonly lent: number }>(
    'SELECT appliance, image, site, ref, lent FROM appliance_image WHERE appliance = ?',
    [appliance],
  );
  return rows.map((row) => ({ ...row, lent: row.lent !== 0 }));
}

export async function forgetImage(tx: Tx, image: ApplianceImage): Promise<void> {
  await tx.run('DELETE FROM appliance_image WHERE appliance = ? AND image = ? AND site = ?', [
    image.appliance,
    image.image,
    image.site,
  ]);
}

/** Digests of the files that appliances may still need: the blob store keeps them. */
export async function applianceBlobs(reader: SqlReader): Promise<string[]> {
  const rows = await reader.pluck<string>('SELECT images FROM appliance');
  return rows.flatMap((images) =>
    Object.values(JSON.parse(images) as ImageOrigins).flatMap((origin) => ('sha256' in origin ? [origin.sha256] : [])),
  );
}
