/**
 * A security group at one site that guards machines at EC2, in a server process that is killed with `kill -9` while it makes, changes
 * and removes the group's copy there, and while EC2 cannot be reached: there is one copy, of the last rules, and none in the end.
 */

import { createHash } from 'node:crypto';
import { copyIdOf } from '../../extensions/infrastructure/group-copies.js';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import type { SecurityGroup } from '../support/fake-ec2/world.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { optionsFor } from './ec2-harness.js';

const SHOP = examplePackage('web-shop');
const [IMAGE = Buffer.alloc(0)] = [...SHOP.files.values()];
const AMI = 'ami-0123456789abcdef0';

let fake: FakeEc2;
let proxy: FaultyProxy;
let server: KilledServer;

beforeAll(async () => {
  fake = await FakeEc2.start();
  fake.world.addImage(AMI, 'debian');
  proxy = await FaultyProxy.open(fake.url);
  const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: AMI }];
  server = await KilledServer.start({
    beside: [{ name: 'home', type: 'simulator', options: { timeFactor: 1000 } }],
    site: (directory) => {
      const options = optionsFor(`${proxy.url}/`, fake.url, directory, { images: { known } });
      return { name: 'cloud', type: 'ec2', options };
    },
    attributes: 'X-OCCI-Attribute: eu.contrail-project.ovf.site="cloud"',
  });
});

afterAll(async () => {
  await server.close();
  await proxy.close();
  await fake.close();
});

const rulesText = (rules: unknown): string =>
  `occi.securitygroup.rules="${JSON.stringify(rules).replaceAll('"', String.raw`\"`)}"`;
const open = (port: string): unknown => [{ type: 'inbound', protocol: 'tcp', port }];

it('has one copy of the last rules there, whatever is killed, and none in the end', async () => {
  const { world } = fake;
  const { client } = server;
  const before = [...world.groups.keys()];
  const location = await server.deploy(SHOP);
  const [first = '', second = ''] = (await client.ids('/compute/')).map((id) => `/compute/${id}`);
  const group = (await client.create('securitygroup', 'group', rulesText(open('22')))).location;
  const copyId = copyIdOf(group.slice(group.lastIndexOf('/') + 1), 'cloud');
  const copies = (): SecurityGroup[] => [...world.groups.values()].filter(({ tags }) => tags.get('vep:id') === copyId);
  /** Ports that each copy lets in, over either version of IP. */
  const ports = (): unknown =>
    copies().map(({ rules }) => [...new Set(rules.flatMap(({ egress, from }) => (egress ? [] : [from])))]);
  const guarded = (): number =>
    [...world.interfaces.values()].filter(({ groups }) => groups.includes(copies()[0]?.id ?? 'none')).length;

  const link = async (
    compute: string,
    key: string,
    ...moments: readonly (() => Promise<unknown>)[]
  ): Promise<string> => {
    const killed = server.killAt(...moments);
    const ends = [`occi.core.source="${compute}"`, `occi.core.target="${group}"`];
    const made = await server.again(() => client.create('securitygrouplink', key, ...ends));
    expect(made).toMatchObject({ status: 201 });
    await killed;
    const state = async (): Promise<unknown> =>
      (await server.again(() => client.entity(made.location)))?.attributes['occi.securitygrouplink.state'];
    await server.until('the machine to be guarded', async () => (await state()) === 'active');
    return made.location;
  };

  const one = await link(first, 'one', () => fake.called('CreateSecurityGroup'));
  expect(ports()).toEqual([[22]]);
  const other = await link(second, 'other');
  expect([copies().length, guarded() > 1]).toEqual([1, true]);

  const told = server.killAt(() => fake.called('AuthorizeSecurityGroupIngress'));
  await server.again(() => client.update(group, 'securitygroup', rulesText(open('443'))));
  await told;
  await server.until('the new rules', () => Promise.resolve(JSON.stringify(ports()) === '[[443]]'));

  await server.again(() => client.delete(one));
  const removed = server.killAt(() => fake.called('DeleteSecurityGroup'));
  await server.again(() => client.delete(other));
  await removed;
  await server.until('the copy to be gone', () => Promise.resolve(copies().length === 0));

  // The site is away when the machine shall no longer be guarded.
  const third = await link(first, 'third');
  await proxy.refuse();
  await server.again(() => client.delete(third));
  expect((await client.get(third)).status).toBe(404);
  await proxy.restore();
  await server.until('the copy to be gone again', () => Promise.resolve(copies().length === 0));
  expect(guarded()).toBe(0);

  await server.again(() => client.delete(group));
  await server.remove(location);
  world.settle();
  expect([...world.groups.keys()]).toEqual(before);
  expect(await server.rows('SELECT id FROM group_copy')).toEqual([]);
});
