/** The query interface: C-084 … C-103 (GFD.185 §3.4.1, GFD.223 §9). */

import {
  CORE,
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  USER,
  category,
  mixinOf,
  readText,
  type Client,
  type Sending,
} from './client.js';
import { conform } from './conform.js';

const WELL_KNOWN = '/.well-known/org/ogf/occi/-/';
/** A term that no other run has. */
const own = (client: Client, term: string): string => `${term}-${client.version.replace('.', '-')}`;
const mine = (term: string, rest = `; location="/${term}/"`): string => category(USER + term, 'mixin', rest);
const define = (client: Client, ...categories: string[]): Promise<{ status: number; text: string }> =>
  client.send('POST', '/-/', { categories });
const has = async (client: Client, term: string): Promise<boolean> =>
  (await client.categories()).some((each) => each.id === USER + term);

conform([
  {
    id: 'C-084, C-085',
    says: 'lists all kinds, mixins and actions, complete',
    holds: async (client) => {
      const reply = await client.get('/-/');
      expect(reply.status).toBe(200);
      const { categories } = readText(reply.text);
      for (const is of ['kind', 'mixin', 'action']) expect(categories.some((each) => each.class === is)).toBe(true);
      const json = (await client.get('/-/', JSON_TYPE)).json;
      const compute = json.kinds.find((kind: { term: string }) => kind.term === 'compute');
      expect(compute).toMatchObject({ parent: `${CORE}resource`, location: '/compute/' });
    },
  },
  {
    id: 'C-086',
    says: 'the well-known path mirrors it, to the byte',
    holds: async (client) => {
      for (const accept of ['text/plain', JSON_TYPE])
        expect((await client.get(WELL_KNOWN, accept)).text).toBe((await client.get('/-/', accept)).text);
      const [here, there] = [await client.get('/-/', OCCI), await client.get(WELL_KNOWN, OCCI)];
      expect(there.headers['category']).toBe(here.headers['category']);
      const term = own(client, 'mirrored');
      expect((await client.send('POST', WELL_KNOWN, { categories: [mine(term)] })).status).toBe(200);
      expect(await has(client, term)).toBe(true);
      expect((await client.send('DELETE', WELL_KNOWN, { categories: [mine(term)] })).status).toBe(200);
      expect(await has(client, term)).toBe(false);
    },
  },
  {
    id: 'C-087, C-088, C-089',
    says: 'kinds and mixins have locations that end in a slash, each its own; entity has none',
    holds: async (client) => {
      const located = (await client.categories()).filter(
        (each) => each.class !== 'action' && each.id !== `${CORE}entity`,
      );
      for (const each of located)
        expect([each.id, each.location]).toEqual([each.id, expect.stringMatching(/^\/.*\/$/)]);
      expect(new Set(located.map((each) => each.location)).size).toBe(located.length);
      if (client.version === '1.2') {
        expect((await client.categories()).find((each) => each.id === `${CORE}entity`)?.location).toBeUndefined();
      }
    },
  },
  {
    id: 'C-090',
    says: 'filters answer with exactly the categories named',
    in: '1.1',
    holds: async (client) => {
      const categories = [category(`${INFRA}compute`), mixinOf(`${CRTP}small`)];
      const reply = await client.send('GET', '/-/', { type: OCCI, categories, accept: 'text/plain' });
      expect(readText(reply.text).categories.map((each) => each.id)).toEqual([`${INFRA}compute`, `${CRTP}small`]);
      expect(reply.text).toContain('occi.compute.cores');
    },
  },
  {
    id: 'C-091',
    says: 'a category in the headers answers with what is related to it',
    in: '1.2',
    holds: async (client) => {
      const filter: Sending = { type: OCCI, categories: [category(`${INFRA}storage`)], accept: 'text/plain' };
      const ids = readText((await client.send('GET', '/-/', filter)).text).categories.map((each) => each.id);
      expect(ids[0]).toBe(`${INFRA}storage`);
      expect(ids).toContain('http://schemas.ogf.org/occi/infrastructure/storage/action#online');
      expect(ids).not.toContain(`${INFRA}compute`);
    },
  },
  {
    id: 'C-092',
    says: 'the filter works for every Accept',
    holds: async (client) => {
      const filter: Sending = { type: OCCI, categories: [category(`${INFRA}network`)] };
      const plain = await client.send('GET', '/-/', { ...filter, accept: 'text/plain' });
      expect(readText(plain.text).categories[0]?.term).toBe('network');
      const headers = await client.send('GET', '/-/', { ...filter, accept: OCCI });
      expect(headers.headers['category']).toMatch(/^network; scheme=/);
      const json = await client.send('GET', '/-/', { ...filter, accept: JSON_TYPE });
      expect(json.json.kinds.map((kind: { term: string }) => kind.term)).toContain('network');
      expect(json.json.kinds.map((kind: { term: string }) => kind.term)).not.toContain('storage');
    },
  },
  {
    id: 'C-093',
    says: 'a malformed filter is refused',
    holds: async (client) => {
      for (const bad of ['compute', 'compute; scheme=', 'compute; scheme="x', '; scheme="http://x#"']) {
        const reply = await client.send('GET', '/-/', { type: OCCI, headers: { category: bad } });
        expect([bad, reply.status]).toEqual([bad, 400]);
      }
      expect([400, 404]).toContain(
        (await client.send('GET', '/-/', { type: OCCI, headers: { category: category(`${INFRA}toaster`) } })).status,
      );
    },
  },
  {
    id: 'C-094, C-098, C-099',
    says: 'a user mixin comes, is associated, goes, and its entities stay',
    holds: async (client) => {
      const term = own(client, 'passing');
      expect((await define(client, mine(term, `; title="Passing"; location="/${term}/"`))).status).toBe(200);
      expect(await has(client, term)).toBe(true);
      const path = await client.create('compute', { categories: [mixinOf(USER + term)] });
      expect(await client.list(`/${term}/`)).toEqual([path]);
      expect((await client.send('DELETE', '/-/', { categories: [mixinOf(USER + term)] })).status).toBe(200);
      expect(await has(client, term)).toBe(false);
      expect((await client.entity(path)).categories.map((each) => each.id)).not.toContain(USER + term);
      expect((await client.get(`/${term}/`)).status).toBe(404);
    },
  },
  {
    id: 'C-095',
    says: 'a mixin without location is refused',
    holds: async (client) => {
      const term = own(client, 'nowhere');
      expect((await define(client, mine(term, ''))).status).toBe(400);
      expect(await has(client, term)).toBe(false);
    },
  },
  {
    id: 'C-096',
    says: 'a collision of name or location is refused',
    holds: async (client) => {
      const [first, second] = [own(client, 'first'), own(client, 'second')];
      expect((await define(client, mine(first))).status).toBe(200);
      for (const categories of [
        mine(first, '; location="/elsewhere/"'),
        mine(second, `; location="/${first}/"`),
        mine(second, '; location="/compute/"'),
        mine(second, '; location="/-/"'),
        mine(second, '; location="/health/"'),
        mine(second, '; location="/console/deep/"'),
        mine(second, '; location="/compute/below/"'),
        category(`${INFRA}compute`, 'mixin', '; location="/mycompute/"'),
      ])
        expect([categories, (await define(client, categories)).status]).toEqual([categories, 409]);
    },
  },
  {
    id: 'C-097',
    says: 'several mixins are added, all or none',
    holds: async (client) => {
      const [one, two, three] = [own(client, 'one'), own(client, 'two'), own(client, 'three')];
      expect((await define(client, mine(one), mine(two))).status).toBe(200);
      expect([await has(client, one), await has(client, two)]).toEqual([true, true]);
      expect((await define(client, mine(three), mine(two))).status).toBe(409);
      expect(await has(client, three)).toBe(false);
    },
  },
  {
    id: 'C-100',
    says: "a provider's mixin cannot be removed",
    holds: async (client) => {
      const reply = await client.send('DELETE', '/-/', { categories: [mixinOf(`${CRTP}small`)] });
      expect(reply.status).toBe(403);
    },
  },
  {
    id: 'C-101',
    says: 'removing an unknown mixin is an error',
    holds: async (client) => {
      const reply = await client.send('DELETE', '/-/', { categories: [mixinOf(`${USER}never`)] });
      expect([400, 404]).toContain(reply.status);
    },
  },
  {
    id: 'C-102',
    says: 'PUT is not supported',
    holds: async (client) => {
      expect((await client.send('PUT', '/-/', { categories: [mine('put')] })).status).toBe(405);
    },
  },
]);
