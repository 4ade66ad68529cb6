/** Lists that are too long to be answered in one piece: they are streamed, in the words of the version that was asked for. */

import BetterSqlite from 'better-sqlite3';
import { join } from 'node:path';
import { serverFor } from '../support/server.js';
import { Client, JSON_TYPE } from './client.js';

const server = serverFor();
const COUNT = 2_100;

/** Copies of the one storage, as if made long ago. Its state is one that 1.1 has no word for. */
function multiply(id: string): void {
  const database = new BetterSqlite(join(server().directory, 'vep.db'));
  const columns = database.prepare('SELECT * FROM entity WHERE id = ?').get(id) as Record<string, unknown>;
  const copied = Object.keys(columns).filter((name) => name !== 'id' && name !== 'rendering' && name !== 'observed');
  database
    .prepare(
      `INSERT INTO entity (id, rendering, observed, ${copied.join(', ')})
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT})
       SELECT '01900000-0000-7000-8000-' || (100000000000 + i), replace(rendering, '${id}', '01900000-0000-7000-8000-' ||
         (100000000000 + i)), '{"occi.storage.state":"error"}', ${copied.join(', ')} FROM entity, n WHERE id = ?`,
    )
    .run(id);
  database.close();
}

it('are streamed in every version', async () => {
  const made = await new Client(server(), '1.2').create('storage', { attributes: ['occi.storage.size=1'] });
  multiply(made.slice(made.lastIndexOf('/') + 1));
  for (const [agent, accept] of [
    ['x OCCI/1.1', JSON_TYPE],
    ['x OCCI/1.1', `${JSON_TYPE}; version=1.1`],
    ['x OCCI/1.2', JSON_TYPE],
  ] as const) {
    const reply = await server().request('GET', '/storage/', { headers: { 'user-agent': agent, accept } });
    expect(reply.headers['transfer-encoding']).toBe('chunked');
    const { resources } = reply.json as { resources: unknown[] };
    expect(resources).toHaveLength(COUNT + 1);
    // 1.1 knows no state `error` of a storage: it sees the nearest one that it has a word for.
    if (agent === 'x OCCI/1.1') expect(reply.text).toContain('offline');
    expect(reply.text.includes('"error"')).toBe(false);
  }
});
