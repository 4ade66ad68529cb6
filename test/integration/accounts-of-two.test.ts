/**
 * An account of a user at a site (K35) and two processes on one database: the credential that came to one is used by the other, when the
 * first is killed with `kill -9` in the middle of its work and afterwards; what is exchanged at one, with `vep credential`, goes
 * for both; and nothing of it is left when the appliance is gone.
 */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vep, type Ran } from '../cli/fake-terminal.js';
import { optionsFor } from '../iaas/ec2-harness.js';
import { forEachDatabase } from '../support/databases.js';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import { VPC, type World } from '../support/fake-ec2/world.js';
import { examplePackage } from '../support/killed-server.js';
import { secret } from '../support/run.js';
import { TwoServers, type Which } from '../support/two-servers.js';
import { STATE } from './appliance-wire.js';

const SHOP = examplePackage('web-shop');
const [IMAGE = Buffer.alloc(0)] = [...SHOP.files.values()];
const AMI = 'ami-0123456789abcdef0';
const REFUSED = 'eu.contrail-project.appliance.accounts.refused';
const BOTH: readonly Which[] = [0, 1];

forEachDatabase((name, database) => {
  if (name === 'sqlite') return it.skip('on SQLite there is one process, which a lock sees to', () => undefined);

  let fake: FakeEc2;
  let account: World;
  let servers: TwoServers;
  const credential = (key: string): string => `ec2 ${key} ${fake.secrets.get(key) ?? ''} vpc=${VPC}`;
  beforeAll(async () => {
    fake = await FakeEc2.start();
    account = fake.addAccount('AKIDUSER0', secret('user-secret-zero-00000000', 'key of a user'));
    account.addImage(AMI, 'debian', 'amazon');
    const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: AMI }];
    servers = new TwoServers('postgres' in database.at ? database.at.postgres : '', (directory) => {
      const options = optionsFor(fake.url, fake.url, directory, { images: { known } });
      const cloud = { name: 'cloud', type: 'ec2', userCredentials: 'allowed', options };
      return { engine: { leaseMs: 2000, reconcileMs: 1000 }, sites: [cloud] };
    });
    await servers.start();
  });
  afterAll(async () => {
    await servers.close();
    await fake.close();
  });

  const deployed = async (by: Which): Promise<string> => {
    const inputs = { credentials: { 'site:cloud': credential('AKIDUSER0') } };
    const entity = `X-OCCI-Attribute: eu.contrail-project.ovf.inputs=${JSON.stringify(JSON.stringify(inputs))}`;
    const body = new FormData();
    body.append('entity', new Blob([entity], { type: 'text/plain' }), 'entity.txt');
    body.append('ovf', new Blob([SHOP.descriptor], { type: 'application/ovf+xml' }), 'shop.ovf');
    for (const [href, bytes] of SHOP.files) body.append('file', new Blob([Uint8Array.from(bytes)]), href);
    const { status, text, location } = await servers.ask(by, '/appliance/', { method: 'POST', body });
    expect([status, status === 201 ? '' : text]).toEqual([201, '']);
    return location;
  };
  const shows = (by: Which, path: string, attribute: string, value: unknown): Promise<void> =>
    servers.until(`${attribute} to be ${String(value)}`, async () => {
      const { json } = await servers.ask(by, path);
      return json.attributes[attribute] === value;
    });
  const exchange = async (by: Which, path: string, file: string): Promise<Ran> =>
    vep(['credential', path, 'cloud', '--file', file], {
      directory: servers.directory,
      environment: { VEP_ENDPOINT: await servers.url(by), VEP_TOKEN: servers.token('user') },
    });

  it('is used by both, whoever got the credential and whoever is killed', async () => {
    const given = fake.called('CreateSubnet');
    const path = await deployed(0);
    await given;
    await servers.kill(0);
    await shows(1, path, STATE, 'active');
    expect(account.live.map((each) => account.state(each))).toEqual(['running', 'running', 'running']);
    expect(fake.world.live).toHaveLength(0);
    await servers.startAgain(0);

    fake.secrets.delete('AKIDUSER0');
    for (const which of BOTH) await shows(which, path, REFUSED, 'cloud');
    fake.addAccount('AKIDUSER1', secret('user-secret-one-000000000', 'key of a user'), account);
    const file = join(servers.directory, 'credential');
    writeFileSync(file, `${credential('AKIDUSER1')}\n`);
    expect((await exchange(1, path, file)).out).toMatch(/: another credential for cloud is used from now on\n$/);
    await servers.kill(1);
    const stop = { method: 'POST', headers: { 'Content-Type': 'application/occi+json' } };
    const action = 'http://schemas.contrail-project.eu/occi/ovf/appliance/action#stop';
    const body = JSON.stringify({ action });
    expect((await servers.ask(0, `${path}?action=stop`, { ...stop, body })).status).toBe(200);
    await shows(0, path, STATE, 'inactive');
    await shows(0, path, REFUSED, undefined);
    await servers.startAgain(1);

    expect((await servers.ask(1, path, { method: 'DELETE' })).status).toBe(200);
    const left = `SELECT name FROM site_account UNION ALL SELECT id FROM secret UNION ALL
      SELECT site FROM site_keeper WHERE site LIKE 'cloud~%' UNION ALL SELECT id FROM entity`;
    await servers.until('everything to be gone', async () => (await servers.rows(left)).length === 0);
    account.settle();
    expect([account.live, account.subnets.size, account.volumes.size]).toEqual([[], expect.any(Number), 0]);
    expect(await servers.rows("SELECT type, findings FROM operation WHERE state = 'dead'")).toEqual([]);
  });
});
