/** Headers, negotiation, versions: C-180 … C-200 (GFD.185 §3.6, GFD.223 §5). */

import { JSON_TYPE, OCCI, PLAIN, URIS, actionOf, kindOf, readText, type Client } from './client.js';
import { conform } from './conform.js';

/** A request with a User-Agent of its own choosing. */
const agent = (client: Client, name: string) => client.send('GET', '/-/', { headers: { 'user-agent': name } });

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
    id: 'C-181, C-182',
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
    id: 'C-184, C-185, C-186, C-187',
    says: 'every rendering is served under its own type',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of ['/-/', '/network/', path]) {
        for (const accept of [PLAIN, OCCI, JSON_TYPE, 'text/occi+plain', ...(url === '/network/' ? [URIS] : [])]) {
          const reply = await client.get(url, accept);
          expect([url, accept, reply.status]).toEqual([url, accept, 200]);
          expect(reply.headers['content-type']?.split(';')[0]).toBe(accept);
        }
      }
      await client.until(path, 'occi.network.state', 'active');
      const [plain, same] = [await client.get(path, PLAIN), await client.get(path, 'text/occi+plain')];
      expect(readText(same.text).attributes).toEqual(readText(plain.text).attributes);
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
    id: 'C-189, C-190',
    says: 'text/uri-list where nothing is listed is a bad request',
    holds: async (client) => {
      const path = await client.create('network');
      for (const url of [path, '/-/']) expect((await client.get(url, URIS)).status).toBe(400);
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
    id: 'C-192',
    says: 'types of request and answer are independent',
    holds: async (client) => {
      for (const type of [PLAIN, OCCI, 'text/occi+plain'] as const) {
        for (const accept of [PLAIN, OCCI, JSON_TYPE]) {
          const reply = await client.send('POST', '/network/', { type, accept, categories: [kindOf('network')] });
          expect([type, accept, reply.status, reply.headers['content-type']?.split(';')[0]]).toEqual([
            type,
            accept,
            201,
            accept,
          ]);
        }
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
]);
