/**
 * `examples/web-shop` on EC2, unchanged and by configuration alone, in a server process that is killed with `kill -9` at
 * the calls of EC2 where it hurts: nothing is made twice, everything comes up, and nothing is left behind.
 */

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import type { Instance } from '../support/fake-ec2/world.js';
import { examplePackage, KilledServer, type ExamplePackage } from '../support/killed-server.js';
import { optionsFor } from './ec2-harness.js';

const SHOP = examplePackage('web-shop');
const [IMAGE = Buffer.alloc(0)] = [...SHOP.files.values()];
const AMI = 'ami-0123456789abcdef0';

let fake: FakeEc2;
let server: KilledServer;

beforeAll(async () => {
  fake = await FakeEc2.start();
  fake.world.addImage(AMI, 'debian');
  const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: AMI }];
  const options = (directory: string): object => optionsFor(fake.url, fake.url, directory, { images: { known } });
  server = await KilledServer.start({
    site: (directory) => ({ name: 'cloud', type: 'ec2', options: options(directory) }),
  });
});

afterAll(async () => {
  await server.close();
  await fake.close();
});

it('deploys, survives kill -9 at two calls, and goes without a trace', async () => {
  const { world } = fake;
  const things = (): number[] => [world.live.length, world.subnets.size, world.volumes.size, world.interfaces.size];
  const before = [...things(), world.groups.size];
  const location = await server.deploy(SHOP, () => fake.called('RunInstances'));

  const machines = world.live;
  expect(machines.map((each) => world.state(each))).toEqual(['running', 'running', 'running']);
  expect(new Set(machines.map(({ tags }) => tags.get('vep:token'))).size).toBe(3);
  expect(machines.map(({ tags }) => tags.get('vep:id')).sort()).toEqual(await server.client.ids('/compute/'));
  for (const machine of machines) {
    expect(machine).toMatchObject({ image: AMI, tokens: 'required' });
    expect(Buffer.from(machine.userData ?? '', 'base64').toString()).toContain('<Environment');
  }
  // The database is up before the web servers are made; the boot disks are the volumes that VEP shows.
  expect(machines[0]?.tags.get('Name')).toBe('Database server');
  expect(interfacesOf(machines)).toHaveLength(5);
  expect([...world.volumes.values()].map(({ tags }) => tags.get('vep:id')).sort()).toEqual(
    await server.client.ids('/storage/'),
  );
  expect(world.subnets.size - (before[1] ?? 0)).toBe(2);

  await server.remove(location, () => fake.called('TerminateInstances'));
  world.settle();
  expect([...things(), world.groups.size]).toEqual(before);
});

it('keeps the machines of a placement group apart, and removes the group after them', async () => {
  const { world } = fake;
  const location = await server.deploy(apart(SHOP), () => fake.called('CreatePlacementGroup'));
  expect([...world.placementGroups.values()].map(({ strategy }) => strategy)).toEqual(['spread']);
  const [name] = world.placementGroups.keys();
  expect(world.live.map(({ group }) => group)).toEqual([name, name, name]);
  await server.remove(location, () => fake.called('TerminateInstances'));
  while (world.placementGroups.size > 0) await pause(50);
});

/** The shop with all of its machines in a group of OVF 2 of which no failure shall strike more than one. */
function apart({ descriptor, files }: ExamplePackage): ExamplePackage {
  const group = '<ovf2:PlacementGroupSection ovf2:id="apart" ovf2:policy="availability" ovf:required="false"><Info/>';
  const member = '<ovf2:PlacementSection ovf2:group="apart" ovf:required="false"><Info/></ovf2:PlacementSection>';
  return {
    name: 'web-shop-apart',
    files,
    descriptor: descriptor
      .replace('<Envelope ', '<Envelope xmlns:ovf2="http://schemas.dmtf.org/ovf/envelope/2" ')
      .replace('</NetworkSection>', `</NetworkSection>${group}</ovf2:PlacementGroupSection>`)
      .replace('</StartupSection>', `</StartupSection>${member}`),
  };
}

const interfacesOf = (machines: readonly Instance[]): unknown[] =>
  [...fake.world.interfaces.values()].filter(({ attachment }) =>
    machines.some(({ id }) => id === attachment?.instance),
  );
