/**
 * Accounts of users at public sites (K35), on EC2 and OpenStack: the web shop, unchanged, in the account of its user; the credential
 * wrong, used up, exchanged, and sought wherever it must not be.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JSON_TYPE, Client } from '../conformance/client.js';
import { KEY, SECRET, FakeEc2 } from '../support/fake-ec2/index.js';
import { VPC, ZONE, type World } from '../support/fake-ec2/world.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { secret } from '../support/run.js';
import { forEachServer, type JsonBody, type Reply } from '../support/server.js';
import { MESSAGE, OVF, STATE, actOn, pathOf, untilNothingIsLeft } from './appliance-wire.js';
import { SHOP, webShop } from './web-shop.js';

const ACCOUNTS = 'eu.contrail-project.appliance.accounts';
const REFUSED = `${ACCOUNTS}.refused`;
const AMI = 'ami-0123456789abcdef0';

/** A cloud with an account of the provider's and one of the user's. */
interface Cloud {
  readonly site: object;
  /** What the user writes, with the credential that is good now. */
  credential(): string;
  /** Another one of the same account; the one before is good no more. */
  renew(): string;
  /** One of a third account. */
  readonly foreign: string;
  /** No credential of the user's is good any more. */
  revoke(): void;
  /** Machines in the account of the user, and all that is in the one of the provider. */
  machines(): number;
  rest(): unknown;
  close(): Promise<void>;
}

async function ec2(folder: string): Promise<Cloud> {
  const fake = await FakeEc2.start();
  const worlds: World[] = [];
  const add = (key: string, password: string, world?: World): World => {
    const added = fake.addAccount(key, secret(password, 'key of a user'), world);
    if (!world) {
      worlds.push(added);
      added.addImage(AMI, 'debian', 'amazon');
    }
    return added;
  };
  const mine = add('AKIDUSER0', 'user-secret-zero-0000000000');
  add('AKIDOTHER', 'other-secret-0000000000');
  let keys = 0;
  writeFileSync(join(folder, 'key'), KEY);
  writeFileSync(join(folder, 'secret'), SECRET);
  const image = createHash('sha256')
    .update(readFileSync(join(SHOP, 'images/base.qcow2')))
    .digest('hex');
  const written = (key: string, password: string): string => `ec2 ${key} ${password} vpc=${VPC}`;
  const current = (): string => written(`AKIDUSER${keys}`, fake.secrets.get(`AKIDUSER${keys}`) ?? 'gone');
  const revoke = (): void => void fake.secrets.delete(`AKIDUSER${keys}`);
  return {
    site: {
      name: 'cloud',
      type: 'ec2',
      userCredentials: 'required',
      options: {
        ...{ region: ZONE.slice(0, -1), endpoint: fake.url, zones: [ZONE], country: 'DE', instanceTypes: ['own.*'] },
        credentials: { accessKeyId: { file: join(folder, 'key') }, secretAccessKey: { file: join(folder, 'secret') } },
        capacity: { cores: 1, memoryGib: 1, storageGib: 1 },
        network: { vpc: 'vpc-0f0f' },
        images: { known: [{ sha256: image, image: AMI }] },
        patience: { pollMs: 3, settleMs: 2000 },
      },
    },
    credential: current,
    revoke,
    renew: () => {
      revoke();
      keys += 1;
      add(`AKIDUSER${keys}`, `user-secret-${keys}-0000000000`, mine);
      return current();
    },
    foreign: written('AKIDOTHER', 'other-secret-0000000000'),
    machines: () => mine.live.length,
    rest: () => [fake.world, ...worlds.slice(1)].map(({ instances, volumes }) => [instances.size, volumes.size]),
    close: () => fake.close(),
  };
}

async function openstack(folder: string): Promise<Cloud> {
  const fake = await FakeOpenStack.start();
  const { world } = fake;
  for (const [cores, ram] of [
    [2, 4096],
    [4, 8192],
    [2, 2048],
  ] as const)
    world.addFlavor(`shop-${cores}-${ram}`, cores, ram, 1);
  writeFileSync(join(folder, 'password'), fake.password);
  const add = (id: string, project: string): void => {
    const known = [...world.projects.values()].find(({ name }) => name === project) ?? world.addProject(project);
    const user = world.addUser(`of-${id}`, 'none');
    user.roles.set(known.id, ['member', 'reader']);
    world.credentials.set(id, {
      secret: secret(`app-secret-${id}-0000000000`, 'application credential'),
      user,
      project: known,
    });
  };
  add('user0', 'theirs');
  add('other', 'third');
  let keys = 0;
  const written = (id: string): string => `openstack ${id} app-secret-${id}-0000000000`;
  const revoke = (): void => {
    world.credentials.delete(`user${keys}`);
    fake.revokeTokens();
  };
  const theirs = [...world.projects.values()].find(({ name }) => name === 'theirs')?.id;
  const others = (things: ReadonlyMap<string, { readonly project: string }>): number =>
    [...things.values()].filter(({ project }) => project !== theirs).length;
  return {
    site: {
      name: 'cloud',
      type: 'openstack',
      userCredentials: 'required',
      options: {
        authUrl: `${fake.url}/identity/v3`,
        credentials: {
          ...{ method: 'password', user: fake.user.name, project: fake.project.name },
          password: { file: join(folder, 'password') },
        },
        hosts: { country: 'DE', choose: true },
        tenants: { others: 'refuse' },
        events: { pollMs: 20 },
      },
    },
    credential: () => written(`user${keys}`),
    revoke,
    renew: () => {
      revoke();
      keys += 1;
      add(`user${keys}`, 'theirs');
      return written(`user${keys}`);
    },
    foreign: written('other'),
    machines: () => [...world.servers.values()].filter(({ project }) => project === theirs).length,
    rest: () => [others(world.servers), others(world.networks), others(world.volumes)],
    close: () => fake.close(),
  };
}

describe.each([
  ['ec2', ec2],
  ['openstack', openstack],
] as const)('an account of the user at %s', (type, start) => {
  const folder = mkdtempSync(join(tmpdir(), 'vep-own-'));
  let cloud: Cloud;
  const sites: object[] = [{ name: 'home', type: 'simulator', options: { timeFactor: 1000 } }];
  beforeAll(async () => {
    cloud = await start(folder);
    sites.push(cloud.site);
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true });
  });

  forEachServer({ config: { sites: sites as never } }, (server) => {
    const client = (): Client => new Client(server(), '1.2');
    const inputs = (credentials: Record<string, string>): string =>
      `${OVF}.inputs=${JSON.stringify(JSON.stringify({ credentials, eulas: 'all' }))}`;
    const send = async (credentials: Record<string, string>, query = '', site = 'cloud'): Promise<Reply> => {
      const form = await webShop({ attributes: [`${OVF}.site="${site}"`, inputs(credentials)] });
      const headers = { ...form.headers, accept: JSON_TYPE, 'user-agent': 'tester OCCI/1.2' };
      return server().request('POST', `/appliance/${query}`, { headers, body: form.body });
    };
    const attributesOf = async (path: string): Promise<JsonBody> =>
      (await client().get(path, JSON_TYPE)).json.attributes;
    const becomes = (path: string, wanted: (attributes: JsonBody) => boolean): Promise<Reply> =>
      server().wait(path, ({ json }) => wanted(json.attributes ?? {}));
    const exchange = (path: string, credential: string): Promise<Reply> =>
      client().send('POST', path, {
        json: { attributes: { [`${OVF}.inputs`]: { credentials: { 'site:cloud': credential } } } },
        accept: JSON_TYPE,
      });
    const codes = ({ json }: Reply): string[] => json.faults.map(({ code }: { code: string }) => code);
    const kept = async (): Promise<number[]> => {
      const counts = ['site_account', 'secret'].map((name) => server().rows(`SELECT COUNT(*) AS n FROM ${name}`));
      return (await Promise.all(counts)).map(([row]) => Number(row?.['n']));
    };

    it('is refused where it is not written as it has to be, all at once and without a word of it', async () => {
      const reply = await send({
        'site:cloud': `${type} hidden-part`,
        'site:home': `${type} hidden-too`,
        'site:moon': 'x',
      });
      expect([reply.status, codes(reply).sort()]).toEqual([
        400,
        ['site.credential', 'site.credential-for-nobody', 'site.credential-not-taken'],
      ]);
      expect(reply.text).not.toMatch(/hidden/);
      expect([(await send({})).status, codes(await send({}))]).toEqual([400, ['site.credential-required']]);
      const { json } = await send({}, '?dry-run', 'home');
      expect(json.sites).toContainEqual(expect.objectContaining({ name: 'cloud', fits: false }));
    });

    it('is shown by a dry run that asks nobody', async () => {
      const reply = await send({ 'site:cloud': cloud.credential() }, '?dry-run');
      expect([reply.status, reply.json.site, reply.json.unmet]).toEqual([200, expect.stringMatching(/^cloud~/), []]);
      expect(await kept()).toEqual([0, 0]);
    });

    it('has all that is made, and the credential is exchanged when it is used up', async () => {
      cloud.renew();
      const before = cloud.rest();
      const path = pathOf(await send({ 'site:cloud': cloud.credential() }));
      await becomes(path, (each) => each[STATE] === 'active' && each[MESSAGE] === undefined);
      expect(await attributesOf(path)).toMatchObject({ [ACCOUNTS]: 'cloud' });
      expect([cloud.machines(), cloud.rest()]).toEqual([3, before]);
      expect(await kept()).toEqual([1, expect.any(Number)]);

      cloud.revoke();
      await becomes(path, (each) => each[REFUSED] === 'cloud');
      expect(await attributesOf(path)).toMatchObject({ [STATE]: 'active' });
      const deletion = await client().send('DELETE', path, { accept: JSON_TYPE });
      expect([deletion.status, codes(deletion)]).toEqual([409, ['appliance.credential-refused']]);
      const wrong = await exchange(path, `${type} only-one`);
      expect([wrong.status, codes(wrong)]).toEqual([400, ['site.credential']]);
      // Nothing is looked for, and found missing, in an account where it has never been.
      expect((await exchange(path, cloud.foreign)).status).toBe(200);
      await becomes(path, (each) => each[REFUSED] === 'cloud');
      expect((await exchange(path, cloud.renew())).status).toBe(200);
      await server().restart();
      expect((await actOn(client(), path, 'stop')).status).toBe(200);
      await becomes(path, (each) => each[STATE] === 'inactive' && each[REFUSED] === undefined);
      expect(await attributesOf(path)).not.toHaveProperty(`${OVF}.inputs`);

      expect((await client().send('DELETE', path, { accept: JSON_TYPE })).status).toBe(200);
      await untilNothingIsLeft(client());
      expect([cloud.machines(), cloud.rest(), await kept()]).toEqual([0, before, [0, 0]]);
    });

    it('ends a deployment that it is refused for, which begins again with another', async () => {
      const wrong = cloud.renew().replace(/-0000000000/, '-1111111111');
      const given = pathOf(await send({ 'site:cloud': wrong }));
      await becomes(given, (each) => each[STATE] === 'error');
      expect((await client().send('DELETE', given, { accept: JSON_TYPE })).status).toBe(200);
      await untilNothingIsLeft(client());
      const path = pathOf(await send({ 'site:cloud': wrong }));
      await becomes(path, (each) => each[STATE] === 'error');
      expect((await attributesOf(path))[MESSAGE]).toMatch(/denied: site cloud does not take the credential/);
      expect(cloud.machines()).toBe(0);
      const others = await client().send('POST', path, {
        json: {
          attributes: { [`${OVF}.inputs`]: { properties: { a: '1' }, credentials: { 'img.example.org': 'bearer x' } } },
        },
        accept: JSON_TYPE,
      });
      expect([others.status, codes(others)]).toEqual([400, ['appliance.inputs-fixed', 'appliance.inputs-fixed']]);
      expect((await exchange(path, cloud.credential())).status).toBe(200);
      expect((await actOn(client(), path, 'start')).status).toBe(200);
      await becomes(path, (each) => each[STATE] === 'active' && each[MESSAGE] === undefined);
      expect(cloud.machines()).toBe(3);
      expect((await client().send('DELETE', path, { accept: JSON_TYPE })).status).toBe(200);
      await untilNothingIsLeft(client());
      expect([cloud.machines(), await kept()]).toEqual([0, [0, 0]]);
    });
  });
});
