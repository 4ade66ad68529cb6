/** What the store has of the sites' keepers: which process keeps each site until when, and how the site is by its word. */

import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';
import { bigint, integer, key, nullable, text } from '../store/columns.js';
import type { SqlReader, Tx } from '../store/sql.js';
import { table } from '../store/tables.js';
import type { IaasErrorClass } from './adapter.js';
import type { SiteHealth } from './sites.js';

export interface KeeperRow {
  readonly site: string;
  /** Id of the process. */
  readonly keeper: string;
  /** When it has to say again that it is there, milliseconds since the epoch. */
  readonly until: number;
  readonly health: SiteHealth;
}

export const keeperTables = {
  entitySchemas: [
    table('site_keeper', {
      site: { type: 'text', primary: true },
      keeper: { type: 'text' },
      kept_until: { type: 'bigint' },
      up: { type: 'integer' },
      refused: { type: 'integer' },
      since: { type: 'bigint' },
      answered_at: { type: 'bigint', nullable: true },
      error_class: { type: 'text', nullable: true },
      error_message: { type: 'text', nullable: true },
      error_at: { type: 'bigint', nullable: true },
    }),
  ],
  migrations: [
    class CreateSiteKeeper1766100000000 implements MigrationInterface {
      readonly name = 'CreateSiteKeeper1766100000000';

      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'site_keeper',
            columns: [
              text('site', key),
              text('keeper'),
              bigint('kept_until'),
              integer('up'),
              integer('refused'),
              bigint('since'),
              bigint('answered_at', nullable),
              text('error_class', nullable),
              text('error_message', nullable),
              bigint('error_at', nullable),
            ],
          }),
        );
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('site_keeper');
      }
    },
  ],
};

interface StoredKeeper {
  readonly site: string;
  readonly keeper: string;
  readonly kept_until: number;
  readonly up: number;
  readonly refused: number;
  readonly since: number;
  readonly answered_at: number | null;
  readonly error_class: IaasErrorClass | null;
  readonly error_message: string | null;
  readonly error_at: number | null;
}

/** By name of the site. */
export async function keeperRows(reader: SqlReader): Promise<ReadonlyMap<string, KeeperRow>> {
  const rows = await reader.all<StoredKeeper>('SELECT * FROM site_keeper');
  return new Map(rows.map((row) => [row.site, keeperOf(row)]));
}

function keeperOf(row: StoredKeeper): KeeperRow {
  const { error_class: errorClass, error_message: message, error_at: at } = row;
  const isError = errorClass !== null && message !== null && at !== null;
  return {
    site: row.site,
    keeper: row.keeper,
    until: row.kept_until,
    health: {
      up: row.up === 1,
      ...(row.refused === 1 ? { isRefused: true } : {}),
      since: row.since,
      ...(row.answered_at === null ? {} : { answeredAt: row.answered_at }),
      ...(isError ? { lastError: { class: errorClass, message, at } } : {}),
    },
  };
}

const COLUMNS = ['keeper', 'kept_until', 'up', 'refused', 'since', 'answered_at', 'error_class', 'error_message'];
const ALL = ['site', ...COLUMNS, 'error_at'];
const INSERT = `INSERT INTO site_keeper (${ALL.join(', ')}) VALUES (${ALL.map(() => '?').join(', ')})`;
const UPDATE = `ON CONFLICT (site) DO UPDATE SET ${ALL.slice(1)
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')}`;

/**
 * Writes a row in the place of the one that was read, `seen`; answers whether it did: not where another process has been there
 * meanwhile.
 */
export async function putKeeper(tx: Tx, row: KeeperRow, seen: KeeperRow | undefined): Promise<boolean> {
  const { up, isRefused, since, answeredAt, lastError } = row.health;
  const error = [lastError?.class ?? null, lastError?.message ?? null, lastError?.at ?? null];
  const health = [Number(up), Number(isRefused ?? false), since, answeredAt ?? null, ...error];
  const values = [row.site, row.keeper, row.until, ...health];
  const changed = seen
    ? await tx.run(`${INSERT} ${UPDATE} WHERE site_keeper.keeper = ? AND site_keeper.kept_until = ?`, [
        ...values,
        seen.keeper,
        seen.until,
      ])
    : await tx.run(`${INSERT} ON CONFLICT (site) DO NOTHING`, values);
  return changed > 0;
}

export async function keeps(reader: SqlReader, site: string, keeper: string): Promise<boolean> {
  const found = await reader.get('SELECT 1 AS one FROM site_keeper WHERE site = ? AND keeper = ?', [site, keeper]);
  return found !== undefined;
}

/** Of a site that is not there any more. */
export async function removeKeeper(tx: Tx, site: string, keeper: string): Promise<void> {
  await tx.run('DELETE FROM site_keeper WHERE site = ? AND keeper = ?', [site, keeper]);
}

/** A process that ends keeps nothing any more; answers how many sites that were. */
export function releaseKeeper(tx: Tx, keeper: string): Promise<number> {
  return tx.run('UPDATE site_keeper SET kept_until = 0 WHERE keeper = ?', [keeper]);
}
