/** A PostgreSQL database of the benchmark's own, made and dropped on the server that is named. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';

export async function postgresDatabase(server) {
  const name = `vep_bench_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await administer(server, `CREATE DATABASE ${name}`);
  return { url: url.href, drop: () => administer(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function administer(server, statement) {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
