/**
 * Two VEPs that use one account of a site under the same realm, as happens where both leave it at its default: neither touches what the
 * other made, both say that there is another, and each clears away what is its own.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/base/log.js';
import { fastClock } from '../faults/fast-clock.js';
import { CAPACITY } from '../iaas/occi-harness.js';
import { FakeOcci } from '../support/fake-occi.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const TYPED = { accept: 'application/occi+json', 'content-type': 'application/occi+json' };
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const ORPHANS = "SELECT id FROM operation WHERE type = 'infrastructure.orphan'";

interface Vep {
  readonly server: TestServer;
  /** Lines of its log. */
  readonly said: string[];
}

let directory: string;
let fake: FakeOcci;
let veps: readonly Vep[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vep-two-'));
  fake = await FakeOcci.start();
  writeFileSync(join(directory, 'password'), FakeOcci.PASSWORD);
  veps = [await vep(), await vep()];
});

afterAll(async () => {
  for (const { server } of veps) await server.close();
  await fake.close();
  rmSync(directory, { recursive: true });
});

/** Its clock runs fast: what belongs to nothing is seen for a minute before it goes. */
async function vep(): Promise<Vep> {
  const credentials = { kind: 'basic', user: FakeOcci.USER, password: { file: join(directory, 'password') } };
  const patience = { pollMs: 100, settleMs: 20_000 };
  const options = { endpoint: fake.url, credentials, capacity: CAPACITY, template: FakeOcci.TEMPLATE, patience };
  const sites = [{ name: 'shared', type: 'occi', options }];
  const said: string[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line: string) => void said.push(line) } });
  // Milliseconds of a clock that runs ahead: leases must outlast a busy machine.
  const engine = { reconcileMs: 10_000, leaseMs: 600_000 };
  const server = await startTestServer({ clock: fastClock(20), log, config: { sites: sites as never, engine } });
  return { server, said };
}

/** Path of a machine that stands, and its reference at the site. */
async function machineOf({ server }: Vep): Promise<{ readonly path: string; readonly ref: string }> {
  const body = JSON.stringify({ kind: COMPUTE, title: 'ours' });
  const made = await server.request('POST', '/compute/', { headers: TYPED, body });
  const path = new URL(String(made.headers.location)).pathname;
  const row = `SELECT site_ref FROM entity WHERE id = '${path.slice(9)}' AND site_ref IS NOT NULL`;
  const work = `SELECT id FROM operation WHERE finished_at IS NULL`;
  await until(async () => (await server.rows(row)).length === 1 && (await server.rows(work)).length === 0);
  return { path, ref: String((await server.rows(row))[0]?.['site_ref']) };
}

const check = async ({ server }: Vep): Promise<readonly { readonly code: string; readonly message: string }[]> =>
  (await server.request('GET', '/health/sites/shared/check', { as: 'admin', headers: { accept: 'application/json' } }))
    .json.findings;

it('leave each other alone, say so, and clear away their own', async () => {
  const [one, other] = veps as [Vep, Vep];
  expect(await check(one)).toEqual([]);
  const [mine, theirs] = [await machineOf(one), await machineOf(other)];
  expect(fake.machines).toHaveLength(2);
  for (const [each, ref] of [
    [one, theirs.ref],
    [other, mine.ref],
  ] as const) {
    await until(() => each.said.some((line) => line.includes('not made by this VEP') && line.includes(ref)));
    const [finding, ...more] = await check(each);
    expect([finding?.code, finding?.message.includes(`compute ${ref}`), more]).toEqual(['site.other-vep', true, []]);
    expect(await each.server.rows(ORPHANS)).toEqual([]);
  }
  for (const [{ server }, { path }] of [
    [one, mine],
    [other, theirs],
  ] as const) {
    const { attributes } = (await server.request('GET', path, { headers: TYPED })).json;
    expect(attributes['occi.compute.state.message']).toBeUndefined();
  }
  // Of what the first has made there is nothing but the work that made it: that is enough to clear it away.
  await one.server.change(`DELETE FROM entity WHERE id = '${mine.path.slice(9)}'`);
  await until(() => fake.machines.length === 1);
  expect(await one.server.rows(ORPHANS)).toHaveLength(1);
  expect((await other.server.request('DELETE', theirs.path)).status).toBe(200);
  await until(() => fake.machines.length === 0);
  expect(await check(one)).toEqual([]);
});
