/** Collections as VEP decides where the statements of the suite leave a choice (`suite.test.ts` has the statements). */

import { CORE, CRTP, INFRA, JSON_TYPE, OCCI, OS, PLAIN, USER, category, kindOf, mixinOf, readText } from './client.js';
import type { Client } from './client.js';
import { conform } from './conform.js';

const own = (client: Client, term: string): string => `${term}-${client.version.replace('.', '-')}`;

/** A user mixin with its location, and URLs of entities. */
async function tag(client: Client, name: string): Promise<string> {
  const term = own(client, name);
  const sending = { categories: [category(USER + term, 'mixin', `; location="/${term}/"`)] };
  expect((await client.send('POST', '/-/', sending)).status).toBe(200);
  return `/${term}/`;
}
const urls = (client: Client, paths: readonly string[]): string[] => paths.map((path) => `${client.server.url}${path}`);
/** Three networks: cheap, and nothing else lives in their collection while a statement counts. */
const networks = (client: Client): Promise<string[]> =>
  Promise.all([1, 2, 3].map((vlan) => client.create('network', { attributes: [`occi.network.vlan=${vlan}`] })));

conform([
  {
    id: 'C-108, C-109, C-110, C-111',
    says: 'filters by category and attribute',
    holds: async (client) => {
      const hostname = own(client, 'filtered host');
      const attributes = [`occi.compute.hostname="${hostname}"`, 'occi.compute.cores=3'];
      const both = await client.create('compute', {
        categories: [mixinOf(`${CRTP}small`)],
        attributes: [attributes[0] ?? ''],
      });
      const one = await client.create('compute', { attributes });
      const filter = (...message: [categories: string[], attributes: string[]]): Promise<string[]> =>
        client.list('/compute/', { type: OCCI, categories: message[0], attributes: message[1] });
      const name = `occi.compute.hostname="${hostname}"`;
      expect((await filter([], [name])).sort()).toEqual([both, one].sort());
      expect(await filter([], [name, 'occi.compute.cores=3'])).toEqual([one]);
      expect(await filter([mixinOf(`${CRTP}small`)], [name])).toEqual([both]);
      expect(await filter([], ['occi.compute.hostname="nobody"'])).toEqual([]);
      expect(await filter([kindOf('network')], [])).toEqual([]);
      const unknown = await client.send('GET', '/compute/', { type: OCCI, attributes: ['occi.compute.colour="red"'] });
      expect([400, 404]).toContain(unknown.status);
    },
  },
  {
    id: 'C-109, C-110',
    says: 'filters by what every entity has: its id, and the ends of a link, however they are written',
    holds: async (client) => {
      const [one, other] = [await client.create('network'), await client.create('network')];
      const compute = await client.create('compute');
      const join = (target: string): Promise<string> =>
        client.create('networkinterface', {
          attributes: [`occi.core.source="${compute}"`, `occi.core.target="${target}"`],
        });
      const [link, further] = [await join(one), await join(other)];
      const filter = (path: string, ...attributes: string[]): Promise<string[]> =>
        client.list(path, { type: OCCI, attributes });
      const id = one.split('/').at(-1) ?? '';
      for (const said of [`urn:uuid:${id}`, id, one, client.server.url + one]) {
        expect([said, await filter('/network/', `occi.core.id="${said}"`)]).toEqual([said, [one]]);
      }
      expect(await filter('/network/', 'occi.core.id="nobody"')).toEqual([]);
      const both = `occi.core.source="${client.server.url}${compute}"`;
      expect((await filter('/networkinterface/', both)).sort()).toEqual([link, further].sort());
      expect(await filter('/networkinterface/', both, `occi.core.target="${one}"`)).toEqual([link]);
      expect(await filter('/link/', both, `occi.core.target="urn:uuid:${id}"`)).toEqual([link]);
      expect(await filter('/networkinterface/', `occi.core.source="${one}"`)).toEqual([]);
      expect(await filter('/link/', both, `occi.core.target.kind="${INFRA}storage"`)).toEqual([]);
      expect((await filter('/link/', both, `occi.core.target.kind="${INFRA}network"`)).length).toBe(2);
      if (client.version === '1.1') return;
      const outside = `http://elsewhere.example.org/${own(client, 'thing')}`;
      const ends = [`occi.core.source="${compute}"`, `occi.core.target="${outside}"`];
      const away = await client.create(`${CORE}link`, { attributes: ends });
      expect(await filter('/link/', `occi.core.target="${outside}"`)).toEqual([away]);
      expect(await client.being('stranger').list('/link/', { type: OCCI, attributes: [ends[1] ?? ''] })).toEqual([]);
    },
  },
  {
    id: 'C-121',
    says: 'DELETE on a kind deletes all members',
    holds: async (client) => {
      const stranger = client.being('stranger');
      const kept = await client.create('network');
      await networks(stranger);
      expect((await stranger.send('DELETE', '/network/')).status).toBe(200);
      expect(await stranger.list('/network/')).toEqual([]);
      expect(await client.list('/network/')).toContain(kept);
    },
  },
  {
    id: 'C-122, C-123, C-124, C-125',
    says: 'pages are pages, past the end empty, too large refused',
    in: '1.2',
    holds: async (client) => {
      const stranger = client.being('stranger');
      await stranger.send('DELETE', '/network/');
      const made = await networks(stranger);
      const whole = await stranger.list('/network/');
      const pages = [
        await stranger.list('/network/?page=1&number=2'),
        await stranger.list('/network/?page=2;number=2'),
      ];
      expect(pages.map((page) => page.length)).toEqual([2, 1]);
      expect(pages.flat()).toEqual(whole);
      expect(whole.length).toBe(made.length);
      expect(await stranger.list('/network/?page=9&number=2')).toEqual([]);
      expect((await stranger.get('/network/?page=1&number=999999')).status).toBe(413);
      for (const bad of ['?page=1', '?number=1', '?page=0&number=1', '?page=a&number=1', '?page=1&number=-1'])
        expect([bad, (await stranger.get(`/network/${bad}`)).status]).toEqual([bad, 400]);
      expect((await stranger.get('/network/?page=1&number=2', JSON_TYPE)).json.resources).toHaveLength(2);
    },
  },
  {
    id: 'C-132',
    says: 'DELETE with URLs takes exactly those out',
    holds: async (client) => {
      const path = await tag(client, 'leaving');
      const members = await networks(client);
      await client.send('POST', path, { locations: urls(client, members) });
      const [first = ''] = members;
      expect((await client.send('DELETE', path, { type: OCCI, locations: urls(client, [first]) })).status).toBe(200);
      expect((await client.list(path)).sort()).toEqual(members.slice(1).sort());
      expect((await client.get(first)).status).toBe(200);
      expect((await client.send('DELETE', path)).status).toBe(200);
      expect(await client.list(path)).toEqual([]);
      expect((await client.get(first)).status).toBe(200);
    },
  },
  {
    id: 'C-132',
    says: 'what cannot be taken out is refused, not passed over',
    holds: async (client) => {
      const categories = [mixinOf(`${OS}debian12`), mixinOf(`${CRTP}small`)];
      const path = await client.create('compute', { categories });
      const before = (await client.entity(path)).categories.map((each) => each.id);
      for (const mixin of ['/mixin/os_tpl/debian12/', '/mixin/os_tpl/', '/mixin/resource_tpl/']) {
        const reply = await client.send('DELETE', mixin, { locations: urls(client, [path]) });
        expect([mixin, reply.status]).toEqual([mixin, 409]);
      }
      expect((await client.entity(path)).categories.map((each) => each.id)).toEqual(before);
    },
  },
  {
    id: 'C-135, C-139',
    says: 'an unbound path lists all entities below it',
    holds: async (client) => {
      const [a] = await networks(client);
      const storage = await client.create('storage', { attributes: ['occi.storage.size=1'] });
      const all = readText((await client.get('/', PLAIN)).text).locations;
      expect(all).toEqual(expect.arrayContaining(urls(client, [a ?? '', storage])));
      expect((await client.get('/mixin/', PLAIN)).status).toBe(200);
    },
  },
  {
    id: 'C-136',
    says: 'as a list of URIs an unbound path shows its next level',
    in: '1.1',
    holds: async (client) => {
      expect(await client.list('/')).toEqual(expect.arrayContaining(['/compute/', '/network/', '/mixin/']));
      expect(await client.list('/mixin/')).toContain('/mixin/os_tpl/');
    },
  },
  {
    id: 'C-138',
    says: 'DELETE on an unbound path deletes what is below it and nothing else',
    in: '1.1',
    holds: async (client) => {
      const stranger = client.being('stranger');
      const kept = await client.create('network');
      await networks(stranger);
      await stranger.create('compute');
      expect((await stranger.send('DELETE', '/')).status).toBe(200);
      expect(readText((await stranger.get('/', PLAIN)).text).locations).toEqual([]);
      expect((await client.get(kept)).status).toBe(200);
    },
  },
  {
    id: 'C-140',
    says: 'an unknown path is not found',
    holds: async (client) => {
      for (const path of ['/nowhere/', '/nowhere', '/compute/nowhere', '/mixin/os_tpl/none/', '/compute/x/'])
        expect([path, (await client.get(path)).status]).toEqual([path, 404]);
    },
  },
]);
