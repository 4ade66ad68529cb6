/** Core model and classification: C-001 … C-043 (GFD.183, GFD.221). */

import {
  CORE,
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  OS,
  USER,
  category,
  kindOf,
  mixinOf,
  actionOf,
  type Client,
} from './client.js';
import { conform } from './conform.js';

const byId = async (client: Client) => new Map((await client.categories()).map((each) => [each.id, each]));
const names = (attributes = ''): string[] => attributes.split(' ').map((name) => name.replace(/\{.*/, ''));

/** What an OGF text defines: core, infrastructure (with what the field adds to it, K01), templates, SLA, monitoring, platform. */
const OGF_SCHEMES = /^http:\/\/schemas\.ogf\.org\/occi\/(core|infrastructure|sla|monitoring|platform)[/#]/;

/** A user mixin of the case's own. */
async function tag(client: Client, term: string): Promise<string> {
  const sending = { categories: [category(USER + term, 'mixin', `; location="/${term}/"`)] };
  expect((await client.send('POST', '/-/', sending)).status).toBe(200);
  return USER + term;
}

conform([
  {
    id: 'C-001',
    says: 'discovery shows the core kinds',
    holds: async (client) => {
      const ids = (await client.categories()).map((each) => each.id);
      expect(ids).toEqual(expect.arrayContaining([`${CORE}entity`, `${CORE}resource`, `${CORE}link`]));
    },
  },
  {
    id: 'C-002',
    says: 'scheme and term are unique over all categories',
    holds: async (client) => {
      const ids = (await client.categories()).map((each) => each.id);
      expect(new Set(ids).size).toBe(ids.length);
    },
  },
  {
    id: 'C-003',
    says: 'a type identifier is scheme and term in every rendering',
    holds: async (client) => {
      const path = await client.create('compute');
      expect((await client.get(path, JSON_TYPE)).json.kind).toBe(`${INFRA}compute`);
      expect((await client.entity(path)).categories[0]?.id).toBe(`${INFRA}compute`);
    },
  },
  {
    id: 'C-004',
    says: 'every kind but entity has a discoverable parent, up to entity',
    holds: async (client) => {
      const all = await byId(client);
      for (const kind of [...all.values()].filter((each) => each.class === 'kind')) {
        let at: string | undefined = kind.id;
        for (let steps = 0; at !== `${CORE}entity` && steps < 10; steps += 1) at = all.get(at ?? '')?.rel;
        expect([kind.id, at]).toEqual([kind.id, `${CORE}entity`]);
      }
    },
  },
  {
    id: 'C-005',
    says: 'the infrastructure kinds have resource or link as parent',
    holds: async (client) => {
      const all = await byId(client);
      for (const term of ['compute', 'network', 'storage']) expect(all.get(INFRA + term)?.rel).toBe(`${CORE}resource`);
      for (const term of ['networkinterface', 'storagelink']) expect(all.get(INFRA + term)?.rel).toBe(`${CORE}link`);
    },
  },
  {
    id: 'C-006',
    says: 'a kind lists its attributes',
    holds: async (client) => {
      const compute = (await byId(client)).get(`${INFRA}compute`);
      expect(names(compute?.attributes)).toEqual(expect.arrayContaining(['occi.core.id', 'occi.compute.cores']));
    },
  },
  {
    id: 'C-007',
    says: 'a kind lists its actions, each of which is a category',
    holds: async (client) => {
      const all = await byId(client);
      const listed = [...all.values()].flatMap((each) => each.actions?.split(' ') ?? []);
      expect(listed).toContain('http://schemas.ogf.org/occi/infrastructure/compute/action#start');
      for (const action of listed) expect([action, all.get(action)?.class]).toEqual([action, 'action']);
    },
  },
  {
    id: 'C-008',
    says: 'the core kinds expose the core attributes',
    holds: async (client) => {
      const all = await byId(client);
      expect(names(all.get(`${CORE}entity`)?.attributes)).toEqual(['occi.core.id', 'occi.core.title']);
      expect(names(all.get(`${CORE}resource`)?.attributes)).toContain('occi.core.summary');
      expect(names(all.get(`${CORE}link`)?.attributes)).toEqual(
        expect.arrayContaining(['occi.core.source', 'occi.core.target']),
      );
    },
  },
  {
    id: 'C-009',
    says: 'an instance of entity is refused',
    holds: async (client) => {
      expect((await client.send('POST', '/', { categories: [category(`${CORE}entity`)] })).status).toBe(400);
    },
  },
  {
    id: 'C-010',
    says: 'a creation without a kind is refused',
    holds: async (client) => {
      const sending = { attributes: ['occi.core.title="none"'] };
      expect((await client.send('POST', '/compute/', sending)).status).toBe(400);
      expect((await client.send('POST', '/', { categories: [mixinOf(`${CRTP}small`)] })).status).toBe(400);
    },
  },
  {
    id: 'C-011',
    says: 'a creation with two kinds is refused',
    in: '1.1',
    holds: async (client) => {
      const sending = { categories: [kindOf('compute'), kindOf('network')] };
      expect((await client.send('POST', '/compute/', sending)).status).toBe(400);
    },
  },
  {
    id: 'C-012',
    says: 'an unknown kind is refused',
    holds: async (client) => {
      const sending = { categories: [category(`${INFRA}toaster`)] };
      expect([400, 404]).toContain((await client.send('POST', '/compute/', sending)).status);
    },
  },
  {
    id: 'C-013',
    says: 'an unknown mixin is refused',
    holds: async (client) => {
      const sending = { categories: [kindOf('compute'), mixinOf(`${OS}beos`)] };
      expect([400, 404]).toContain((await client.send('POST', '/compute/', sending)).status);
    },
  },
  {
    id: 'C-014',
    says: 'an entity keeps its kind',
    holds: async (client) => {
      const path = await client.create('compute');
      const before = await client.entity(path);
      expect((await client.send('POST', path, { categories: [kindOf('network')] })).status).toBe(400);
      expect((await client.send('PUT', path, { categories: [kindOf('storage')] })).status).toBe(400);
      expect((await client.entity(path)).categories).toEqual(before.categories);
    },
  },
  {
    id: 'C-015',
    says: 'a rendering exposes kind and mixins',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${OS}debian12`), mixinOf(`${CRTP}small`)] });
      const ids = (await client.entity(path)).categories.map((each) => each.id);
      expect(ids[0]).toBe(`${INFRA}compute`);
      expect(ids).toEqual(expect.arrayContaining([`${OS}debian12`, `${CRTP}small`]));
    },
  },
  {
    id: 'C-016, C-017, C-018',
    says: 'every entity has an id of its own, a urn:uuid',
    holds: async (client) => {
      const paths = [await client.create('compute'), await client.create('compute'), await client.create('network')];
      const ids = await Promise.all(paths.map(async (path) => (await client.entity(path)).attributes['occi.core.id']));
      expect(new Set(ids).size).toBe(3);
      for (const id of ids) expect(id).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    },
  },
  {
    id: 'C-019, C-020',
    says: 'title and summary can be given and updated',
    holds: async (client) => {
      const attributes = ['occi.core.title="one"', 'occi.core.summary="first"'];
      const path = await client.create('storage', { attributes: [...attributes, 'occi.storage.size=1'] });
      expect((await client.entity(path)).attributes).toMatchObject({
        'occi.core.title': 'one',
        'occi.core.summary': 'first',
      });
      const change = { attributes: ['occi.core.title="two"', 'occi.core.summary="second"'] };
      expect((await client.send('POST', path, change)).status).toBe(200);
      expect((await client.entity(path)).attributes).toMatchObject({
        'occi.core.title': 'two',
        'occi.core.summary': 'second',
      });
    },
  },
  {
    id: 'C-021, C-022',
    says: 'mutable attributes are honoured at creation and can be updated',
    holds: async (client) => {
      const attributes = ['occi.compute.cores=2', 'occi.compute.memory=1.5', 'occi.compute.hostname="a.example.org"'];
      const path = await client.create('compute', { attributes });
      const wanted = { 'occi.compute.cores': 2, 'occi.compute.memory': 1.5, 'occi.compute.hostname': 'a.example.org' };
      expect((await client.entity(path)).attributes).toMatchObject(wanted);
      const change = ['occi.compute.cores=4', 'occi.compute.memory=2', 'occi.compute.hostname="b.example.org"'];
      expect((await client.send('POST', path, { attributes: change })).status).toBe(200);
      const changed = { 'occi.compute.cores': 4, 'occi.compute.memory': 2, 'occi.compute.hostname': 'b.example.org' };
      expect((await client.entity(path)).attributes).toMatchObject(changed);
    },
  },
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
    id: 'C-024',
    says: 'a creation lacking a required attribute is refused',
    holds: async (client) => {
      expect((await client.send('POST', '/storage/', { categories: [kindOf('storage')] })).status).toBe(400);
    },
  },
  {
    id: 'C-026',
    says: 'the default of a mixin applies over that of the kind',
    in: '1.2',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${CRTP}large`)] });
      const large = (await client.get('/-/', JSON_TYPE)).json.mixins.find(
        (mixin: { term: string }) => mixin.term === 'large',
      );
      const cores = large.attributes['occi.compute.cores'].default;
      expect(cores).toBeGreaterThan(1);
      expect((await client.entity(path)).attributes['occi.compute.cores']).toBe(cores);
    },
  },
  {
    id: 'C-027, C-032',
    says: 'a mixin brings its attributes, and takes them along',
    holds: async (client) => {
      const network = await client.create('network');
      const mixin = mixinOf('http://schemas.ogf.org/occi/infrastructure/network#ipnetwork');
      const refused = await client.send('POST', network, { attributes: ['occi.network.gateway="10.9.0.1"'] });
      expect([400, 404]).toContain(refused.status);
      const adding = {
        categories: [mixin],
        attributes: ['occi.network.address="10.9.0.0/24"', 'occi.network.gateway="10.9.0.1"'],
      };
      expect((await client.send('POST', network, adding)).status).toBe(200);
      expect((await client.entity(network)).attributes['occi.network.gateway']).toBe('10.9.0.1');
      const url = `${client.server.url}${network}`;
      expect((await client.send('DELETE', '/mixin/ipnetwork/', { locations: [url] })).status).toBe(200);
      const without = await client.entity(network);
      expect(without.categories).toHaveLength(1);
      expect(without.attributes['occi.network.gateway']).toBeUndefined();
    },
  },
  {
    id: 'C-028',
    says: 'a mixin that depends on another gives the capabilities of both',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${OS}debian12`)] });
      expect(await client.list('/mixin/os_tpl/')).toContain(path);
    },
  },
  {
    id: 'C-029',
    says: 'restrictions are advertised in applies',
    in: '1.2',
    holds: async (client) => {
      const { mixins } = (await client.get('/-/', JSON_TYPE)).json;
      const applies = Object.fromEntries(
        mixins.map(({ term, applies: to }: { term: string; applies: string[] }) => [term, to]),
      );
      expect(applies['ssh_key']).toEqual([`${INFRA}compute`]);
      expect(applies['ipnetwork']).toEqual([`${INFRA}network`]);
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
    id: 'C-031',
    says: 'a mixin cannot be associated with a kind',
    holds: async (client) => {
      const id = await tag(client, `on-kind-${client.version.replace('.', '')}`);
      const path = `/${id.slice(id.indexOf('#') + 1)}/`;
      const locations = [`${client.server.url}/compute/`];
      expect([400, 404]).toContain((await client.send('POST', path, { locations })).status);
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
    id: 'C-036',
    says: 'a new entity is in its collection at once',
    holds: async (client) => {
      const path = await client.create('network');
      expect(await client.list('/network/')).toContain(path);
    },
  },
  {
    id: 'C-037, C-038',
    says: 'a deleted link is gone from its source, and nowhere to be found',
    holds: async (client) => {
      const storage = await client.create('storage', { attributes: ['occi.storage.size=1'] });
      const links = [`<${storage}>; rel="${INFRA}storage"; category="${INFRA}storagelink"`];
      const path = await client.create('compute', { links });
      const self = (await client.entity(path)).links.find((link) => link.self)?.self ?? '';
      expect((await client.send('DELETE', self)).status).toBe(200);
      expect((await client.entity(path)).links.filter((link) => link.self)).toEqual([]);
      expect((await client.get(self)).status).toBe(404);
    },
  },
  {
    id: 'C-039',
    says: 'the source of a link is a resource here',
    holds: async (client) => {
      const network = await client.create('network');
      const source = 'occi.core.source="/compute/00000000-0000-4000-8000-000000000000"';
      const sending = {
        categories: [kindOf('networkinterface')],
        attributes: [source, `occi.core.target="${network}"`],
      };
      expect([400, 404]).toContain((await client.send('POST', '/networkinterface/', sending)).status);
    },
  },
  {
    id: 'C-040',
    says: "the target of a link lies in the provider's namespace",
    in: '1.1',
    holds: async (client) => {
      const compute = await client.create('compute');
      const attributes = [`occi.core.source="${compute}"`, 'occi.core.target="http://elsewhere.example.org/thing"'];
      expect([400, 404]).toContain(
        (await client.send('POST', '/link/', { categories: [category(`${CORE}link`)], attributes })).status,
      );
    },
  },
  {
    id: 'C-041',
    says: 'the target of a link may be outside',
    in: '1.2',
    holds: async (client) => {
      const compute = await client.create('compute');
      const target = 'http://elsewhere.example.org/thing';
      const attributes = [`occi.core.source="${compute}"`, `occi.core.target="${target}"`];
      const link = await client.create(`${CORE}link`, { attributes });
      expect((await client.entity(link)).attributes['occi.core.target']).toBe(target);
    },
  },
  {
    id: 'C-042',
    says: 'an action on a collection is refused unless all members define it',
    holds: async (client) => {
      const id = await tag(client, `mixed-${client.version.replace('.', '')}`);
      const path = `/${id.slice(id.indexOf('#') + 1)}/`;
      const members = [await client.create('compute'), await client.create('network')];
      const locations = members.map((member) => `${client.server.url}${member}`);
      expect((await client.send('POST', path, { locations })).status).toBe(200);
      const reply = await client.send('POST', `${path}?action=start`, { categories: [actionOf('compute', 'start')] });
      expect([400, 404, 409]).toContain(reply.status);
      expect((await client.entity(members[0] ?? '')).attributes['occi.compute.state']).toBe('inactive');
    },
  },
  {
    id: 'C-043',
    says: 'whole collection, single item and subset can be retrieved',
    holds: async (client) => {
      const name = `subset-${client.version}`;
      const path = await client.create('compute', { attributes: [`occi.compute.hostname="${name}"`] });
      await client.create('compute');
      expect((await client.list('/compute/')).length).toBeGreaterThan(1);
      expect((await client.get(path)).status).toBe(200);
      const filter = { type: OCCI, attributes: [`occi.compute.hostname="${name}"`] } as const;
      expect(await client.list('/compute/', filter)).toEqual([path]);
    },
  },
]);
