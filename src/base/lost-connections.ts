/** Connections of a pool to PostgreSQL that break while they are in use: each fails its query *and* emits an error. */

import type pg from 'pg';

/** Listens to the second, which nobody else does and which would end the process. */
export function hearLostConnections(pool: pg.Pool, heard: (error: Error) => void): pg.Pool {
  const known = new WeakSet<pg.PoolClient>();
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    client.on('error', heard);
  });
  return pool;
}
