/** Headers and renderings as VEP decides where the statements of the suite leave a choice (`suite.test.ts` has the statements). */

import { CORE, INFRA, JSON_TYPE, OCCI, PLAIN, URIS, actionOf, kindOf, mixinOf, type Client } from './client.js';
import { conform } from './conform.js';

/** A request with a User-Agent of its own choosing. */
const agent = (client: Client, name: string) => client.send('GET', '/-/', { headers: { 'user-agent': name } });

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
    id: 'C-180',
    says: 'every answer names the versions in Server, refusals too',
    holds: async (client) => {
      const replies = [
        await client.get('/-/'),
        await client.get('/nowhere'),
        await client.send('GET', '/-/', { as: null }),
        await client.send('BREW', '/compute/'),
        await client.send('POST', '/compute/', { body: 'nonsense' }),
        await client.get('/-/', 'image/png'),
        await client.get('/health'),
      ];
      for (const reply of replies)
        expect([reply.status, reply.headers['server']]).toEqual([
          reply.status,
          expect.stringMatching(/OCCI\/1\.1 .*OCCI\/1\.2/),
        ]);
      expect(await client.server.raw('GARBAGE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*Server: [^\r]*OCCI\/1\.1/);
    },
  },
  {
    id: 'C-181, C-182, C-199',
    says: 'a higher version is refused, none at all is served',
    holds: async (client) => {
      for (const name of ['x OCCI/1.3', 'OCCI/2.0', 'a/1 (b) OCCI/10.1'])
        expect([name, (await agent(client, name)).status]).toEqual([name, 501]);
      for (const name of ['curl/8.0', 'x OCCI/1.0', 'OCCI/abc', 'rOCCI-core/4.3.6 OCCI/1.1 ruby'])
        expect([name, (await agent(client, name)).status]).toEqual([name, 200]);
    },
  },
  {
    id: 'C-183',
    says: 'no Accept and */* give text/plain',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of ['/-/', '/network/', path]) {
        for (const accept of [undefined, '*/*', 'text/*', 'image/png, */*;q=0.5']) {
          const type = (await client.get(url, accept)).headers['content-type'];
          expect([url, accept, type]).toEqual([url, accept, expect.stringMatching(/^text\/plain/)]);
        }
      }
    },
  },
  {
    id: 'C-188',
    says: 'types that cannot be served are refused',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of ['/-/', '/network/', path])
        for (const accept of ['image/png', 'application/xml', 'text/plain;q=0, application/yaml']) {
          const reply = await client.get(url, accept);
          expect([url, accept, reply.status]).toEqual([url, accept, 406]);
          expect(reply.headers['content-type']).toMatch(/^text\/plain/);
        }
    },
  },
  {
    id: 'C-191',
    says: 'a body is read as its Content-Type says',
    holds: async (client) => {
      const text = `Category: ${kindOf('network')}`;
      const json = '{"kind":"http://schemas.ogf.org/occi/infrastructure#network"}';
      const post = async (type: string, body: string) =>
        (await client.send('POST', '/network/', { body, headers: { 'content-type': type } })).status;
      expect(await post(JSON_TYPE, text)).toBe(400);
      expect(await post(PLAIN, json)).toBe(400);
      expect(await post(URIS, text)).toBe(400);
      for (const type of ['application/pdf', 'nonsense', 'application/x-www-form-urlencoded'])
        expect([400, 406]).toContain(await post(type, text));
      expect(await post(PLAIN, text)).toBe(201);
      expect(await post(JSON_TYPE, json)).toBe(201);
    },
  },
  {
    id: 'C-191, I-033',
    says: 'a body is decoded by the charset of its Content-Type, and refused in one that is not read',
    holds: async (client) => {
      const text = `Category: ${kindOf('network')}\r\nX-OCCI-Attribute: occi.core.title="Zürich"`;
      const post = (charset: string, body: Buffer) =>
        client.server.request('POST', '/network/', {
          headers: { 'content-type': `${PLAIN}; charset=${charset}` },
          body,
        });
      for (const [charset, encoding] of [
        ['utf-8', 'utf8'],
        ['"UTF-8"', 'utf8'],
        ['ISO-8859-1', 'latin1'],
      ] as const) {
        const reply = await post(charset, Buffer.from(text, encoding));
        expect([charset, reply.status]).toEqual([charset, 201]);
        const { attributes } = await client.entity(new URL(reply.headers.location ?? '').pathname);
        expect(attributes['occi.core.title']).toBe('Zürich');
      }
      for (const charset of ['utf-16', 'utf-7', 'x']) {
        const reply = await post(charset, Buffer.from(text, 'utf16le'));
        expect([charset, [406, 415].includes(reply.status), reply.text]).toEqual([
          charset,
          true,
          expect.stringContaining('http.charset'),
        ]);
      }
    },
  },
  {
    id: 'C-193',
    says: 'answers list the types that are supported',
    holds: async (client) => {
      const accept = (await client.get('/-/')).headers['accept'] ?? '';
      for (const type of [PLAIN, OCCI, URIS]) expect(accept).toContain(type);
      // K19: rOCCI 4 would take the JSON it sees here for a draft of its own.
      expect(accept.includes(JSON_TYPE)).toBe(client.version === '1.2');
    },
  },
  {
    id: 'C-194',
    says: 'methods that a URL does not know give 405 with those it knows',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of ['/-/', '/network/', path, '/mixin/os_tpl/', '/']) {
        for (const method of ['PATCH', 'OPTIONS', 'BREW']) {
          const reply = await client.send(method, url);
          expect([method, url, reply.status]).toEqual([method, url, method === 'BREW' ? expect.any(Number) : 405]);
          if (reply.status === 405) expect(reply.headers.allow).toMatch(/GET/);
        }
      }
    },
  },
  {
    id: 'C-196, C-197',
    says: 'without credentials every URL asks for them; with them everyone sees their own',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of ['/-/', '/', '/network/', path, '/nowhere']) {
        const reply = await client.send('GET', url, { as: null });
        expect([url, reply.status, reply.headers['www-authenticate']]).toEqual([
          url,
          401,
          expect.stringMatching(/^Basic /),
        ]);
      }
      const stranger = client.being('stranger');
      expect((await stranger.get(path)).status).toBe(404);
      expect((await stranger.send('DELETE', path)).status).toBe(404);
      expect((await client.being('colleague').get(path)).status).toBe(200);
    },
  },
  {
    id: 'C-200',
    says: 'tags tell versions apart and match themselves',
    holds: async (client) => {
      const path = await client.create('network');
      await client.until(path, 'occi.network.state', 'active');
      const first = await client.get(path);
      const tag = first.headers.etag ?? '';
      expect(tag).toMatch(/^"\d+\.\d+-[a-z0-9-]+"$/);
      const same = await client.send('GET', path, { headers: { 'if-none-match': tag } });
      expect([same.status, same.text, same.headers.etag]).toEqual([304, '', tag]);
      await client.send('POST', path, { attributes: ['occi.core.title="other"'] });
      const after = await client.send('GET', path, { headers: { 'if-none-match': tag } });
      expect(after.status).toBe(200);
      expect(after.headers.etag).not.toBe(tag);
      expect((await client.get(path, JSON_TYPE)).headers.etag).not.toBe(after.headers.etag);
    },
  },
  {
    id: 'C-200',
    says: 'collections and discovery are sent again only when they have changed',
    holds: async (client) => {
      await client.create('network');
      await client.atRest();
      for (const url of ['/-/', '/network/', '/mixin/os_tpl/', '/']) {
        for (const type of [PLAIN, OCCI, JSON_TYPE]) {
          const first = await client.get(url, type);
          const tag = first.headers.etag ?? '';
          expect([url, type, tag]).toEqual([url, type, expect.stringMatching(/^W\/"[\w-]+"$/)]);
          const again = await client.send('GET', url, { accept: type, headers: { 'if-none-match': tag } });
          const silent = again.headers['category'] ?? again.headers['x-occi-location'];
          expect([url, type, again.status, again.text, silent]).toEqual([url, type, 304, '', undefined]);
        }
      }
      const before = (await client.get('/network/')).headers.etag ?? '';
      await client.create('network');
      const after = await client.send('GET', '/network/', { headers: { 'if-none-match': before } });
      expect(after.status).toBe(200);
      // A weak tag makes no write conditional, and a condition is never passed over.
      const path = await client.create('storage', { attributes: ['occi.storage.size=1'] });
      const held = await client.send('DELETE', '/storage/', { headers: { 'if-match': before } });
      expect([held.status, (await client.get(path)).status]).toEqual([412, 200]);
      const any = await client.send('DELETE', '/storage/', { headers: { 'if-match': '*' } });
      expect([any.status, (await client.get(path)).status]).toEqual([200, 404]);
    },
  },
  {
    id: 'C-200',
    says: 'a new entity comes with its tag',
    holds: async (client) => {
      const json = { kind: 'http://schemas.ogf.org/occi/infrastructure#network' };
      for (const accept of [PLAIN, OCCI, JSON_TYPE]) {
        const made = await client.send('POST', '/network/', { json, accept });
        expect([made.status, made.headers.etag]).toEqual([201, expect.stringMatching(/^"1\.\d+-/)]);
        const path = new URL(made.headers.location ?? '').pathname;
        const headers = { 'if-match': made.headers.etag ?? '' };
        expect((await client.send('DELETE', path, { headers })).status).toBe(200);
      }
    },
  },
  {
    id: 'C-200',
    says: 'HEAD is GET without a body',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of ['/-/', '/network/', path, '/nowhere', '/']) {
        const [get, head] = [await client.get(url), await client.send('HEAD', url)];
        expect([url, head.status, head.text]).toEqual([url, get.status, '']);
        expect(head.headers['content-type']).toBe(get.headers['content-type']);
      }
      const act = await client.send('HEAD', `${path}?action=up`, {
        categories: [actionOf('network', 'up')],
        type: OCCI,
      });
      expect(act.status).toBe(400);
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
