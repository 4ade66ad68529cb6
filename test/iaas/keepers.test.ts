/**
 * Two VEP processes on one database, and a site that goes away: both tell the same of it at every moment, one of them alone looks
 * after it, whoever is killed, and what is given back at a site is known to both at once.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { OBSERVED_AT, UNOBSERVED } from '../../extensions/infrastructure/unobserved.js';
import { forEachDatabase } from '../support/databases.js';
import { FakeOcci } from '../support/fake-occi.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { TwoServers, type Told, type Which } from '../support/two-servers.js';
import { CAPACITY } from './occi-harness.js';

const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const RECONCILE_MS = 5000;
/** Long enough that no keeper loses a site because the machine is busy. */
const LEASE_MS = 20_000;
const BOTH: readonly Which[] = [0, 1];

forEachDatabase((name, database) => {
  if (name === 'sqlite') return it.skip('on SQLite there is one process, which a lock sees to', () => undefined);

  let fake: FakeOcci;
  let proxy: FaultyProxy;
  let servers: TwoServers;
  /** Id of the process 0 as a keeper. */
  let idOfFirst: unknown;
  beforeAll(async () => {
    fake = await FakeOcci.start();
    proxy = await FaultyProxy.open(fake.url);
    servers = new TwoServers('postgres' in database.at ? database.at.postgres : '', (directory) => {
      writeFileSync(join(directory, 'password'), FakeOcci.PASSWORD);
      const credentials = { kind: 'basic', user: FakeOcci.USER, password: { file: join(directory, 'password') } };
      const patience = { pollMs: 5, settleMs: 1000 };
      const options = { endpoint: proxy.url, credentials, capacity: CAPACITY, template: FakeOcci.TEMPLATE, patience };
      return {
        engine: { leaseMs: LEASE_MS, reconcileMs: RECONCILE_MS },
        sites: [
          { name: 'away', type: 'occi', options },
          { name: 'sim', type: 'simulator', options: { timeFactor: 1000 } },
        ],
      };
    });
    await servers.start(() =>
      servers.until('the first to keep the site', async () => (idOfFirst = await keeper()) !== undefined),
    );
  });
  afterAll(async () => {
    await servers.close();
    await proxy.close();
    await fake.close();
  });

  const made = async (by: Which): Promise<string> => {
    const headers = { 'Content-Type': 'application/occi+json' };
    const body = JSON.stringify({ kind: COMPUTE, title: 'far' });
    const { location } = await servers.ask(by, '/compute/', { method: 'POST', headers, body });
    const id = location.slice('/compute/'.length);
    const rest = `SELECT id FROM entity e WHERE id = '${id}' AND site_ref IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM operation o WHERE o.entity = e.id AND o.finished_at IS NULL)`;
    await servers.until('the machine to be made', async () => (await servers.rows(rest)).length === 1);
    return location;
  };
  const healthBy = async (which: Which): Promise<Record<string, unknown>> => {
    const { json } = await servers.ask(which, '/health/sites', { as: 'admin' });
    const { up, since, answeredAt, inventoryAt } = json.sites.find((site: { name: string }) => site.name === 'away');
    return { up, since, ...(up === true ? { inventoryAt } : { answeredAt }) };
  };
  const markOf = ({ json }: Told): unknown =>
    json.mixins?.includes(UNOBSERVED) === true ? json.attributes[OBSERVED_AT] : null;
  const marked = async (which: Which, path: string): Promise<unknown> => markOf(await servers.ask(which, path));
  const keeper = async (): Promise<unknown> =>
    (await servers.rows("SELECT keeper FROM site_keeper WHERE site = 'away'"))[0]?.['keeper'];
  /** What both tell of the site and of a machine there, many times over a while: each different thing once. */
  const toldFor = async (ms: number, path: string, by: readonly Which[]): Promise<unknown[]> => {
    const told = new Set<string>();
    for (const end = performance.now() + ms; performance.now() < end; await pause(100))
      for (const which of by) told.add(JSON.stringify([await healthBy(which), await marked(which, path)]));
    return [...told].map((each) => JSON.parse(each) as unknown);
  };
  const columnOf = async (column: string, path: string): Promise<unknown> =>
    (await servers.rows(`SELECT ${column} FROM entity WHERE id = '${path.slice('/compute/'.length)}'`))[0]?.[column];
  const refOf = async (path: string): Promise<string> => String(await columnOf('site_ref', path));
  const revisionOf = (path: string): Promise<unknown> => columnOf('observed_rev', path);

  it('tells the same of a site that is down from both, goes on so when its keeper is killed, and looks again within a period', async () => {
    const path = await made(1);
    await proxy.refuse();
    await servers.until('both to say that it is down', async () =>
      (await Promise.all(BOTH.map(healthBy))).every(({ up }) => up === false),
    );
    await servers.until('what is there to be marked', async () => (await marked(0, path)) !== null);
    const down = await healthBy(0);
    const at = new Date(Number(down['answeredAt'])).toISOString();
    const revision = await revisionOf(path);
    expect(await toldFor(RECONCILE_MS, path, BOTH)).toEqual([[down, at]]);

    // The sites are shared out: either may keep this one. While it is down nobody takes it from whoever does.
    const first = await keeper();
    const [dead, alive]: readonly [Which, Which] = first === idOfFirst ? [0, 1] : [1, 0];
    await servers.kill(dead);
    const term = await servers.rows("SELECT kept_until FROM site_keeper WHERE site = 'away'");
    expect(Number(term[0]?.['kept_until'])).toBeLessThanOrEqual(Date.now() + LEASE_MS);
    await servers.until('another to keep it', async () => (await keeper()) !== first);
    const told = await toldFor(3000, path, [alive]);
    expect(told).toEqual([[{ ...down, answeredAt: expect.any(Number) }, at]]);
    expect(await revisionOf(path)).toEqual(revision);

    // Removed there while nobody could see it: the next visit shows it, and the mark is gone.
    fake.drop(await refOf(path));
    await proxy.restore();
    const error = async (): Promise<boolean> => {
      const reply = await servers.ask(alive, path);
      return markOf(reply) === null && reply.json.attributes['occi.compute.state'] === 'error';
    };
    await servers.until('what happened there to show', error);
    await servers.startAgain(dead);
    await servers.until('both to say that it is up', async () =>
      (await Promise.all(BOTH.map(healthBy))).every(({ up }) => up === true),
    );
    expect(await keeper()).not.toBe(first);
    expect((await servers.ask(dead, path, { method: 'DELETE' })).status).toBe(200);
  });

  it('has both look at once at what was given back, whichever gave it back', async () => {
    const client = new pg.Client({ connectionString: 'postgres' in database.at ? database.at.postgres : '' });
    await client.connect();
    await client.query('LISTEN vep');
    /** How long it takes both to look when they are asked to: longer on a machine on which much else runs. */
    const look = async (): Promise<number> => {
      const began = performance.now();
      for (const which of BOTH) await servers.ask(which, '/health/sites/away/inventory', { as: 'admin' });
      return performance.now() - began;
    };
    const delays: number[] = [];
    try {
      for (const by of [0, 1, 0] as const) {
        const before = await look();
        const path = await made(by);
        const heard = new Promise<number>((resolve) =>
          client.on('notification', ({ payload }) => {
            if (payload === 'public room away') resolve(Date.now());
          }),
        );
        expect((await servers.ask(by, path, { method: 'DELETE' })).status).toBe(200);
        const told = await heard;
        const looked = async (): Promise<boolean> =>
          (await Promise.all(BOTH.map(healthBy))).every(({ inventoryAt }) => Number(inventoryAt) >= told);
        await servers.until('both to have looked', looked);
        delays.push(Date.now() - told - 10 * Math.max(before, await look()));
      }
    } finally {
      await client.end();
    }
    // By themselves they look every five seconds.
    expect(delays.sort((a, b) => a - b)[1]).toBeLessThan(2000);
  });
});
