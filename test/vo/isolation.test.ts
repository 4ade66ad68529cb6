/** Two VOs side by side: neither sees a trace of the other (K14; S-071, S-072, S-085, S-086). */

import { descriptor, OVF_TYPE, STATE } from '../integration/appliance-wire.js';
import { Wire } from '../infrastructure/wire.js';
import { forEachServer, type Reply, type RequestOptions } from '../support/server.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const A = 'eu.contrail-project.vo.';
const NOBODY = '00000000-0000-4000-8000-000000000000';
const ADMIN = { as: 'admin' } as const;
const accounts = ['higgs', 'darwin'].map((name) => ({ name, roles: ['user' as const], group: `of-${name}` }));

forEachServer({ accounts }, (server) => {
  const wire = new Wire(server);
  const as = (name: string, vo: string, more: Record<string, string> = {}): RequestOptions => ({
    as: name,
    headers: { 'x-vep-vo': vo, ...more },
  });
  const higgs = as('higgs', 'atlas');
  const darwin = as('darwin', 'beagle');
  /** Paths of everything that atlas has, by collection. */
  const theirs = new Map<string, string>();

  beforeAll(async () => {
    for (const [vo, member] of [
      ['atlas', 'higgs'],
      ['beagle', 'darwin'],
    ] as const) {
      const path = await wire.make('/vo/', { kind: `${VO}vo`, attributes: { [`${A}name`]: vo } }, ADMIN);
      const joined = await wire.make(
        '/vo-member/',
        {
          kind: `${VO}member`,
          attributes: {
            [`${A}name`]: vo,
            [`${A}member.subject`]: `local:${member}`,
            [`${A}member.role`]: 'administrator',
          },
        },
        ADMIN,
      );
      if (vo === 'atlas') theirs.set('/vo/', path).set('/vo-member/', joined);
    }
    const quota = { [`${A}name`]: 'atlas', [`${A}quota.subject`]: 'local:higgs', [`${A}limit.cores`]: 12 };
    theirs.set('/vo-quota/', await wire.make('/vo-quota/', { kind: `${VO}quota`, attributes: quota }, higgs));
    const network = await wire.make('/network/', { kind: 'http://schemas.ogf.org/occi/infrastructure#network' }, ADMIN);
    const provision = {
      [`${A}name`]: 'atlas',
      [`${A}provision.type`]: 'network',
      [`${A}provision.reference`]: network,
    };
    theirs.set('/network/', network);
    theirs.set(
      '/vo-provision/',
      await wire.make('/vo-provision/', { kind: `${VO}provision`, attributes: provision }, ADMIN),
    );
    const reply = await server().request('POST', '/appliance/', {
      ...as('higgs', 'atlas', { 'content-type': OVF_TYPE, accept: 'application/occi+json' }),
      body: descriptor({ machines: ['m1'] }),
    });
    const appliance = new URL(reply.headers.location ?? '').pathname;
    theirs.set('/appliance/', appliance);
    await server().wait(appliance, ({ json }) => json.attributes?.[STATE] === 'active', higgs);
    theirs.set('/compute/', await wire.make('/compute/', { kind: COMPUTE }, higgs));
  });

  /** What a refusal says, without ids. */
  const told = ({ status, text, headers }: Reply): unknown[] => [
    status,
    text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>'),
    headers['content-type'],
    headers['x-occi-error']?.toString().replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>'),
  ];

  it('S-071 lists, counts and filters nothing of another VO', async () => {
    const ids = [...theirs.values()].map((path) => path.split('/').at(-1) ?? '');
    const urls = [...theirs.keys(), '/', '/resource/', '/link/', '/-/', '/events/operations', '/mixin/ovf-deployment/'];
    for (const url of urls) {
      for (const accept of ['application/occi+json', 'text/plain', 'text/uri-list']) {
        const reply = await wire.send('GET', url, undefined, as('darwin', 'beagle', { accept }));
        for (const trace of [...ids, 'atlas', 'higgs'])
          expect([url, accept, reply.text.includes(trace)]).toEqual([url, accept, false]);
      }
    }
    const attributes = [`${A}name="atlas"`];
    const filtered = await wire.send('GET', '/vo/', undefined, {
      ...as('darwin', 'beagle', {
        accept: 'text/plain',
        'content-type': 'text/occi',
        'x-occi-attribute': attributes.join(),
      }),
    });
    expect(filtered.text.trim()).toBe('');
    const metrics = await server().request('GET', '/metrics', ADMIN);
    expect(/atlas|higgs|beagle|darwin/.test(metrics.text)).toBe(false);
  });

  it('S-072, S-085 answers every method on what is another VO’s as on what never was', async () => {
    for (const [collection, path] of theirs) {
      const absent = collection + NOBODY;
      const requests: [string, string, unknown?, Record<string, string>?][] = [
        ['GET', ''],
        ['GET', '', undefined, { accept: 'text/plain' }],
        ['GET', '', undefined, { accept: 'application/vnd.vep.vo-usage+json' }],
        ['POST', '', { attributes: {}, title: 'mine' }],
        ['PUT', '', { kind: COMPUTE, title: 'mine' }],
        ['POST', '?action=suspend', { action: `${VO.replace('#', '/action#')}suspend` }],
        ['POST', '?action=start', { action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#start' }],
        ['DELETE', ''],
      ];
      for (const [method, query, body, more] of requests) {
        const [foreign, none] = [
          await wire.send(method, path + query, body, as('darwin', 'beagle', more)),
          await wire.send(method, absent + query, body, as('darwin', 'beagle', more)),
        ];
        expect([method, path, query, ...told(foreign)]).toEqual([method, path, query, ...told(none)]);
      }
      const events = (id: string) => server().request('GET', `/events/?subject=${id}`, darwin);
      expect(told(await events(path.split('/').at(-1) ?? ''))).toEqual(told(await events(NOBODY)));
      expect((await wire.send('GET', path, undefined, collection === '/network/' ? ADMIN : higgs)).status).toBe(200);
    }
  });

  it('S-086 lets nobody act, bill or let others in for a VO that is not theirs, and says the same of one that is none', async () => {
    for (const [vo, other] of [['atlas', 'no-such']] as const) {
      const acting = (name: string) => wire.send('POST', '/compute/', { kind: COMPUTE }, as('darwin', name));
      expect(told(await acting(vo))).toEqual(told(await acting(other)));
      for (const [location, term, attributes] of [
        ['/vo-member/', 'member', { [`${A}member.subject`]: 'local:darwin' }],
        ['/vo-quota/', 'quota', { [`${A}quota.subject`]: 'local:darwin' }],
      ] as const) {
        const making = (name: string) =>
          wire.send('POST', location, { kind: VO + term, attributes: { [`${A}name`]: name, ...attributes } }, darwin);
        expect((await making(vo)).status).toBe(403);
        expect(told(await making(vo))).toEqual(told(await making(other)));
      }
    }
  });

  it('S-077 links to what is set aside for another VO as to nothing', async () => {
    const own = await wire.make('/compute/', { kind: COMPUTE }, darwin);
    const plug = (target: string) =>
      wire.send(
        'POST',
        '/networkinterface/',
        {
          kind: 'http://schemas.ogf.org/occi/infrastructure#networkinterface',
          source: { location: own },
          target: { location: target },
        },
        darwin,
      );
    const [foreign, none] = [await plug(theirs.get('/network/') ?? ''), await plug(`/network/${NOBODY}`)];
    expect(told(foreign)).toEqual(told(none));
    expect(foreign.status).toBe(400);
  });
});
