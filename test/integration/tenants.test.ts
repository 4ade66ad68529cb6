/**
 * No one sees, counts or guesses what is not theirs (K14, K15, K28; S-071 … S-077): every URL of one group tried by a
 * member of another, whose every answer must be that of a thing which does not exist.
 */

import {
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  PLAIN,
  URIS,
  USER,
  Client,
  category,
  kindOf,
  mixinOf,
} from '../conformance/client.js';
import { forEachServer, type Reply } from '../support/server.js';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const START = 'start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"';

forEachServer({}, (server) => {
  const user = (): Client => new Client(server(), '1.2');
  const stranger = (): Client => user().being('stranger');
  let theirs: Record<'compute' | 'network' | 'storage' | 'networkinterface' | 'storagelink', string>;
  beforeAll(async () => {
    const network = await user().create('network');
    const storage = await user().create('storage', { attributes: ['occi.storage.size=1'] });
    const compute = await user().create('compute', { attributes: ['occi.compute.hostname="secret-host"'] });
    const ends = (target: string): string[] => [`occi.core.source="${compute}"`, `occi.core.target="${target}"`];
    const networkinterface = await user().create('networkinterface', { attributes: ends(network) });
    const storagelink = await user().create('storagelink', { attributes: ends(storage) });
    theirs = { compute, network, storage, networkinterface, storagelink };
    const tag = category(`${USER}private`, 'mixin', '; location="/private/"');
    expect((await user().send('POST', '/-/', { categories: [tag] })).status).toBe(200);
    expect((await user().send('POST', '/private/', { locations: [`${server().url}${compute}`] })).status).toBe(200);
  });
  /** What a refusal says, without the ids that differ by nature. */
  const told = (reply: Reply): unknown[] => [
    reply.status,
    reply.text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>'),
    reply.headers['x-occi-error'],
    reply.headers['content-type'],
  ];

  it('S-071 lists, counts and filters nothing of another group', async () => {
    for (const path of [
      '/compute/',
      '/network/',
      '/storage/',
      '/networkinterface/',
      '/storagelink/',
      '/',
      '/resource/',
      '/link/',
      '/mixin/',
      '/mixin/ipnetworkinterface/',
    ]) {
      expect([path, (await stranger().get(path, PLAIN)).text.trim()]).toEqual([path, '']);
      const json = (await stranger().get(path, JSON_TYPE)).json;
      expect([path, json.resources ?? [], json.links ?? []]).toEqual([path, [], []]);
    }
    const filter = { type: OCCI, attributes: ['occi.compute.hostname="secret-host"'], accept: PLAIN } as const;
    expect((await stranger().send('GET', '/compute/', filter)).text.trim()).toBe('');
    expect((await stranger().get('/compute/', OCCI)).headers['x-occi-location'] ?? '').toBe('');
    expect((await stranger().get('/compute/?page=1&number=10', URIS)).text.trim()).toBe('');
  });

  it.each(['GET', 'HEAD', 'POST', 'DELETE', 'PUT'])(
    'S-072 %s on a foreign entity answers as on none',
    async (method) => {
      for (const [noun, path] of Object.entries(theirs)) {
        const absent = path.replace(/[^/]+$/, NOBODY);
        for (const accept of [PLAIN, JSON_TYPE, OCCI]) {
          const sending =
            method === 'POST' || method === 'PUT'
              ? { categories: [kindOf(noun)], attributes: ['occi.core.title="mine"'] }
              : {};
          const [foreign, none] = [
            await stranger().send(method, path, { ...sending, accept }),
            await stranger().send(method, absent, { ...sending, accept }),
          ];
          expect([noun, foreign.status]).toEqual([noun, method === 'PUT' ? 400 : 404]);
          if (accept !== JSON_TYPE) expect(told(foreign)).toEqual(told(none));
          else if (method !== 'HEAD') expect(foreign.json.faults).toEqual(none.json.faults);
        }
      }
      expect((await user().entity(theirs.compute)).attributes['occi.core.title']).toBeUndefined();
    },
  );

  it('S-072 actions on a foreign entity answer as on none', async () => {
    const act = (path: string) => stranger().send('POST', `${path}?action=start`, { categories: [START] });
    const absent = await act(`/compute/${NOBODY}`);
    expect(absent.status).toBe(404);
    expect(told(await act(theirs.compute))).toEqual(told(absent));
    const wrong = (path: string) => stranger().send('POST', `${path}?action=explode`, { categories: [START] });
    expect(told(await wrong(theirs.compute))).toEqual(told(await wrong(`/compute/${NOBODY}`)));
    expect((await user().entity(theirs.compute)).attributes['occi.compute.state']).toBe('inactive');
  });

  it('S-072, S-077 foreign ends of links answer as absent ones, and make nothing', async () => {
    const own = await stranger().create('compute');
    const attempt = (noun: string, source: string, target: string) =>
      stranger().send('POST', `/${noun}/`, {
        categories: [kindOf(noun)],
        attributes: [`occi.core.source="${source}"`, `occi.core.target="${target}"`],
      });
    for (const [noun, kind] of [
      ['networkinterface', 'network'],
      ['storagelink', 'storage'],
    ] as const) {
      const foreign = await attempt(noun, own, theirs[kind]);
      expect([400, 404]).toContain(foreign.status);
      expect(told(foreign)).toEqual(told(await attempt(noun, own, `/${kind}/${NOBODY}`)));
      expect([400, 404]).toContain((await attempt(noun, theirs.compute, theirs[kind])).status);
      const inline = {
        categories: [kindOf('compute')],
        links: [`<${theirs[kind]}>; rel="${INFRA}${kind}"; category="${INFRA}${noun}"`],
      };
      expect([400, 404]).toContain((await stranger().send('POST', '/compute/', inline)).status);
      expect([400, 404]).toContain((await stranger().send('POST', own, { links: inline.links })).status);
    }
    expect(await stranger().list('/compute/')).toEqual([own]);
    expect(await stranger().list('/link/')).toEqual([]);
    await stranger().send('DELETE', own);
  });

  it('S-072 every answer that hid something is on record, for those who audit the provider alone', async () => {
    const idOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
    const own = await stranger().create('compute');
    await stranger().send('DELETE', theirs.storage);
    await stranger().send('GET', `/compute/${NOBODY}`);
    await stranger().send('POST', '/networkinterface/', {
      categories: [kindOf('networkinterface')],
      attributes: [`occi.core.source="${own}"`, `occi.core.target="${theirs.network}"`],
    });
    const trail = async (entity: string) =>
      (await server().request('GET', `/events/audit?entity=${entity}`, { as: 'admin' })).json.entries as {
        outcome: string;
        actor: string;
        group: string;
        reason: string;
      }[];
    const denied = { actor: 'local:stranger', group: '', outcome: 'denied', reason: 'hidden' };
    for (const path of [theirs.storage, theirs.network, theirs.compute])
      await server().wait(
        `/events/audit?entity=${idOf(path)}`,
        ({ json }) => json.entries.some((entry: { reason?: string }) => entry.reason === 'hidden'),
        { as: 'admin' },
      );
    expect(await trail(idOf(theirs.storage))).toContainEqual(expect.objectContaining(denied));
    expect(await trail(NOBODY)).toEqual([]);
    expect(
      (await server().request('GET', `/events/audit?entity=${idOf(theirs.storage)}`, { as: 'stranger' })).status,
    ).toBe(403);
    await stranger().send('DELETE', own);
  });

  it('S-072 foreign entities cannot be tagged, kept or taken out of a mixin', async () => {
    const tag = category(`${USER}theirs`, 'mixin', '; location="/theirs/"');
    expect((await stranger().send('POST', '/-/', { categories: [tag] })).status).toBe(200);
    const locations = [`${server().url}${theirs.compute}`];
    const none = [`${server().url}/compute/${NOBODY}`];
    for (const [method, path] of [
      ['POST', '/theirs/'],
      ['PUT', '/theirs/'],
      ['POST', '/mixin/resource_tpl/small/'],
      ['DELETE', '/mixin/os_tpl/'],
    ] as const) {
      const foreign = await stranger().send(method, path, { locations });
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
      expect(told(foreign)).toEqual(told(await stranger().send(method, path, { locations: none })));
    }
    // A subset of a kind can be named in 1.1 only (C-133).
    const headers = { 'user-agent': 'tester OCCI/1.1' };
    expect((await stranger().send('DELETE', '/compute/', { type: OCCI, locations, headers })).status).toBe(404);
    expect((await user().get(theirs.compute)).status).toBe(200);
  });

  it('S-073 identity in a request is ignored or refused', async () => {
    const id = theirs.compute.split('/').at(-1) ?? '';
    const made = await stranger().send('POST', '/compute/', {
      categories: [kindOf('compute')],
      attributes: [`occi.core.id="urn:uuid:${id}"`],
    });
    expect(made.status).toBe(201);
    expect(made.headers.location).not.toContain(id);
    for (const name of ['owner', 'group', 'vo', 'eu.contrail-project.owner', 'occi.core.owner'])
      expect([400, 404]).toContain(
        (
          await stranger().send('POST', '/compute/', {
            categories: [kindOf('compute')],
            attributes: [`${name}="user"`],
          })
        ).status,
      );
    await stranger().send('DELETE', new URL(made.headers.location ?? '').pathname);
  });

  it('S-074, S-076 a user mixin under a scheme of the provider is refused', async () => {
    for (const id of [
      `${INFRA}mine`,
      `${CRTP}huge`,
      'http://schemas.contrail-project.eu/occi/os_tpl#mine',
      `${INFRA}compute`,
    ]) {
      const reply = await stranger().send('POST', '/-/', {
        categories: [category(id, 'mixin', '; location="/mine/"')],
      });
      expect([id, reply.status]).toEqual([id, expect.any(Number)]);
      expect([403, 409]).toContain(reply.status);
    }
    const granting = await user().send('POST', '/-/', {
      categories: [category(`${USER}template`, 'mixin', `; rel="${INFRA}resource_tpl"; location="/template/"`)],
    });
    expect([200, 403]).toContain(granting.status);
  });

  it('S-075, K15 a user mixin belongs to the group of its maker', async () => {
    expect((await stranger().get('/private/')).status).toBe(404);
    expect((await stranger().categories()).some((each) => each.term === 'private')).toBe(false);
    const gone = await stranger().send('DELETE', '/-/', { categories: [mixinOf(`${USER}private`)] });
    const never = await stranger().send('DELETE', '/-/', { categories: [mixinOf(`${USER}never`)] });
    expect([400, 404]).toContain(gone.status);
    expect(gone.status).toBe(never.status);
    const same = category(`${USER}private`, 'mixin', '; location="/private/"');
    expect((await stranger().send('POST', '/-/', { categories: [same] })).status).toBe(200);
    expect(await stranger().list('/private/')).toEqual([]);
    expect(await user().list('/private/')).toEqual([theirs.compute]);
    expect(await user().being('colleague').list('/private/')).toEqual([theirs.compute]);
    expect((await stranger().send('DELETE', '/-/', { categories: [mixinOf(`${USER}private`)] })).status).toBe(200);
    expect(await user().list('/private/')).toEqual([theirs.compute]);
  });

  it('K15 the group uses a mixin and only its maker, or an administrator, takes it away', async () => {
    const shared = { categories: [category(`${USER}shared`, 'mixin', '; location="/shared/"')] };
    expect((await user().send('POST', '/-/', shared)).status).toBe(200);
    const colleague = user().being('colleague');
    const forgotten = await colleague.send('DELETE', '/-/', { categories: [mixinOf(`${USER}shared`)] });
    expect(forgotten.status).toBe(403);
    expect(forgotten.headers['x-occi-error']).toContain('another member of your group');
    expect((await user().categories()).some((each) => each.term === 'shared')).toBe(true);
    expect((await user().send('DELETE', '/-/', { categories: [mixinOf(`${USER}shared`)] })).status).toBe(200);
  });

  it('lets the group read and only the owner change', async () => {
    const colleague = user().being('colleague');
    expect((await colleague.get(theirs.compute)).status).toBe(200);
    expect((await colleague.send('POST', theirs.compute, { attributes: ['occi.core.title="x"'] })).status).toBe(403);
    expect((await colleague.send('DELETE', theirs.compute)).status).toBe(403);
    expect((await colleague.send('DELETE', '/compute/')).status).toBe(200);
    expect((await user().get(theirs.compute)).status).toBe(200);
    const tagged = await colleague.send('PUT', '/private/', { body: '', headers: { 'content-type': PLAIN } });
    expect(tagged.status).toBe(200);
    expect(await user().list('/private/')).toEqual([theirs.compute]);
  });

  it('K28 an administrator empties only their own collections, unless all tenants are meant', async () => {
    const admin = user().being('admin');
    const [own, foreign] = [await admin.create('network'), await stranger().create('network')];
    expect((await admin.get(foreign)).status).toBe(200);
    expect((await admin.send('DELETE', '/network/')).status).toBe(200);
    expect([(await admin.get(own)).status, (await stranger().get(foreign)).status]).toEqual([404, 200]);
    expect((await admin.send('DELETE', '/network/?all-tenants=maybe')).status).toBe(400);
    expect((await stranger().send('DELETE', '/network/?all-tenants')).status).toBe(200);
    expect((await user().get(theirs.network)).status).toBe(200);
    expect((await admin.send('DELETE', '/network/?all-tenants')).status).toBe(200);
    expect(await user().list('/network/')).toEqual([]);
  });
});
