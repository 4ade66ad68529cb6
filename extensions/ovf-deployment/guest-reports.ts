/**
 * Guests that report that they are ready (DSP0243 §9.7 `ovf:waitingForGuest`, K34): each machine that the start-up
 * sequence waits for gets a URL of its own in its environment, and a single POST to it ends the wait early. It is good for
 * one report each time the machine is started. The token in the URL is derived from the server's key and the machine, so that it never has to be stored; the store knows its digest.
 */

import { createHash, createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { Table, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Clock } from '../../src/base/clock.js';
import { notFound, Problem } from '../../src/base/errors.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Route } from '../../src/extension/extension.js';
import { siteBehind } from '../../src/iaas/account.js';
import { bigint, key, nullable, text } from '../../src/store/columns.js';
import type { SqlReader, Store, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';
import { PAUSE } from './deployment-graph.js';

export interface GuestReportServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly secretKey: Uint8Array;
  /** Where guests reach VEP, by site; a site that is missing here has no way back. */
  readonly urls: ReadonlyMap<string, string>;
}

export class GuestReports {
  readonly #services: GuestReportServices;

  constructor(services: GuestReportServices) {
    this.#services = services;
  }

  /** Whether guests of the site can reach VEP. */
  canReach(site: string): boolean {
    return this.#services.urls.has(siteBehind(site));
  }

  /** Of these machines (by compute id), those that are known to report: a report of each is taken once more. */
  async expectAgain(tx: Tx, computes: readonly string[]): Promise<ReadonlySet<string>> {
    const known = new Set<string>();
    for (const compute of computes) {
      if (await tx.get('SELECT 1 FROM guest_report WHERE compute = ?', [compute])) known.add(compute);
    }
    await rearmReports(tx, [...known]);
    return known;
  }

  /** From now on a report of these machines (by compute id) is taken, once each. */
  async expect(tx: Tx, appliance: string, computes: readonly string[]): Promise<void> {
    for (const compute of computes) {
      await tx.run('INSERT INTO guest_report (token, compute, appliance, reported_at) VALUES (?, ?, ?, NULL)', [
        digestOf(this.#token(compute)),
        compute,
        appliance,
      ]);
    }
  }

  /** The URL for the environment of a machine that is expected to report; undefined for any other. */
  async urlOf(reader: SqlReader, site: string, compute: string): Promise<string | undefined> {
    const base = this.#services.urls.get(siteBehind(site));
    if (base === undefined) return undefined;
    const expected = await reader.get('SELECT 1 FROM guest_report WHERE compute = ?', [compute]);
    return expected && `${base.replace(/\/+$/, '')}/guest/${this.#token(compute)}`;
  }

  /** Those of the machines that have reported. */
  async reported(computes: readonly string[]): Promise<ReadonlySet<string>> {
    if (computes.length === 0) return new Set();
    const marks = computes.map(() => '?').join(', ');
    const sql = `SELECT compute FROM guest_report WHERE reported_at IS NOT NULL AND compute IN (${marks})`;
    return new Set(await this.#services.store.pluck<string>(sql, computes));
  }

  /** Takes a report. False for a token that is unknown or used up. */
  accept(token: string): Promise<boolean> {
    const { store, clock, engine } = this.#services;
    return store.write(async (tx) => {
      const [appliance] = await tx.pluck<string>(
        'UPDATE guest_report SET reported_at = ? WHERE token = ? AND reported_at IS NULL RETURNING appliance',
        [clock.now(), digestOf(token)],
      );
      if (appliance !== undefined) await engine.hasten(tx, appliance, PAUSE);
      return appliance !== undefined;
    });
  }

  /** 256 bits that only this server can derive. */
  #token(compute: string): string {
    return createHmac('sha256', this.#services.secretKey).update(`guest report ${compute}`).digest('base64url');
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** What these machines have reported so far no longer counts. */
export async function rearmReports(tx: Tx, computes: readonly string[]): Promise<void> {
  for (const compute of computes)
    await tx.run('UPDATE guest_report SET reported_at = NULL WHERE compute = ?', [compute]);
}

export async function forgetReports(tx: Tx, appliance: string): Promise<void> {
  await tx.run('DELETE FROM guest_report WHERE appliance = ?', [appliance]);
}

/** Reports from one address within a minute; many machines may share the address of a gateway and start at once. */
const PER_MINUTE = 600;

/** `POST /guest/<token>`, without credentials; what was sent with it (cloud-init sends a form) is not looked at. */
export function guestRoute(reports: GuestReports): Route {
  const limiter = new RateLimiterMemory({ points: PER_MINUTE, duration: 60 });
  return {
    method: 'POST',
    path: '/guest/:token',
    open: true,
    handle: async (message, response, { token = '' }) => {
      await limited(limiter, message.socket.remoteAddress ?? '');
      if (!(await reports.accept(token))) throw notFound();
      message.resume();
      answer(response, message.complete);
    },
  };
}

async function limited(limiter: RateLimiterMemory, address: string): Promise<void> {
  try {
    await limiter.consume(address);
  } catch (refusal) {
    const seconds = Math.max(1, Math.ceil(((refusal as RateLimiterRes).msBeforeNext ?? 1000) / 1000));
    const fault = {
      code: 'guest.rate',
      message: 'too many reports from this address at once',
      remedy: `wait ${seconds} s and try again`,
    };
    throw new Problem('too-many-requests', fault, { retryAfter: seconds });
  }
}

function answer(response: ServerResponse, complete: boolean): void {
  response.statusCode = 204;
  response.setHeader('Cache-Control', 'no-store');
  if (!complete) response.setHeader('Connection', 'close');
  response.end();
}

export const guestReportTables = {
  entitySchemas: [
    table(
      'guest_report',
      {
        token: { type: 'text', primary: true },
        compute: { type: 'text' },
        appliance: { type: 'text' },
        reported_at: { type: 'bigint', nullable: true },
      },
      { guest_report_by_compute: ['compute'], guest_report_by_appliance: ['appliance'] },
    ),
  ],
  migrations: [
    class CreateGuestReport1764400000300 implements MigrationInterface {
      readonly name = 'CreateGuestReport1764400000300';

      async up(runner: QueryRunner): Promise<void> {
        await runner.createTable(
          new Table({
            name: 'guest_report',
            columns: [text('token', key), text('compute'), text('appliance'), bigint('reported_at', nullable)],
          }),
        );
        for (const column of ['compute', 'appliance']) {
          await runner.createIndex(
            'guest_report',
            new TableIndex({ name: `guest_report_by_${column}`, columnNames: [column] }),
          );
        }
      }

      async down(runner: QueryRunner): Promise<void> {
        await runner.dropTable('guest_report');
      }
    },
  ],
};
