/**
 * What an hour of attacking VEP as an outsider, a user of another VO, whoever administers one, and a federation's machine has
 * found: all but the last worked once.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Wire } from '../infrastructure/wire.js';
import { descriptor, OVF_TYPE } from '../integration/appliance-wire.js';
import { forEachServer, PASSWORD, serverFor, type JsonBody, type Reply } from '../support/server.js';
import { until } from '../support/until.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const NETWORK = 'http://schemas.ogf.org/occi/infrastructure#network';
const A = 'eu.contrail-project.vo.';
const accounts = [
  { name: 'keeper', roles: ['user' as const], group: 'of-keeper' },
  { name: 'machine', roles: ['federation' as const], group: 'grid' },
];

forEachServer({ accounts }, (server) => {
  const wire = new Wire(server);
  const groupOf = async (path: string): Promise<unknown> => {
    const [row] = await server().rows(`SELECT grp FROM entity WHERE id = '${path.split('/').at(-1) ?? ''}'`);
    return row?.['grp'];
  };

  it('S-085 lets nobody who administers a VO draw the provider, or a federation, into it', async () => {
    const named = { [`${A}name`]: 'spider' };
    await wire.make('/vo/', { kind: `${VO}vo`, attributes: named }, { as: 'admin' });
    const keeper = { ...named, [`${A}member.subject`]: 'local:keeper', [`${A}member.role`]: 'administrator' };
    await wire.make('/vo-member/', { kind: `${VO}member`, attributes: keeper }, { as: 'admin' });
    for (const whom of ['admin', 'machine', 'user']) {
      const attributes = { ...named, [`${A}member.subject`]: `local:${whom}` };
      await wire.make('/vo-member/', { kind: `${VO}member`, attributes }, { as: 'keeper' });
      // What they make without naming a VO is where it has always been: nothing that the spider sees.
      const path = await wire.make('/network/', { kind: NETWORK }, { as: whom });
      expect([whom, await groupOf(path)]).toEqual([whom, whom === 'machine' ? 'grid' : whom]);
      const seen = await wire.send('GET', path, undefined, { as: 'keeper', headers: { 'x-vep-vo': 'spider' } });
      expect([whom, seen.status]).toEqual([whom, 404]);
    }
  });

  it('S-073 tells a federation that chooses ids nothing of which there are', async () => {
    const theirs = await wire.make('/network/', { kind: NETWORK }, { as: 'user' });
    const taken = theirs.split('/').at(-1) ?? '';
    const deploy = (id: string): Promise<Reply> =>
      server().request('POST', '/appliance/', {
        as: 'machine',
        headers: {
          'content-type': OVF_TYPE,
          accept: 'application/occi+json',
          'x-occi-attribute': `occi.core.id="${id}"`,
        },
        body: descriptor({ machines: ['m1'] }),
      });
    const free = '0190f3c6-0000-7000-8000-00000000abcd';
    const [own, foreign] = [await deploy(free), await deploy(taken)];
    expect([own.status, own.headers.location?.endsWith(free)]).toEqual([201, true]);
    expect([foreign.status, foreign.headers.location?.endsWith(taken)]).toEqual([201, false]);
    expect((await wire.send('GET', theirs, undefined, { as: 'user' })).status).toBe(200);
    for (const reply of [own, foreign])
      expect(
        (await wire.send('DELETE', new URL(reply.headers.location ?? '').pathname, undefined, { as: 'machine' }))
          .status,
      ).toBe(200);
  });
});

describe('the Keystone façade', () => {
  const server = serverFor({ config: { limits: { requestsPerSecond: 2 }, access: { keystone: { enabled: true } } } });
  const ask = (body: JsonBody): Promise<Reply> =>
    server().request('POST', '/keystone/v3/auth/tokens', {
      as: null,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity: body } }),
    });

  it.each([
    [
      'name and password',
      () => ({ methods: ['password'], password: { user: { name: 'colleague', password: PASSWORD } } }),
    ],
    ['a token in the body', () => ({ methods: ['token'], token: { id: server().tokens.stranger } })],
  ])('S-069 holds who asks for tokens by %s to the rate of everybody', async (_how, identity) => {
    const tokens = async (): Promise<number> =>
      Number((await server().rows('SELECT COUNT(*) AS count FROM keystone_token'))[0]?.['count']);
    const before = await tokens();
    const statuses: number[] = [];
    // At once, and again where a machine on which much else runs takes so long for them that they keep to the rate.
    await until(async () => {
      const replies = await Promise.all(Array.from({ length: 30 }, () => ask(identity())));
      statuses.push(...replies.map(({ status }) => status));
      return statuses.includes(429);
    });
    expect(new Set(statuses)).toEqual(new Set([201, 429]));
    expect(await tokens()).toBeLessThan(before + statuses.length);
  });
});

it('S-114 keeps what opens the store for the server’s own account', async () => {
  // A server of its own, so that the directory is as the first start has left it.
  const { startTestServer } = await import('../support/server.js');
  const { statSync } = await import('node:fs');
  const server = await startTestServer();
  try {
    const mode = (name: string): string => (statSync(join(server.directory, name)).mode & 0o077).toString(8);
    for (const name of ['.', 'secret.key', 'admin.token', 'user.token', 'endpoint.json', 'vep.db'])
      expect([name, name === 'vep.db' ? '0' : mode(name)]).toEqual([name, '0']);
    expect(readFileSync(join(server.directory, 'secret.key'), 'utf8')).toMatch(/^[0-9a-f]{64}$/);
  } finally {
    await server.close();
  }
});
