/** Orders that Nova takes and does not carry out: what tells of them, and what they leave behind. */

import { readRef, tokenTag } from '../../src/iaas/adapters/openstack/marks.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import type { Server } from '../support/fake-openstack/world.js';
import { OpenStackBench, rest } from './openstack-bench.js';

const bench = OpenStackBench.forEachTest();

const small = { cores: 1, memoryBytes: 600 * 2 ** 20 };
const medium = { cores: 2, memoryBytes: 2 ** 32 };

function serverOf(ref: string): Server {
  const tag = tokenTag(readRef(ref)?.key ?? '');
  const found = [...bench.fake.world.servers.values()].find(({ tags }) => tags.includes(tag));
  if (found) return found;
  throw new Error('the fake has no such server');
}

async function stopped(site: SiteAdapter): Promise<string> {
  const ref = await bench.running(site, small);
  await site.actCompute(ref, 'stop', undefined);
  await rest(site, 'compute', ref);
  return ref;
}

it('a restart that failed says so, though the machine looks as it should, until the next order', async () => {
  const site = await bench.site();
  const ref = await bench.running(site);
  bench.fake.order('ignore-action');
  await site.actCompute(ref, 'restart', 'cold');
  const message = expect.stringMatching(/order to restart and failed to carry it out \(req-/);
  expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'active', failed: 'restart', message });
  await site.actCompute(ref, 'restart', 'cold');
  const again = await rest(site, 'compute', ref);
  expect([again, again?.message]).toMatchObject([{ state: 'active' }, undefined]);
  expect(again).not.toHaveProperty('failed');
});

it('a restart is under way for as long as Nova has not begun with it', async () => {
  const site = await bench.site();
  const ref = await bench.running(site);
  const { actions, moments } = serverOf(ref);
  await site.actCompute(ref, 'restart', undefined);
  // Its compute is down: the order waits in the queue, and the server looks as before.
  moments.splice(0, moments.length, { at: 0, status: 'ACTIVE', vm: 'active', task: null, power: 1 });
  expect((await site.describe('compute', [ref])).get(ref)).toMatchObject({ state: 'active', busy: true });
  Object.assign(actions[0] ?? {}, { done: true });
  expect(await rest(site, 'compute', ref)).not.toHaveProperty('failed');
});

it('a resize that failed says so, and the machine shows the size that it was asked for before', async () => {
  const site = await bench.site();
  const ref = await stopped(site);
  bench.fake.order('ignore-action');
  await site.resizeCompute(ref, medium);
  const message = expect.stringMatching(/order to resize and failed to carry it out/);
  expect(await rest(site, 'compute', ref)).toMatchObject({ ...small, state: 'inactive', failed: 'resize', message });
  expect(serverOf(ref).metadata).toMatchObject({ vep_size: '1 629145600 m1.small', vep_resizing: 'no' });
  await site.resizeCompute(ref, medium);
  expect(await rest(site, 'compute', ref)).toMatchObject(medium);
  expect(await rest(site, 'compute', ref)).not.toHaveProperty('failed');
});

it('a resize that is refused leaves no note behind', async () => {
  const site = await bench.site();
  const ref = await stopped(site);
  bench.fake.project.quota = { ...bench.fake.project.quota, cores: 1 };
  await expect(site.resizeCompute(ref, medium)).rejects.toMatchObject({ class: 'quota' });
  expect(await rest(site, 'compute', ref)).toMatchObject({ ...small, busy: false });
  expect(serverOf(ref).metadata).toMatchObject({ vep_resizing: 'no' });
});

it('a resize of somebody else is theirs to confirm, also where one of VEP was lost', async () => {
  const site = await bench.site();
  const ref = await stopped(site);
  const server = serverOf(ref);
  bench.fake.order('ignore-action');
  await site.resizeCompute(ref, medium);
  // Another process has not heard what became of it.
  const other = await bench.site();
  const huge = [...bench.fake.world.flavors.values()].find(({ name }) => name === 'm1.huge');
  if (huge) server.flavor = huge;
  server.moments.splice(0, server.moments.length, {
    ...{ at: 0, status: 'VERIFY_RESIZE', vm: 'resized', task: null, power: 4 },
  });
  expect((await other.describe('compute', [ref])).get(ref)).toMatchObject({ cores: 64, busy: false });
  expect(server.moments[0]?.status).toBe('VERIFY_RESIZE');
});

it.each([
  ['late-quota', 'quota'],
  ['fail-create', 'capacity'],
] as const)('a machine that comes to nothing by %s is in error for want of %s', async (order, cause) => {
  const site = await bench.site();
  bench.fake.order(order);
  const ref = await bench.running(site);
  expect(await rest(site, 'compute', ref)).toMatchObject({ state: 'error', cause });
});
