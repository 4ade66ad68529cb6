/** Text and JSON renderings on the wire: C-201 … C-239 (GFD.185 §3.5, GFD.229, GFD.226). */

import {
  CORE,
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  OS,
  PLAIN,
  URIS,
  actionOf,
  kindOf,
  mixinOf,
  readText,
  type Client,
} from './client.js';
import { conform } from './conform.js';

const TITLE = 'How\'s "quoting" \\ and, commas; semicolons = equal?';
const escaped = (text: string): string => text.replace(/["\\]/g, '\\$&');
const json = async (client: Client, path: string) => (await client.get(path, JSON_TYPE)).json;
const post = (client: Client, body: unknown, path = '/compute/') =>
  client.send('POST', path, { json: body, accept: JSON_TYPE });
const compute = (more: object = {}): object => ({ kind: `${INFRA}compute`, ...more });
/** A compute with a network interface, made in JSON. */
async function linked(client: Client): Promise<{ path: string; network: string }> {
  const network = await client.create('network');
  const links = [{ kind: `${INFRA}networkinterface`, target: { location: network, kind: `${INFRA}network` } }];
  const reply = await post(client, compute({ links }));
  expect([reply.status, reply.text]).toEqual([201, expect.any(String)]);
  return { path: new URL(reply.headers.location ?? '').pathname, network };
}

conform([
  {
    id: 'C-201, C-204, C-206',
    says: 'category lines obey the grammar, parameter by parameter',
    holds: async (client) => {
      const categories = await client.categories();
      expect(categories.length).toBeGreaterThan(20);
      for (const { actions, attributes } of categories) {
        for (const action of actions?.split(' ') ?? []) expect(action).toMatch(/^http:\/\/[^ ]+#[a-z]+$/);
        for (const name of attributes?.split(' ') ?? [])
          expect(name).toMatch(/^[A-Za-z0-9._-]+(\{(immutable|required|immutable required)\})?$/);
      }
    },
  },
  {
    id: 'C-202, C-203',
    says: 'terms and attribute names keep to the letters of their version',
    holds: async (client) => {
      const term = client.version === '1.1' ? /^[a-z][a-z0-9_-]*$/ : /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
      const name = client.version === '1.1' ? /^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*$/ : /^[A-Za-z0-9._-]+$/;
      for (const each of await client.categories()) {
        expect(each.term).toMatch(term);
        for (const attribute of each.attributes?.split(' ') ?? []) expect(attribute.replace(/\{.*/, '')).toMatch(name);
      }
    },
  },
  {
    id: 'C-205',
    says: 'immutable and required attributes say so',
    holds: async (client) => {
      const all = new Map((await client.categories()).map((each) => [each.id, each.attributes]));
      expect(all.get(`${INFRA}compute`)).toMatch(/occi\.core\.id\{immutable\}.*occi\.compute\.state\{immutable\}/);
      expect(all.get(`${INFRA}storage`)).toMatch(/occi\.storage\.size\{required\}/);
    },
  },
  {
    id: 'C-207',
    says: "a mixin's rel is its first dependency",
    in: '1.2',
    holds: async (client) => {
      for (const { class: is, rel } of await client.categories())
        if (is === 'mixin' && rel) expect(rel).not.toContain(' ');
    },
  },
  {
    id: 'C-208, C-213',
    says: 'strings are quoted, numbers are not, one field a line',
    holds: async (client) => {
      const path = await client.create('compute', {
        attributes: ['occi.compute.memory=3.5', 'occi.compute.hostname="h"'],
      });
      const text = (await client.get(path, PLAIN)).text;
      expect(text).toMatch(/^X-OCCI-Attribute: occi\.compute\.memory=3\.5\r?$/m);
      expect(text).toMatch(/^X-OCCI-Attribute: occi\.compute\.hostname="h"\r?$/m);
      expect(text).toMatch(/^X-OCCI-Attribute: occi\.compute\.state="inactive"\r?$/m);
    },
  },
  {
    id: 'C-209, C-210',
    says: 'quotes, backslashes, commas, semicolons and equal signs round-trip in every rendering',
    holds: async (client) => {
      const title = `occi.core.title="${escaped(TITLE)}"`;
      const attributes = [title, 'occi.compute.memory=3.6'];
      for (const type of [PLAIN, OCCI] as const) {
        const reply = await client.send('POST', '/compute/', { type, categories: [kindOf('compute')], attributes });
        expect(reply.status).toBe(201);
        const path = new URL(reply.headers.location ?? '').pathname;
        expect((await client.entity(path)).attributes).toMatchObject({
          'occi.core.title': TITLE,
          'occi.compute.memory': 3.6,
        });
        expect((await json(client, path)).title).toBe(TITLE);
        expect((await client.get(path, OCCI)).headers['x-occi-attribute']).toContain(title);
      }
    },
  },
  {
    id: 'C-210',
    says: 'an escaped quote does not let an attribute in',
    holds: async (client) => {
      const title = 'occi.core.title="Quote escaping m\'kay? \\", occi.compute.memory=1.0"';
      for (const type of [PLAIN, OCCI] as const) {
        const attributes = ['occi.compute.memory=3.6', title];
        const reply = await client.send('POST', '/compute/', { type, categories: [kindOf('compute')], attributes });
        const { attributes: shown } = await client.entity(new URL(reply.headers.location ?? '').pathname);
        expect(shown['occi.compute.memory']).toBe(3.6);
      }
    },
  },
  {
    id: 'C-211',
    says: 'joined and repeated fields are the same, in headers and bodies',
    holds: async (client) => {
      const attributes = ['occi.core.title="t"', 'occi.compute.cores=2'];
      const joined = `Category: ${kindOf('compute')}\nX-OCCI-Attribute: ${attributes.join(', ')}`;
      const headers = { category: kindOf('compute'), 'content-type': OCCI };
      const replies = [
        await client.send('POST', '/compute/', { body: joined }),
        await client.send('POST', '/compute/', { headers: { ...headers, 'x-occi-attribute': attributes } }),
        await client.send('POST', '/compute/', { headers: { ...headers, 'x-occi-attribute': attributes.join(',') } }),
      ];
      for (const reply of replies) {
        const { attributes: shown } = await client.entity(new URL(reply.headers.location ?? '').pathname);
        expect(shown).toMatchObject({ 'occi.core.title': 't', 'occi.compute.cores': 2 });
      }
    },
  },
  {
    id: 'C-212',
    says: 'applicable actions are Links to a path',
    holds: async (client) => {
      const path = await client.create('compute');
      const [link] = (await client.entity(path)).links;
      expect(link).toEqual({
        target: `${path}?action=start`,
        rel: 'http://schemas.ogf.org/occi/infrastructure/compute/action#start',
        attributes: {},
      });
    },
  },
  {
    id: 'C-214, C-215, C-217',
    says: 'text/occi is headers and OK, whatever a body says',
    holds: async (client) => {
      const path = await client.create('compute');
      const entity = await client.get(path, OCCI);
      expect(entity.text.trim()).toBe('OK');
      expect(entity.headers['category']).toBe(`${kindOf('compute')}; location="/compute/"`);
      const list = await client.get('/compute/', OCCI);
      expect(list.text.trim()).toBe('OK');
      expect(list.headers['x-occi-location']).toContain(`${client.server.url}${path}`);
      const headers = { category: kindOf('network'), 'content-type': OCCI };
      const made = await client.send('POST', '/network/', { headers, body: `Category: ${kindOf('compute')}` });
      expect(made.status).toBe(201);
      expect((await client.get(path, OCCI)).rawHeaders.filter((name) => name === 'Category')).toHaveLength(1);
    },
  },
  {
    id: 'C-216',
    says: 'text/uri-list is one URI a line',
    holds: async (client) => {
      await client.create('network');
      for (const line of (await client.get('/network/', URIS)).text.trimEnd().split('\r\n'))
        expect(URL.canParse(line)).toBe(true);
    },
  },
  {
    id: 'C-218',
    says: 'header data is whole or refused',
    holds: async (client) => {
      const names = Array.from({ length: 400 }, (_, index) => `x-filler-${index}`);
      const headers = {
        ...Object.fromEntries(names.map((name) => [name, 'x'.repeat(20)])),
        category: kindOf('network'),
        'content-type': OCCI,
      };
      expect((await client.send('POST', '/network/', { headers })).status).toBe(201);
      // User data travels in headers: more than Node's own limit of 16 KiB (I-035).
      const data = `occi.compute.userdata="${'QUJD'.repeat(7500)}"`;
      const categories = [kindOf('compute'), mixinOf('http://schemas.ogf.org/occi/infrastructure/compute#user_data')];
      const made = await client.send('POST', '/compute/', { type: OCCI, categories, attributes: [data] });
      expect(made.status).toBe(201);
      const shown = await client.get(new URL(made.headers.location ?? '').pathname, OCCI);
      expect(shown.headers['x-occi-attribute']).toContain(data);
    },
  },
  {
    id: 'C-219',
    says: 'the core attributes have their names, those of 1.2 too',
    in: '1.2',
    holds: async (client) => {
      const { path, network } = await linked(client);
      const self = (await client.entity(path)).links.find((link) => link.self)?.self ?? '';
      expect((await client.entity(self)).attributes).toMatchObject({
        'occi.core.id': expect.any(String),
        'occi.core.source': expect.stringContaining(path),
        'occi.core.source.kind': `${INFRA}compute`,
        'occi.core.target': expect.stringContaining(network),
        'occi.core.target.kind': `${INFRA}network`,
      });
    },
  },
  {
    id: 'C-220',
    says: 'an action request is one category with attributes, in either text',
    holds: async (client) => {
      const path = await client.active();
      const stop = { categories: [actionOf('compute', 'stop')], attributes: ['method="graceful"'] };
      expect((await client.send('POST', `${path}?action=stop`, { ...stop, type: OCCI })).status).toBe(200);
      const two = { categories: [actionOf('compute', 'start'), actionOf('compute', 'stop')] };
      expect((await client.send('POST', `${path}?action=start`, two)).status).toBe(400);
    },
  },
  {
    id: 'C-221, C-222, C-226, C-227',
    says: 'a resource is an object with kind and id, flat attributes and JSON values',
    in: '1.2',
    holds: async (client) => {
      const path = await client.create('compute', {
        attributes: ['occi.core.title="t"'],
        categories: [mixinOf(`${CRTP}small`)],
      });
      const reply = await client.get(path, JSON_TYPE);
      expect(reply.headers['content-type']).toBe(JSON_TYPE);
      expect(reply.json).toMatchObject({
        kind: `${INFRA}compute`,
        id: expect.stringMatching(/^urn:uuid:/),
        title: 't',
      });
      expect(reply.json.attributes).toMatchObject({ 'occi.compute.cores': 1, 'occi.compute.state': 'inactive' });
      expect(reply.json.mixins).toContain(`${CRTP}small`);
    },
  },
  {
    id: 'C-223, C-224, C-225',
    says: 'links are rendered whole inside their resource, with both ends',
    in: '1.2',
    holds: async (client) => {
      const { path, network } = await linked(client);
      const [link] = (await json(client, path)).links;
      expect(link).toMatchObject({
        kind: `${INFRA}networkinterface`,
        id: expect.stringMatching(/^urn:uuid:/),
        source: { location: path, kind: `${INFRA}compute` },
        target: { location: network, kind: `${INFRA}network` },
      });
      const alone = await json(client, `/networkinterface/${link.id.replace('urn:uuid:', '')}`);
      expect(alone).toEqual(link);
    },
  },
  {
    id: 'C-228',
    says: 'collections are arrays of resources and of links',
    in: '1.2',
    holds: async (client) => {
      await linked(client);
      const stranger = client.being('stranger');
      expect((await json(client, '/compute/')).resources.length).toBeGreaterThan(0);
      expect((await json(client, '/networkinterface/')).links.length).toBeGreaterThan(0);
      const all = await json(client, '/');
      expect([all.resources.length > 0, all.links.length > 0]).toEqual([true, true]);
      expect(await json(stranger, '/storagelink/')).toEqual(
        expect.not.objectContaining({ links: [expect.anything()] }),
      );
    },
  },
  {
    id: 'C-229, C-230, C-231, C-236',
    says: 'the query interface is kinds, mixins and actions with the members of the standard',
    in: '1.2',
    holds: async (client) => {
      const model = await json(client, '/-/');
      expect(Object.keys(model).sort()).toEqual(['actions', 'kinds', 'mixins']);
      const known = {
        kinds: ['term', 'scheme', 'title', 'attributes', 'actions', 'parent', 'location'],
        mixins: ['term', 'scheme', 'title', 'attributes', 'actions', 'depends', 'applies', 'location'],
        actions: ['term', 'scheme', 'title', 'attributes'],
      };
      for (const [sort, members] of Object.entries(known))
        for (const each of model[sort]) expect(members).toEqual(expect.arrayContaining(Object.keys(each)));
      for (const kind of model.kinds)
        expect([kind.term, kind.location]).toEqual([
          kind.term,
          kind.term === 'entity' ? kind.location : expect.any(String),
        ]);
      for (const mixin of model.mixins)
        for (const list of [mixin.depends ?? [], mixin.applies ?? []]) expect(Array.isArray(list)).toBe(true);
    },
  },
  {
    id: 'C-232, C-233',
    says: 'attribute descriptions use the members given',
    in: '1.2',
    holds: async (client) => {
      const { kinds, mixins, actions } = await json(client, '/-/');
      for (const { attributes = {} } of [...kinds, ...mixins, ...actions])
        for (const [name, description] of Object.entries<Record<string, unknown>>(attributes)) {
          const members = ['mutable', 'required', 'type', 'pattern', 'default', 'description'];
          expect([name, members]).toEqual([name, expect.arrayContaining(Object.keys(description))]);
          expect(['string', 'number', 'boolean', 'array', 'object']).toContain(description['type']);
          if (description['pattern'] !== undefined) expect(typeof description['pattern']).toBe('object');
        }
    },
  },
  {
    id: 'C-235',
    says: 'an action is an object with action and attributes',
    in: '1.2',
    holds: async (client) => {
      const path = await client.active();
      const action = 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop';
      const invocation = { action, attributes: { method: 'acpioff' } };
      expect((await post(client, invocation, `${path}?action=stop`)).status).toBe(200);
      await client.until(path, 'occi.compute.state', 'inactive');
      expect((await post(client, { action }, `${path}?action=start`)).status).toBe(400);
    },
  },
  {
    id: 'C-237',
    says: 'one model, whatever the rendering',
    in: '1.2',
    holds: async (client) => {
      const attributes = { 'occi.compute.cores': 2, 'occi.compute.memory': 0.5, 'occi.compute.hostname': 'same' };
      const made = await post(client, compute({ title: TITLE, mixins: [`${OS}debian12`], attributes }));
      const path = new URL(made.headers.location ?? '').pathname;
      const text = readText((await client.get(path, PLAIN)).text);
      const whole = await json(client, path);
      expect(text.attributes).toEqual({ 'occi.core.id': whole.id, 'occi.core.title': TITLE, ...whole.attributes });
      expect(text.categories.map((each) => each.id)).toEqual([whole.kind, ...whole.mixins]);
      expect(text.links.map((link) => link.rel)).toEqual(whole.actions);
    },
  },
  {
    id: 'C-238, C-239',
    says: 'malformed JSON and wrong types are refused, with every fault',
    holds: async (client) => {
      for (const body of [
        '{',
        '[]',
        '"x"',
        'null',
        '{"kind":1}',
        '{"kind":"no"}',
        '{"kind":{}}',
        `{"kind":"${CORE}entity"}`,
        '{"resources":{}}',
        '{"kind":"x","kind":"y"}',
      ]) {
        const reply = await client.send('POST', '/compute/', { body, headers: { 'content-type': JSON_TYPE } });
        expect([body, reply.status]).toEqual([body, 400]);
      }
      const wrong = { 'occi.compute.cores': 'two', 'occi.compute.memory': '1', 'occi.compute.colour': 1 };
      const reply = await post(client, compute({ attributes: wrong }));
      expect(reply.status).toBe(400);
      const fields = reply.json.faults.map((fault: { place: { field: string } }) => fault.place.field);
      expect(fields).toEqual(expect.arrayContaining(['occi.compute.cores', 'occi.compute.colour']));
    },
  },
]);
