/**
 * What observed clients send, byte for byte, and what they read of the answer: statements of `spec/occi.md` §15 where that is more
 * than any server can be asked for. The suite (`src/conformance/checks/clients.ts`) has all of them, and `suite.test.ts` runs it.
 */

import type { Reply } from '../support/server.js';
import {
  CRTP,
  INFRA,
  JSON_TYPE,
  OCCI,
  PLAIN,
  URIS,
  USER,
  category,
  kindOf,
  lines,
  mixinOf,
  readText,
  type Client,
} from '../conformance/client.js';
import { conform } from '../conformance/conform.js';

const post = (client: Client, path: string, headers: Record<string, string>, body = ''): Promise<Reply> =>
  client.server.request('POST', path, { headers, body });
const pathOf = (reply: Reply): string => new URL(reply.headers.location ?? '').pathname;
const own = (client: Client, term: string): string => `${term}${client.version.replace('.', '')}`;
const COMPUTE = `Category: compute;scheme="${INFRA}";class="kind"`;

conform([
  {
    id: 'I-001, I-025',
    says: "rOCCI's creation: a list as Content-Type, no blanks, an id of its own",
    in: '1.1',
    holds: async (client) => {
      const id = crypto.randomUUID();
      const body = [
        COMPUTE,
        `Category: small;scheme="${CRTP}";class="mixin"`,
        `X-OCCI-Attribute: occi.core.id="${id}"`,
        'X-OCCI-Attribute: occi.core.title="My VM"',
        'X-OCCI-Attribute: occi.compute.hostname="My VM"',
      ].join('\n');
      const reply = await post(
        client,
        '/compute/',
        { 'content-type': 'text/plain,text/occi', accept: 'text/plain,text/occi' },
        body,
      );
      expect([reply.status, reply.text]).toEqual([201, `X-OCCI-Location: ${reply.headers.location}`]);
      const { attributes } = await client.entity(pathOf(reply));
      // K12: the server mints ids; the attribute and the URL agree.
      expect(attributes['occi.core.id']).toBe(`urn:uuid:${pathOf(reply).split('/').at(-1)}`);
    },
  },
  {
    id: 'I-003, I-023',
    says: 'lists are absolute URLs below the endpoint that the client used',
    holds: async (client) => {
      await client.create('network');
      const port = new URL(client.server.url).port;
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
        const reply = await client.send('GET', '/network/', { accept: URIS, headers: { host } });
        expect(reply.status).toBe(200);
        for (const url of lines(reply.text)) expect(url.startsWith(`http://${host.toLowerCase()}/network/`)).toBe(true);
      }
    },
  },
  {
    id: 'I-004',
    says: 'POST with a resource template alone resizes',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${CRTP}small`)] });
      const full = (await client.categories()).find((each) => each.id === `${CRTP}large`)?.line ?? '';
      const reply = await post(
        client,
        path,
        { 'content-type': 'text/plain,text/occi', accept: 'text/plain,text/occi' },
        `Category: ${full}`,
      );
      expect(reply.status).toBe(200);
      expect(readText(reply.text).attributes['occi.compute.cores']).toBe(4);
      expect(reply.headers.location).toBe(`${client.server.url}${path}`);
    },
  },
  {
    id: 'I-005',
    says: 'action attributes quoted, numbers bare',
    in: '1.1',
    holds: async (client) => {
      const path = await client.active();
      const stop = `Category: stop;scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#";class="action"\nX-OCCI-Attribute: method="graceful"`;
      expect((await post(client, `${path}?action=stop`, { 'content-type': 'text/plain,text/occi' }, stop)).status).toBe(
        200,
      );
      const storage = await client.create('storage', { attributes: ['occi.storage.size=1'] });
      await client.until(storage, 'occi.storage.state', 'online');
      const resize = `Category: resize;scheme="http://schemas.ogf.org/occi/infrastructure/storage/action#";class="action"\nX-OCCI-Attribute: size=2.0`;
      expect(
        (await post(client, `${storage}?action=resize`, { 'content-type': 'text/plain,text/occi' }, resize)).status,
      ).toBe(200);
    },
  },
  {
    id: 'I-015, I-016',
    says: 'bare digits for a string, a quoted boolean',
    holds: async (client) => {
      const path = await client.create('compute', { attributes: ['occi.compute.hostname=12345'] });
      expect((await client.get(path, JSON_TYPE)).json.attributes['occi.compute.hostname']).toBe('12345');
      const keep = 'X-OCCI-Attribute: eu.contrail-project.ovf.keep-on-failure="true"';
      const refused = await post(
        client,
        '/appliance/',
        { 'content-type': PLAIN },
        `Category: appliance; scheme="http://schemas.contrail-project.eu/occi/ovf#"; class="kind"\n${keep}`,
      );
      expect(refused.text).not.toContain('keep-on-failure');
    },
  },
  {
    id: 'I-019, I-020',
    says: 'a category without class, sent to the root',
    holds: async (client) => {
      const headers = { 'content-type': OCCI, category: `compute; scheme="${INFRA}"` };
      for (const path of ['/', '/compute/', '/compute', '//compute/']) {
        const reply = await post(client, path, headers);
        expect([path, reply.status, reply.text]).toEqual([path, 201, expect.any(String)]);
      }
    },
  },
  {
    id: 'I-021',
    says: 'a user mixin with an unknown rel is accepted, and never shows it',
    holds: async (client) => {
      const term = own(client, 'related');
      const rel = '; rel="http://example.com/occi/something_else#mixin"';
      const sending = { categories: [category(USER + term, 'mixin', `${rel}; location="/${term}/"`)] };
      expect((await client.send('POST', '/-/', sending)).status).toBe(200);
      expect((await client.categories()).find((each) => each.term === term)?.rel).toBeUndefined();
    },
  },
  {
    id: 'I-024',
    says: 'PUT of everything that GET showed, links and actions too, for 1.2',
    in: '1.2',
    holds: async (client) => {
      const network = await client.create('network');
      const links = [`<${network}>; rel="${INFRA}network"; category="${INFRA}networkinterface"`];
      const path = await client.create('compute', { links });
      await client.act(path, 'compute', 'start');
      await client.until(path, 'occi.compute.state', 'active');
      // The interface follows its machine: what changes between GET and PUT would be a change that PUT asks for.
      const [self = ''] = (await client.entity(path)).links.flatMap((link) => link.self ?? []);
      await client.until(self, 'occi.networkinterface.state', 'active');
      for (const type of [PLAIN, JSON_TYPE]) {
        const { text: body } = await client.get(path, type);
        const put = await client.send('PUT', path, { body, headers: { 'content-type': type }, accept: type });
        expect([put.status, put.text]).toEqual([200, expect.any(String)]);
        expect(put.headers.location).toBe(`${client.server.url}${path}`);
      }
      expect((await client.entity(path)).links.filter((link) => link.self)).toHaveLength(1);
    },
  },
  {
    id: 'I-026, I-027',
    says: 'an inline link in any order, its target as attribute, the category repeated',
    holds: async (client) => {
      const network = await client.create('network');
      const links = [
        `<${network}>; occi.networkinterface.mac="02:00:00:00:00:02"; category="${INFRA}networkinterface"; rel="${INFRA}network"`,
        `<bogus>; rel="${INFRA}network"; category="${INFRA}networkinterface"; occi.core.target="${network}"`,
      ];
      const path = await client.create('compute', { links });
      const shown = (await client.entity(path)).links.filter((link) => link.self);
      expect(shown.map((link) => link.target)).toEqual([network, network]);
    },
  },
  {
    id: 'I-030, I-031, I-032, I-033',
    says: 'JSON as real clients write it',
    in: '1.2',
    holds: async (client) => {
      const term = own(client, 'jsonish');
      await client.send('POST', '/-/', { categories: [category(USER + term, 'mixin', `; location="/${term}/"`)] });
      const network = await client.create('network');
      const json = (path: string, body: unknown, type = JSON_TYPE) =>
        post(client, path, { 'content-type': type, accept: JSON_TYPE }, JSON.stringify(body));
      expect((await json(`/${term}/`, [`${client.server.url}${network}`])).status).toBe(200);
      expect(await client.list(`/${term}/`)).toEqual([network]);
      const nested = {
        resources: [
          { kind: `${INFRA}compute`, attributes: { occi: { core: { title: 'nested' }, compute: { cores: 2 } } } },
        ],
      };
      for (const type of [JSON_TYPE, 'application/json', `${JSON_TYPE}; charset=utf-8`]) {
        const reply = await json('/compute/', nested, type);
        expect([type, reply.status, reply.text]).toEqual([type, 201, expect.any(String)]);
        expect(reply.json).toMatchObject({ title: 'nested', attributes: { 'occi.compute.cores': 2 } });
      }
      const compute = await client.create('compute');
      const link = { kind: `${INFRA}networkinterface`, source: `${client.server.url}${compute}`, target: network };
      expect((await json('/networkinterface/', link)).status).toBe(201);
      expect(
        (
          await post(
            client,
            '/network/',
            { 'content-type': 'text/plain; charset=utf-8' },
            `Category: ${kindOf('network')}`,
          )
        ).status,
      ).toBe(201);
    },
  },
]);
