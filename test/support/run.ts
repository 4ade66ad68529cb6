/**
 * What the whole run of the tests keeps (S-060, S-089, S-114): the logs of every server and adapter that they start, what these
 * put on the bus and into the audit trail, and the secrets that the tests gave them. When all tests are done,
 * `run/end.mjs` looks for the one in the other. Outside of jest nothing is kept.
 */

import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import pg from 'pg';
import { pino } from 'pino';
import { createLog, silentLog, type Log } from '../../src/base/log.js';
import type { StoreLocation } from '../../src/store/open-store.js';

const directory = process.env['VEP_TEST_RUN'];
/** Tables that others read: the audit trail, the events, and what is told of work. */
const TOLD = ['audit_entry', 'outbox', 'operation'];

const registered = new Set<string>();

/** Registers a secret, and answers it. @param what it is, for whoever reads that it leaked */
export function secret(text: string, what: string): string {
  if (directory === undefined || registered.has(text)) return text;
  registered.add(text);
  appendFileSync(join(directory, 'secrets', String(process.pid)), `${JSON.stringify([text, what])}\n`);
  return text;
}

/** The same for a key or several in PEM: each line of their digits but the short last one is a secret. */
export function secretKeys(pem: string, what: string): string {
  for (const [, body = ''] of pem.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----\s([^-]+)-----END/g))
    for (const line of body.split(/\s+/).filter(({ length }) => length > 40)) secret(line, what);
  return pem;
}

/** Registers every token of VEP's own that goes over the wire: of accounts, of Keystone, for one use. */
export function tokensIn(...texts: readonly unknown[]): void {
  for (const text of texts)
    for (const [token] of String(text).matchAll(/\bvep[kd]?_[A-Za-z0-9_-]{43}/g)) secret(token, 'token on the wire');
}

/** A log that says everything, into a file of the run. */
export function runLog(): Log {
  if (directory === undefined) return silentLog;
  const destination = pino.destination({ fd: openSync(fileOf('log'), 'a'), sync: true });
  return createLog({ level: 'trace', destination });
}

/** Keeps what a process of its own has said. */
export function keepSaid(text: string): void {
  if (directory !== undefined) appendFileSync(join(directory, 'said', `${process.pid}.processes.log`), text);
}

/** Keeps what a store tells others, before it is gone. Whoever calls it twice keeps it twice. */
export async function keepTold(at: StoreLocation): Promise<void> {
  if (directory === undefined) return;
  if ('sqlite' in at ? !existsSync(at.sqlite) : false) return;
  const rows = 'sqlite' in at ? toldBySqlite(at.sqlite) : await toldByPostgres(at.postgres);
  appendFileSync(fileOf('rows'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

function fileOf(kind: string): string {
  return join(directory ?? '', 'said', `${process.pid}-${randomBytes(6).toString('hex')}.${kind}`);
}

function toldBySqlite(file: string): unknown[] {
  const database = new BetterSqlite(file, { readonly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
    return TOLD.filter((name) => tables.includes(name)).flatMap((name) =>
      database.prepare(`SELECT * FROM ${name}`).all(),
    );
  } finally {
    database.close();
  }
}

async function toldByPostgres(url: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
    );
    const told: unknown[] = [];
    for (const name of TOLD.filter((each) => rows.some((row) => row.name === each)))
      told.push(...(await client.query<Record<string, unknown>>(`SELECT * FROM ${name}`)).rows);
    return told;
  } finally {
    await client.end();
  }
}
