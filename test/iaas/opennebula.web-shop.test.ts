/**
 * `examples/web-shop` on OpenNebula, unchanged and by configuration alone, in a server process that is killed with
 * `kill -9` at the calls of oned where it hurts: nothing is made twice, everything comes up, and nothing is left behind.
 */

import { FakeOned } from '../support/fake-oned/index.js';
import type { Machine } from '../support/fake-oned/world.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { optionsFor } from './opennebula-harness.js';

let fake: FakeOned;
let server: KilledServer;

beforeAll(async () => {
  fake = await FakeOned.start();
  server = await KilledServer.start({
    site: (directory) => ({ name: 'one', type: 'opennebula', options: optionsFor(fake.url, directory) }),
  });
});

afterAll(async () => {
  await server.close();
  await fake.close();
});

it('deploys, survives kill -9 at four calls, and goes without a trace', async () => {
  const calls = ['one.vn.reserve', 'one.vm.allocate', 'one.vm.deploy'].map((method) => () => fake.called(method));
  const location = await server.deploy(examplePackage('web-shop'), ...calls);

  const machines = live();
  expect(machines.map(({ state, lcm }) => [state, lcm])).toEqual(Array.from({ length: 3 }, () => [3, 3]));
  expect(new Set(machines.map(({ user }) => user.get('VEP_TOKEN'))).size).toBe(3);
  const ids = await server.client.ids('/compute/');
  expect(machines.map(({ user }) => user.get('VEP_ID')).sort()).toEqual(ids);
  for (const { template, uid } of machines) {
    // Complete at their first boot, made for their user, and not switched on for plugging.
    const context = template.vectors('CONTEXT')[0];
    expect(context?.get('USERDATA_ENCODING')).toBe('base64');
    expect(Buffer.from(context?.get('OVF_ENV_BASE64') ?? '', 'base64').toString()).toContain('<Environment');
    expect(fake.world.users.get(uid)?.name).toMatch(/^vep-local_user-/);
  }
  expect(machines.flatMap(({ template }) => template.vectors('NIC'))).toHaveLength(5);
  expect(machines.flatMap(({ template }) => template.vectors('DISK'))).toHaveLength(4);
  expect(machines.every(({ user }) => user.get('VEP_PRIMING') === undefined)).toBe(true);
  expect(reservations()).toHaveLength(2);

  await server.remove(location, () => fake.called('one.vm.action'));
  expect([live().length, reservations().length, volumes().length]).toEqual([0, 0, 0]);
  expect(fake.violations).toEqual([]);
});

const live = (): Machine[] => [...fake.world.machines.values()].filter((vm) => vm.state !== 6);
const reservations = (): unknown[] => [...fake.world.networks.values()].filter((net) => net.parent !== undefined);
const volumes = (): unknown[] =>
  [...fake.world.images.values()].filter((image) => image.template.get('VEP_PURPOSE') === 'volume');
