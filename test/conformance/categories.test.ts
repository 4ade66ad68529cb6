/**
 * Categories as VEP decides where the statements of the suite leave a choice, and what is VEP's own: exact statuses, reserved
 * places, combinations (`suite.test.ts` has the statements themselves).
 */

import {
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  USER,
  category,
  kindOf,
  mixinOf,
  readText,
  type Client,
  type Sending,
} from './client.js';
import { conform } from './conform.js';

const WELL_KNOWN = '/.well-known/org/ogf/occi/-/';
const names = (attributes = ''): string[] => attributes.split(' ').map((name) => name.replace(/\{.*/, ''));
/** What an OGF text defines: core, infrastructure (with what the field adds to it, K01), templates, SLA, monitoring, platform. */
const OGF_SCHEMES = /^http:\/\/schemas\.ogf\.org\/occi\/(core|infrastructure|sla|monitoring|platform)[/#]/;
const storage = (client: Client): Promise<string> => client.create('storage', { attributes: ['occi.storage.size=1'] });
/** A term that no other run has. */
const own = (client: Client, term: string): string => `${term}-${client.version.replace('.', '-')}`;
const mine = (term: string, rest = `; location="/${term}/"`): string => category(USER + term, 'mixin', rest);
const define = (client: Client, ...categories: string[]): Promise<{ status: number; text: string }> =>
  client.send('POST', '/-/', { categories });
const has = async (client: Client, term: string): Promise<boolean> =>
  (await client.categories()).some((each) => each.id === USER + term);

conform([
  {
    id: 'C-023',
    says: 'an immutable attribute cannot be changed',
    holds: async (client) => {
      const path = await client.create('compute');
      for (const attribute of [
        'occi.compute.state="active"',
        'occi.core.id="urn:uuid:00000000-0000-4000-8000-000000000000"',
      ])
        expect((await client.send('POST', path, { attributes: [attribute] })).status).toBe(403);
      expect((await client.entity(path)).attributes['occi.compute.state']).toBe('inactive');
    },
  },
  {
    id: 'C-030',
    says: 'a mixin cannot be put on a kind that it does not apply to',
    holds: async (client) => {
      const network = await client.create('network');
      const expected = client.version === '1.1' ? 403 : 400;
      const before = await client.entity(network);
      expect((await client.send('POST', network, { categories: [mixinOf(`${CRTP}small`)] })).status).toBe(expected);
      const locations = [`${client.server.url}${network}`];
      expect((await client.send('POST', '/mixin/resource_tpl/small/', { locations })).status).toBe(expected);
      expect((await client.entity(network)).categories).toEqual(before.categories);
    },
  },
  {
    id: 'C-033, C-034, C-035',
    says: "no category or attribute of the provider's own looks like OGF's",
    holds: async (client) => {
      for (const { id, scheme, class: is, attributes } of await client.categories()) {
        if (OGF_SCHEMES.test(scheme) || scheme === USER) continue;
        expect(scheme).toMatch(/^http:\/\/schemas\.(contrail-project\.eu|openstack\.org)\//);
        // Parameters of actions have no names of their own in any standard.
        const own = names(attributes).filter(
          (name) => name !== '' && !name.startsWith('occi.core.') && is !== 'action',
        );
        for (const name of own)
          expect([id, name]).toEqual([id, expect.stringMatching(/^(eu\.contrail-project|org\.openstack)\./)]);
      }
    },
  },
  {
    id: 'C-045',
    says: 'a speed is refused',
    in: '1.2',
    holds: async (client) => {
      const sending = { categories: [kindOf('compute')], attributes: ['occi.compute.speed=2.5'] };
      expect([400, 404]).toContain((await client.send('POST', '/compute/', sending)).status);
    },
  },
  {
    id: 'C-059',
    says: 'a vlan outside 0-4095 is refused',
    holds: async (client) => {
      for (const vlan of ['4096', '-1', '1.5', '1e9']) {
        const sending = { categories: [kindOf('network')], attributes: [`occi.network.vlan=${vlan}`] };
        expect([vlan, (await client.send('POST', '/network/', sending)).status]).toEqual([vlan, 400]);
      }
    },
  },
  {
    id: 'C-066',
    says: 'an update resizes, but never to less',
    in: '1.2',
    holds: async (client) => {
      const path = await storage(client);
      expect((await client.send('POST', path, { attributes: ['occi.storage.size=2.5'] })).status).toBe(200);
      expect((await client.entity(path)).attributes['occi.storage.size']).toBe(2.5);
      expect((await client.send('POST', path, { attributes: ['occi.storage.size=1'] })).status).toBe(400);
    },
  },
  {
    id: 'C-078, C-260',
    says: 'another resource template replaces the old one and resizes',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${CRTP}small`)] });
      expect((await client.send('POST', path, { categories: [mixinOf(`${CRTP}large`)] })).status).toBe(200);
      const { categories, attributes } = await client.entity(path);
      expect(categories.filter((each) => each.scheme === CRTP).map((each) => each.term)).toEqual(['large']);
      expect(attributes).toMatchObject({ 'occi.compute.cores': 4, 'occi.compute.memory': 4 });
      const two = { categories: [kindOf('compute'), mixinOf(`${CRTP}small`), mixinOf(`${CRTP}large`)] };
      expect([400, 409]).toContain((await client.send('POST', '/compute/', two)).status);
      const locations = [`${client.server.url}${path}`];
      expect((await client.send('POST', '/mixin/resource_tpl/medium/', { locations })).status).toBe(200);
      expect((await client.entity(path)).categories.filter((each) => each.scheme === CRTP)).toHaveLength(1);
    },
  },
  {
    id: 'C-082',
    says: 'user data cannot be changed after creation',
    in: '1.2',
    holds: async (client) => {
      const categories = [mixinOf('http://schemas.ogf.org/occi/infrastructure/compute#user_data')];
      const path = await client.create('compute', { categories, attributes: ['occi.compute.userdata="aGk="'] });
      const change = await client.send('POST', path, { attributes: ['occi.compute.userdata="aG8="'] });
      expect(change.status).toBe(403);
      expect((await client.entity(path)).attributes['occi.compute.userdata']).toBe('aGk=');
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
]);
