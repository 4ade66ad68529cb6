/** Collections of kinds and mixins, unbound paths: C-104 … C-140 (GFD.185 §3.4.2–3.4.3, GFD.223 §11). */

import {
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  PLAIN,
  URIS,
  USER,
  actionOf,
  category,
  kindOf,
  lines,
  mixinOf,
  readText,
  type Client,
  OS,
} from './client.js';
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
    id: 'C-104, C-105, C-106, C-107',
    says: 'a collection lists its entities alike in every rendering, each of which is there',
    holds: async (client) => {
      const path = await client.create('network');
      const plain = await client.get('/network/', PLAIN);
      expect(plain.status).toBe(200);
      const { locations } = readText(plain.text);
      expect(locations).toContain(`${client.server.url}${path}`);
      expect(lines((await client.get('/network/', URIS)).text)).toEqual(locations);
      const headers = await client.get('/network/', OCCI);
      expect(headers.headers['x-occi-location']).toBe(locations.join(', '));
      for (const url of locations) expect((await client.get(new URL(url).pathname)).status).toBe(200);
      const json = (await client.get('/network/', JSON_TYPE)).json;
      expect(json.resources).toHaveLength(locations.length);
    },
  },
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
    id: 'C-112, C-113, C-114',
    says: 'creating answers 201 with Location and the URL as body',
    holds: async (client) => {
      const reply = await client.send('POST', '/network/', { categories: [kindOf('network')] });
      expect(reply.status).toBe(201);
      expect(reply.headers.location).toMatch(new RegExp(`^${client.server.url}/network/[0-9a-f-]{36}$`));
      expect(reply.text).toBe(`X-OCCI-Location: ${reply.headers.location}`);
    },
  },
  {
    id: 'C-115',
    says: 'a kind cannot be created in the collection of another',
    holds: async (client) => {
      expect((await client.send('POST', '/network/', { categories: [kindOf('compute')] })).status).toBe(400);
    },
  },
  {
    id: 'C-116',
    says: 'several entities are created at once',
    in: '1.2',
    holds: async (client) => {
      const resources = [
        { kind: `${INFRA}network`, title: 'a' },
        { kind: `${INFRA}network`, title: 'b' },
      ];
      const reply = await client.send('POST', '/network/', { json: { resources }, accept: PLAIN });
      expect([reply.status, reply.text]).toEqual([201, expect.any(String)]);
      const made = reply.text.split('\r\n').map((line) => line.replace('X-OCCI-Location: ', ''));
      expect(made).toHaveLength(2);
      expect(reply.headers.location).toBe(made[0]);
      for (const url of made) expect((await client.get(new URL(url).pathname)).status).toBe(200);
    },
  },
  {
    id: 'C-117',
    says: 'one invalid entity and none is created',
    in: '1.2',
    holds: async (client) => {
      const before = await client.list('/network/');
      const resources = [
        { kind: `${INFRA}network` },
        { kind: `${INFRA}network`, attributes: { 'occi.network.vlan': 9999 } },
      ];
      expect((await client.send('POST', '/network/', { json: { resources } })).status).toBe(400);
      expect(await client.list('/network/')).toEqual(before);
    },
  },
  {
    id: 'C-118, C-134',
    says: 'an action on a collection acts on every member',
    holds: async (client) => {
      const path = await tag(client, 'acting');
      const members = [await client.create('compute'), await client.create('compute')];
      await client.send('POST', path, { locations: urls(client, members) });
      const start = { categories: [actionOf('compute', 'start')] };
      expect((await client.send('POST', `${path}?action=start`, start)).status).toBe(200);
      for (const member of members) await client.until(member, 'occi.compute.state', 'active');
    },
  },
  {
    id: 'C-120',
    says: 'PUT on a kind is not defined',
    holds: async (client) => {
      expect((await client.send('PUT', '/compute/', { categories: [kindOf('compute')] })).status).toBe(405);
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
    id: 'C-126, C-127, C-128',
    says: 'associating answers with the collection, and the mixin is on each entity',
    holds: async (client) => {
      const path = await tag(client, 'stuff');
      const [a, b] = await networks(client);
      const reply = await client.send('POST', path, { locations: urls(client, [a ?? '', b ?? '']) });
      expect(reply.status).toBe(200);
      expect([...readText(reply.text).locations].sort()).toEqual(urls(client, [a ?? '', b ?? '']).sort());
      expect((await client.list(path)).sort()).toEqual([a, b].sort());
      expect((await client.entity(a ?? '')).categories.map((each) => `/${each.term}/`)).toContain(path);
      const json = await client.send('POST', path, {
        locations: urls(client, [a ?? '']),
        type: URIS,
        accept: JSON_TYPE,
      });
      expect(json.json.resources).toHaveLength(2);
    },
  },
  {
    id: 'C-129',
    says: 'an unknown entity among them and nothing is associated',
    holds: async (client) => {
      const path = await tag(client, 'unknown');
      const [a] = await networks(client);
      for (const other of ['/network/00000000-0000-4000-8000-000000000000', '/nothing/here']) {
        const reply = await client.send('POST', path, { locations: urls(client, [a ?? '', other]) });
        expect([400, 404]).toContain(reply.status);
        expect(await client.list(path)).toEqual([]);
      }
    },
  },
  {
    id: 'C-130, C-131',
    says: 'PUT makes the members exactly those given, and none for none',
    holds: async (client) => {
      const path = await tag(client, 'exact');
      const [a, b, c] = await networks(client);
      await client.send('POST', path, { locations: urls(client, [a ?? '', b ?? '']) });
      expect((await client.send('PUT', path, { locations: urls(client, [b ?? '', c ?? '']) })).status).toBe(200);
      expect((await client.list(path)).sort()).toEqual([b, c].sort());
      const empty = await client.send('PUT', path, { body: '', headers: { 'content-type': PLAIN } });
      expect(empty.status).toBe(200);
      expect(await client.list(path)).toEqual([]);
      expect((await client.get(b ?? '')).status).toBe(200);
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
    id: 'C-133',
    says: 'entities cannot be associated with a kind',
    in: '1.2',
    holds: async (client) => {
      const [a = ''] = await networks(client);
      expect([400, 405]).toContain(
        (await client.send('POST', '/network/', { type: URIS, locations: urls(client, [a]) })).status,
      );
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
    id: 'C-137',
    says: 'filters work on unbound paths',
    in: '1.1',
    holds: async (client) => {
      const label = own(client, 'labelled');
      const path = await client.create('network', { attributes: [`occi.network.label="${label}"`] });
      const attributes = [`occi.network.label="${label}"`];
      const found = await client.send('GET', '/', { type: OCCI, attributes, accept: PLAIN });
      expect(readText(found.text).locations).toEqual(urls(client, [path]));
      const kinds = await client.send('GET', '/', { type: OCCI, categories: [kindOf('network')], accept: PLAIN });
      for (const url of readText(kinds.text).locations) expect(url).toContain('/network/');
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
