/** Entities as VEP decides where the statements of the suite leave a choice (`suite.test.ts` has the statements). */

import { CRTP, INFRA, JSON_TYPE, PLAIN, actionOf, kindOf, mixinOf, readText, type Client } from './client.js';
import { conform } from './conform.js';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const linkTo = (target: string, noun = 'network', kind = 'networkinterface', rest = ''): string =>
  `<${target}>; rel="${INFRA}${noun}"; category="${INFRA}${kind}"${rest}`;
/** The links that are entities: those with a self. */
const owned = async (client: Client, path: string) =>
  (await client.entity(path)).links.filter((link) => link.self !== undefined);
/** A full text of the entity as the server shows it, with or without its links. */
async function echo(client: Client, path: string, withLinks: boolean): Promise<string> {
  const text = (await client.get(path, PLAIN)).text;
  return text
    .split('\r\n')
    .filter((line) => withLinks || !line.startsWith('Link:'))
    .join('\r\n');
}

conform([
  {
    id: 'C-141, C-142',
    says: 'an entity has no slash at its end and shows kind, mixins and attributes',
    holds: async (client) => {
      const path = await client.create('compute', { categories: [mixinOf(`${CRTP}small`)] });
      expect(path.endsWith('/')).toBe(false);
      const { categories, attributes } = await client.entity(path);
      // What a mixin depends on is associated with it (C-028).
      const ids = [`${INFRA}compute`, `${CRTP}small`, `${INFRA}resource_tpl`];
      expect(categories.map((each) => each.id)).toEqual(ids);
      expect(attributes['occi.compute.cores']).toBe(1);
      expect((await client.get(`${path}/`)).status).toBe(404);
    },
  },
  {
    id: 'C-143',
    says: 'an unknown entity is not found, nor one under the wrong kind',
    holds: async (client) => {
      const path = await client.create('network');
      for (const wrong of [`/compute/${NOBODY}`, path.replace('/network/', '/compute/'), '/compute/x'])
        for (const accept of [PLAIN, JSON_TYPE, 'text/occi'])
          expect((await client.get(wrong, accept)).status).toBe(404);
    },
  },
  {
    id: 'C-144',
    says: 'PUT to a new URL is refused, and says the same of a foreign one',
    holds: async (client) => {
      const theirs = await client.being('stranger').create('compute');
      const put = (path: string) => client.send('PUT', path, { categories: [kindOf('compute')] });
      const answers = [await put(`/compute/${NOBODY}`), await put(theirs), await put('/123')];
      expect(answers.map((reply) => reply.status)).toEqual([400, 400, 400]);
      expect(answers[1]?.text).toBe(answers[0]?.text);
    },
  },
  {
    id: 'C-147, C-148, C-151',
    says: 'PUT replaces the mutable attributes, twice the same',
    holds: async (client) => {
      const attributes = ['occi.core.title="t"', 'occi.core.summary="s"', 'occi.compute.hostname="h"'];
      const path = await client.create('compute', { attributes });
      const put = { categories: [kindOf('compute')], attributes: ['occi.core.title="new"'] };
      const first = await client.send('PUT', path, put);
      expect([first.status, first.headers.location]).toEqual([200, `${client.server.url}${path}`]);
      const after = readText(first.text).attributes;
      expect(after['occi.core.title']).toBe('new');
      expect(after).not.toHaveProperty('occi.core.summary');
      expect(after).not.toHaveProperty('occi.compute.hostname');
      expect(readText((await client.send('PUT', path, put)).text)).toEqual(readText(first.text));
    },
  },
  {
    id: 'C-149, C-150',
    says: 'PUT keeps links; in 1.1 a new Link in it is refused',
    holds: async (client) => {
      const links = [linkTo(await client.create('network'))];
      const path = await client.create('compute', { links });
      const before = await owned(client, path);
      expect((await client.send('PUT', path, { body: await echo(client, path, false) })).status).toBe(200);
      expect(await owned(client, path)).toHaveLength(before.length);
      expect((await client.send('PUT', path, { body: await echo(client, path, true) })).status).toBe(200);
      expect(await owned(client, path)).toHaveLength(before.length);
      const added = { categories: [kindOf('compute')], links: [linkTo(await client.create('network'))] };
      const reply = await client.send('PUT', path, added);
      if (client.version === '1.1') expect(reply.status).toBe(400);
      expect(await owned(client, path)).toHaveLength(reply.status === 400 ? 1 : 2);
    },
  },
  {
    id: 'C-152, C-153',
    says: 'POST changes one attribute and answers with the whole',
    holds: async (client) => {
      const path = await client.create('compute', { attributes: ['occi.core.title="t"', 'occi.compute.hostname="h"'] });
      const before = (await client.entity(path)).attributes;
      const reply = await client.send('POST', path, { attributes: ['occi.core.title="changed"'] });
      expect([reply.status, reply.headers.location]).toEqual([200, `${client.server.url}${path}`]);
      expect(readText(reply.text).attributes).toEqual({ ...before, 'occi.core.title': 'changed' });
    },
  },
  {
    id: 'C-157, C-158',
    says: 'an unknown attribute or a broken body changes nothing',
    holds: async (client) => {
      const path = await client.create('compute', { attributes: ['occi.core.title="kept"'] });
      const before = (await client.get(path)).text;
      for (const body of [
        'X-OCCI-Attribute: occi.core.title="new"\r\nX-OCCI-Attribute: occi.compute.colour="red"',
        'X-OCCI-Attribute: occi.core.title="new"\r\nX-OCCI-Attribute: occi.compute.cores=',
        'X-OCCI-Attribute: occi.core.title="new',
        'X-OCCI-Attribute: occi.core.title="new"\r\nnonsense',
        'Category: ; scheme="x"; class="mixin"',
        'X-OCCI-Attribute: occi.compute.cores="two"',
        'X-OCCI-Attribute: occi.compute.cores=1.5',
        'X-OCCI-Attribute: occi.core.title="a"\r\nX-OCCI-Attribute: occi.core.title="b"',
      ])
        expect([body, (await client.send('POST', path, { body })).status]).toEqual([body, 400]);
      expect((await client.get(path)).text).toBe(before);
    },
  },
  {
    id: 'C-159, C-160, C-161',
    says: 'an action needs its category, and the one that the URL names',
    holds: async (client) => {
      const path = await client.create('compute');
      expect((await client.send('POST', `${path}?action=start`)).status).toBe(400);
      const other = { categories: [actionOf('compute', 'stop')] };
      expect((await client.send('POST', `${path}?action=start`, other)).status).toBe(400);
      expect(
        (await client.send('POST', `${path}?action=`, { categories: [actionOf('compute', 'start')] })).status,
      ).toBe(400);
      const twice = await client.send('POST', `${path}?action=start&action=stop`, {
        categories: [actionOf('compute', 'start')],
      });
      expect(twice.status).toBe(400);
      expect((await client.send('GET', `${path}?action=start`)).status).toBe(400);
      expect((await client.act(path, 'compute', 'start')).status).toBe(200);
      await client.until(path, 'occi.compute.state', 'active');
    },
  },
  {
    id: 'C-162',
    says: 'an action that is not available is refused',
    holds: async (client) => {
      const path = await client.create('compute');
      expect((await client.act(path, 'compute', 'stop')).status).toBe(client.version === '1.1' ? 400 : 409);
      expect([400, 404]).toContain((await client.act(path, 'network', 'up')).status);
      expect([400, 404]).toContain((await client.act(path, 'compute', 'explode')).status);
    },
  },
  {
    id: 'C-163',
    says: 'a parameter outside its enumeration is refused',
    holds: async (client) => {
      const path = await client.active();
      expect((await client.act(path, 'compute', 'stop', ['method="axe"'])).status).toBe(400);
      expect([400, 404]).toContain((await client.act(path, 'compute', 'stop', ['colour="red"'])).status);
      expect((await client.entity(path)).attributes['occi.compute.state']).toBe('active');
    },
  },
  {
    id: 'C-164, C-165, C-166',
    says: 'DELETE takes the entity out of everything, its links with it',
    holds: async (client) => {
      const network = await client.create('network');
      const path = await client.create('compute', { links: [linkTo(network)] });
      const [link] = await owned(client, path);
      expect((await client.send('DELETE', path)).status).toBe(200);
      expect((await client.get(path)).status).toBe(404);
      expect((await client.send('DELETE', path)).status).toBe(404);
      expect(await client.list('/compute/')).not.toContain(path);
      expect((await client.get(link?.self ?? '')).status).toBe(404);
      expect(await client.list('/networkinterface/')).not.toContain(link?.self);
      expect((await client.get(network)).status).toBe(200);
    },
  },
  {
    id: 'C-168, C-169, C-170, C-174, C-176',
    says: 'links given at creation come with the resource and show all they should',
    holds: async (client) => {
      const network = await client.create('network');
      const ip = 'http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface';
      const link = `<${network}>; rel="${INFRA}network"; category="${INFRA}networkinterface ${ip}"; occi.networkinterface.mac="02:00:00:00:00:01"`;
      const reply = await client.send('POST', '/compute/', { categories: [kindOf('compute')], links: [link] });
      expect([reply.status, reply.text]).toEqual([201, `X-OCCI-Location: ${reply.headers.location}`]);
      const path = new URL(reply.headers.location ?? '').pathname;
      const [shown] = await owned(client, path);
      expect(shown).toMatchObject({
        target: network,
        rel: `${INFRA}network`,
        self: expect.stringMatching(/^\/networkinterface\//),
        category: `${INFRA}networkinterface ${ip}`,
      });
      expect(shown?.attributes['occi.networkinterface.mac']).toBe('02:00:00:00:00:01');
      expect((await client.entity(shown?.self ?? '')).attributes['occi.networkinterface.mac']).toBe(
        '02:00:00:00:00:01',
      );
    },
  },
]);
