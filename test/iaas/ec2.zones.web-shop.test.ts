/**
 * `examples/web-shop` at a site of EC2 over three zones, the first of which is full, in a server process that is killed with `kill -9`
 * while it launches machines there and in the next zone: each is made once, with everything of it in one zone, and nothing is left.
 */

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import { ZONES, type World } from '../support/fake-ec2/world.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { optionsFor } from './ec2-harness.js';

const SHOP = examplePackage('web-shop');
const [IMAGE = Buffer.alloc(0)] = [...SHOP.files.values()];
const AMI = 'ami-0123456789abcdef0';
const [A = '', B = '', C = ''] = ZONES;

let fake: FakeEc2;
let server: KilledServer;

beforeAll(async () => {
  fake = await FakeEc2.start({ zones: ZONES });
  fake.world.addImage(AMI, 'debian');
  const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: AMI }];
  server = await KilledServer.start({
    site: (directory) => ({
      name: 'cloud',
      type: 'ec2',
      options: optionsFor(fake.url, fake.url, directory, { zones: [], images: { known } }),
    }),
  });
});

afterAll(async () => {
  await server.close();
  await fake.close();
});

/** A launch in the second zone is asked for; from then on the first one has room again. */
async function nextZone(): Promise<void> {
  const { world } = fake;
  while (![...world.interfaces.values()].some(({ subnet }) => subnet.zone === B)) await pause(2);
  await fake.called('RunInstances');
  world.full.delete(A);
}

const things = ({ live, subnets, volumes, interfaces, groups }: World): number[] => [
  ...[live.length, subnets.size, volumes.size, interfaces.size, groups.size],
];

it('deploys in the next zone, survives kill -9 on the way there, and goes without a trace', async () => {
  const { world } = fake;
  const before = things(world);
  world.full.add(A);
  const location = await server.deploy(SHOP, () => fake.called('RunInstances'), nextZone);

  const machines = world.live;
  expect(machines.map((each) => world.state(each))).toEqual(['running', 'running', 'running']);
  expect(machines.map(({ tags }) => tags.get('vep:id')).sort()).toEqual(await server.client.ids('/compute/'));
  const zones = new Map(machines.map(({ id, zone }) => [id, zone]));
  const nics = [...world.interfaces.values()];
  expect(nics).toHaveLength(5);
  for (const { attachment, subnet } of nics) expect(subnet.zone).toBe(zones.get(attachment?.instance ?? ''));
  for (const { attachments, zone } of world.volumes.values())
    expect(zone).toBe(zones.get(attachments[0]?.instance ?? ''));
  // Two networks with a part in each zone.
  expect(world.subnets.size - (before[1] ?? 0)).toBe(6);

  await server.remove(location, () => fake.called('TerminateInstances'));
  world.settle();
  expect(things(world)).toEqual(before);
});

it('takes everything back when no zone has room for all of its machines', async () => {
  const { world } = fake;
  const before = things(world);
  world.room.set(A, 1).set(B, 0).set(C, 0);
  const { location } = await server.client.deploy(SHOP, 'too large');
  const state = async (): Promise<unknown> =>
    (await server.client.entity(location))?.attributes['eu.contrail-project.appliance.state'];
  await server.until('the deployment to fail', async () => (await state()) === 'error');
  world.settle();
  expect(things(world)).toEqual(before);
  world.room.clear();
  await server.remove(location);
});
