/**
 * `examples/web-shop` in an account of its user at EC2 (K35), in a server process that is killed with `kill -9` while it makes and
 * removes things there: each is made once, in that account alone, and nothing of it is left, the credential neither.
 */

import { createHash } from 'node:crypto';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import { VPC, type World } from '../support/fake-ec2/world.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { secret } from '../support/run.js';
import { optionsFor } from './ec2-harness.js';

const SHOP = examplePackage('web-shop');
const [IMAGE = Buffer.alloc(0)] = [...SHOP.files.values()];
const AMI = 'ami-0123456789abcdef0';
const [KEY, SECRET] = ['AKIDUSER', secret('user-secret-0000000000000000', 'key of a user')];

let fake: FakeEc2;
let account: World;
let server: KilledServer;

beforeAll(async () => {
  fake = await FakeEc2.start();
  account = fake.addAccount(KEY, SECRET);
  account.addImage(AMI, 'debian', 'amazon');
  const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: AMI }];
  const options = (directory: string): object => optionsFor(fake.url, fake.url, directory, { images: { known } });
  const inputs = { credentials: { 'site:cloud': `ec2 ${KEY} ${SECRET} vpc=${VPC}` } };
  server = await KilledServer.start({
    site: (directory) => ({ name: 'cloud', type: 'ec2', userCredentials: 'allowed', options: options(directory) }),
    attributes: `X-OCCI-Attribute: eu.contrail-project.ovf.inputs=${JSON.stringify(JSON.stringify(inputs))}`,
  });
});

afterAll(async () => {
  await server.close();
  await fake.close();
});

it('deploys there, survives kill -9 at three calls, and goes without a trace', async () => {
  const { world } = fake;
  const things = ({ live, subnets, volumes, interfaces, groups }: World): number[] => [
    ...[live.length, subnets.size, volumes.size, interfaces.size, groups.size],
  ];
  const [before, theirs] = [things(account), things(world)];
  const moments = ['CreateSubnet', 'RunInstances'].map((call) => () => fake.called(call));
  const location = await server.deploy(SHOP, ...moments);

  expect(account.live.map((each) => account.state(each))).toEqual(['running', 'running', 'running']);
  expect(account.live.map(({ tags }) => tags.get('vep:id')).sort()).toEqual(await server.client.ids('/compute/'));
  expect(new Set(account.live.map(({ tags }) => tags.get('vep:realm')))).toEqual(
    new Set([expect.stringMatching(/^vep\.[0-9a-f]{12}$/)]),
  );
  expect(things(world)).toEqual(theirs);

  await server.remove(location, () => fake.called('TerminateInstances'));
  account.settle();
  expect([things(account), things(world)]).toEqual([before, theirs]);
  expect(await server.rows('SELECT name AS left FROM site_account UNION ALL SELECT id FROM secret')).toEqual([]);
});
