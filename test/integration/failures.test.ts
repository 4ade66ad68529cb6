/** What a site does wrong is seen on the entity: states of error, messages, another try (C-055, C-167, K10, K11, GFD.224 §3). */

import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import pg from 'pg';
import { INFRA, JSON_TYPE, Client, kindOf } from '../conformance/client.js';
import { forEachServer } from '../support/server.js';
import { until } from '../support/until.js';

const faults = [
  { operation: 'actCompute:start', kind: 'error-state', nth: 1 },
  { operation: 'createNetwork', kind: 'refuse', class: 'quota', nth: 1 },
  { operation: 'createStorage', kind: 'lose-answer', nth: 1 },
  { operation: 'delete:storage', kind: 'refuse', class: 'denied', nth: 1 },
  { operation: 'delete:network', kind: 'silent', nth: 1 },
];

forEachServer({ site: { faults } }, (server, database) => {
  const client = (): Client => new Client(server(), '1.2');
  const attributes = async (path: string) => (await client().get(path, JSON_TYPE)).json.attributes;

  /** Gone for its owner at once, and for the site when it has let go of it. */
  async function gone(path: string): Promise<void> {
    expect((await client().get(path)).status).toBe(404);
    const id = path.split('/').at(-1);
    await until(
      async () => (await server().rows(`SELECT id FROM entity WHERE id = '${id}'`)).length === 0,
      () => 'the deletion was given up',
    );
  }

  it('C-055 a start that fails leads to error, with its reason; which 1.1 does not know', async () => {
    const path = await client().create('compute');
    expect((await client().act(path, 'compute', 'start')).status).toBe(200);
    await client().until(path, 'occi.compute.state', 'error');
    expect((await attributes(path))['occi.compute.state.message']).toEqual(expect.any(String));
    const old = await new Client(server(), '1.1').entity(path);
    expect(old.attributes['occi.compute.state']).toBe('inactive');
    const shown = (await client().get(path, JSON_TYPE)).json.actions.map((id: string) => id.split('#')[1]);
    expect(shown).toEqual(['start']);
    expect((await client().send('DELETE', path)).status).toBe(200);
  });

  it('an entity that the site refuses is in error and can be deleted', async () => {
    const path = await client().create('network');
    await client().until(path, 'occi.network.state', 'error');
    expect((await attributes(path))['occi.network.state.message']).toEqual(expect.any(String));
    const other = await client().create('compute', {
      links: [`<${path}>; rel="${INFRA}network"; category="${INFRA}networkinterface"`],
    });
    const self = (await client().entity(other)).links.find((link) => link.self)?.self ?? '';
    await client().until(self, 'occi.networkinterface.state', 'error');
    for (const each of [other, path]) expect((await client().send('DELETE', each)).status).toBe(200);
  });

  it('an answer that was lost makes nothing twice, a deletion that is refused is not given up', async () => {
    const path = await client().create('storage', { attributes: ['occi.storage.size=1'] });
    await client().until(path, 'occi.storage.state', 'online');
    const { sites } = (await server().request('GET', '/health/sites', { as: 'admin' })).json;
    expect(sites[0].name).toBe('sim');
    expect((await client().send('DELETE', path)).status).toBe(200);
    await gone(path);
  });

  it('a deletion that the site accepted and did not do is asked for again', async () => {
    const path = await client().create('network');
    await client().until(path, 'occi.network.state', 'active');
    expect((await client().send('DELETE', path)).status).toBe(200);
    await gone(path);
  });

  it('C-167 what fails in the middle of a request leaves nothing of it', async () => {
    const count = async (): Promise<unknown> => (await server().rows('SELECT count(*) AS n FROM entity'))[0]?.['n'];
    const make = () =>
      client().send('POST', '/network/', {
        categories: [kindOf('network')],
        headers: { 'idempotency-key': 'in the middle' },
      });
    const before = await count();
    // The entity is written before the operation that is to make it on the site.
    const table = server().config.data;
    const mend = await refuseOperations(
      database === 'sqlite' ? join(table.directory, 'vep.db') : (table.database ?? ''),
    );
    expect([(await make()).status, await count()]).toEqual([500, before]);
    await mend();
    expect((await make()).status).toBe(201);
  });

  it('K12 a creation that is refused leaves no key behind', async () => {
    const make = (size: string) =>
      client().send('POST', '/storage/', {
        categories: [kindOf('storage')],
        attributes: [`occi.storage.size=${size}`],
        headers: { 'idempotency-key': 'again' },
      });
    expect((await make('"big"')).status).toBe(400);
    expect((await make('1')).status).toBe(201);
  });
});

/** Has the database refuse every new operation, until the function that is answered is called. */
async function refuseOperations(database: string): Promise<() => Promise<void>> {
  if (database.startsWith('postgres:')) {
    const run = async (sql: string): Promise<void> => {
      const connection = new pg.Client({ connectionString: database });
      await connection.connect();
      await connection.query(sql).finally(() => connection.end());
    };
    await run('ALTER TABLE operation ADD CONSTRAINT broken CHECK (false) NOT VALID');
    return () => run('ALTER TABLE operation DROP CONSTRAINT broken');
  }
  const run = (sql: string): void => {
    const connection = new BetterSqlite(database);
    connection.exec(sql);
    connection.close();
  };
  run("CREATE TRIGGER broken BEFORE INSERT ON operation BEGIN SELECT RAISE(ABORT, 'broken'); END");
  return async () => run('DROP TRIGGER broken');
}
