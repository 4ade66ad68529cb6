/** What the store keeps of accounts at sites: for which appliance each is, and where its sealed credential lies. */

import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { bigint, key, nullable, text } from '../store/columns.js';
import type { SqlReader, Tx } from '../store/sql.js';
import { table } from '../store/tables.js';

export interface AccountRow {
  /** Of the account, as a site: see `account.ts`. */
  readonly name: string;
  readonly site: string;
  readonly appliance: string;
  /** Id of the sealed credential. */
  readonly secret: string;
  /** Whose account it is, in the site's words; null until somebody has signed in. */
  readonly holder: string | null;
  /** Since when the site does not take the credential, milliseconds since the epoch; null while it does. */
  readonly refusedAt: number | null;
}

export const accountTables = {
  entitySchemas: [
    table(
      'site_account',
      {
        name: { type: 'text', primary: true },
        site: { type: 'text' },
        appliance: { type: 'text' },
        secret: { type: 'text' },
        holder: { type: 'text', nullable: true },
        refused_at: { type: 'bigint', nullable: true },
      },
      { site_account_by_appliance: ['appliance'] },
    ),
  ],
  migrations: [
    class CreateSiteAccount1766000000000 implements MigrationInterface {
      readonly name = 'CreateSiteAccount1766000000000';

      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'site_account',
            columns: [
              text('name', key),
              text('site'),
              text('appliance'),
              text('secret'),
              text('holder', nullable),
              bigint('refused_at', nullable),
            ],
          }),
        );
        await runner.createIndex(
          'site_account',
          new TableIndex({ name: 'site_account_by_appliance', columnNames: ['appliance'] }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('site_account');
      }
    },
  ],
};

const SELECT = 'SELECT name, site, appliance, secret, holder, refused_at AS "refusedAt" FROM site_account';

export function allAccounts(reader: SqlReader): Promise<AccountRow[]> {
  return reader.all<AccountRow>(`${SELECT} ORDER BY name`);
}

export function accountsOf(reader: SqlReader, appliance: string): Promise<AccountRow[]> {
  return reader.all<AccountRow>(`${SELECT} WHERE appliance = ? ORDER BY name`, [appliance]);
}

export async function insertAccount(
  tx: Tx,
  { name, site, appliance, secret }: Omit<AccountRow, 'holder' | 'refusedAt'>,
): Promise<void> {
  await tx.run('INSERT INTO site_account (name, site, appliance, secret) VALUES (?, ?, ?, ?)', [
    name,
    site,
    appliance,
    secret,
  ]);
}

/** Another credential, of which nobody knows yet whether it is taken. */
export async function exchangeSecret(tx: Tx, name: string, secret: string): Promise<void> {
  await tx.run('UPDATE site_account SET secret = ?, refused_at = NULL WHERE name = ?', [secret, name]);
}

export async function noteHolder(tx: Tx, name: string, holder: string): Promise<void> {
  await tx.run('UPDATE site_account SET holder = ? WHERE name = ?', [holder, name]);
}

export async function noteRefusal(tx: Tx, name: string, at: number | null): Promise<void> {
  await tx.run('UPDATE site_account SET refused_at = ? WHERE name = ?', [at, name]);
}

/** Answers how many there were. */
export function removeAccounts(tx: Tx, appliance: string): Promise<number> {
  return tx.run('DELETE FROM site_account WHERE appliance = ?', [appliance]);
}
