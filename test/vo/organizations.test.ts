/** Virtual Organizations as resources: who makes them, who belongs to them, what they may have and what is charged to them. */

import { siteBeside } from '../infrastructure/site-beside.js';
import { Wire } from '../infrastructure/wire.js';
import { forEachServer, type RequestOptions } from '../support/server.js';
import { until } from '../support/until.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const INFRA = 'http://schemas.ogf.org/occi/infrastructure#';
const A = 'eu.contrail-project.vo.';
const ADMIN = { as: 'admin' } as const;
const as = (name: string, vo?: string): RequestOptions => ({
  as: name,
  ...(vo === undefined ? {} : { headers: { 'x-vep-vo': vo } }),
});
const accounts = ['higgs', 'curie', 'darwin', 'keeper'].map((name) => ({
  name,
  roles: ['user' as const],
  group: `${name}s-own`,
}));

forEachServer({ accounts }, (server) => {
  const wire = new Wire(server);
  const site = siteBeside(server);
  const makeVo = (name: string, attributes: Record<string, unknown> = {}) =>
    wire.make('/vo/', { kind: `${VO}vo`, attributes: { [`${A}name`]: name, ...attributes } }, ADMIN);
  const join = (vo: string, subject: string, role = 'member', group?: string, options: RequestOptions = ADMIN) =>
    wire.make(
      '/vo-member/',
      {
        kind: `${VO}member`,
        attributes: {
          [`${A}name`]: vo,
          [`${A}member.subject`]: `local:${subject}`,
          [`${A}member.role`]: role,
          ...(group === undefined ? {} : { [`${A}member.group`]: group }),
        },
      },
      options,
    );
  const compute = (cores: number) => ({ kind: `${INFRA}compute`, attributes: { 'occi.compute.cores': cores } });
  const usage = async (path: string, options: RequestOptions = ADMIN) =>
    (
      await wire.send('GET', path, undefined, {
        ...options,
        headers: { ...options.headers, accept: 'application/vnd.vep.vo-usage+json' },
      })
    ).json;
  const gone = (path: string) => server().wait(path, (reply) => reply.status === 404);

  it('is made by administrators alone, under a name of its own', async () => {
    const path = await makeVo('cern', { [`${A}account`]: 'C-1', [`${A}limit.cores`]: 4 });
    const shown = await wire.send('GET', path, undefined, ADMIN);
    expect(shown.json).toMatchObject({
      title: 'cern',
      attributes: { [`${A}name`]: 'cern', [`${A}state`]: 'active', [`${A}account`]: 'C-1', [`${A}limit.cores`]: 4 },
    });
    const again = { kind: `${VO}vo`, attributes: { [`${A}name`]: 'cern' } };
    expect(await wire.refused('POST', '/vo/', again, ADMIN)).toEqual([409, ['vo.exists']]);
    expect(await wire.refused('POST', '/vo/', again, as('higgs'))).toEqual([403, ['access.denied']]);
    const taken = { kind: `${VO}vo`, attributes: { [`${A}name`]: 'admin' } };
    expect(await wire.refused('POST', '/vo/', taken, ADMIN)).toEqual([400, ['vo.name']]);
    expect((await wire.send('GET', path, undefined, as('higgs'))).status).toBe(404);
    expect((await wire.send('GET', '/vo/', undefined, as('higgs'))).json.resources ?? []).toEqual([]);
  });

  it('S-082 lets members in with the next request, and out again with the next after', async () => {
    const path = await makeVo('aleph');
    expect(await wire.refused('POST', '/compute/', compute(1), as('higgs', 'aleph'))).toEqual([403, ['access.vo']]);
    const membership = await join('aleph', 'higgs');
    expect((await wire.send('GET', path, undefined, as('higgs'))).status).toBe(200);
    const machine = await wire.make('/compute/', compute(1), as('higgs', 'aleph'));
    expect((await usage(path)).charged).toEqual([{ entity: machine, principal: 'local:higgs', group: null }]);
    expect(await wire.refused('DELETE', path, undefined, ADMIN)).toEqual([409, ['vo.in-use']]);
    expect((await wire.send('DELETE', membership, undefined, ADMIN)).status).toBe(200);
    // Who left still sees what they made, and changes it no more.
    expect((await wire.send('GET', path, undefined, as('higgs'))).status).toBe(404);
    expect((await wire.send('GET', machine, undefined, as('higgs'))).status).toBe(200);
    expect((await wire.send('DELETE', machine, undefined, as('higgs'))).status).toBe(403);
    expect((await wire.send('DELETE', machine, undefined, ADMIN)).status).toBe(200);
    await server().wait(path, () => true, ADMIN);
    await until(async () => (await usage(path)).used.machines === 0);
    expect((await wire.send('DELETE', path, undefined, ADMIN)).status).toBe(200);
    expect((await wire.send('GET', '/vo-member/', undefined, ADMIN)).json.resources ?? []).toEqual([]);
  });

  it('gives each role what it is for: viewers look, administrators keep house and let others in', async () => {
    const path = await makeVo('delphi');
    await join('delphi', 'keeper', 'administrator');
    const viewer = await join('delphi', 'curie', 'viewer', undefined, as('keeper', 'delphi'));
    await join('delphi', 'higgs', 'member', undefined, as('keeper', 'delphi'));
    const machine = await wire.make('/compute/', compute(1), as('higgs', 'delphi'));
    expect((await wire.send('GET', machine, undefined, as('curie'))).status).toBe(200);
    expect(await wire.refused('POST', '/compute/', compute(1), as('curie', 'delphi'))).toEqual([
      403,
      ['access.denied'],
    ]);
    expect((await wire.send('DELETE', machine, undefined, as('curie'))).status).toBe(403);
    expect((await wire.send('DELETE', viewer, undefined, as('higgs', 'delphi'))).status).toBe(403);
    expect((await wire.send('POST', path, { attributes: { [`${A}limit.cores`]: 9 } }, as('keeper'))).status).toBe(403);
    expect(
      await wire.refused(
        'POST',
        '/vo-member/',
        { kind: `${VO}member`, attributes: { [`${A}name`]: 'cern', [`${A}member.subject`]: 'local:keeper' } },
        as('keeper', 'delphi'),
      ),
    ).toEqual([403, ['access.denied']]);
    expect((await wire.send('DELETE', machine, undefined, as('keeper'))).status).toBe(200);
    await until(async () => (await usage(path)).used.machines === 0);
  });

  it('counts machines, disks and networks against the VO, its groups and its users, in plain creations too', async () => {
    const path = await makeVo('opal', { [`${A}limit.cores`]: 8, [`${A}limit.storage`]: 10, [`${A}limit.networks`]: 1 });
    await join('opal', 'keeper', 'administrator');
    await join('opal', 'higgs', 'member', '/opal/muons');
    await join('opal', 'curie', 'member', '/opal/muons/tracks');
    const share = { kind: `${VO}quota`, attributes: { [`${A}quota.group`]: '/opal/muons', [`${A}limit.cores`]: 4 } };
    await wire.make('/vo-quota/', share, as('keeper', 'opal'));
    const own = { kind: `${VO}quota`, attributes: { [`${A}quota.subject`]: 'local:curie', [`${A}limit.machines`]: 1 } };
    await wire.make('/vo-quota/', own, as('keeper', 'opal'));

    const first = await wire.make('/compute/', compute(3), as('higgs', 'opal'));
    const refused = await wire.send('POST', '/compute/', compute(2), as('curie', 'opal'));
    expect([refused.status, refused.json.faults]).toEqual([
      422,
      [
        expect.objectContaining({
          code: 'vo.quota',
          message: '1 cores too much for the quota of /opal/muons',
        }),
      ],
    ]);
    await wire.make('/compute/', compute(1), as('curie', 'opal'));
    expect(await wire.refused('POST', '/compute/', compute(1), as('curie', 'opal'))).toEqual([
      422,
      ['vo.quota', 'vo.quota'],
    ]);
    // The administrator of the VO is in no group: what is left of the whole.
    const grown = await wire.make('/compute/', compute(3), as('keeper', 'opal'));
    const resize = { attributes: { 'occi.compute.cores': 5 } };
    expect(await wire.refused('POST', grown, resize, as('keeper', 'opal'))).toEqual([422, ['vo.quota']]);
    expect((await wire.send('POST', grown, { attributes: { 'occi.compute.cores': 4 } }, as('keeper'))).status).toBe(
      200,
    );

    const disk = (size: number) => ({ kind: `${INFRA}storage`, attributes: { 'occi.storage.size': size } });
    await wire.make('/storage/', disk(8), as('higgs', 'opal'));
    expect(await wire.refused('POST', '/storage/', disk(2.5), as('higgs', 'opal'))).toEqual([422, ['vo.quota']]);
    await wire.make('/network/', { kind: `${INFRA}network` }, as('higgs', 'opal'));
    expect(await wire.refused('POST', '/network/', { kind: `${INFRA}network` }, as('keeper', 'opal'))).toEqual([
      422,
      ['vo.quota'],
    ]);

    expect(await usage(path, as('keeper'))).toMatchObject({
      limits: { cores: 8, storage: 10, networks: 1 },
      used: { machines: 3, cores: 8, volumes: 1, storage: 8, networks: 1 },
    });
    // A member sees the whole and what is theirs, not what others use.
    expect((await usage(path, as('curie'))).by).toEqual([
      expect.objectContaining({ principal: 'local:curie', group: '/opal/muons/tracks', cores: 1 }),
    ]);
    // Given back when the site has let go of it.
    expect((await wire.send('DELETE', first, undefined, as('higgs', 'opal'))).status).toBe(200);
    await gone(first);
    await until(async () => (await usage(path)).used.cores === 5);
    await wire.make('/compute/', compute(3), as('higgs', 'opal'));
  });

  it('counts what was in the group before it became a VO', async () => {
    const machine = await wire.make('/compute/', compute(2), as('darwin'));
    const path = await makeVo('darwins-own', { [`${A}limit.cores`]: 2 });
    expect((await usage(path)).used).toMatchObject({ machines: 1, cores: 2 });
    expect(await wire.refused('POST', '/compute/', compute(1), as('darwin'))).toEqual([422, ['vo.quota']]);
    expect((await wire.send('DELETE', machine, undefined, as('darwin'))).status).toBe(200);
    await until(async () => (await usage(path)).used.cores === 0);
    expect((await wire.send('DELETE', path, undefined, ADMIN)).status).toBe(200);
  });

  it('takes nothing new while the VO is suspended', async () => {
    const path = await makeVo('l3');
    await join('l3', 'higgs');
    const machine = await wire.make('/compute/', compute(1), as('higgs', 'l3'));
    const act = (term: string, options: RequestOptions) =>
      wire.send('POST', `${path}?action=${term}`, { action: `${VO.replace('#', '/action#')}${term}` }, options);
    expect((await act('suspend', as('higgs'))).status).toBe(403);
    expect((await act('suspend', ADMIN)).status).toBe(200);
    expect(await wire.refused('POST', '/compute/', compute(1), as('higgs', 'l3'))).toEqual([403, ['vo.suspended']]);
    expect((await wire.send('DELETE', machine, undefined, as('higgs'))).status).toBe(200);
    expect((await act('resume', ADMIN)).status).toBe(200);
    await wire.make('/compute/', compute(1), as('higgs', 'l3'));
  });

  it('sets hosts, networks and disks aside: counted whether used or not, and open to the members alone', async () => {
    const path = await makeVo('belle', { [`${A}limit.cores`]: 64, [`${A}limit.networks`]: 2 });
    await join('belle', 'higgs');
    const inventory = await wire.send('GET', '/health/sites/sim/inventory', undefined, ADMIN);
    const host = inventory.json.hosts[0] as { name: string; cores: number };
    const provision = (type: string, reference: string) => ({
      kind: `${VO}provision`,
      attributes: { [`${A}name`]: 'belle', [`${A}provision.type`]: type, [`${A}provision.reference`]: reference },
    });
    const aside = await wire.make('/vo-provision/', provision('host', host.name), ADMIN);
    expect((await usage(path)).provisioned).toMatchObject({ cores: host.cores });
    expect((await usage(path)).counted).toMatchObject({ cores: host.cores });
    expect(await wire.refused('POST', '/vo-provision/', provision('host', host.name), ADMIN)).toEqual([
      409,
      ['vo.host-set-aside'],
    ]);
    expect(await wire.refused('POST', '/vo-provision/', provision('host', 'no-such'), ADMIN)).toEqual([
      400,
      ['vo.provision-reference'],
    ]);
    expect((await wire.send('POST', '/vo-provision/', provision('host', host.name), as('higgs'))).status).toBe(403);

    const network = await wire.make('/network/', { kind: `${INFRA}network` }, ADMIN);
    expect((await wire.send('GET', network, undefined, as('higgs'))).status).toBe(404);
    const shared = await wire.make('/vo-provision/', provision('network', network), ADMIN);
    expect((await wire.send('GET', network, undefined, as('higgs'))).status).toBe(200);
    expect((await wire.send('GET', network, undefined, as('curie'))).status).toBe(404);
    expect((await wire.send('DELETE', network, undefined, as('higgs'))).status).toBe(403);
    const machine = await wire.make('/compute/', compute(1), as('higgs', 'belle'));
    const plug = {
      kind: `${INFRA}networkinterface`,
      source: { location: machine },
      target: { location: network },
    };
    const link = await wire.make('/networkinterface/', plug, as('higgs', 'belle'));
    expect((await usage(path)).counted).toMatchObject({ cores: host.cores, networks: 1 });

    await server().wait(
      link,
      (reply) => reply.json.attributes?.['occi.networkinterface.address'] !== undefined,
      as('higgs'),
    );
    expect((await wire.send('DELETE', shared, undefined, ADMIN)).status).toBe(200);
    expect((await wire.send('GET', network, undefined, as('higgs'))).status).toBe(404);
    expect((await wire.send('DELETE', aside, undefined, ADMIN)).status).toBe(200);
    expect((await usage(path)).counted).toMatchObject({ cores: 1, networks: 0 });
  });

  it('is charged for what there is when a wish for more comes to nothing', async () => {
    const path = await makeVo('jade', { [`${A}limit.storage`]: 10 });
    await join('jade', 'higgs');
    const used = async (): Promise<unknown> => (await usage(path)).used.storage;
    const higgs = as('higgs', 'jade');
    const disk = { kind: `${INFRA}storage`, attributes: { 'occi.storage.size': 4 } };
    const storage = await wire.make('/storage/', disk, higgs);
    const shows = (name: string, value: unknown) =>
      server().wait(storage, (reply) => reply.json.attributes?.[name] === value, higgs);
    await shows('occi.storage.state', 'online');
    await site().injectFault({ operation: 'resizeStorage', kind: 'refuse', class: 'quota', times: 1 });
    await wire.send('POST', storage, { attributes: { 'occi.storage.size': 9 } }, higgs);
    await shows('occi.storage.size', 4);
    expect(await used()).toBe(4);
    await wire.send('POST', storage, { attributes: { 'occi.storage.size': 10 } }, higgs);
    expect(await used()).toBe(10);
    await wire.send('DELETE', storage, undefined, higgs);
  });
});
